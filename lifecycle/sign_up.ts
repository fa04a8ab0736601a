/** Who somebody is to become when they sign in for the first time. */
import type { Identity, UserRole } from "../kv/users.ts";

/** What a provider says of somebody. */
export interface Profile extends Identity {
  name?: string;
  email?: string;
  /** Whether the provider has seen that the address is theirs. */
  emailVerified: boolean;
}

/** `SIGN_UP`: who of those that sign in may create events at once; the others are guests. */
export type SignUp =
  | { rule: "invited" }
  | { rule: "open" }
  /** Whose address, which the provider vouches for, is at one of these; in lower case. */
  | { rule: "domains"; domains: readonly string[] };

/** `issuer|subject`: how a person is named to whoever appoints administrators. */
export function identityText({ issuer, subject }: Identity): string {
  return `${issuer}|${subject}`;
}

/** The role of a newcomer; pure. */
export function roleAtSignUp(
  profile: Profile,
  { signUp, adminUsers }: { signUp: SignUp; adminUsers: ReadonlySet<string> },
): UserRole {
  if (adminUsers.has(identityText(profile))) return "admin";
  if (signUp.rule === "open") return "member";
  if (signUp.rule === "invited") return "guest";
  const { email = "", emailVerified } = profile;
  const domain = email.slice(email.lastIndexOf("@") + 1).toLowerCase();
  return emailVerified && email.includes("@") && signUp.domains.includes(domain)
    ? "member"
    : "guest";
}
