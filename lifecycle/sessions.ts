/**
 * Sessions: who a browser is signed in as. Thirty days however much it is used, seven days without
 * use; the administrator's by `ADMIN_TOKEN` eight hours.
 */
import { addAuditLine } from "../kv/audit.ts";
import { isStoreFailure } from "../kv/errors.ts";
import type { UserId } from "../kv/event_record.ts";
import { FORMATS } from "../kv/formats.ts";
import {
  deleteSessions,
  listDigests,
  listSessions,
  readSession,
  type Session,
  type StoredSession,
  touchSession,
} from "../kv/sessions.ts";
import type { Store } from "../kv/store.ts";
import { getUser, type User } from "../kv/users.ts";
import { rootBy } from "./admin_token.ts";
import { auditLine } from "./audit.ts";
import { type Principal, ROOT } from "./policy.ts";

const HOUR_MS = 3_600_000;
export const SESSION_MS = 30 * 24 * HOUR_MS;
export const ROOT_SESSION_MS = 8 * HOUR_MS;
const IDLE_MS = 7 * 24 * HOUR_MS;
/** How often it is written down that a session or a token is in use. */
export const TOUCHED_MS = HOUR_MS;
const MAX_USER_AGENT = 200;

/** A session that begins at `now`; pure. */
export function newSession(
  userId: UserId,
  { provider, userAgent, now, lastsMs, rootFingerprint = null }: {
    provider: string;
    userAgent: string | null;
    now: number;
    lastsMs: number;
    rootFingerprint?: string | null;
  },
): Session {
  return {
    format: FORMATS.session.current,
    userId,
    provider,
    userAgent: userAgent?.slice(0, MAX_USER_AGENT) ?? null,
    createdAt: now,
    seenAt: now,
    expiresAt: now + lastsMs,
    rootFingerprint,
  };
}

/** Milliseconds until it ends unless it is used. */
export function keptMs({ expiresAt, seenAt }: Session, now: number): number {
  return Math.max(Math.min(expiresAt, seenAt + IDLE_MS) - now, 1);
}

/** Whether it still is one, of a user who has not been shut out since; pure. */
function isCurrent({ expiresAt, seenAt }: Session, now: number): boolean {
  return now < expiresAt && now < seenAt + IDLE_MS;
}

/** Who is signed in with the session of this digest; null: nobody. */
export async function sessionPrincipal(
  store: Store,
  digest: string,
  { now, rootFingerprint }: { now: number; rootFingerprint: string | null },
): Promise<Principal | null> {
  const stored = await readSession(store, digest);
  if (stored === null || !isCurrent(stored.session, now)) return null;
  const person = await principalOf(store, stored.session, rootFingerprint);
  if (person === null) return null;
  if (now - stored.session.seenAt >= TOUCHED_MS) await touch(store, stored, now);
  return { ...person, credential: { kind: "session", digest } };
}

/** What sessions and tokens have in common. */
type Given = Pick<Session, "userId" | "createdAt" | "rootFingerprint">;

/**
 * Whoever a session or a token stands for; null: they are shut out, or gone. `rootFingerprint` is
 * that of the `ADMIN_TOKEN` that is set; null: none is.
 */
export async function principalOf(
  store: Store,
  given: Given,
  rootFingerprint: string | null,
): Promise<Principal | null> {
  const { userId } = given;
  if (userId === ROOT.userId) {
    const isSame = rootFingerprint !== null && given.rootFingerprint === rootFingerprint;
    return isSame ? rootBy(rootFingerprint) : null;
  }
  const user = await getUser(store, userId);
  return user === null || !stands(user, given.createdAt) ? null : personOf(user);
}

/** Whether what was given to the user at `createdAt` is still good. */
function stands({ suspendedAt, credentialsEndedAt, erasedAt }: User, createdAt: number): boolean {
  return suspendedAt === null && erasedAt === null && createdAt > credentialsEndedAt;
}

/** Tells which of what was given to the caller is good, but for its own end. */
export async function standing(
  store: Store,
  principal: Principal & { userId: UserId },
): Promise<(given: Given) => boolean> {
  const { userId, rootFingerprint = null } = principal;
  const user = await getUser(store, userId);
  return (given) =>
    user === null ? given.rootFingerprint === rootFingerprint : stands(user, given.createdAt);
}

export function personOf({ id, role, name }: User): Principal & { userId: UserId } {
  return { userId: id, role, name };
}

async function touch(store: Store, stored: StoredSession, now: number): Promise<void> {
  const session = { ...stored.session, seenAt: now };
  await written(touchSession(store, stored, { now, keptMs: keptMs(session, now) }));
}

/**
 * Waits until it is written down that something is in use. When the store does not answer, that is
 * no less valid, and the next request tries again.
 */
export async function written(touching: Promise<void>): Promise<void> {
  try {
    await touching;
  } catch (error) {
    if (!isStoreFailure(error)) throw error;
  }
}

/** The caller's sessions that have not ended, newest first. */
export async function listMySessions(
  store: Store,
  { principal, now }: { principal: Principal & { userId: UserId }; now: number },
): Promise<StoredSession[]> {
  const isGood = await standing(store, principal);
  const sessions = await listSessions(store, principal.userId);
  return sessions
    .filter(({ session }) => isCurrent(session, now) && isGood(session))
    .sort((a, b) => b.session.createdAt - a.session.createdAt);
}

/** What a session is called by to its person: enough of its digest to tell it from others. */
export function sessionName(digest: string): string {
  return `ses_${digest.slice(0, 16)}`;
}

/** Ends the caller's sessions that `which` chooses; how many those are. */
export async function endMySessions(
  store: Store,
  { principal, now, which }: {
    principal: Principal & { userId: UserId };
    now: number;
    which: (digest: string) => boolean;
  },
): Promise<number> {
  const { userId } = principal;
  const digests = (await listDigests(store, userId)).filter(which);
  if (digests.length === 0) return 0;
  const line = auditLine("sessions.ended", { principal, now }, {
    userId,
    detail: `${digests.length}`,
  });
  await deleteSessions(store, {
    userId,
    digests,
    together: (operation) => addAuditLine(operation, line),
  });
  return digests.length;
}
