/**
 * Erasures: that somebody asked to be forgotten. One is stored until everything is done that belongs
 * to it, so whoever does it may be killed anywhere. It holds nothing of the person but their id.
 */
import type { UserId } from "./event_record.ts";
import { upgraded } from "./formats.ts";
import {
  erasureKey,
  ERASURES,
  outcomePrefix,
  sessionByUserPrefix,
  sessionKey,
  tokenByUserPrefix,
  tokenKey,
} from "./keys.ts";
import { MAX_ROWS_PER_BATCH } from "./limits.ts";
import type { Store } from "./store.ts";
import { deleteUser, type Together } from "./users.ts";

/** What becomes of organizers that nobody else owns. */
export const ERASURE_CHOICES = ["pass_on", "cancel_events"] as const;
export type ErasureChoice = typeof ERASURE_CHOICES[number];

export interface Erasure {
  format: number;
  organizers: ErasureChoice;
  /** When they asked; epoch milliseconds. */
  at: number;
  by: UserId;
  /** The digests of invitations for their e-mail address, which is stored nowhere any more. */
  invitations: string[];
}

/** A request with the versionstamp of the very read it came from: what its deletion checks. */
export interface StoredErasure {
  userId: UserId;
  erasure: Erasure;
  versionstamp: string;
}

/** Adds a request to the commit that makes the user nobody's. */
export function addErasure(
  operation: Deno.AtomicOperation,
  userId: UserId,
  erasure: Erasure,
): void {
  operation.set(erasureKey(userId), erasure);
}

/** Null when there is none, or it is done. */
export async function getErasure(store: Store, userId: UserId): Promise<Erasure | null> {
  const { value, versionstamp } = await store.get(erasureKey(userId));
  return versionstamp === null ? null : upgraded(value, store.schema.formats.erasure);
}

/** The requests that are not done, by user; at most 500. */
export async function listErasures(store: Store): Promise<StoredErasure[]> {
  const rows = await store.list({ prefix: ERASURES }, { limit: MAX_ROWS_PER_BATCH });
  return rows.map(({ key, value, versionstamp }) => ({
    userId: key[1] as UserId,
    erasure: upgraded(value, store.schema.formats.erasure),
    versionstamp,
  }));
}

/**
 * Deletes the user and the request; `together` is written in the same commit. False: another run
 * did, or this one and the answer was lost.
 */
export function endErasure(
  store: Store,
  { userId, versionstamp }: StoredErasure,
  together: Together,
): Promise<boolean> {
  const key = erasureKey(userId);
  return deleteUser(store, userId, (operation) => {
    operation.check({ key, versionstamp }).delete(key);
    together(operation);
  });
}

/** A row and what belongs to it; well below what the keys of one commit may take. */
const ROWS_PER_COMMIT = 200;

/** Deletes a user's sessions and tokens. */
export async function deleteCredentials(store: Store, userId: UserId): Promise<void> {
  await deleteRows(store, sessionByUserPrefix(userId), ({ key }) => sessionKey(key[2] as string));
  await deleteRows(store, tokenByUserPrefix(userId), ({ value }) => tokenKey(value as string));
}

/** Deletes the answers that were kept for a user. */
export async function deleteAnswers(store: Store, userId: UserId): Promise<void> {
  await deleteRows(store, outcomePrefix(userId), () => null);
}

async function deleteRows(
  store: Store,
  prefix: Deno.KvKey,
  belongingTo: (row: Deno.KvEntry<unknown>) => Deno.KvKey | null,
): Promise<void> {
  for (let moreLeft = true; moreLeft;) {
    const rows = await store.list<unknown>({ prefix }, { limit: ROWS_PER_COMMIT });
    if (rows.length === 0) return;
    const operation = store.kv.atomic();
    for (const row of rows) {
      operation.delete(row.key);
      const key = belongingTo(row);
      if (key !== null) operation.delete(key);
    }
    await store.commit(operation);
    moreLeft = rows.length === ROWS_PER_COMMIT;
  }
}
