/** A page for what could not be shown. */
import { Layout } from "./layout.tsx";

export interface ErrorPageProps {
  title: string;
  detail: string;
  /** Whether signing in again is what helps. */
  canSignIn?: boolean;
  now: number;
}

export function ErrorPage({ title, detail, canSignIn = false, now }: ErrorPageProps) {
  return (
    <Layout title={title} now={now} indexed={false}>
      <div class="failure" data-tone="over">
        <div class="stage" aria-hidden="true"></div>
        <h1>{title}</h1>
        <p>{detail}</p>
        {canSignIn
          ? (
            <p>
              <a class="button" href="/auth/sign-in">Sign in</a>
            </p>
          )
          : null}
        <p>
          <a class="quiet" href="/">See what’s on</a>
        </p>
      </div>
    </Layout>
  );
}
