/** Where a person asks to be forgotten, and is told that they are. */
import type { ErasureChoice } from "../../kv/erasures.ts";
import { FieldNote, fieldProps } from "./form_parts.tsx";
import { Layout } from "./layout.tsx";
import type { MyOrganizer } from "./me_page.tsx";

const CHOICES: Record<ErasureChoice, string> = {
  pass_on: "Their events take place; an administrator owns them from then on.",
  cancel_events: "Their events that have not ended are cancelled; then an administrator owns them.",
};

/** What was filled in, and what is wrong with it. */
export interface EraseFormState {
  organizers?: string;
  wrong?: readonly ("organizers" | "sure")[];
}

export function ErasePage(
  { owned, form, now }: { owned: MyOrganizer[]; form: EraseFormState; now: number },
) {
  const { organizers = "pass_on", wrong = [] } = form;
  return (
    <Layout title="Delete my data" now={now} indexed={false}>
      <div class="sheet own">
        <h1>Delete my data</h1>
        <p>
          At once your name, your address, your sessions and your tokens are void; the rest is gone
          within minutes, and nobody can bring it back. What was done to events stays, by an id that
          leads to nobody. You may want to <a href="/v1/me/export">take your data along</a> first.
        </p>
        <form class="form" method="post" action="/me/erase">
          <fieldset aria-describedby="organizers-note">
            <legend>Organizers that nobody else owns</legend>
            {owned.length === 0
              ? null
              : <p class="note">You own {owned.map(({ name }) => `“${name}”`).join(", ")}.</p>}
            {Object.entries(CHOICES).map(([choice, text]) => (
              <label key={choice} class="choice">
                <input
                  type="radio"
                  name="organizers"
                  value={choice}
                  checked={choice === organizers}
                />
                <span>{text}</span>
              </label>
            ))}
            <FieldNote
              id="organizers-note"
              wrong={wrong.includes("organizers") ? "Choose one of these." : null}
            />
          </fieldset>
          <label class="choice">
            <input
              {...fieldProps("sure", { isWrong: wrong.includes("sure") })}
              type="checkbox"
              name="sure"
              value="yes"
              required
            />
            <span>Yes, delete all that is kept of me.</span>
          </label>
          <FieldNote
            id="sure-note"
            wrong={wrong.includes("sure") ? "Say that you are sure." : null}
          />
          <button type="submit">Delete my data</button>
        </form>
        <p>
          <a class="quiet" href="/me">My page</a>
        </p>
      </div>
    </Layout>
  );
}

export function ErasedPage({ now }: { now: number }) {
  return (
    <Layout title="Your data is being deleted" now={now} indexed={false}>
      <div class="sheet own">
        <h1 tabindex={-1} autofocus>Your data is being deleted</h1>
        <p role="status">
          You are signed out everywhere, and your name is gone; the rest follows within minutes.
        </p>
        <p>
          <a class="quiet" href="/">See what’s on</a>
        </p>
      </div>
    </Layout>
  );
}
