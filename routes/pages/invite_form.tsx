/** Inviting somebody: the form, and the link that comes of it. */
import { dayOptions, FieldNote, fieldProps, Options, Secret } from "./form_parts.tsx";
import { ORGANIZER_ROLE_OPTIONS, ORGANIZER_ROLE_WORDS } from "./role_words.ts";
import type { OrganizerRole } from "../../kv/organizers.ts";

/** How long an invitation may last. */
export const INVITATION_DAYS = [1, 3, 7, 14, 30];
const DEFAULT_DAYS = 7;

/** What was filled in, and what came of it. */
export interface InviteFormState {
  role?: string;
  email?: string;
  days?: string;
  wrong?: readonly ("role" | "email" | "days")[];
  /** The invitation that was made just now; its link is told this once. */
  made?: { url: string; role: OrganizerRole; email: string | null };
}

export function InviteForm({ path, form }: { path: string; form: InviteFormState }) {
  const { role = "editor", email = "", days = String(DEFAULT_DAYS), wrong = [], made } = form;
  // The first that is wrong is gone to.
  const isWrong = (field: typeof wrong[number]) => wrong[0] === field;
  return (
    <>
      {made === undefined ? null : <Made {...made} />}
      <details class="other-way" open={wrong.length > 0}>
        <summary>Invite somebody</summary>
        <form class="form" method="post" action={path}>
          <input type="hidden" name="action" value="invite" />
          <label for="invite-role">As</label>
          <select {...fieldProps("invite-role", { isWrong: isWrong("role") })} name="role">
            <Options options={ORGANIZER_ROLE_OPTIONS} chosen={role} />
          </select>
          <FieldNote
            id="invite-role-note"
            wrong={wrong.includes("role") ? "Choose one of these." : null}
          />
          <label for="invite-email">E-mail address, if only they may use it</label>
          <input
            {...fieldProps("invite-email", { isWrong: isWrong("email") })}
            name="email"
            type="email"
            value={email}
            maxlength={254}
            autocomplete="off"
          />
          <FieldNote
            id="invite-email-note"
            wrong={wrong.includes("email") ? "This is no e-mail address." : null}
          >
            Nothing is sent there: you hand on the link yourself. Without an address whoever has the
            link may use it.
          </FieldNote>
          <label for="invite-days">Good for</label>
          <select {...fieldProps("invite-days", { isWrong: isWrong("days") })} name="days">
            <Options options={dayOptions(INVITATION_DAYS)} chosen={days} />
          </select>
          <FieldNote
            id="invite-days-note"
            wrong={wrong.includes("days") ? "Choose one of these." : null}
          />
          <button type="submit">Make the invitation</button>
        </form>
      </details>
    </>
  );
}

function Made({ url, role, email }: NonNullable<InviteFormState["made"]>) {
  return (
    <div class="notice">
      <p role="status">
        {email === null
          ? "With this link one person, whoever opens it first and signs in, "
          : "With this link whoever signs in with that e-mail address "}
        becomes one of these people, once, as{" "}
        {ORGANIZER_ROLE_WORDS[role].name.toLowerCase()}. Copy it now: it is kept nowhere, and is
        shown this once.
      </p>
      <Secret id="link" label="The invitation’s link" text={url} />
    </div>
  );
}
