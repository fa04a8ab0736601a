/** Signing in: a person whom a provider vouches for gets a session, and is made a user the first time. */
import { addAuditLine, writeAuditLine } from "../kv/audit.ts";
import { DomainError } from "../kv/errors.ts";
import type { UserId } from "../kv/event_record.ts";
import { addSession, createSession, removeSession, type Session } from "../kv/sessions.ts";
import type { Store } from "../kv/store.ts";
import {
  createUser,
  findUser,
  readUser,
  replaceUser,
  type StoredUser,
  type Together,
  type User,
  USER_FORMAT,
} from "../kv/users.ts";
import { rootBy } from "./admin_token.ts";
import { programLine } from "./audit.ts";
import { newUserId } from "./ids.ts";
import { personName } from "./person_name.ts";
import { type Principal, ROOT } from "./policy.ts";
import { digestOf, newSecret } from "./secrets.ts";
import { keptMs, newSession, personOf, ROOT_SESSION_MS, SESSION_MS } from "./sessions.ts";
import { identityText, type Profile, roleAtSignUp, type SignUp } from "./sign_up.ts";

const ATTEMPTS = 8;
const MAX_NAME = 100;
const MAX_EMAIL = 254;
/** Keys take 2 KiB; no provider comes near. */
const MAX_IDENTITY = 500;

export interface EndedSession {
  userId: UserId;
  digest: string;
}

export interface SignInOptions {
  now: number;
  provider: string;
  userAgent: string | null;
  signUp: SignUp;
  /** Who are administrators whatever they were before, as `issuer|subject`. */
  adminUsers: ReadonlySet<string>;
  /** The session that the browser had until now, and whose: it ends with this one's beginning. */
  ended?: EndedSession | undefined;
}

export interface SignedIn {
  principal: Principal & { userId: UserId };
  /** For the cookie; kept nowhere. */
  secret: string;
  session: Session;
}

/**
 * Signs somebody in. Of several first sign-ins at once one makes the user, and the others are that
 * user's, too.
 * @throws {DomainError} `user_suspended`; `sign_in_failed` for a profile without a usable identity;
 * `conflict`, `outcome_unknown`.
 */
export async function signIn(
  store: Store,
  profile: Profile,
  options: SignInOptions,
): Promise<SignedIn> {
  requireIdentity(profile);
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const { now, provider, userAgent } = options;
    const id = await findUser(store, profile);
    const read = id === null ? null : await readUser(store, id);
    // Erased at this very moment: then they are somebody new.
    if (id !== null && (read === null || read.user.erasedAt !== null)) continue;
    const user = read === null
      ? newUser(profile, options)
      : await nextUser(store, read, { profile, options });
    const secret = newSecret();
    const digest = digestOf(secret);
    const session = newSession(user.id, { provider, userAgent, now, lastsMs: SESSION_MS });
    const together: Together = (operation) => {
      addSession(operation, { digest, session, keptMs: keptMs(session, now) });
      const { ended } = options;
      if (ended !== undefined) removeSession(operation, ended.userId, ended.digest);
      const by = { now, by: user.id, via: provider };
      if (read === null) {
        addAuditLine(operation, programLine("user.created", by, about(user, user.role)));
      } else if (read.user.role !== user.role) {
        addAuditLine(operation, programLine("user.role_changed", by, about(user, user.role)));
      }
      addAuditLine(operation, programLine("session.created", by, about(user)));
    };
    // Nobody stops being an administrator here.
    const isDone = read === null
      ? await createUser(store, user, together)
      : await replaceUser(store, read, user, { hasRoot: true, together }) === "replaced";
    if (isDone) return { principal: personOf(user), secret, session };
  }
  throw new DomainError("conflict");
}

const about = ({ id: userId }: User, detail: string | null = null) => ({ userId, detail });

function requireIdentity({ issuer, subject }: Profile): void {
  const isUsable = [issuer, subject].every((text) => text !== "" && text.length <= MAX_IDENTITY);
  if (!isUsable) {
    throw new DomainError("sign_in_failed", "The provider does not say who signed in.", {
      reason: "not_genuine",
    });
  }
}

/** A newcomer; pure but for the id. */
function newUser(profile: Profile, options: SignInOptions): User {
  const { now } = options;
  const { issuer, subject } = profile;
  return {
    format: USER_FORMAT,
    id: newUserId(now),
    ...namesOf(profile),
    role: roleAtSignUp(profile, options),
    identity: { issuer, subject },
    createdAt: now,
    updatedAt: now,
    signedInAt: now,
    suspendedAt: null,
    credentialsEndedAt: 0,
    erasedAt: null,
  };
}

/** Somebody who comes again: as the provider names them now. @throws `user_suspended`. */
async function nextUser(
  store: Store,
  { user }: StoredUser,
  { profile, options: { now, provider, adminUsers } }: {
    profile: Profile;
    options: SignInOptions;
  },
): Promise<User> {
  if (user.suspendedAt !== null) {
    const by = { now, by: user.id, via: provider };
    await writeAuditLine(store, programLine("session.refused", by, about(user, "suspended")));
    throw new DomainError("user_suspended");
  }
  const names = namesOf(profile);
  const isRenamed = names.name !== user.name || names.email !== user.email;
  return {
    ...user,
    ...names,
    format: USER_FORMAT,
    role: adminUsers.has(identityText(profile)) ? "admin" : user.role,
    updatedAt: isRenamed ? now : user.updatedAt,
    signedInAt: now,
  };
}

function namesOf({ name, email, emailVerified }: Profile) {
  const shown = name === undefined ? null : personName(name, MAX_NAME);
  const usableEmail = email !== undefined && email.length <= MAX_EMAIL ? email : null;
  return {
    name: shown ?? usableEmail ?? "Somebody",
    email: usableEmail,
    emailVerified: usableEmail !== null && emailVerified,
  };
}

/** Signs in whoever showed `ADMIN_TOKEN`: a session like any other, of `usr_root`, and shorter. */
export async function signInRoot(
  store: Store,
  { now, userAgent, ended, rootFingerprint }: {
    now: number;
    userAgent: string | null;
    ended?: EndedSession | undefined;
    rootFingerprint: string;
  },
): Promise<SignedIn> {
  const provider = "admin_token";
  const secret = newSecret();
  const session = newSession(ROOT.userId, {
    provider,
    userAgent,
    now,
    lastsMs: ROOT_SESSION_MS,
    rootFingerprint,
  });
  const by = { now, by: ROOT.userId, via: provider };
  const line = programLine("session.created", by, { userId: ROOT.userId });
  await createSession(
    store,
    { digest: digestOf(secret), session, keptMs: ROOT_SESSION_MS },
    (operation) => {
      if (ended !== undefined) removeSession(operation, ended.userId, ended.digest);
      addAuditLine(operation, line);
    },
  );
  return { principal: rootBy(rootFingerprint), secret, session };
}
