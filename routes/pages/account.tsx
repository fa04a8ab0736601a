/** Who looks at a page: said once where it is sent, and shown in its head. */
import { createContext, useContext } from "hono/jsx";
import { GUEST, type Principal } from "../../lifecycle/policy.ts";

export interface Visitor {
  principal: Principal;
  /** Of the page, with its query: where to come back to. */
  path: string;
}

export const VisitorContext = createContext<Visitor>({ principal: GUEST, path: "/" });

/** The address at which one signs in, to come back to `path`. */
export function signInPath(path: string): string {
  return `/auth/sign-in?${new URLSearchParams({ return_to: path })}`;
}

/** Leads to signing in, and back to this page. */
export function SignInButton() {
  const { path } = useContext(VisitorContext);
  return <a class="button" href={signInPath(path)}>Sign in</a>;
}

/** The way to sign in, or to what is one's own. */
export function AccountLink() {
  const { principal: { userId, name }, path } = useContext(VisitorContext);
  // On the very page that it leads to, it would forget where one came from.
  if (userId === null && path.startsWith("/auth/")) return null;
  return (
    <nav class="account" aria-label="Account">
      {userId === null
        ? <a href={signInPath(path)}>Sign in</a>
        : <a href="/me" dir="auto">{name ?? userId}</a>}
    </nav>
  );
}
