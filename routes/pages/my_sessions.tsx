/** Where a person is signed in. */
import type { StoredSession } from "../../kv/sessions.ts";
import type { Principal } from "../../lifecycle/policy.ts";
import { sessionName } from "../../lifecycle/sessions.ts";
import { browserName } from "./browser_name.ts";
import { About, At, ButtonForm } from "./form_parts.tsx";

export function MySessions(
  { sessions, principal: { credential } }: { sessions: StoredSession[]; principal: Principal },
) {
  const isHere = (digest: string) => credential?.kind === "session" && credential.digest === digest;
  return (
    <section aria-labelledby="sessions">
      <h2 id="sessions">Where I am signed in</h2>
      <ul class="rows" role="list">
        {sessions.map(({ digest, session: { userAgent, createdAt, seenAt } }) => (
          <li key={digest}>
            <p class="row-text">
              <span>
                {browserName(userAgent)}
                {isHere(digest) ? <strong>, this browser</strong> : null}
              </span>
              <span class="note">
                since <At at={createdAt} />, last used <At at={seenAt} />
              </span>
            </p>
            <ButtonForm path="/me" fields={{ action: "end_session", session: sessionName(digest) }}>
              {isHere(digest) ? "Sign out" : "End"}
              <About text={`the session of ${browserName(userAgent)}`} />
            </ButtonForm>
          </li>
        ))}
      </ul>
      {sessions.some(({ digest }) => !isHere(digest))
        ? <ButtonForm path="/me" fields={{ action: "end_others" }}>End all others</ButtonForm>
        : null}
    </section>
  );
}
