/** `/organizers/{id}/people`: an organizer's people, and what its owners decide about them. */
import type { Context, Hono } from "hono";
import { z } from "@hono/zod-openapi";
import type { OrganizerId } from "../../kv/event_record.ts";
import type { InvitationId } from "../../kv/invitations.ts";
import { getOrganizer, type OrganizerRole } from "../../kv/organizers.ts";
import { isOrganizerId } from "../../lifecycle/ids.ts";
import { invite, listOpenInvitations, revokeInvitation } from "../../lifecycle/invitations.ts";
import { changeRole, listOrganizerMembers, removeMember } from "../../lifecycle/members.ts";
import { notFound, relationOf } from "../../lifecycle/policy.ts";
import { allowsFor } from "../../lifecycle/policy_table.ts";
import type { AppDeps, AppEnv } from "../app_deps.ts";
import { invitationPath } from "../invitations.ts";
import { ORGANIZER_ROLES } from "../me.ts";
import { siteOrigin } from "../site_origin.ts";
import { goOn, personsForm, unknownForm, userIdOf, wordOf } from "./form_answers.ts";
import { INVITATION_DAYS, type InviteFormState } from "./invite_form.tsx";
import { sendPage } from "./layout.tsx";
import { PeoplePage, peoplePath } from "./people_page.tsx";

const DAY_MS = 24 * 3_600_000;
const Email = z.email().max(254);

export function peoplePages(app: Hono<AppEnv>, deps: AppDeps): void {
  const { store, clock } = deps;

  app.get("/organizers/:id/people", (c) => peoplePage(c, {}));

  app.post("/organizers/:id/people", async (c) => {
    const { form, principal } = await personsForm(c);
    const id = organizerId(c);
    const by = { principal, now: clock() };
    const userId = userIdOf(form.get("user"));
    switch (form.get("action")) {
      case "role": {
        const role = wordOf(form.get("role"), ORGANIZER_ROLES);
        if (role === undefined || userId === undefined) break;
        await changeRole(store, id, { ...by, userId, role });
        return goOn(c, peoplePath(id), "role_changed");
      }
      case "remove":
        if (userId === undefined) break;
        await removeMember(store, id, { ...by, userId });
        if (userId === principal.userId) return goOn(c, "/me", "left");
        return goOn(c, peoplePath(id), "removed");
      case "invite":
        return await inviteSomebody(c, form);
      case "revoke": {
        const invitation = form.get("invitation") as InvitationId;
        await revokeInvitation(store, id, { ...by, id: invitation });
        return goOn(c, peoplePath(id), "invitation_revoked");
      }
    }
    throw unknownForm();
  });

  async function peoplePage(c: Context<AppEnv>, inviteForm: InviteFormState): Promise<Response> {
    const id = organizerId(c);
    const principal = c.get("principal");
    const now = clock();
    const people = await listOrganizerMembers(store, id, principal);
    const organizer = await getOrganizer(store, id);
    if (organizer === null) throw notFound(id);
    const role = people.find(({ userId }) => userId === principal.userId)?.role ?? null;
    const mayDecide = allowsFor("change_people", relationOf(principal, role));
    const page = (
      <PeoplePage
        organizer={organizer}
        people={people}
        invitations={mayDecide ? await listOpenInvitations(store, id, { principal, now }) : null}
        principal={principal}
        inviteForm={inviteForm}
        done={c.req.query("done")}
        now={now}
      />
    );
    return await sendPage(c, page, inviteForm.wrong === undefined ? 200 : 422);
  }

  async function inviteSomebody(c: Context<AppEnv>, form: URLSearchParams): Promise<Response> {
    const given = {
      role: form.get("role") ?? "",
      email: (form.get("email") ?? "").trim(),
      days: form.get("days") ?? "",
    };
    const input = invitationInput(given);
    if ("wrong" in input) return await peoplePage(c, { ...given, ...input });
    const { role, email, days } = input;
    const now = clock();
    const { secret } = await invite(store, organizerId(c), {
      role,
      email,
      expiresAt: now + days * DAY_MS,
      principal: c.get("principal"),
      now,
    });
    const url = `${siteOrigin(c, deps).origin}${invitationPath(secret)}`;
    return await peoplePage(c, { made: { url, role, email } });
  }
}

/** @throws {DomainError} `not_found` for what cannot be one. */
function organizerId(c: Context<AppEnv>): OrganizerId {
  const id = c.req.param("id") ?? "";
  if (!isOrganizerId(id)) throw notFound(`org_${id.slice(0, 40)}`);
  return id;
}

/** What the form asks for, or which of its fields are wrong, from the top; pure. */
function invitationInput(
  given: { role: string; email: string; days: string },
):
  | { role: OrganizerRole; email: string | null; days: number }
  | { wrong: NonNullable<InviteFormState["wrong"]> } {
  const role = wordOf(given.role, ORGANIZER_ROLES);
  const email = given.email === "" ? null : given.email;
  const isEmail = email === null || Email.safeParse(email).success;
  const days = INVITATION_DAYS.find((count) => String(count) === given.days);
  if (role !== undefined && isEmail && days !== undefined) return { role, email, days };
  const wrong: ("role" | "email" | "days")[] = [];
  if (role === undefined) wrong.push("role");
  if (!isEmail) wrong.push("email");
  if (days === undefined) wrong.push("days");
  return { wrong };
}
