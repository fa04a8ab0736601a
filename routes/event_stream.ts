/** `/v1/events/stream`: changes as they happen, as server-sent events. */
import { createRoute, z } from "@hono/zod-openapi";
import { DomainError } from "../kv/errors.ts";
import type { EventId } from "../kv/event_record.ts";
import type { Logger } from "../lifecycle/log.ts";
import type { Delivery, Follower } from "../lifecycle/realtime/follower.ts";
import type { Told } from "../lifecycle/realtime/telling.ts";
import { apiApp, problems } from "./api.ts";
import type { AppDeps } from "./app_deps.ts";
import { apiResponse } from "./headers.ts";
import { eventQueryOf, StreamQuery } from "./query_schemas.ts";
import { sameCaller, type Seats } from "./stream_callers.ts";

const streamRoute = createRoute({
  method: "get",
  path: "/v1/events/stream",
  summary: "Watch events",
  description:
    "Server-sent events: each `data` is a change (CloudEvents 1.0) of an event that the list of the " +
    "same parameters showed before it or shows after it; `event.left` says that it no longer does. " +
    "With `event` it is of that one, whatever its status. Each `id` is a position, to go on from with " +
    "`Last-Event-ID`, that of a list too. When it cannot be gone on from there, an `event: reset` " +
    "says so: read the list again, and go on.",
  request: {
    query: StreamQuery,
    headers: z.object({
      // However long: a browser that were refused would never come back.
      "last-event-id": z.string().optional().meta({
        description: "The `id` that was received last, as browsers send it by themselves.",
      }),
    }),
  },
  responses: {
    200: {
      description: "The stream; it goes on until either side ends it",
      content: { "text/event-stream": { schema: z.string() } },
    },
    ...problems(400, 401, 503),
  },
});

export function eventStream(deps: AppDeps, seats: Seats) {
  const { realtime } = deps;
  return apiApp().openapi(streamRoute, async (c) => {
    const { event, last_event_id: lastId, ...query } = c.req.valid("query");
    const leave = seats.take(c);
    let controller: ReadableStreamDefaultController<Uint8Array>;
    let follower: Follower | null = null;
    try {
      follower = await realtime.follow(
        { query: eventQueryOf(query), eventId: event as EventId | undefined },
        {
          // What the browser adds when it comes back is newer than what the page was made with.
          lastId: c.req.valid("header")["last-event-id"] || lastId || undefined,
          principal: sameCaller(c, deps),
          // No error, which the runtime would print: whoever reads on some day finds the end.
          drop: () => controller.close(),
        },
      );
    } finally {
      if (follower === null) leave();
    }
    const body = new ReadableStream<Uint8Array>({
      start: (given) => void (controller = given),
      pull: follower === null ? (to) => to.close() : pullFrom(follower, c.get("log")),
      cancel: () => follower?.close(),
    }, { highWaterMark: 0 });
    follower?.ended.then(leave);
    return apiResponse(c, body, {
      contentType: "text/event-stream",
      headers: { "cache-control": "no-store, no-transform", "x-accel-buffering": "no" },
    }) as never;
  });
}

const encoder = new TextEncoder();

/** Asked only by who is ready to take more, so nothing is queued here. */
function pullFrom(follower: Follower, log: Logger) {
  let isFirst = true;
  return async (to: ReadableStreamDefaultController<Uint8Array>): Promise<void> => {
    if (isFirst) {
      isFirst = false;
      return to.enqueue(encoder.encode(greeting(follower)));
    }
    let delivery: Delivery | null;
    try {
      delivery = await follower.next();
    } catch (error) {
      log[error instanceof DomainError ? "info" : "error"]("a stream failed", { error });
      throw error;
    }
    if (delivery === null) to.close();
    else to.enqueue(bytesOf(delivery));
  };
}

/**
 * Who is cut off before the first change has an id to come back with, unless they are to be told to
 * start anew: cut off before that, they would go on from here. And not all at once when this process
 * ends.
 */
function greeting({ startsAnew, position }: Follower): string {
  const retry = `retry: ${1_000 + Math.floor(Math.random() * 4_000)}\n`;
  return startsAnew ? `${retry}\n` : `${retry}id: ${position}\n\n`;
}

function bytesOf(delivery: Delivery): Uint8Array {
  const { type, position } = delivery;
  if (type === "heartbeat") return encoder.encode(`: still here\nid: ${position}\n\n`);
  if (type === "reset") {
    const { reason, requested } = delivery;
    const data = JSON.stringify({ reason, requested, position });
    return encoder.encode(`event: reset\nid: ${position}\ndata: ${data}\n\n`);
  }
  return joined(delivery.messages.map(frameOf));
}

/** Those made last, for about as many as are told the same at about the same time. */
const FRAMES_KEPT = 1_000;
const frames = new Map<Told, Uint8Array>();

/** Encoded once for all who are told the same. */
function frameOf(told: Told): Uint8Array {
  const known = frames.get(told);
  if (known !== undefined) return known;
  const frame = encoder.encode(`id: ${told.id}\ndata: ${told.json}\n\n`);
  if (frames.size === FRAMES_KEPT) frames.clear();
  frames.set(told, frame);
  return frame;
}

function joined(parts: Uint8Array[]): Uint8Array {
  if (parts.length === 1) return parts[0]!;
  const bytes = new Uint8Array(parts.reduce((size, { length }) => size + length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}
