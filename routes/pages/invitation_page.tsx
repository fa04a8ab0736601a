/** Where an invitation's link leads: what it is for, and the button that uses it. */
import type { Offer } from "../../lifecycle/invitations.ts";
import { SignInButton } from "./account.tsx";
import { At } from "./form_parts.tsx";
import { Layout } from "./layout.tsx";
import { peoplePath } from "./people_page.tsx";
import { ORGANIZER_ROLE_WORDS } from "./role_words.ts";

export function InvitationPage({ offer, path, now }: { offer: Offer; path: string; now: number }) {
  const { organizer, invitation: { role, expiresAt } } = offer;
  const { name, may } = ORGANIZER_ROLE_WORDS[role];
  return (
    <Layout title="Invitation" now={now} indexed={false}>
      <div class="sheet">
        <h1>
          You are invited by <bdi>{organizer.name}</bdi>
        </h1>
        <dl class="facts">
          <div>
            <dt>As</dt>
            <dd>
              {name}: {may}
            </dd>
          </div>
          <div>
            <dt>Until</dt>
            <dd>
              <At at={expiresAt} />
            </dd>
          </div>
        </dl>
        <Answer offer={offer} path={path} />
        <p>
          <a class="quiet" href={`/organizers/${organizer.id}`}>
            Events by <bdi>{organizer.name}</bdi>
          </a>
        </p>
      </div>
    </Layout>
  );
}

function Answer({ offer: { standing, organizer }, path }: { offer: Offer; path: string }) {
  switch (standing) {
    case "stranger":
      return (
        <>
          <p>To join, sign in. You come back here.</p>
          <p>
            <SignInButton />
          </p>
        </>
      );
    case "member":
      return (
        <p class="notice">
          You are one of these people already, and may do as much.{" "}
          <a href={peoplePath(organizer.id)}>Who they are</a>
        </p>
      );
    case "other":
      return (
        <>
          <p class="notice">
            This invitation is for somebody else: for whoever has the e-mail address that it was
            made for, and whose provider vouches for it. Sign in as that person, or ask for one of
            your own.
          </p>
          <p>
            <SignInButton />
          </p>
        </>
      );
    case "invited":
      return (
        <form method="post" action={path}>
          <button type="submit">Join</button>
        </form>
      );
  }
}
