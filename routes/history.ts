/** `/v1/events/{id}/history`: who did what to an event, and when. */
import { createRoute, z } from "@hono/zod-openapi";
import {
  EVENT_STATUSES,
  type EventId,
  type HistoryEntry,
  instantText,
} from "../kv/event_record.ts";
import { listHistory } from "../kv/event_history.ts";
import { getEvent } from "../kv/events.ts";
import { notFound, relationTo, requirePeople } from "../lifecycle/policy.ts";
import { answer, apiApp, json, problems } from "./api.ts";
import type { AppDeps } from "./app_deps.ts";
import { actorText } from "./event_schemas.ts";
import { EventPath } from "./events.ts";
import { limit, version } from "./query_schemas.ts";

const HistorySchema = z.object({
  version: z.int(),
  at: z.string(),
  by: z.string(),
  transition: z.object({
    name: z.string(),
    from: z.enum(EVENT_STATUSES).nullable(),
    to: z.enum(EVENT_STATUSES),
  }).nullable(),
  reason: z.string().nullable(),
  fields: z.array(
    z.object({ field: z.string(), before: z.string().nullable(), after: z.string().nullable() }),
  ),
}).meta({ id: "HistoryEntry" });

const historyRoute = createRoute({
  method: "get",
  path: "/v1/events/{id}/history",
  summary: "List what was done to an event",
  description:
    "Transitions and edits, newest first, for the event's people: when, who, and which " +
    "fields, with shortened old and new values. `clock` is time itself.",
  request: {
    params: EventPath,
    query: z.strictObject({
      limit,
      before_version: version.optional().meta({
        description: "`next_before_version` of the page before.",
      }),
    }),
  },
  responses: {
    200: json(
      z.object({ items: z.array(HistorySchema), next_before_version: z.int().nullable() }),
      "The history",
    ),
    ...problems(400, 401, 403, 404, 503),
  },
});

export function history({ store }: AppDeps) {
  return apiApp()
    .openapi(historyRoute, async (c) => {
      const { id } = c.req.valid("param");
      const { limit, before_version: beforeVersion } = c.req.valid("query");
      const principal = c.get("principal");
      const stored = await getEvent(store, id as EventId);
      if (stored === null) throw notFound(id);
      const { record } = stored;
      requirePeople(record, await relationTo(store, principal, record), principal);
      const entries = await listHistory(store, record, {
        limit: limit + 1,
        ...(beforeVersion === undefined ? {} : { beforeVersion }),
      });
      const items = entries.slice(0, limit).map(historyView);
      const next = entries.length > limit ? items.at(-1)!.version : null;
      return answer(c, { items, next_before_version: next }, 200);
    });
}

function historyView({ version, at, by, transition, reason, fields }: HistoryEntry) {
  return {
    version,
    at: instantText(at),
    by: actorText(by),
    transition,
    reason,
    fields: Object.entries(fields ?? {}).map(([field, [before, after]]) => ({
      field,
      before,
      after,
    })),
  };
}
