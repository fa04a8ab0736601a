/**
 * `/v1/events/socket`: the stream's changes over a WebSocket. The first message says what is watched
 * and from where on; every frame back is `{ id, data }`, a heartbeat `{ id }`, a reset
 * `{ id, event: "reset", data }`.
 */
import { createRoute, type z } from "@hono/zod-openapi";
import { DomainError } from "../kv/errors.ts";
import type { EventId } from "../kv/event_record.ts";
import type { Delivery, Follower } from "../lifecycle/realtime/follower.ts";
import { apiApp, problems } from "./api.ts";
import type { AppDeps } from "./app_deps.ts";
import { eventQueryOf, StreamQuery } from "./query_schemas.ts";
import { requireSameOrigin } from "./site_origin.ts";
import { sameCaller, type Seats } from "./stream_callers.ts";

/** What closes a socket, beside the standard's own codes. */
const POLICY_VIOLATION = 1008;
const GOING_AWAY = 1001;
const NORMAL = 1000;

/** Until it says what it wants to watch. */
const HELLO_MS = 10_000;
const MAX_HELLO_LENGTH = 8 * 1024;
/** Bytes that a client may be behind before it is waited for. */
const MAX_BUFFERED_BYTES = 256 * 1024;
const BUFFER_LOOK_MS = 50;

const socketRoute = createRoute({
  method: "get",
  path: "/v1/events/socket",
  summary: "Watch events over a WebSocket",
  description:
    "The first message is an object with the parameters of the stream, all optional: the filters, " +
    '`event`, `last_event_id`. Every frame is `{"id", "data"}` with a change as the stream has it; ' +
    '`{"id"}` alone is a heartbeat, `{"id", "event": "reset", "data"}` says to read the list again. ' +
    "A message that is none is answered with a problem and the end.",
  responses: {
    101: { description: "The socket" },
    ...problems(400, 401, 403, 426, 503),
  },
});

export function eventSocket(deps: AppDeps, seats: Seats) {
  const { realtime } = deps;
  return apiApp().openapi(socketRoute, (c) => {
    if (c.req.header("upgrade")?.toLowerCase() !== "websocket") {
      throw new DomainError("upgrade_required");
    }
    // A browser sends cookies along with any site's socket, and asks nobody first.
    if (c.req.header("cookie") !== undefined) requireSameOrigin(c, deps);
    const principal = sameCaller(c, deps);
    const leave = seats.take(c);
    const log = c.get("log");
    const { socket, response } = Deno.upgradeWebSocket(c.req.raw, { idleTimeout: 30 });
    let follower: Follower | null = null;
    const late = setTimeout(() => end(POLICY_VIOLATION, "the first message is missing"), HELLO_MS);
    const end = (code: number, reason: string) => {
      if (socket.readyState === WebSocket.OPEN) socket.close(code, reason);
    };
    let isGreeted = false;
    socket.onmessage = ({ data }) => {
      if (isGreeted) return end(POLICY_VIOLATION, "one message says it all");
      isGreeted = true;
      clearTimeout(late);
      watch(data).catch((error) => {
        if (!(error instanceof DomainError)) log.error("a socket failed", { error });
        const { code, detail } = error instanceof DomainError ? error : new DomainError("internal");
        if (socket.readyState === WebSocket.OPEN) {
          socket.send(JSON.stringify({ event: "problem", data: { code, detail } }));
        }
        end(POLICY_VIOLATION, code);
      });
    };
    socket.onclose = () => {
      clearTimeout(late);
      follower?.close();
      leave();
    };
    socket.onerror = () => {};

    async function watch(data: unknown): Promise<void> {
      const { event, last_event_id: lastId, ...query } = helloOf(data);
      follower = await realtime.follow(
        { query: eventQueryOf(query), eventId: event as EventId | undefined },
        { lastId: lastId || undefined, principal, drop: () => end(POLICY_VIOLATION, "not read") },
      );
      if (follower === null) return end(GOING_AWAY, "no longer");
      if (socket.readyState !== WebSocket.OPEN) return follower.close();
      // Cut off before they are told to start anew, they would go on from here.
      if (!follower.startsAnew) socket.send(JSON.stringify({ id: follower.position }));
      for (;;) {
        const delivery = await follower.next();
        if (delivery === null) return end(NORMAL, "the end");
        for (const frame of frames(delivery)) socket.send(frame);
        while (socket.bufferedAmount > MAX_BUFFERED_BYTES) {
          if (socket.readyState !== WebSocket.OPEN) return;
          await new Promise((resolve) => setTimeout(resolve, BUFFER_LOOK_MS));
        }
      }
    }

    return response as never;
  });
}

/** @throws {DomainError} `malformed_json`, `invalid_query`. */
function helloOf(data: unknown): z.output<typeof StreamQuery> {
  if (typeof data !== "string" || data.length > MAX_HELLO_LENGTH) {
    throw new DomainError("payload_too_large", "The first message is a text of at most 8 KiB.");
  }
  let value: unknown;
  try {
    value = JSON.parse(data);
  } catch {
    throw new DomainError("malformed_json", "The first message is not valid JSON.");
  }
  const parsed = StreamQuery.safeParse(value);
  if (parsed.success) return parsed.data;
  const { path, message } = parsed.error.issues[0]!;
  throw new DomainError("invalid_query", `${path.join(".") || "The message"}: ${message}`);
}

function* frames(delivery: Delivery): Generator<string> {
  const { type, position } = delivery;
  if (type === "heartbeat") yield JSON.stringify({ id: position });
  else if (type === "reset") {
    const { reason, requested } = delivery;
    const data = { reason, requested, position };
    yield JSON.stringify({ id: position, event: "reset", data });
  } else {
    for (const { id, json } of delivery.messages) {
      yield `{"id":${JSON.stringify(id)},"data":${json}}`;
    }
  }
}
