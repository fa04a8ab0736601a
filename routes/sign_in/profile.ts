/** Profiles from what providers say, which is checked like anything else from outside. */
import { providerFailed } from "./failures.ts";
import { personName } from "../../lifecycle/person_name.ts";
import type { Profile } from "../../lifecycle/sign_up.ts";

const MAX_SUBJECT = 255;
const MAX_NAME = 200;
/** RFC 5321 section 4.5.3.1.3. */
const MAX_EMAIL = 254;

export type Claims = Readonly<Record<string, unknown>>;

export interface ProfileFields {
  issuer: string;
  subject: unknown;
  name?: unknown;
  email?: unknown;
  emailVerified?: unknown;
}

/** A name or an address that is none is left out. Throws when nobody is named. */
export function profileOf(fields: ProfileFields): Profile {
  const subject = typeof fields.subject === "number" ? String(fields.subject) : fields.subject;
  if (typeof subject !== "string" || subject === "" || subject.length > MAX_SUBJECT) {
    throw providerFailed("who signs in");
  }
  const name = nameOf(fields.name);
  const email = emailOf(fields.email);
  return {
    issuer: fields.issuer,
    subject,
    ...(name === undefined ? {} : { name }),
    ...(email === undefined ? {} : { email }),
    // Amazon Cognito says it in words.
    emailVerified: email !== undefined &&
      (fields.emailVerified === true || fields.emailVerified === "true"),
  };
}

/**
 * From the standard claims (OpenID Connect Core section 5.1), the first of `sources` that has a name
 * or an address giving it. Whether an address is verified is believed of that same source only.
 */
export function profileOfClaims(issuer: string, ...sources: [Claims, ...Claims[]]): Profile {
  const named = sources.find(({ name }) => nameOf(name) !== undefined);
  const nicknamed = sources.find(({ preferred_username: name }) => nameOf(name) !== undefined);
  const reachable = sources.find(({ email }) => emailOf(email) !== undefined);
  return profileOf({
    issuer,
    subject: sources[0].sub,
    name: named?.name ?? nicknamed?.preferred_username,
    email: reachable?.email,
    emailVerified: reachable?.email_verified,
  });
}

function nameOf(value: unknown): string | undefined {
  return typeof value === "string" ? personName(value, MAX_NAME) ?? undefined : undefined;
}

function emailOf(value: unknown): string | undefined {
  const isEmail = typeof value === "string" && value.length <= MAX_EMAIL &&
    /^[^\s@\p{C}]+@[^\s@\p{C}]+$/u.test(value);
  return isEmail ? value : undefined;
}
