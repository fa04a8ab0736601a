/** `/v1/audit`: who was given what by whom, and what administrators did. For administrators. */
import { createRoute, z } from "@hono/zod-openapi";
import { AUDIT_ACTIONS, type AuditLine, listAudit } from "../kv/audit.ts";
import { instantText, type UserId } from "../kv/event_record.ts";
import { auditPlaceOf } from "../lifecycle/audit.ts";
import { AUDIT_ID, USER_ID } from "../lifecycle/ids.ts";
import { requireAdmin } from "../lifecycle/policy.ts";
import { answer, apiApp, json, problems } from "./api.ts";
import type { AppDeps } from "./app_deps.ts";
import { neverKept } from "./caching.ts";
import { limit } from "./query_schemas.ts";

export const AuditLineSchema = z.object({
  id: z.string(),
  at: z.string(),
  action: z.enum(AUDIT_ACTIONS),
  by: z.string().nullable().meta({
    description: "Who did it; null: nobody who is known, or the program itself.",
  }),
  via: z.string().nullable().meta({
    description: "What they showed: `session`, a token's id, `root`, or how they signed in.",
  }),
  user_id: z.string().nullable().meta({ description: "Whom it is about." }),
  organizer_id: z.string().nullable().meta({ description: "Which organizer it is about." }),
  detail: z.string().nullable(),
}).meta({ id: "AuditLine" });

const listRoute = createRoute({
  method: "get",
  path: "/v1/audit",
  summary: "List the audit log",
  description: "Every grant, every refusal of one and every use of an administrator's power, " +
    "newest first, kept for 365 days.",
  request: {
    query: z.strictObject({
      limit,
      user: z.string().regex(USER_ID, "This must be a user id, usr_…").optional().meta({
        description: "Only what this user did, or what is about them.",
      }),
      before: z.string().regex(AUDIT_ID, "This must be the id of a line, aud_…").optional().meta({
        description: "`next_before` of the page before.",
      }),
    }),
  },
  responses: {
    200: json(
      z.object({ items: z.array(AuditLineSchema), next_before: z.string().nullable() }),
      "Lines, newest first",
    ),
    ...problems(400, 401, 403, 503),
  },
});

export function audit({ store }: AppDeps) {
  return apiApp()
    .openapi(listRoute, async (c) => {
      requireAdmin(c.get("principal"));
      const { limit, user, before } = c.req.valid("query");
      const lines = await listAudit(store, {
        userId: user as UserId | undefined,
        before: before === undefined ? null : auditPlaceOf(before),
        limit: limit + 1,
      });
      const page = lines.slice(0, limit);
      const next = lines.length > limit ? page.at(-1)!.id : null;
      return answer(c, { items: page.map(auditView), next_before: next }, 200, neverKept(c));
    });
}

export function auditView(line: AuditLine) {
  return {
    id: line.id,
    at: instantText(line.at),
    action: line.action,
    by: line.by,
    via: line.via,
    user_id: line.userId,
    organizer_id: line.organizerId,
    detail: line.detail,
  };
}
