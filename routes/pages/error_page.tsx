/** A page for what could not be shown. */
import { SignInButton } from "./account.tsx";
import { Layout } from "./layout.tsx";

export interface ErrorPageProps {
  title: string;
  detail: string;
  /** Whether signing in again is what helps. */
  canSignIn?: boolean;
  /** The page whose form it was. */
  backTo?: string | undefined;
  now: number;
}

export function ErrorPage({ title, detail, canSignIn = false, backTo, now }: ErrorPageProps) {
  return (
    <Layout title={title} now={now} indexed={false}>
      <div class="failure" data-tone="over">
        <div class="stage" aria-hidden="true"></div>
        <h1>{title}</h1>
        <p>{detail}</p>
        {canSignIn
          ? (
            <p>
              <SignInButton />
            </p>
          )
          : null}
        {backTo === undefined ? null : (
          <p>
            <a class="quiet" href={backTo}>Back to the page</a>
          </p>
        )}
        <p>
          <a class="quiet" href="/">See what’s on</a>
        </p>
      </div>
    </Layout>
  );
}
