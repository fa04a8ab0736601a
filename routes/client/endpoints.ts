/**
 * The types of the client: the app's own, as whoever calls it sees them. Problems are thrown, so
 * they are no answers here; what may be empty may be left out; what needs `If-Match` says so.
 */
import type { Hono } from "hono";
import type { hc } from "hono/client";
import type { BlankEnv, Endpoint, ExtractSchema } from "hono/types";
import type { Api } from "../app.ts";

type Routes = ExtractSchema<Api>;

/** One of an endpoint's answers, unless it is a problem. */
type Answer<E> = E extends { output: { request_id: string } } ? never : E;
type Body<E> = Exclude<Answer<E>, { status: 204 | 304 }>;

type Empty = Record<never, never>;
type Needed<Input> = { [K in keyof Input as Empty extends Input[K] ? never : K]: Input[K] };
type Optional<Input> = { [K in keyof Input as Empty extends Input[K] ? K : never]?: Input[K] };

/** A PATCH needs its body: without one it has no media type, and is refused. */
type Arguments<Input, Method> = Method extends "$patch" ? Input : Needed<Input> & Optional<Input>;

/** Whoever changes an event says from which version: the tag that `etagOf` reads, or `*` for any. */
type Headers<Status> = 428 extends Status
  ? { header: { "If-Match": string; [name: string]: string } }
  : { header?: Record<string, string> };

type Call<E extends Endpoint, Method> =
  & {
    input: Arguments<E["input"], Method> & Headers<E["status"]>;
    status: [Answer<E>] extends [never] ? 200 : Answer<E>["status"];
  }
  & ([Body<E>] extends [never]
    // Nothing, or lines, which the app's types do not know.
    ? { output: string; outputFormat: "text" }
    : Pick<Body<E>, "output" | "outputFormat">);

type Calls = {
  [Path in keyof Routes]: {
    [Method in keyof Routes[Path]]: Call<Extract<Routes[Path][Method], Endpoint>, Method>;
  };
};

/** The app as `hc` is told of it. */
export type ClientApp = Hono<BlankEnv, Calls, "/">;

/** The API by path and method: `client.v1.events[":id"].$get({ param: { id } })`. */
export type Client = ReturnType<typeof hc<ClientApp>>;
