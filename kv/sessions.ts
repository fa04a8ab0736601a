/**
 * Sessions: that a browser is signed in. Kept under the SHA-256 of what its cookie says, so that a
 * copy of the store opens nothing.
 *
 * Deno KV removes what has expired up to a minute late, so each record says itself when it ends.
 */
import type { UserId } from "./event_record.ts";
import { upgraded } from "./formats.ts";
import { sessionByUserKey, sessionByUserPrefix, sessionKey } from "./keys.ts";
import { MAX_ROWS_PER_BATCH } from "./limits.ts";
import { allRows } from "./ranges.ts";
import type { Store } from "./store.ts";
import type { Together } from "./users.ts";

export interface Session {
  format: number;
  userId: UserId;
  /** How they signed in: a provider's name, `admin_token` or `development`. */
  provider: string;
  /** What the browser calls itself, shortened; for its person to tell sessions apart by. */
  userAgent: string | null;
  createdAt: number;
  /** Brought up to date now and then, not with every request. */
  seenAt: number;
  /** However much it is used. */
  expiresAt: number;
  /** Of the `ADMIN_TOKEN` that it was made with, if it is `usr_root`'s. */
  rootFingerprint: string | null;
}

export interface StoredSession {
  digest: string;
  session: Session;
  versionstamp: string;
}

/** Null when there is none. */
export async function readSession(store: Store, digest: string): Promise<StoredSession | null> {
  const { value, versionstamp } = await store.get(sessionKey(digest));
  if (versionstamp === null) return null;
  return { digest, session: upgraded(value, store.schema.formats.session), versionstamp };
}

/** Adds a session to the commit that signs somebody in; it is removed after `keptMs` at most. */
export function addSession(
  operation: Deno.AtomicOperation,
  { digest, session, keptMs }: { digest: string; session: Session; keptMs: number },
): void {
  const options = { expireIn: keptMs };
  operation
    .set(sessionKey(digest), session, options)
    .set(sessionByUserKey(session.userId, digest), null, options);
}

/** Stores a session by itself, of whoever has no user; `together` in the same commit. */
export async function createSession(
  store: Store,
  session: { digest: string; session: Session; keptMs: number },
  together: Together,
): Promise<void> {
  const operation = store.kv.atomic();
  addSession(operation, session);
  together(operation);
  await store.commit(operation);
}

/** Says that a session is in use. It may have ended meanwhile, which is not undone. */
export async function touchSession(
  store: Store,
  { digest, session, versionstamp }: StoredSession,
  { now, keptMs }: { now: number; keptMs: number },
): Promise<void> {
  const operation = store.kv.atomic().check({ key: sessionKey(digest), versionstamp });
  addSession(operation, { digest, session: { ...session, seenAt: now }, keptMs });
  await store.commit(operation);
}

/** The sessions of a user that are stored, ended ones perhaps among them; at most 500. */
export async function listSessions(store: Store, userId: UserId): Promise<StoredSession[]> {
  const rows = await store.list({ prefix: sessionByUserPrefix(userId) }, {
    limit: MAX_ROWS_PER_BATCH,
  });
  const digests = rows.map(({ key }) => key[2] as string);
  const entries = await store.getMany(digests.map(sessionKey));
  return entries.flatMap(({ value, versionstamp }, i) =>
    versionstamp === null ? [] : [{
      digest: digests[i]!,
      session: upgraded<Session>(value, store.schema.formats.session),
      versionstamp,
    }]
  );
}

/** By what all sessions of a user are stored, however many there are. */
export async function listDigests(store: Store, userId: UserId): Promise<string[]> {
  return await Array.fromAsync(
    allRows(store, sessionByUserPrefix(userId)),
    ({ key }) => key[2] as string,
  );
}

/** Two mutations each, and the keys of one commit may take 80 KiB. */
const SESSIONS_PER_COMMIT = 200;

/**
 * Ends sessions of a user; `together` is written with the first of them. More than one commit takes
 * follow in further ones.
 */
export async function deleteSessions(
  store: Store,
  { userId, digests, together }: { userId: UserId; digests: string[]; together?: Together },
): Promise<void> {
  for (let i = 0; i < digests.length; i += SESSIONS_PER_COMMIT) {
    const operation = store.kv.atomic();
    for (const digest of digests.slice(i, i + SESSIONS_PER_COMMIT)) {
      removeSession(operation, userId, digest);
    }
    if (i === 0) together?.(operation);
    await store.commit(operation);
  }
}

/** Ends a session in another commit. */
export function removeSession(
  operation: Deno.AtomicOperation,
  userId: UserId,
  digest: string,
): void {
  operation.delete(sessionKey(digest)).delete(sessionByUserKey(userId, digest));
}
