/** `/v1/me/sessions`: where the caller is signed in, and ending that. */
import { createRoute, z } from "@hono/zod-openapi";
import { DomainError } from "../kv/errors.ts";
import { instantText } from "../kv/event_record.ts";
import type { StoredSession } from "../kv/sessions.ts";
import { type Principal, requireInPerson } from "../lifecycle/policy.ts";
import { endMySessions, listMySessions, sessionName } from "../lifecycle/sessions.ts";
import { answer, apiApp, json, problems } from "./api.ts";
import type { AppDeps } from "./app_deps.ts";
import { neverKept } from "./caching.ts";
import { flag } from "./query_schemas.ts";
import { clearSession } from "./session_cookie.ts";
import { siteOrigin } from "./site_origin.ts";

export const SessionSchema = z.object({
  id: z.string(),
  current: z.boolean().meta({ description: "Whether it is the one that asks." }),
  provider: z.string().meta({ description: "How they signed in." }),
  user_agent: z.string().nullable(),
  created_at: z.string(),
  seen_at: z.string().meta({ description: "When it was last in use, to the hour." }),
  expires_at: z.string().meta({ description: "When it ends, however much it is used." }),
}).meta({ id: "Session" });

const listRoute = createRoute({
  method: "get",
  path: "/v1/me/sessions",
  summary: "List my sessions",
  description: "Where the caller is signed in, newest first.",
  responses: {
    200: json(z.object({ items: z.array(SessionSchema) }), "The sessions"),
    ...problems(401, 403, 503),
  },
});

const endAllRoute = createRoute({
  method: "delete",
  path: "/v1/me/sessions",
  summary: "End my sessions",
  description: "Signs the caller out everywhere, here as well.",
  request: {
    query: z.strictObject({
      others: flag.default(false).meta({
        default: false,
        description: "Leaves the one that asks.",
      }),
    }),
  },
  responses: {
    204: { description: "They have ended" },
    ...problems(400, 401, 403, 503),
  },
});

const endRoute = createRoute({
  method: "delete",
  path: "/v1/me/sessions/{session_id}",
  summary: "End one of my sessions",
  description: "Signs the caller out there.",
  request: {
    params: z.object({
      session_id: z.string().regex(/^ses_[\w-]{16}$/, "This must be a session id, ses_…").meta({
        description: "The session's id, ses_…",
      }),
    }),
  },
  responses: {
    204: { description: "It has ended" },
    ...problems(400, 401, 403, 404, 503),
  },
});

export function mySessions(deps: AppDeps) {
  const { store, clock } = deps;

  return apiApp()
    .openapi(listRoute, async (c) => {
      const principal = c.get("principal");
      requireInPerson(principal);
      const sessions = await listMySessions(store, { principal, now: clock() });
      const items = sessions.map((session) => sessionView(session, principal));
      return answer(c, { items }, 200, neverKept(c));
    })
    .openapi(endAllRoute, async (c) => {
      const principal = c.get("principal");
      requireInPerson(principal);
      const { others } = c.req.valid("query");
      const isOwn = (digest: string) => digest === digestOf(principal);
      const which = (digest: string) => !others || !isOwn(digest);
      await endMySessions(store, { principal, now: clock(), which });
      if (!others && digestOf(principal) !== null) clearSession(c, siteOrigin(c, deps));
      return c.body(null, 204);
    })
    .openapi(endRoute, async (c) => {
      const principal = c.get("principal");
      requireInPerson(principal);
      const { session_id: id } = c.req.valid("param");
      const which = (digest: string) => sessionName(digest) === id;
      const count = await endMySessions(store, { principal, now: clock(), which });
      if (count === 0) throw new DomainError("not_found", `The caller has no session "${id}".`);
      const own = digestOf(principal);
      if (own !== null && sessionName(own) === id) clearSession(c, siteOrigin(c, deps));
      return c.body(null, 204);
    });
}

function digestOf({ credential }: Principal): string | null {
  return credential?.kind === "session" ? credential.digest : null;
}

export function sessionView({ digest, session }: StoredSession, principal: Principal) {
  return {
    id: sessionName(digest),
    current: digest === digestOf(principal),
    provider: session.provider,
    user_agent: session.userAgent,
    created_at: instantText(session.createdAt),
    seen_at: instantText(session.seenAt),
    expires_at: instantText(session.expiresAt),
  };
}
