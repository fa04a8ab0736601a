/** `/v1/organizers/{id}/moves`: all events of one organizer to another. For administrators. */
import { createRoute, z } from "@hono/zod-openapi";
import { instantText, type OrganizerId } from "../kv/event_record.ts";
import { MAX_REASON_LENGTH } from "../kv/limits.ts";
import { getMove, type OrganizerMove } from "../kv/organizer_moves.ts";
import { getOrganizer } from "../kv/organizers.ts";
import { MOVE_EVENTS } from "../lifecycle/jobs/move_events.ts";
import { requestMove } from "../lifecycle/organizer_moves.ts";
import { notFound, requireAdmin } from "../lifecycle/policy.ts";
import { answer, apiApp, json, jsonBody, located, problems, writesJson } from "./api.ts";
import type { AppDeps } from "./app_deps.ts";
import { line, organizerId } from "./event_schemas.ts";
import { OrganizerPath } from "./organizers.ts";

const MoveInput = z.strictObject({
  to: organizerId,
  reason: line(MAX_REASON_LENGTH, 1).optional(),
}).meta({ id: "OrganizerMoveInput" });

const MoveSchema = z.object({
  from: z.string(),
  to: z.string(),
  by: z.string(),
  at: z.string(),
  reason: z.string().nullable(),
}).meta({ id: "OrganizerMove" });

const listRoute = createRoute({
  method: "get",
  path: "/v1/organizers/{id}/moves",
  summary: "Show where an organizer's events are being moved",
  description: "One move while it is under way, none when it is done.",
  request: { params: OrganizerPath },
  responses: {
    200: json(z.object({ items: z.array(MoveSchema) }), "The move under way, or none"),
    ...problems(401, 403, 404, 503),
  },
});

const moveRoute = createRoute({
  method: "post",
  path: "/v1/organizers/{id}/moves",
  summary: "Move all of an organizer's events to another",
  description: "Answers at once, and where to watch the run. What one run leaves, the next takes " +
    "up within two minutes; events that come to the organizer meanwhile are moved too. An event " +
    "whose external id is taken stays, and the run names it.",
  request: { params: OrganizerPath, body: jsonBody(MoveInput) },
  middleware: writesJson,
  responses: {
    202: located(MoveSchema, "The move, begun", "Where to watch the run that moves."),
    ...problems(400, 401, 403, 404, 409, 413, 415, 422, 503),
  },
});

export function organizerMoves({ store, runner, clock }: AppDeps) {
  return apiApp()
    .openapi(listRoute, async (c) => {
      requireAdmin(c.get("principal"));
      const id = c.req.valid("param").id as OrganizerId;
      if (await getOrganizer(store, id) === null) throw notFound(id);
      const stored = await getMove(store, id);
      return answer(c, { items: stored === null ? [] : [moveView(id, stored.move)] }, 200);
    })
    .openapi(moveRoute, async (c) => {
      const id = c.req.valid("param").id as OrganizerId;
      const { to, reason = null } = c.req.valid("json");
      const move = await requestMove(store, id, {
        to: to as OrganizerId,
        reason,
        principal: c.get("principal"),
        now: clock(),
      });
      const { run } = await runner.start(MOVE_EVENTS.name, { trigger: "manual" });
      const location = `/v1/jobs/${run.job}/runs/${run.id}`;
      return answer(c, moveView(id, move), 202, { location });
    });
}

function moveView(from: OrganizerId, { to, by, at, reason }: OrganizerMove) {
  return { from, to, by, at: instantText(at), reason };
}
