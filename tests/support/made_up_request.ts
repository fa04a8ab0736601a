/** Sending a request that was made up, with what a client knows from the answer before put in. */
import { CURRENT_TAG, type MadeUp, NEXT_CURSOR, POSITION } from "./contract_requests.ts";
import type { World } from "./contract_world.ts";

/** The request's path with its query. */
export function addressOf({ path, query }: Pick<MadeUp, "path" | "query">): string {
  const pairs = query.map(([name, value]) => `${name}=${value}`);
  return pairs.length === 0 ? path : `${path}?${pairs.join("&")}`;
}

export async function send(world: World, request: MadeUp): Promise<Response> {
  const { method, headers, text, json, amiss } = request;
  if (amiss === "limit") world.buckets.areSpent = true;
  else if (amiss !== undefined) world.fail(amiss);
  const takesBody = method !== "GET" && method !== "HEAD";
  const body = text ?? (json === undefined ? undefined : JSON.stringify(json));
  return await world.request(method, addressOf(request), {
    headers,
    // As text, to which no type is added.
    body: takesBody ? body : undefined,
    ifMatch: null,
  });
}

/** The request with all that was left open put in. */
export async function settled(world: World, request: MadeUp): Promise<MadeUp> {
  const headers = { ...request.headers };
  for (const name of ["if-match", "if-none-match"]) {
    if (!headers[name]?.includes(CURRENT_TAG)) continue;
    const path = request.path.replace(/\/transitions$/, "");
    const { response } = await get(world, { ...request, path });
    headers[name] = headers[name].replace(CURRENT_TAG, response.headers.get("etag") ?? '"0"');
  }
  const query: MadeUp["query"] = [];
  for (const [name, value] of request.query) {
    if (value === NEXT_CURSOR) {
      const others = request.query.filter(([name]) => name !== "cursor" && name !== "limit");
      const { body } = await get(world, { ...request, query: [...others, ["limit", "1"]] });
      if (body.next_cursor) query.push([name, encodeURIComponent(body.next_cursor)]);
    } else if (value === POSITION) {
      const { body } = await get(world, { ...request, path: "/v1/events", query: [] });
      query.push([name, body.position]);
    } else query.push([name, value]);
  }
  return { ...request, headers, query };
}

async function get(world: World, request: MadeUp) {
  const { authorization } = request.headers;
  const headers: Record<string, string> = authorization === undefined ? {} : { authorization };
  const response = await world.request("GET", addressOf(request), { headers });
  const body = await response.json().catch(() => ({}));
  return { response, body };
}
