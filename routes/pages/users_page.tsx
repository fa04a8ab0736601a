/** Everybody who has ever signed in, for administrators. */
import type { User } from "../../kv/users.ts";
import { ROOT } from "../../lifecycle/policy.ts";
import { identityText } from "../../lifecycle/sign_up.ts";
import { Done } from "./done.tsx";
import { About, At, ButtonForm, Hidden, Options } from "./form_parts.tsx";
import { Layout } from "./layout.tsx";
import { USER_ROLE_OPTIONS } from "./role_words.ts";

export interface UsersPageProps {
  users: User[];
  /** The user after whom this page begins; null: it is the first. */
  after: string | null;
  nextAfter: string | null;
  done: string | undefined;
  now: number;
}

export function UsersPage({ users, after, nextAfter, done, now }: UsersPageProps) {
  const kept: Record<string, string> = after === null ? {} : { after };
  return (
    <Layout title="Users" now={now} indexed={false}>
      <div class="sheet own">
        <Done word={done} />
        <h1>Users</h1>
        <p class="note">
          Guests read, members may create events, administrators operate everything. Who is
          suspended is signed out everywhere, and the tokens end for good; the rest can be given
          back.
        </p>
        {users.length === 0 ? <p>Nobody is on this page.</p> : (
          <ul class="rows" role="list">
            {users.map((user) => <UserRow key={user.id} user={user} kept={kept} />)}
          </ul>
        )}
        {after === null && nextAfter === null ? null : (
          <nav class="pager" aria-label="Pages">
            {after === null ? null : <a href="/me/users">Back to the start</a>}
            {nextAfter === null
              ? null
              : <a class="next" rel="next" href={`/me/users?after=${nextAfter}`}>More users</a>}
          </nav>
        )}
        <p>
          <a class="quiet" href="/me">My page</a>
        </p>
      </div>
    </Layout>
  );
}

function UserRow({ user, kept }: { user: User; kept: Record<string, string> }) {
  const { id, name, email, role, suspendedAt, signedInAt } = user;
  const isSuspended = suspendedAt !== null;
  return (
    <li>
      <p class="row-text">
        <span>
          <bdi>{name}</bdi>
          {isSuspended ? <strong>, suspended</strong> : null}
        </span>
        {email === null || email === name ? null : <span class="note">{email}</span>}
        <span class="note">
          <code>{identityText(user.identity)}</code>
        </span>
        <span class="note">
          last signed in <At at={signedInAt} />
        </span>
      </p>
      {id === ROOT.userId ? null : (
        <div class="row-forms">
          <form class="inline" method="post" action="/me/users">
            <Hidden fields={{ ...kept, action: "role", user: id }} />
            <select name="role" aria-label={`Role of ${name}`}>
              <Options options={USER_ROLE_OPTIONS} chosen={role} />
            </select>
            <button type="submit" class="minor">
              Change<About text={`the role of ${name}`} />
            </button>
          </form>
          <ButtonForm
            path="/me/users"
            fields={{ ...kept, action: isSuspended ? "reinstate" : "suspend", user: id }}
          >
            {isSuspended ? "Reinstate" : "Suspend"}
            <About text={name} />
          </ButtonForm>
        </div>
      )}
    </li>
  );
}
