/** `/v1/users`: whoever signed in, their roles, and shutting somebody out. For administrators. */
import { createRoute, z } from "@hono/zod-openapi";
import { instantText, type UserId } from "../kv/event_record.ts";
import { getUser, listUsers, type User, USER_ROLES } from "../kv/users.ts";
import { USER_ID } from "../lifecycle/ids.ts";
import { WITHHOLD_EVENTS } from "../lifecycle/jobs/withhold_events.ts";
import { requireAdmin } from "../lifecycle/policy.ts";
import { identityText } from "../lifecycle/sign_up.ts";
import { changeUser, userNotFound } from "../lifecycle/users.ts";
import { answer, apiApp, json, problems, writesJson } from "./api.ts";
import type { AppDeps } from "./app_deps.ts";
import { neverKept } from "./caching.ts";
import { limit } from "./query_schemas.ts";

const userRole = z.enum(USER_ROLES).meta({
  description: "`guest` reads, `member` may create events, `admin` operates everything.",
});

export const UserSchema = z.object({
  id: z.string(),
  name: z.string(),
  email: z.string().nullable(),
  email_verified: z.boolean().meta({ description: "Whether the provider vouches for it." }),
  identity: z.string().meta({ description: "`issuer|subject`, as `ADMIN_USERS` names people." }),
  role: userRole,
  suspended: z.boolean(),
  suspended_at: z.string().nullable(),
  created_at: z.string(),
  updated_at: z.string(),
  signed_in_at: z.string(),
}).meta({ id: "User" });

const UserPatch = z.strictObject({
  role: userRole.optional(),
  suspended: z.boolean().optional().meta({
    description: "Ends the user's sessions and tokens for good. The events of organizers whose " +
      "owners are all suspended leave discovery until one of them is let in again.",
  }),
}).meta({ id: "UserPatch" });

const userId = z.string().regex(USER_ID, "This must be a user id, usr_…").meta({
  description: "A user's id, usr_…",
});
const UserPath = z.object({ id: userId });

const listRoute = createRoute({
  method: "get",
  path: "/v1/users",
  summary: "List users",
  description: "By id; `after` takes the `next_after` of the page before.",
  request: {
    query: z.strictObject({
      limit,
      after: userId.optional().meta({ description: "`next_after` of the page before." }),
    }),
  },
  responses: {
    200: json(
      z.object({ items: z.array(UserSchema), next_after: z.string().nullable() }),
      "Users by id",
    ),
    ...problems(400, 401, 403, 503),
  },
});

const getRoute = createRoute({
  method: "get",
  path: "/v1/users/{id}",
  summary: "Get a user",
  description: "Who they are, and what they may.",
  request: { params: UserPath },
  responses: { 200: json(UserSchema, "The user"), ...problems(400, 401, 403, 404, 503) },
});

const patchRoute = createRoute({
  method: "patch",
  path: "/v1/users/{id}",
  summary: "Change a user",
  description: "Their role, and whether they are suspended. One administrator is always left.",
  request: {
    params: UserPath,
    body: {
      required: true,
      content: { "application/merge-patch+json": { schema: UserPatch } },
    },
  },
  middleware: writesJson,
  responses: {
    200: json(UserSchema, "The user"),
    ...problems(400, 401, 403, 404, 409, 413, 415, 422, 503),
  },
});

export function users({ store, runner, clock, hasRoot = false }: AppDeps) {
  return apiApp()
    .openapi(listRoute, async (c) => {
      requireAdmin(c.get("principal"));
      const { limit, after } = c.req.valid("query");
      const found = await listUsers(store, {
        limit: limit + 1,
        after: after as UserId | undefined,
      });
      const page = found.slice(0, limit);
      const next = found.length > limit ? page.at(-1)!.id : null;
      const items = page.filter(({ erasedAt }) => erasedAt === null).map(userView);
      return answer(c, { items, next_after: next }, 200, neverKept(c));
    })
    .openapi(getRoute, async (c) => {
      requireAdmin(c.get("principal"));
      const { id } = c.req.valid("param");
      const user = await getUser(store, id as UserId);
      if (user === null || user.erasedAt !== null) throw userNotFound(id);
      return answer(c, userView(user), 200, neverKept(c));
    })
    .openapi(patchRoute, async (c) => {
      const { role, suspended } = c.req.valid("json");
      const change = { role, isSuspended: suspended };
      const by = { principal: c.get("principal"), now: clock(), hasRoot };
      const user = await changeUser(store, c.req.valid("param").id as UserId, change, by);
      // What this run leaves the next tick takes up.
      if (suspended !== undefined) await runner.start(WITHHOLD_EVENTS.name, { trigger: "manual" });
      return answer(c, userView(user), 200);
    });
}

export function userView(user: User) {
  return {
    id: user.id,
    name: user.name,
    email: user.email,
    email_verified: user.emailVerified,
    identity: identityText(user.identity),
    role: user.role,
    suspended: user.suspendedAt !== null,
    suspended_at: user.suspendedAt === null ? null : instantText(user.suspendedAt),
    created_at: instantText(user.createdAt),
    updated_at: instantText(user.updatedAt),
    signed_in_at: instantText(user.signedInAt),
  };
}
