/**
 * Writing an event as it was in another store: the one write that makes no new version. In a commit
 * like every other, with its index entries and a journal entry.
 */
import { addAuditLine, type NewAuditLine } from "./audit.ts";
import {
  claimHistory,
  deleteOlderHistory,
  historySlices,
  moveOut,
  splitHistory,
} from "./event_history.ts";
import { type Actor, cardOf, type EventRecord, type HistoryEntry } from "./event_record.ts";
import { requireRestorable } from "./event_size.ts";
import { compacted, requireWritableEvent, type StoredEvent, writeIndexes } from "./events.ts";
import { beforeOf, type CommitOutcome, commitWithChanges } from "./journal.ts";
import { eventKey, eventRestoreKey } from "./keys.ts";
import { checkEventHome, type EventHome } from "./organizers.ts";
import type { Store } from "./store.ts";

/**
 * Writes an event as it was in another store: with its version, its times and its whole history.
 * `read` is what it replaces, null when it is new; the journal tells of one change. `home` is the
 * organizer that it takes its flag from, null when it keeps that of what it replaces.
 *
 * A history that one commit cannot hold goes before it, in slices that check the same read and a
 * claim: nobody sees them without the record, and the next attempt writes them again.
 * `conflict`: it changed since it was read, a new external id is taken, the organizer changed, or
 * somebody else restores another history.
 * @throws {DomainError} `newer_format`, `event_too_large`.
 */
export async function restoreEvent(
  store: Store,
  read: StoredEvent | null,
  { record, home = null, by, at, audit = [] }: {
    record: EventRecord;
    home?: EventHome | null;
    by: Actor;
    at: number;
    /** Of the rights that come with it. */
    audit?: readonly NewAuditLine[];
  },
): Promise<CommitOutcome> {
  const before = read?.record ?? null;
  if (before !== null) requireWritableEvent(store, before);
  const { older, kept } = splitHistory(record.history);
  const next: EventRecord = {
    ...compacted({ ...record, history: kept }),
    format: store.schema.formats.event.current,
    generation: store.schema.generation,
  };
  requireRestorable(next, record.history);
  const { id } = next;
  const checks = [{ key: eventKey(id), versionstamp: read?.versionstamp ?? null }];
  const slices = historySlices(olderThanStored(older, before));
  // Rows that a restore left behind half way would show in the gaps of such a history.
  const hasGaps = before === null && record.history.length < record.version;
  const isClaimed = slices.length > 1 || hasGaps;
  if (isClaimed) {
    const claim = await claimHistory(store, id, record.history);
    if (claim === null) return { outcome: "conflict" };
    checks.push(claim);
  }
  if (hasGaps && !await deleteOlderHistory(store, id, checks)) return { outcome: "conflict" };
  for (const entries of slices.slice(0, -1)) {
    const operation = store.kv.atomic().check(...checks);
    moveOut(store, operation, { id, entries });
    if (!(await store.commit(operation)).ok) return { outcome: "conflict" };
  }
  const operation = store.kv.atomic().check(...checks).set(eventKey(id), next);
  if (home !== null) checkEventHome(operation, home);
  for (const line of audit) addAuditLine(operation, line);
  if (isClaimed) operation.delete(eventRestoreKey(id));
  moveOut(store, operation, { id, entries: slices.at(-1) ?? [] });
  writeIndexes(store, operation, { before, after: next });
  const isMoved = before !== null && before.status !== next.status;
  return await commitWithChanges(store, operation, [{
    type: before === null ? "created" : isMoved ? "transitioned" : "updated",
    at,
    by,
    version: next.version,
    event: cardOf(next),
    was: before === null ? null : beforeOf(before, next),
  }]);
}

/** What has moved out of the stored record lies under its keys already. */
function olderThanStored(older: HistoryEntry[], before: EventRecord | null): HistoryEntry[] {
  const first = before?.history[0]?.version ?? 0;
  return older.filter((entry) => entry.version >= first);
}
