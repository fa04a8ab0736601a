/** A person's API tokens, and the form that makes one. */
import type { ApiToken } from "../../kv/api_tokens.ts";
import { ALL_SCOPES, type Scope, SCOPES } from "../../lifecycle/scopes.ts";
import { About, At, ButtonForm, dayOptions, FieldNote, fieldProps } from "./form_parts.tsx";
import { Options, Secret } from "./form_parts.tsx";

/** How long a new token may last. */
export const TOKEN_DAYS = [1, 7, 30, 90, 180, 366];
const DEFAULT_DAYS = 90;

/** What was filled in, and what came of it. */
export interface TokenFormState {
  name?: string;
  scopes?: readonly string[];
  days?: string;
  wrong?: readonly ("name" | "scopes" | "days")[];
  /** Of the token that was made just now; told this once. */
  made?: { name: string; secret: string };
}

export function MyTokens(
  { tokens, form, isAdmin }: { tokens: ApiToken[]; form: TokenFormState; isAdmin: boolean },
) {
  return (
    <section aria-labelledby="tokens">
      <h2 id="tokens">My API tokens</h2>
      <p class="note">
        With a token a program does what you may, as far as its scopes go.{" "}
        <a href="/docs">The API</a>
      </p>
      {form.made === undefined ? null : <Made {...form.made} />}
      {tokens.length === 0 ? null : (
        <ul class="rows" role="list">
          {tokens.map((token) => <TokenRow key={token.id} token={token} />)}
        </ul>
      )}
      <TokenForm form={form} isAdmin={isAdmin} />
    </section>
  );
}

function Made({ name, secret }: { name: string; secret: string }) {
  return (
    <div class="notice">
      <p role="status">
        The token “<bdi>{name}</bdi>” is made. Copy it now: it is kept nowhere, and is shown this
        once.
      </p>
      <Secret id="secret" label="The token" text={secret} />
    </div>
  );
}

function TokenRow({ token: { id, name, scopes, createdAt, expiresAt, usedAt } }: {
  token: ApiToken;
}) {
  return (
    <li>
      <p class="row-text">
        <bdi>{name}</bdi>
        <span class="note">
          <code>{scopes.join(" ")}</code>
        </span>
        <span class="note">
          made <At at={createdAt} />, ends <At at={expiresAt} />,{" "}
          {usedAt === null ? "never used" : <>last used {<At at={usedAt} />}</>}
        </span>
      </p>
      <ButtonForm path="/me" fields={{ action: "revoke_token", token: id }}>
        Revoke<About text={`the token ${name}`} />
      </ButtonForm>
    </li>
  );
}

function TokenForm({ form, isAdmin }: { form: TokenFormState; isAdmin: boolean }) {
  const { name = "", scopes = ["events:read"], days = String(DEFAULT_DAYS), wrong = [] } = form;
  const offered = ALL_SCOPES.filter((scope) => scope !== "admin" || isAdmin);
  // The first that is wrong is gone to.
  const isWrong = (field: typeof wrong[number]) => wrong[0] === field;
  return (
    <details class="other-way" open={wrong.length > 0}>
      <summary>Make a token</summary>
      <form class="form" method="post" action="/me">
        <input type="hidden" name="action" value="make_token" />
        <label for="token-name">What it is for</label>
        <input
          {...fieldProps("token-name", { isWrong: isWrong("name") })}
          name="name"
          value={name}
          required
          maxlength={100}
          autocomplete="off"
        />
        <FieldNote
          id="token-name-note"
          wrong={wrong.includes("name") ? "Give it a name of 1 to 100 characters." : null}
        >
          So that you know it again.
        </FieldNote>
        <fieldset aria-describedby="token-scopes-note">
          <legend>What it may be used for</legend>
          {offered.map((scope, i) => (
            <ScopeBox
              key={scope}
              scope={scope}
              isChosen={scopes.includes(scope)}
              isGoneTo={i === 0 && isWrong("scopes")}
            />
          ))}
          <FieldNote
            id="token-scopes-note"
            wrong={wrong.includes("scopes") ? "Choose at least one of these." : null}
          />
        </fieldset>
        <label for="token-days">How long it lasts</label>
        <select {...fieldProps("token-days", { isWrong: isWrong("days") })} name="days">
          <Options options={dayOptions(TOKEN_DAYS)} chosen={days} />
        </select>
        <FieldNote
          id="token-days-note"
          wrong={wrong.includes("days") ? "Choose one of these." : null}
        >
          To change a token, make another and revoke it.
        </FieldNote>
        <button type="submit">Make the token</button>
      </form>
    </details>
  );
}

function ScopeBox(
  { scope, isChosen, isGoneTo }: { scope: Scope; isChosen: boolean; isGoneTo: boolean },
) {
  return (
    <label class="choice">
      <input
        type="checkbox"
        name="scope"
        value={scope}
        checked={isChosen}
        autofocus={isGoneTo}
      />
      <span>
        <code>{scope}</code> {SCOPES[scope]}
      </span>
    </label>
  );
}
