/** `/v1/me`: who the caller is, and what belongs to them. */
import { createRoute, z } from "@hono/zod-openapi";
import { instantText, type UserId } from "../kv/event_record.ts";
import { getOrganizer, getOrganizerRole, listOrganizersOf } from "../kv/organizers.ts";
import { getUser, USER_ROLES } from "../kv/users.ts";
import { listMyEvents } from "../lifecycle/discovery.ts";
import { type Principal, requireSignedIn } from "../lifecycle/policy.ts";
import { identityText } from "../lifecycle/sign_up.ts";
import { answer, apiApp, json, NOT_MODIFIED, problems } from "./api.ts";
import type { AppDeps } from "./app_deps.ts";
import { neverKept } from "./caching.ts";
import { EventList } from "./event_schemas.ts";
import { answerPage } from "./events.ts";
import { MyEventsQuery } from "./query_schemas.ts";

export const ORGANIZER_ROLES = ["owner", "editor", "viewer"] as const;

const MeSchema = z.object({
  id: z.string(),
  name: z.string(),
  role: z.enum(USER_ROLES).meta({
    description: "What they are by what was shown: by a token without the scope `admin` no admin.",
  }),
  email: z.string().nullable(),
  email_verified: z.boolean(),
  identity: z.string().nullable().meta({
    description: "`issuer|subject`, as `ADMIN_USERS` names people; null for `usr_root`.",
  }),
  created_at: z.string().nullable(),
  credential: z.object({
    kind: z.enum(["session", "token"]),
    token_id: z.string().nullable(),
    scopes: z.array(z.string()).nullable(),
  }).nullable().meta({ description: "What was shown for it; `scopes` null: all that they may." }),
  organizers: z.array(
    z.object({ id: z.string(), name: z.string(), role: z.enum(ORGANIZER_ROLES) }),
  ).meta({ description: "Whom they act for, at most 500." }),
}).meta({ id: "Me" });

const meRoute = createRoute({
  method: "get",
  path: "/v1/me",
  summary: "Tell who I am",
  description: "The user that the token or the session belongs to, and whom they act for.",
  responses: { 200: json(MeSchema, "The caller"), ...problems(401, 503) },
});

const myEventsRoute = createRoute({
  method: "get",
  path: "/v1/me/events",
  summary: "List my events",
  description: "Of the caller's organizers and those they staff, all statuses, newest first.",
  request: { query: MyEventsQuery },
  responses: {
    200: json(EventList, "A page of events"),
    ...NOT_MODIFIED,
    ...problems(400, 401, 403, 503),
  },
});

export function me(deps: AppDeps) {
  const { store, runner, clock } = deps;

  return apiApp()
    .openapi(meRoute, async (c) => {
      const principal = c.get("principal");
      requireSignedIn(principal);
      const { userId, role, name } = principal;
      const user = await getUser(store, userId);
      const body = {
        id: userId,
        name: user?.name ?? name ?? userId,
        role,
        email: user?.email ?? null,
        email_verified: user?.emailVerified ?? false,
        identity: user === null ? null : identityText(user.identity),
        created_at: user === null ? null : instantText(user.createdAt),
        credential: credentialView(principal),
        organizers: await myOrganizers(deps, userId),
      };
      return answer(c, body, 200, neverKept(c));
    })
    .openapi(myEventsRoute, async (c) => {
      const { include_completed, limit, cursor } = c.req.valid("query");
      const now = clock();
      const page = await listMyEvents(store, include_completed, {
        principal: c.get("principal"),
        now,
        limit,
        cursor,
        onDue: () => runner.wake(),
      });
      return answerPage(c, page, { deps, now, isKept: false });
    });
}

/** The organizers that a user acts for, by id; at most 500. */
export async function myOrganizers({ store }: Pick<AppDeps, "store">, userId: UserId) {
  const ids = await listOrganizersOf(store, userId);
  const found = await Promise.all(ids.map(async (id) => ({
    organizer: await getOrganizer(store, id),
    role: await getOrganizerRole(store, id, userId),
  })));
  return found.flatMap(({ organizer, role }) =>
    organizer === null || role === null ? [] : [{ id: organizer.id, name: organizer.name, role }]
  );
}

function credentialView({ credential }: Principal) {
  if (credential === undefined) return null;
  if (credential.kind === "session") {
    return { kind: "session" as const, token_id: null, scopes: null };
  }
  const { tokenId, scopes } = credential;
  return { kind: "token" as const, token_id: tokenId, scopes: [...scopes] };
}
