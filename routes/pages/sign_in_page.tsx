/** Where people choose how to sign in. */
import type { SignInProvider } from "../sign_in/sign_in.ts";
import { Layout } from "./layout.tsx";

export interface SignInPageProps {
  providers: readonly SignInProvider[];
  hasDevelopment: boolean;
  hasAdminToken: boolean;
  /** A path of this site, to go on at. */
  returnTo: string;
  /** What was filled in wrongly. */
  wrong?: "token" | "name" | undefined;
  now: number;
}

export function SignInPage(props: SignInPageProps) {
  const { providers, hasDevelopment, hasAdminToken, returnTo, wrong, now } = props;
  const isNone = providers.length === 0 && !hasDevelopment && !hasAdminToken;
  return (
    <Layout title="Sign in" now={now} indexed={false}>
      <div class="sheet">
        <h1>Sign in</h1>
        {isNone
          ? <p>Nobody can sign in here: whoever runs this site has not set up a way to.</p>
          : null}
        {providers.map(({ id, label }) => (
          <p key={id}>
            <a class="button" href={startPath(id, returnTo)} rel="nofollow">
              Continue with {label}
            </a>
          </p>
        ))}
        {hasDevelopment ? <DevelopmentForm returnTo={returnTo} isWrong={wrong === "name"} /> : null}
        {hasAdminToken
          ? (
            <TokenForm
              returnTo={returnTo}
              isWrong={wrong === "token"}
              isAlone={providers.length === 0 && !hasDevelopment}
            />
          )
          : null}
      </div>
    </Layout>
  );
}

function startPath(provider: string, returnTo: string): string {
  return `/auth/sign-in?${new URLSearchParams({ provider, return_to: returnTo })}`;
}

function DevelopmentForm({ returnTo, isWrong }: { returnTo: string; isWrong: boolean }) {
  return (
    <form class="form" method="post" action="/auth/sign-in">
      <input type="hidden" name="method" value="development" />
      <input type="hidden" name="return_to" value={returnTo} />
      <label for="name">Your name</label>
      <input
        id="name"
        name="name"
        required
        maxlength={60}
        autocomplete="username"
        aria-invalid={isWrong ? "true" : undefined}
        aria-describedby="name-note"
      />
      <p id="name-note" class="note">
        {isWrong ? "Please give a name of up to 60 characters. " : ""}
        This is a developer’s machine: there is no password, and the same name is the same person.
      </p>
      <button type="submit">Sign in</button>
    </form>
  );
}

function TokenForm(
  { returnTo, isWrong, isAlone }: { returnTo: string; isWrong: boolean; isAlone: boolean },
) {
  const form = (
    <form class="form" method="post" action="/auth/sign-in">
      <input type="hidden" name="method" value="admin_token" />
      <input type="hidden" name="return_to" value={returnTo} />
      <label for="token">Administrator’s token</label>
      <input
        id="token"
        name="token"
        type="password"
        required
        autocomplete="current-password"
        aria-invalid={isWrong ? "true" : undefined}
        aria-describedby="token-note"
      />
      <p id="token-note" class="note" role={isWrong ? "alert" : undefined}>
        {isWrong ? "This is not the administrator’s token. " : ""}
        What ADMIN_TOKEN is set to. You are then signed in for eight hours.
      </p>
      <button type="submit">Sign in as the administrator</button>
    </form>
  );
  if (isAlone) return form;
  return (
    <details class="other-way" open={isWrong}>
      <summary>Sign in as the administrator</summary>
      {form}
    </details>
  );
}
