/** What is kept of the caller: all of it at `/v1/me/export`, and nothing of it any more. */
import { createRoute, z } from "@hono/zod-openapi";
import { ERASURE_CHOICES } from "../kv/erasures.ts";
import { EVENT_STATUSES, type EventCard, instantText } from "../kv/event_record.ts";
import { requestErasure } from "../lifecycle/erasure.ts";
import { ERASE_USERS } from "../lifecycle/jobs/erase_users.ts";
import { exportPersonalData, type PersonalData } from "../lifecycle/personal_data.ts";
import { type Principal, requireInPerson } from "../lifecycle/policy.ts";
import { statusAt } from "../lifecycle/status.ts";
import { answer, apiApp, json, mayTakeJson, problems } from "./api.ts";
import type { AppDeps } from "./app_deps.ts";
import { AuditLineSchema, auditView } from "./audit.ts";
import { InvitationSchema, invitationView } from "./invitations.ts";
import { ORGANIZER_ROLES } from "./me.ts";
import { SessionSchema, sessionView } from "./my_sessions.ts";
import { chargeUser } from "./rate_limit.ts";
import { sessionCookie } from "./session_cookie.ts";
import { siteOrigin } from "./site_origin.ts";
import { TokenBuckets } from "./token_buckets.ts";
import { ApiTokenSchema, tokenView } from "./tokens.ts";
import { UserSchema, userView } from "./users.ts";

const PersonalDataSchema = z.object({
  exported_at: z.string(),
  user_id: z.string(),
  user: UserSchema.nullable().meta({ description: "Null for `usr_root`, who is nobody." }),
  sessions: z.array(SessionSchema),
  tokens: z.array(ApiTokenSchema),
  organizers: z.array(
    z.object({ id: z.string(), name: z.string(), role: z.enum(ORGANIZER_ROLES) }),
  ),
  invitations: z.array(InvitationSchema.extend({ organizer_id: z.string() })).meta({
    description: "Open ones that they made, and those for their address.",
  }),
  events: z.array(z.object({
    id: z.string(),
    organizer_id: z.string(),
    title: z.string(),
    status: z.enum(EVENT_STATUSES),
    start_date: z.string(),
    end_date: z.string().nullable(),
  })).meta({ description: "Of the organizers that they own, and those that name them." }),
  audit: z.array(AuditLineSchema).meta({ description: "What they did, and what is about them." }),
}).meta({ id: "PersonalData" });

const exportRoute = createRoute({
  method: "get",
  path: "/v1/me/export",
  summary: "Export my data",
  description: "All that is kept of the caller, in one document; secrets are kept of nobody.",
  responses: {
    200: {
      ...json(PersonalDataSchema, "What is kept"),
      headers: z.object({
        "Content-Disposition": z.string().meta({ description: "A name for the file." }),
      }),
    },
    ...problems(401, 403, 503),
  },
});

const ErasureInput = z.strictObject({
  organizers: z.enum(ERASURE_CHOICES).default("pass_on").meta({
    default: "pass_on",
    description: "What becomes of organizers that nobody else owns. `pass_on`: an administrator " +
      "owns them. `cancel_events`: so they do, once all that has not ended is cancelled.",
  }),
}).meta({ id: "ErasureInput" });

const ErasureSchema = z.object({
  user_id: z.string(),
  organizers: z.enum(ERASURE_CHOICES),
  requested_at: z.string(),
}).meta({ id: "Erasure" });

const eraseRoute = createRoute({
  method: "delete",
  path: "/v1/me",
  summary: "Erase me",
  description: "At once the caller's name, address, sessions and tokens are void; the rest is " +
    "gone within minutes. What was done to events stays, by an id that leads to nobody.",
  request: {
    // What is said elsewhere than in the body is not passed over: it cannot be undone.
    query: z.strictObject({}),
    body: { content: { "application/json": { schema: ErasureInput } }, required: false },
  },
  middleware: mayTakeJson,
  responses: {
    202: {
      ...json(ErasureSchema, "It has begun"),
      headers: z.object({
        "Set-Cookie": z.string().meta({ description: "Ends the session in this browser." }),
      }),
    },
    ...problems(400, 401, 403, 409, 413, 415, 422, 503),
  },
});

/** Each reads all that there is of somebody, and is written down for a year. */
const EXPORTS_PER_MINUTE = 6;

export function myData(deps: AppDeps) {
  const { store, runner, clock, hasRoot = false } = deps;
  const buckets = new TokenBuckets({ perMinute: EXPORTS_PER_MINUTE, clock });

  return apiApp()
    .openapi(exportRoute, async (c) => {
      const principal = c.get("principal");
      requireInPerson(principal);
      chargeUser(c, { userId: principal.userId, buckets });
      const now = clock();
      const data = await exportPersonalData(store, { principal, now });
      return answer(c, exportView(data, { principal, now }), 200, {
        "cache-control": "no-store",
        "content-disposition": 'attachment; filename="curtain-personal-data.json"',
      });
    })
    .openapi(eraseRoute, async (c) => {
      const principal = c.get("principal");
      requireInPerson(principal);
      const { organizers = "pass_on" } = c.req.valid("json") ?? {};
      const erasure = await requestErasure(store, organizers, { principal, now: clock(), hasRoot });
      // Nobody waits for it: what does not begin now, the tick begins.
      await runner.start(ERASE_USERS.name, { trigger: "traffic" });
      const body = {
        user_id: principal.userId,
        organizers: erasure.organizers,
        requested_at: instantText(erasure.at),
      };
      const ended = sessionCookie(siteOrigin(c, deps), "", 0);
      return answer(c, body, 202, { "cache-control": "no-store", "set-cookie": ended });
    });
}

function exportView(
  { userId, user, sessions, tokens, memberships, invitations, events, audit }: PersonalData,
  { principal, now }: { principal: Principal; now: number },
) {
  return {
    exported_at: instantText(now),
    user_id: userId,
    user: user === null ? null : userView(user),
    sessions: sessions.map((session) => sessionView(session, principal)),
    tokens: tokens.map(tokenView),
    organizers: memberships.map(({ organizerId: id, name, role }) => ({ id, name, role })),
    invitations: invitations.map((invitation) => ({
      ...invitationView(invitation),
      organizer_id: invitation.organizerId,
    })),
    events: events.map((event) => exportedEvent(event, now)),
    audit: audit.map(auditView),
  };
}

function exportedEvent(event: EventCard, now: number) {
  return {
    id: event.id,
    organizer_id: event.organizerId,
    title: event.title,
    status: statusAt(event, now),
    start_date: event.startText,
    end_date: event.endText,
  };
}
