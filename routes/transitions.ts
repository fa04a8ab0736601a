/** `/v1/events/{id}/transitions`: how an event goes from status to status. */
import { createRoute, z } from "@hono/zod-openapi";
import { listTransitions } from "../kv/event_history.ts";
import { getEvent } from "../kv/events.ts";
import {
  type EventId,
  type EventRecord,
  type HistoryEntry,
  instantText,
} from "../kv/event_record.ts";
import { settleStep } from "../lifecycle/change_event.ts";
import { canSee, notFound, relationTo } from "../lifecycle/policy.ts";
import { transitionEvent } from "../lifecycle/transition_event.ts";
import { answer, apiApp, json, jsonBody, problems, writesJson } from "./api.ts";
import type { AppDeps } from "./app_deps.ts";
import { requireIfMatch } from "./conditions.ts";
import { actorText, TransitionBody, TransitionSchema } from "./event_schemas.ts";
import { EventPath } from "./events.ts";
import { remembered } from "./idempotency.ts";

const listRoute = createRoute({
  method: "get",
  path: "/v1/events/{id}/transitions",
  summary: "List an event's transitions",
  description: "Newest first: what happened, and who did it. `clock` is time itself.",
  request: { params: EventPath },
  responses: {
    200: json(z.object({ items: z.array(TransitionSchema) }), "The transitions"),
    ...problems(401, 404, 503),
  },
});

const makeRoute = createRoute({
  method: "post",
  path: "/v1/events/{id}/transitions",
  summary: "Publish, start, complete, cancel or reopen an event",
  description:
    "By the status it shall have. Publishing and reopening need an end in the future, or none; " +
    "`end_date` sets it. Archiving and bringing back are for administrators.",
  request: { params: EventPath, body: jsonBody(TransitionBody) },
  middleware: writesJson,
  responses: {
    201: json(TransitionSchema, "The transition that was made"),
    ...problems(400, 401, 403, 404, 409, 412, 413, 415, 422, 428, 503),
  },
});

export function transitions({ store, clock }: AppDeps) {
  return apiApp()
    .openapi(listRoute, async (c) => {
      const { id } = c.req.valid("param");
      const stored = await getEvent(store, id as EventId);
      if (stored === null) throw notFound(id);
      const { record } = stored;
      if (!canSee(record, await relationTo(store, c.get("principal"), record))) throw notFound(id);
      const recorded = await listTransitions(store, record);
      // What the clock has done counts before a job has recorded it.
      const step = settleStep(record, { now: clock(), by: "clock" });
      const pending = step === null
        ? []
        : [{ at: step.at, by: step.by, ...step.entry, version: record.version + 1 }];
      return answer(c, { items: [...pending, ...recorded].flatMap(transitionView) }, 200);
    })
    .openapi(makeRoute, async (c) => {
      const { id } = c.req.valid("param");
      const { to, reason, end_date } = c.req.valid("json");
      const answerOf = (record: EventRecord) => ({
        status: 201 as const,
        body: record.history.flatMap(transitionView).at(-1)!,
      });
      const { record } = await transitionEvent(store, id as EventId, {
        input: { to, reason: reason ?? null, endDate: end_date },
        principal: c.get("principal"),
        now: clock(),
        ifMatch: requireIfMatch(c),
        remember: remembered(c, answerOf),
      });
      return answer(c, answerOf(record).body, 201);
    });
}

/** Edits are no transitions. */
function transitionView({ transition, at, by, reason, version }: HistoryEntry) {
  if (transition === null) return [];
  return [{ ...transition, at: instantText(at), by: actorText(by), reason, version }];
}
