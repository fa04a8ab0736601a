/** A person's own page: who they are here, and all that is theirs. */
import type { ApiToken } from "../../kv/api_tokens.ts";
import type { EventCard } from "../../kv/event_record.ts";
import type { OrganizerRole } from "../../kv/organizers.ts";
import type { StoredSession } from "../../kv/sessions.ts";
import type { User } from "../../kv/users.ts";
import type { Principal } from "../../lifecycle/policy.ts";
import { identityText } from "../../lifecycle/sign_up.ts";
import { Done } from "./done.tsx";
import { About } from "./form_parts.tsx";
import { Layout } from "./layout.tsx";
import { MyEvents } from "./my_events.tsx";
import { MySessions } from "./my_sessions.tsx";
import { MyTokens, type TokenFormState } from "./my_tokens.tsx";
import { ORGANIZER_ROLE_WORDS, USER_ROLE_WORDS } from "./role_words.ts";

export interface MyOrganizer {
  id: string;
  name: string;
  role: OrganizerRole;
}

export interface MePageProps {
  principal: Principal;
  /** Null for whoever holds `ADMIN_TOKEN`. */
  user: User | null;
  organizers: MyOrganizer[];
  upcoming: EventCard[];
  past: EventCard[];
  /** Whether there are more events than are shown. */
  isMore: boolean;
  sessions: StoredSession[];
  tokens: ApiToken[];
  tokenForm: TokenFormState;
  done: string | undefined;
  now: number;
}

export function MePage(props: MePageProps) {
  const { principal, user, organizers, sessions, tokens, tokenForm, done, now } = props;
  const name = user?.name ?? principal.name ?? principal.userId;
  return (
    <Layout title="My page" now={now} indexed={false}>
      <div class="sheet own">
        <Done word={done} />
        <header class="own-head">
          <h1 dir="auto">{name}</h1>
          <form method="post" action="/auth/sign-out">
            <button type="submit" class="minor">Sign out</button>
          </form>
        </header>
        <Who principal={principal} user={user} />
        <MyOrganizers organizers={organizers} isGuest={principal.role === "guest"} />
        <MyEvents {...props} />
        <MySessions sessions={sessions} principal={principal} />
        <MyTokens tokens={tokens} form={tokenForm} isAdmin={principal.role === "admin"} />
        {principal.role === "admin"
          ? (
            <section aria-labelledby="administration">
              <h2 id="administration">Administration</h2>
              <p>
                <a href="/me/users">Users</a>: their roles, and shutting somebody out.
              </p>
            </section>
          )
          : null}
        <MyData isRoot={user === null} />
      </div>
    </Layout>
  );
}

function Who({ principal: { role, userId }, user }: Pick<MePageProps, "principal" | "user">) {
  return (
    <>
      {role === "guest"
        ? (
          <p class="notice">
            You are a guest: you see what is public and what you are given to see, but you cannot
            create events or organizers, because nobody has let you yet. Ask an organizer’s owner
            for an invitation, or an administrator to make you a member.
          </p>
        )
        : null}
      <dl class="facts">
        <div>
          <dt>Role</dt>
          <dd>{USER_ROLE_WORDS[role]}</dd>
        </div>
        {user?.email
          ? (
            <div>
              <dt>E-mail</dt>
              <dd>
                {user.email} {user.emailVerified ? null : <span class="note">not verified</span>}
              </dd>
            </div>
          )
          : null}
        <div>
          <dt>User id</dt>
          <dd>
            <code>{userId}</code>
          </dd>
        </div>
        {user === null || role === "admin" ? null : (
          <div>
            <dt>Identity</dt>
            <dd>
              <code>{identityText(user.identity)}</code>
              <p class="note">To hand to whoever appoints administrators.</p>
            </dd>
          </div>
        )}
      </dl>
    </>
  );
}

function MyOrganizers(
  { organizers, isGuest }: { organizers: MyOrganizer[]; isGuest: boolean },
) {
  return (
    <section aria-labelledby="organizers">
      <h2 id="organizers">My organizers</h2>
      {organizers.length === 0
        ? (
          <p class="note">
            You act for no organizer yet.{isGuest ? "" : " Your first event makes one."}
          </p>
        )
        : (
          <ul class="rows" role="list">
            {organizers.map(({ id, name, role }) => (
              <li key={id}>
                <p class="row-text">
                  <a href={`/organizers/${id}`} dir="auto">{name}</a>
                  <span class="note">{ORGANIZER_ROLE_WORDS[role].name}</span>
                </p>
                <a class="quiet" href={`/organizers/${id}/people`}>
                  People<About text={`of ${name}`} />
                </a>
              </li>
            ))}
          </ul>
        )}
    </section>
  );
}

function MyData({ isRoot }: { isRoot: boolean }) {
  return (
    <section aria-labelledby="data">
      <h2 id="data">My data</h2>
      <p>
        <a href="/v1/me/export">Take along all that is kept of me</a>, as JSON.
      </p>
      {isRoot ? null : (
        <p>
          <a href="/me/erase">Delete my data</a>, after a question.
        </p>
      )}
    </section>
  );
}
