/**
 * The journal: every change of every event, in commit order. Realtime, sync and reports read it;
 * the write path asks it whether a commit that seemed to fail was applied after all.
 */
import type { Actor, EventCard, EventRecord, EventStatus, RunId, UserId } from "./event_record.ts";
import { DomainError } from "./errors.ts";
import { upgraded } from "./formats.ts";
import { JOURNAL, JOURNAL_HEAD } from "./keys.ts";
import { rowsAfter } from "./ranges.ts";
import type { Store } from "./store.ts";

export type ChangeType = "created" | "updated" | "transitioned" | "deleted";

/** What filters and rights need of the event as it was before a change. */
export interface EventBefore {
  status: EventStatus;
  visibility: EventRecord["visibility"];
  /** Absent when it was not. */
  isWithheld?: true;
  organizerId: EventRecord["organizerId"];
  startDate: number;
  endDate: number | null;
  city: string | null;
  country: string | null;
  online: boolean;
  /** Only when the change altered them. */
  tags?: string[];
  staffIds?: UserId[];
}

export interface Change {
  type: ChangeType;
  /** When it was recorded, epoch milliseconds. */
  at: number;
  by: Actor;
  /** The job's run that carried it out, when `by` is a person who asked for that. */
  run?: RunId;
  version: number;
  event: EventCard;
  /** Null when the event was created. */
  was: EventBefore | null;
  /** Why it was deleted, if that was said. */
  reason?: string;
}

export interface JournalEntry {
  format: number;
  /** Random: how a writer knows its own entry again. */
  writeId: string;
  changes: Change[];
}

export type CommitOutcome =
  | { outcome: "committed"; versionstamp: string }
  | { outcome: "conflict" };

/**
 * Commits `operation` together with a journal entry of `changes`.
 *
 * Over KV Connect a commit whose answer is lost is sent again by the runtime and is then refused
 * because of itself; so before a conflict is believed, the journal is searched for our own entry,
 * from the newest versionstamp known before the attempt. The operation must hold at least one
 * check: without one, a commit that is sent again is applied twice.
 * @throws {DomainError} `outcome_unknown`.
 */
export async function commitWithChanges(
  store: Store,
  operation: Deno.AtomicOperation,
  changes: Change[],
): Promise<CommitOutcome> {
  const since = store.newestSeen;
  const writeId = crypto.randomUUID();
  const format = store.schema.formats.journal.current;
  const entry: JournalEntry = { format, writeId, changes };
  operation
    .set([...JOURNAL, store.kv.commitVersionstamp()] as Deno.KvKey, entry)
    .set(JOURNAL_HEAD, changes.length);
  const result = await store.commit(operation);
  if (result.ok) {
    store.tellChanged();
    return { outcome: "committed", versionstamp: result.versionstamp };
  }
  let own: string | null;
  try {
    own = await findOwnEntry(store, writeId, since);
  } catch (error) {
    // A read failed, yet "nothing was changed" would be a guess.
    throw new DomainError("outcome_unknown", undefined, {}, { cause: error });
  }
  if (own === null) return { outcome: "conflict" };
  store.tellChanged();
  return { outcome: "committed", versionstamp: own };
}

/** The journal entries after a versionstamp, oldest first, at most `limit`. */
export async function listJournal(
  store: Store,
  after: string | null,
  limit: number,
): Promise<{ versionstamp: string; entry: JournalEntry }[]> {
  const selector = rowsAfter(JOURNAL, after === null ? null : [...JOURNAL, after]);
  const rows = await store.list<JournalEntry>(selector, { limit });
  const { journal: format } = store.schema.formats;
  return rows.map(({ key, value }) => ({
    versionstamp: key[1] as string,
    entry: upgraded(value, format),
  }));
}

async function findOwnEntry(
  store: Store,
  writeId: string,
  since: string,
): Promise<string | null> {
  for (let after = since;;) {
    const entries = await listJournal(store, after, 100);
    const own = entries.find(({ entry }) => entry.writeId === writeId);
    if (own !== undefined) return own.versionstamp;
    const last = entries.at(-1);
    if (last === undefined || entries.length < 100) return null;
    after = last.versionstamp;
  }
}

/** What a journal change says of the event before it; pure. */
export function beforeOf(before: EventRecord, after: EventRecord): EventBefore {
  const was: EventBefore = {
    status: before.status,
    visibility: before.visibility,
    organizerId: before.organizerId,
    startDate: before.startDate,
    endDate: before.endDate,
    city: before.location.city,
    country: before.location.country,
    online: before.online,
  };
  if (before.isWithheld) was.isWithheld = true;
  if (!sameList(before.tags, after.tags)) was.tags = before.tags;
  const staff = before.staff.map((person) => person.userId);
  if (!sameList(staff, after.staff.map((person) => person.userId))) was.staffIds = staff;
  return was;
}

function sameList(a: string[], b: string[]): boolean {
  return a.length === b.length && a.every((item, i) => item === b[i]);
}
