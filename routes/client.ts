/**
 * The API for programs in TypeScript: every path, parameter, body and answer with its type, in
 * browsers, Deno, Node and on the edge. Of the server only types are imported, and those are gone
 * when it runs.
 *
 * @example
 * ```ts
 * const client = createClient("https://events.example.org", { token });
 * const list = client.v1.events.$get;
 * for await (const event of items(list, { query: { tag: "music" } })) console.log(event.title);
 *
 * const param = { id: "evt_…" };
 * const read = await client.v1.events[":id"].$get({ param });
 * const header = { "If-Match": etagOf(read) };
 * await client.v1.events[":id"].$patch({ param, header, json: { title: "Encore" } });
 * ```
 */
import { hc } from "hono/client";
import type { Client, ClientApp } from "./client/endpoints.ts";
import { problemErrorOf } from "./client/problem_error.ts";
import { persistentFetch, type RetryOptions } from "./client/retries.ts";

export { bodyOf, etagOf, items, pages } from "./client/answers.ts";
export { type ProblemCode, ProblemError } from "./client/problem_error.ts";
export type { Client } from "./client/endpoints.ts";
export type { Fetch, RetryOptions } from "./client/retries.ts";
export type { EventCardView, EventView } from "../lifecycle/event_view.ts";

export interface ClientOptions extends RetryOptions {
  /** Whose requests these are: sent as a bearer token. */
  token?: string;
}

/** There a 503 is an answer like others, and says what is wrong. */
const HEALTH = /\/(healthz|readyz)$/;

/**
 * A client of the server at `baseUrl`. Its calls throw {@linkcode ProblemError} for what was not
 * served, and what `fetch` throws when no answer arrives. Before that they are sent again where it
 * is harmless (`client/retries.ts`); `init: { signal }` in a call's second argument ends that.
 *
 * A DELETE whose answer was lost is sent again as well; when it then finds nothing, it counts as
 * done, whoever did it.
 * @throws {TypeError} for a `baseUrl` that is none.
 */
export function createClient(
  baseUrl: string,
  { token, ...retrying }: ClientOptions = {},
): Client {
  const { href } = new URL(baseUrl);
  const once = persistentFetch({ ...retrying, retries: 0 });
  const persistent = persistentFetch(retrying);
  return hc<ClientApp>(href, {
    headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
    async fetch(input: string | URL | Request, init?: RequestInit) {
      const isHealth = HEALTH.test(String(input));
      const response = await (isHealth ? once : persistent)(input, init);
      const { ok, status } = response;
      if (ok || status === 304 || (isHealth && status === 503)) return response;
      throw await problemErrorOf(response);
    },
  });
}
