/** `/invitations/{secret}`: where an invitation's link leads. */
import type { Hono } from "hono";
import { acceptInvitation, requireOffer } from "../../lifecycle/invitations.ts";
import type { AppDeps, AppEnv } from "../app_deps.ts";
import { invitationPath } from "../invitations.ts";
import { goOn } from "./form_answers.ts";
import { InvitationPage } from "./invitation_page.tsx";
import { sendPage } from "./layout.tsx";
import { peoplePath } from "./people_page.tsx";

export function invitationPages(app: Hono<AppEnv>, { store, clock }: AppDeps): void {
  app.get("/invitations/:secret", async (c) => {
    const secret = c.req.param("secret");
    const now = clock();
    const offer = await requireOffer(store, secret, { principal: c.get("principal"), now });
    const page = <InvitationPage offer={offer} path={invitationPath(secret)} now={now} />;
    return await sendPage(c, page);
  });

  app.post("/invitations/:secret", async (c) => {
    const by = { principal: c.get("principal"), now: clock() };
    const { organizer } = await acceptInvitation(store, c.req.param("secret"), by);
    return goOn(c, peoplePath(organizer.id), "joined");
  });
}
