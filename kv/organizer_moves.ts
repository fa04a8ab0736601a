/**
 * Requests to move all events of one organizer to another. One is stored until it is carried out,
 * so whoever carries it out may be killed anywhere.
 */
import type { OrganizerId, UserId } from "./event_record.ts";
import { upgraded } from "./formats.ts";
import { JOURNAL_HEAD, ORGANIZER_MOVES, organizerMoveKey } from "./keys.ts";
import type { Store } from "./store.ts";

export interface OrganizerMove {
  format: number;
  to: OrganizerId;
  /** Who asked for it, and when. */
  by: UserId;
  at: number;
  reason: string | null;
}

/** A request with the versionstamp of the very read it came from: what its deletion checks. */
export interface StoredMove {
  from: OrganizerId;
  move: OrganizerMove;
  versionstamp: string;
}

/** The move out of an organizer; null when there is none. */
export async function getMove(store: Store, from: OrganizerId): Promise<StoredMove | null> {
  const { value, versionstamp } = await store.get(organizerMoveKey(from));
  if (versionstamp === null) return null;
  return { from, move: upgraded(value, store.schema.formats.organizer_move), versionstamp };
}

/** The moves under way, by the organizer they lead away from; at most 500. */
export async function listMoves(store: Store): Promise<StoredMove[]> {
  const rows = await store.list({ prefix: ORGANIZER_MOVES }, { limit: 500 });
  return rows.map(({ key, value, versionstamp }) => ({
    from: key[1] as OrganizerId,
    move: upgraded(value, store.schema.formats.organizer_move),
    versionstamp,
  }));
}

/**
 * Stores a request. False, and nothing was written: there is a move out of one of both organizers.
 * (Both are checked, so moves never form a circle, also when they are asked for at once.)
 */
export async function createMove(
  store: Store,
  from: OrganizerId,
  move: OrganizerMove,
): Promise<boolean> {
  const operation = store.kv.atomic()
    .check({ key: organizerMoveKey(from), versionstamp: null })
    .check({ key: organizerMoveKey(move.to), versionstamp: null })
    .set(organizerMoveKey(from), move);
  return (await store.commit(operation)).ok;
}

/**
 * Deletes a request that was carried out, if it is still the one that was read and the journal
 * still ends at `head`. False: one of both is not so.
 */
export async function deleteMove(
  store: Store,
  { from, versionstamp }: StoredMove,
  head: string | null,
): Promise<boolean> {
  const operation = store.kv.atomic()
    .check({ key: organizerMoveKey(from), versionstamp })
    .check({ key: JOURNAL_HEAD, versionstamp: head })
    .delete(organizerMoveKey(from));
  return (await store.commit(operation)).ok;
}
