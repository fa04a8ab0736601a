/**
 * What a sign-in is to the rest of the program: somebody goes to a provider and comes back as a
 * profile. Sessions, users and pages know nothing of how; each provider's way is an adapter.
 */

import type { Profile } from "../../lifecycle/sign_up.ts";

export interface FinishedSignIn {
  profile: Profile;
  /** A path of this site, to go on at. */
  returnTo: string;
  /** `Set-Cookie` headers that clear the flow's own cookies. */
  setCookies: string[];
}

export interface SignIn {
  /**
   * A redirect (302) to the provider, with the flow's cookie. `returnTo` is a `returnPath()`.
   * @throws {DomainError} `sign_in_provider_failed`
   */
  start(returnTo: string): Promise<Response>;
  /**
   * The callback's end.
   * @throws {DomainError} `sign_in_failed` with its `reason`, or `sign_in_provider_failed`
   */
  finish(request: Request): Promise<FinishedSignIn>;
}

/** The {provider} of any OpenID provider. */
export const OIDC_ID = "oidc";

/** What `/auth/sign-in` offers: `id` is the {provider} of `/auth/callback/{provider}`. */
export interface SignInProvider {
  id: string;
  label: string;
  /** @throws {DomainError} `sign_in_unavailable`: what the adapter needs could not be loaded. */
  signIn: () => Promise<SignIn>;
}
