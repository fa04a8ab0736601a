/** `/v1/organizers/{id}/invitations`: links by which somebody joins an organizer's people. */
import { createRoute, z } from "@hono/zod-openapi";
import { instantText, type OrganizerId } from "../kv/event_record.ts";
import type { Invitation, InvitationId } from "../kv/invitations.ts";
import { INVITATION_ID } from "../lifecycle/ids.ts";
import { invite, listOpenInvitations, revokeInvitation } from "../lifecycle/invitations.ts";
import { answer, apiApp, json, jsonBody, problems, writesJson } from "./api.ts";
import type { AppDeps } from "./app_deps.ts";
import { neverKept } from "./caching.ts";
import { remembered } from "./idempotency.ts";
import { organizerRole } from "./members.ts";
import { OrganizerPath } from "./organizers.ts";
import { instant } from "./query_schemas.ts";
import { siteOrigin } from "./site_origin.ts";

export const InvitationSchema = z.object({
  id: z.string(),
  role: organizerRole,
  email: z.string().nullable().meta({
    description: "Of the only person who may use it; null: whoever has the link.",
  }),
  invited_by: z.string(),
  created_at: z.string(),
  expires_at: z.string(),
}).meta({ id: "Invitation" });

const NewInvitationSchema = InvitationSchema.extend({
  url: z.string().nullable().meta({
    description: "The link, told this once. Null in a repeated answer: it is stored nowhere.",
  }),
}).meta({ id: "NewInvitation" });

const InvitationInput = z.strictObject({
  role: organizerRole,
  email: z.email("This must be an e-mail address").max(254).nullable().optional().meta({
    description: "Only who signs in with this address, vouched for by the provider, may use it.",
  }),
  expires_at: instant.optional().meta({
    description: "When it ends, up to 30 days from now; else in 7 days.",
  }),
}).meta({ id: "InvitationInput" });

const listRoute = createRoute({
  method: "get",
  path: "/v1/organizers/{id}/invitations",
  summary: "List an organizer's open invitations",
  description: "For its owners: those that have not been used and have not ended.",
  request: { params: OrganizerPath },
  responses: {
    200: json(z.object({ items: z.array(InvitationSchema) }), "The invitations"),
    ...problems(400, 401, 403, 404, 503),
  },
});

const createInvitationRoute = createRoute({
  method: "post",
  path: "/v1/organizers/{id}/invitations",
  summary: "Invite somebody",
  description: "By an owner: a link by which one person joins, once.",
  request: { params: OrganizerPath, body: jsonBody(InvitationInput) },
  middleware: writesJson,
  responses: {
    201: json(NewInvitationSchema, "The invitation, and its link"),
    ...problems(400, 401, 403, 404, 409, 413, 415, 422, 503),
  },
});

const revokeRoute = createRoute({
  method: "delete",
  path: "/v1/organizers/{id}/invitations/{invitation_id}",
  summary: "Revoke an invitation",
  description: "By an owner: the link leads nowhere from then on.",
  request: {
    params: OrganizerPath.extend({
      invitation_id: z.string().regex(INVITATION_ID, "This must be an invitation id, inv_…").meta({
        description: "The invitation's id, inv_…",
      }),
    }),
  },
  responses: {
    204: { description: "It is revoked" },
    ...problems(400, 401, 403, 404, 409, 503),
  },
});

export function invitations(deps: AppDeps) {
  const { store, clock } = deps;

  return apiApp()
    .openapi(listRoute, async (c) => {
      const id = c.req.valid("param").id as OrganizerId;
      const by = { principal: c.get("principal"), now: clock() };
      const open = await listOpenInvitations(store, id, by);
      return answer(c, { items: open.map(invitationView) }, 200, neverKept(c));
    })
    .openapi(createInvitationRoute, async (c) => {
      const { role, email = null, expires_at: expiresAt } = c.req.valid("json");
      const { invitation, secret } = await invite(store, c.req.valid("param").id as OrganizerId, {
        role,
        email,
        expiresAt,
        principal: c.get("principal"),
        now: clock(),
        remember: remembered(c, (made: Invitation) => ({
          status: 201,
          body: { ...invitationView(made), url: null },
        })),
      });
      const url = `${siteOrigin(c, deps).origin}${invitationPath(secret)}`;
      const headers = { "cache-control": "no-store" };
      return answer(c, { ...invitationView(invitation), url }, 201, headers);
    })
    .openapi(revokeRoute, async (c) => {
      const { id, invitation_id } = c.req.valid("param");
      await revokeInvitation(store, id as OrganizerId, {
        id: invitation_id as InvitationId,
        principal: c.get("principal"),
        now: clock(),
      });
      return c.body(null, 204);
    });
}

/** The page at which an invitation is used. */
export function invitationPath(secret: string): string {
  return `/invitations/${secret}`;
}

export function invitationView(invitation: Invitation) {
  return {
    id: invitation.id,
    role: invitation.role,
    email: invitation.email,
    invited_by: invitation.invitedBy,
    created_at: instantText(invitation.createdAt),
    expires_at: instantText(invitation.expiresAt),
  };
}
