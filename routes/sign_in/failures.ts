/** How a sign-in ends without anybody signed in. Details say nothing that came from outside. */
import { DomainError } from "../../kv/errors.ts";

const DETAILS = {
  denied: "The sign-in was cancelled at the provider.",
  expired: "The sign-in was started more than ten minutes ago.",
  replayed: "This sign-in was finished before; each can be only once.",
  other_browser: "This browser did not start the sign-in, or did so more than ten minutes ago.",
  not_genuine: "The provider's answer does not belong to this sign-in.",
} as const;

export type SignInFailure = keyof typeof DETAILS;

export const SIGN_IN_FAILURES = Object.keys(DETAILS) as SignInFailure[];

export function signInFailed(reason: SignInFailure, cause?: unknown): DomainError {
  return new DomainError("sign_in_failed", DETAILS[reason], { reason }, { cause });
}

/** `step` says what was asked of the provider: "its configuration". */
export function providerFailed(step: string, cause?: unknown): DomainError {
  const detail = `The sign-in provider did not answer as it must when asked for ${step}.`;
  return new DomainError("sign_in_provider_failed", detail, {}, { cause });
}
