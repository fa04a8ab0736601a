/** `/v1/changes`: the journal as pages, to keep a copy in step with. */
import { createRoute, z } from "@hono/zod-openapi";
import { listChanges } from "../lifecycle/realtime/changes_page.ts";
import { answer, apiApp, json, problems } from "./api.ts";
import type { AppDeps } from "./app_deps.ts";
import { neverKept } from "./caching.ts";
import { EventCardSchema } from "./event_schemas.ts";
import { limit } from "./query_schemas.ts";

/** A CloudEvent; the same on streams. */
export const ChangeSchema = z.object({
  specversion: z.literal("1.0"),
  id: z.string().meta({ description: "The change's id; of a leaving with `.left` after it." }),
  source: z.literal("/v1/events"),
  type: z.enum([
    "event.created",
    "event.updated",
    "event.transitioned",
    "event.deleted",
    "event.left",
  ]).meta({ description: "`event.left`: it is no longer among those that are watched." }),
  subject: z.string().meta({ description: "The event's id." }),
  time: z.string().meta({ format: "date-time", description: "When it was recorded." }),
  sequence: z.string().meta({
    description: "The event's version in ten digits: the greater is the newer.",
  }),
  datacontenttype: z.literal("application/json").optional(),
  data: EventCardSchema.optional().meta({
    description: "The event as lists show it; absent when it left or was deleted.",
  }),
}).meta({ id: "Change", description: "What became of an event (CloudEvents 1.0)." });

const listRoute = createRoute({
  method: "get",
  path: "/v1/changes",
  summary: "List changes",
  description:
    "Everything that changed, in the order in which it was committed, of all events that the caller " +
    "may see. A copy begins with lists and their `position`, and goes on with `after` it. What is " +
    "hidden from the caller from some change on is told once, as `event.left`. Without `after` it " +
    "begins with the oldest change that is kept.",
  request: {
    query: z.strictObject({
      after: z.string().min(1).max(200).optional().meta({
        description: "`position` of the page before, of a list, or the id of a change.",
      }),
      limit,
    }),
  },
  responses: {
    200: json(
      z.object({
        items: z.array(ChangeSchema),
        position: z.string().meta({ description: "Where the next page goes on, as its `after`." }),
        has_more: z.boolean().meta({ description: "Whether there is more already." }),
      }).meta({ id: "ChangeList" }),
      "Changes, oldest first",
    ),
    ...problems(400, 401, 410, 503),
  },
});

export function changes({ store, clock, openEndedMs }: AppDeps) {
  return apiApp().openapi(listRoute, async (c) => {
    const { after, limit } = c.req.valid("query");
    const { items, position, hasMore } = await listChanges(store, {
      after,
      limit,
      principal: c.get("principal"),
      now: clock(),
      openEndedMs,
    });
    return answer(c, { items, position, has_more: hasMore }, 200, neverKept(c));
  });
}
