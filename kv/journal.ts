/**
 * The journal: every change of every event, in commit order. Realtime, sync and reports read it;
 * the write path asks it whether a commit that seemed to fail was applied after all.
 */
import type { Actor, EventCard, EventRecord, EventStatus, RunId, UserId } from "./event_record.ts";
import { DomainError } from "./errors.ts";
import { upgraded } from "./formats.ts";
import { getWithWhole } from "./index_state.ts";
import { JOURNAL, JOURNAL_HEAD } from "./keys.ts";
import { rowsAfter } from "./ranges.ts";
import type { Store } from "./store.ts";

export type ChangeType = "created" | "updated" | "transitioned" | "deleted";

/** What filters and rights need of the event as it was before a change. */
export interface EventBefore {
  status: EventStatus;
  visibility: EventRecord["visibility"];
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
  if (result.ok) return { outcome: "committed", versionstamp: result.versionstamp };
  let own: string | null;
  try {
    own = await findOwnEntry(store, writeId, since);
  } catch (error) {
    // A read failed, yet "nothing was changed" would be a guess.
    throw new DomainError("outcome_unknown", undefined, {}, { cause: error });
  }
  return own === null ? { outcome: "conflict" } : { outcome: "committed", versionstamp: own };
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

const NOTHING = "0".repeat(20);

/**
 * Where the journal stands now: `<epoch>.<versionstamp>-<n>`, the id of the newest change. Whoever
 * goes on to read indexes names them.
 * @throws {DomainError} `index_incomplete` when one of them is not whole.
 */
export async function readPosition(store: Store, indexes: string[] = []): Promise<string> {
  const head = await getWithWhole<number>(store, JOURNAL_HEAD, indexes);
  return `${store.epoch}.${head.versionstamp ?? NOTHING}-${head.value ?? 0}`;
}

/** A place in the journal: after the `n`th change of the entry at `versionstamp`. */
export interface JournalPlace {
  versionstamp: string;
  n: number;
}

const POSITION = /^([0-9a-z-]+)\.([0-9a-f]{20})-(\d{1,6})$/;

/**
 * The place that a position names, which this store gave out earlier. Null when it has not the form
 * of a position.
 * @throws {DomainError} `position_gone` when it is another store's, or lies ahead of the journal.
 */
export async function readPlace(store: Store, position: string): Promise<JournalPlace | null> {
  const [, epoch, versionstamp, n] = POSITION.exec(position) ?? [];
  if (epoch === undefined || versionstamp === undefined) return null;
  const head = await store.get<number>(JOURNAL_HEAD);
  const newest = head.versionstamp ?? NOTHING;
  const isAhead = versionstamp > newest ||
    (versionstamp === newest && Number(n) > (head.value ?? 0));
  if (epoch !== store.epoch || isAhead) {
    throw new DomainError(
      "position_gone",
      `"${position}" is no position of this store, or not one yet; start with a whole export.`,
      { parameter: "since" },
    );
  }
  return { versionstamp, n: Number(n) };
}

/** Journal entries read at once: each may be as large as a value. */
const ENTRIES_PER_READ = 25;

/**
 * The changes after a place, in their order, up to and with those of the entry at `until`: in slices
 * of which each is what one read gave.
 */
export async function* changesAfter(
  store: Store,
  { versionstamp, n }: JournalPlace,
  until: string,
): AsyncGenerator<Change[]> {
  const started = await store.get<unknown>([...JOURNAL, versionstamp]);
  if (started.versionstamp !== null) {
    const { changes } = upgraded<JournalEntry>(started.value, store.schema.formats.journal);
    if (changes.length > n) yield changes.slice(n);
  }
  for (let after = versionstamp;;) {
    const entries = await listJournal(store, after, ENTRIES_PER_READ);
    const wanted = entries.filter((entry) => entry.versionstamp <= until);
    yield wanted.flatMap(({ entry }) => entry.changes);
    if (wanted.length < ENTRIES_PER_READ) return;
    after = wanted.at(-1)!.versionstamp;
  }
}

/** The versionstamp of the newest entry; null when there is none. */
export async function readHead(store: Store): Promise<string | null> {
  return (await store.get<number>(JOURNAL_HEAD)).versionstamp;
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
  if (!sameList(before.tags, after.tags)) was.tags = before.tags;
  const staff = before.staff.map((person) => person.userId);
  if (!sameList(staff, after.staff.map((person) => person.userId))) was.staffIds = staff;
  return was;
}

function sameList(a: string[], b: string[]): boolean {
  return a.length === b.length && a.every((item, i) => item === b[i]);
}
