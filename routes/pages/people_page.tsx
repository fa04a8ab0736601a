/** Who acts for an organizer; its owners decide who that is. */
import type { Invitation } from "../../kv/invitations.ts";
import type { Organizer } from "../../kv/organizers.ts";
import type { Member } from "../../lifecycle/members.ts";
import type { Principal } from "../../lifecycle/policy.ts";
import { Done } from "./done.tsx";
import { About, At, ButtonForm, Hidden, Options } from "./form_parts.tsx";
import { InviteForm, type InviteFormState } from "./invite_form.tsx";
import { Layout } from "./layout.tsx";
import { ORGANIZER_ROLE_OPTIONS, ORGANIZER_ROLE_WORDS } from "./role_words.ts";

export interface PeoplePageProps {
  organizer: Organizer;
  people: Member[];
  /** Null for those who cannot invite. */
  invitations: Invitation[] | null;
  principal: Principal;
  inviteForm: InviteFormState;
  done: string | undefined;
  now: number;
}

export function PeoplePage(props: PeoplePageProps) {
  const { organizer, people, invitations, principal, inviteForm, done, now } = props;
  const path = peoplePath(organizer.id);
  const isOne = people.some(({ userId }) => userId === principal.userId);
  return (
    <Layout title={`People of ${organizer.name}`} now={now} indexed={false}>
      <div class="sheet own">
        <Done word={done} />
        <hgroup>
          <h1>People</h1>
          <p class="note">
            who act for <a href={`/organizers/${organizer.id}`} dir="auto">{organizer.name}</a>
          </p>
        </hgroup>
        <ul class="rows" role="list">
          {people.map((member) => (
            <MemberRow
              key={member.userId}
              member={member}
              isSelf={member.userId === principal.userId}
              path={invitations === null ? null : path}
            />
          ))}
        </ul>
        <dl class="roles">
          {Object.values(ORGANIZER_ROLE_WORDS).map(({ name, may }) => (
            <div key={name}>
              <dt>{name}</dt>
              <dd>{may}</dd>
            </div>
          ))}
        </dl>
        {invitations === null ? null : (
          <section aria-labelledby="invitations">
            <h2 id="invitations">Invitations</h2>
            <InviteForm path={path} form={inviteForm} />
            <OpenInvitations path={path} invitations={invitations} />
          </section>
        )}
        {isOne
          ? (
            <details class="other-way">
              <summary>Leave these people</summary>
              <p class="note">
                You will no longer see their drafts and private events. To come back you need an
                invitation.
              </p>
              <ButtonForm path={path} fields={{ action: "remove", user: principal.userId! }}>
                Leave
              </ButtonForm>
            </details>
          )
          : null}
      </div>
    </Layout>
  );
}

export function peoplePath(id: string): string {
  return `/organizers/${id}/people`;
}

function MemberRow(
  { member: { userId, name, role }, isSelf, path }: {
    member: Member;
    isSelf: boolean;
    /** Where the forms go; null for those who only look. */
    path: string | null;
  },
) {
  const called = name ?? userId;
  return (
    <li>
      <p class="row-text">
        <span>
          <bdi>{called}</bdi>
          {isSelf ? <strong>, you</strong> : null}
        </span>
        {path === null ? <span class="note">{ORGANIZER_ROLE_WORDS[role].name}</span> : (
          // Names are what people call themselves: another's may look the same.
          <span class="note">
            <code>{userId}</code>
          </span>
        )}
      </p>
      {path === null ? null : (
        <div class="row-forms">
          <form class="inline" method="post" action={path}>
            <Hidden fields={{ action: "role", user: userId }} />
            <select name="role" aria-label={`Role of ${called}`}>
              <Options options={ORGANIZER_ROLE_OPTIONS} chosen={role} />
            </select>
            <button type="submit" class="minor">
              Change<About text={`the role of ${called}`} />
            </button>
          </form>
          {isSelf ? null : (
            <ButtonForm path={path} fields={{ action: "remove", user: userId }}>
              Remove<About text={called} />
            </ButtonForm>
          )}
        </div>
      )}
    </li>
  );
}

function OpenInvitations({ path, invitations }: { path: string; invitations: Invitation[] }) {
  if (invitations.length === 0) return null;
  return (
    <>
      <h3>Open</h3>
      <ul class="rows" role="list">
        {invitations.map(({ id, role, email, expiresAt }) => (
          <li key={id}>
            <p class="row-text">
              <span>
                {ORGANIZER_ROLE_WORDS[role].name}
                {email === null ? null : (
                  <>
                    {", for "}
                    <bdi>{email}</bdi>
                  </>
                )}
              </span>
              <span class="note">
                until <At at={expiresAt} />
              </span>
            </p>
            <ButtonForm path={path} fields={{ action: "revoke", invitation: id }}>
              Revoke<About text={`the invitation of ${email ?? "whoever has it"}`} />
            </ButtonForm>
          </li>
        ))}
      </ul>
    </>
  );
}
