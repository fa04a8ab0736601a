/** `/v1/organizers/{id}/members`: an organizer's people. */
import { createRoute, z } from "@hono/zod-openapi";
import type { OrganizerId, UserId } from "../kv/event_record.ts";
import type { OrganizerMember } from "../kv/organizers.ts";
import { USER_ID } from "../lifecycle/ids.ts";
import { acceptInvitation } from "../lifecycle/invitations.ts";
import {
  changeRole,
  listOrganizerMembers,
  type MemberOutcome,
  removeMember,
  setMember,
} from "../lifecycle/members.ts";
import { answer, apiApp, json, jsonBody, problems, writesJson } from "./api.ts";
import type { AppDeps } from "./app_deps.ts";
import { neverKept } from "./caching.ts";
import { characters } from "./event_schemas.ts";
import { remembered } from "./idempotency.ts";
import { ORGANIZER_ROLES } from "./me.ts";
import { OrganizerPath } from "./organizers.ts";

export const organizerRole = z.enum(ORGANIZER_ROLES).meta({
  description: "`owner`: also the people; `editor`: the events; `viewer`: sees what they see.",
});

const userId = z.string().regex(USER_ID, "This must be a user id, usr_…").meta({
  description: "A user's id, usr_…",
});

const MemberSchema = z.object({
  user_id: z.string(),
  role: organizerRole,
  name: z.string().nullable(),
}).meta({ id: "Member" });

const JoinedSchema = MemberSchema.omit({ name: true }).meta({ id: "Membership" });

const MemberInput = z.strictObject({
  user_id: userId.optional(),
  role: organizerRole.optional(),
  invitation: characters(100, 1).optional().meta({
    description: "The last part of an invitation's link, in place of both: the caller joins.",
  }),
}).refine(
  ({ user_id, role, invitation }) =>
    invitation === undefined
      ? user_id !== undefined && role !== undefined
      : user_id === undefined && role === undefined,
  "Name a user and a role, or an invitation",
).meta({ id: "MemberInput" });

const MemberPath = OrganizerPath.extend({ user_id: userId });

const listRoute = createRoute({
  method: "get",
  path: "/v1/organizers/{id}/members",
  summary: "List an organizer's people",
  description: "For those among them.",
  request: { params: OrganizerPath },
  responses: {
    200: json(z.object({ items: z.array(MemberSchema) }), "The people"),
    ...problems(400, 401, 403, 404, 503),
  },
});

const addRoute = createRoute({
  method: "post",
  path: "/v1/organizers/{id}/members",
  summary: "Add somebody to an organizer's people",
  description: "By an owner: a user whose id is known, or another role for one of them. Or by " +
    "the very person, with an invitation.",
  request: { params: OrganizerPath, body: jsonBody(MemberInput) },
  middleware: writesJson,
  responses: {
    200: json(JoinedSchema, "They were among them already, and have this role now"),
    201: json(JoinedSchema, "They are among them now"),
    ...problems(400, 401, 403, 404, 409, 410, 413, 415, 422, 503),
  },
});

const patchRoute = createRoute({
  method: "patch",
  path: "/v1/organizers/{id}/members/{user_id}",
  summary: "Give somebody another role",
  description: "By an owner. One owner is always left.",
  request: {
    params: MemberPath,
    body: {
      required: true,
      content: {
        "application/merge-patch+json": {
          schema: z.strictObject({ role: organizerRole }).meta({ id: "MemberPatch" }),
        },
      },
    },
  },
  middleware: writesJson,
  responses: {
    200: json(JoinedSchema, "The role they have now"),
    ...problems(400, 401, 403, 404, 409, 413, 415, 422, 503),
  },
});

const removeRoute = createRoute({
  method: "delete",
  path: "/v1/organizers/{id}/members/{user_id}",
  summary: "Remove somebody from an organizer's people",
  description: "By an owner, or by themselves. One owner is always left.",
  request: { params: MemberPath },
  responses: {
    204: { description: "They are no longer among them" },
    ...problems(400, 401, 403, 404, 409, 503),
  },
});

export function members({ store, clock }: AppDeps) {
  return apiApp()
    .openapi(listRoute, async (c) => {
      const id = c.req.valid("param").id as OrganizerId;
      const people = await listOrganizerMembers(store, id, c.get("principal"));
      const items = people.map(({ userId, role, name }) => ({ user_id: userId, role, name }));
      return answer(c, { items }, 200, neverKept(c));
    })
    .openapi(addRoute, async (c) => {
      const id = c.req.valid("param").id as OrganizerId;
      const { user_id, role, invitation } = c.req.valid("json");
      const by = { principal: c.get("principal"), now: clock() };
      if (invitation !== undefined) {
        const remember = remembered(c, (who: OrganizerMember) => ({
          status: 201,
          body: membershipView(who),
        }));
        const options = { ...by, organizerId: id, remember };
        return answer(c, membershipView(await acceptInvitation(store, invitation, options)), 201);
      }
      const who = { userId: user_id as UserId, role: role! };
      const statusOf = (outcome: MemberOutcome) => outcome === "added" ? 201 : 200;
      const remember = remembered(c, (outcome: MemberOutcome) => ({
        status: statusOf(outcome),
        body: membershipView(who),
      }));
      const outcome = await setMember(store, id, { ...by, ...who, remember });
      return answer(c, membershipView(who), statusOf(outcome));
    })
    .openapi(patchRoute, async (c) => {
      const { id, user_id } = c.req.valid("param");
      const { role } = c.req.valid("json");
      const who = { userId: user_id as UserId, role };
      await changeRole(store, id as OrganizerId, {
        ...who,
        principal: c.get("principal"),
        now: clock(),
        remember: remembered(c, () => ({ status: 200, body: membershipView(who) })),
      });
      return answer(c, membershipView(who), 200);
    })
    .openapi(removeRoute, async (c) => {
      const { id, user_id } = c.req.valid("param");
      await removeMember(store, id as OrganizerId, {
        userId: user_id as UserId,
        principal: c.get("principal"),
        now: clock(),
      });
      return c.body(null, 204);
    });
}

function membershipView({ userId, role }: OrganizerMember) {
  return { user_id: userId, role };
}
