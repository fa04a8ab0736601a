/**
 * Places in the journal, and reading on from one. The id of a change is its place's text,
 * `<epoch>.<versionstamp>-<n>`: two stores count alike, so without the epoch an id of another one
 * would look like one's own.
 */
import { DomainError } from "./errors.ts";
import { upgraded } from "./formats.ts";
import { getWithWhole } from "./index_state.ts";
import type { Change, JournalEntry } from "./journal.ts";
import { JOURNAL, JOURNAL_HEAD, JOURNAL_TRIMMED_TO } from "./keys.ts";
import type { Store } from "./store.ts";

/** A place in the journal: after the `n`th change, counted from 1, of the entry at `versionstamp`. */
export interface JournalPlace {
  versionstamp: string;
  n: number;
}

/** The changes of one commit, or the last of them from after a place on. */
export interface PlacedChanges {
  versionstamp: string;
  /** How many of the entry's changes stand before these. */
  before: number;
  changes: Change[];
}

/** Before the first change that there will ever be. */
export const BEGINNING: JournalPlace = { versionstamp: "0".repeat(20), n: 0 };

/** Negative when `a` stands before `b`. */
export function comparePlaces(a: JournalPlace, b: JournalPlace): number {
  if (a.versionstamp !== b.versionstamp) return a.versionstamp < b.versionstamp ? -1 : 1;
  return a.n - b.n;
}

/** The place's text: the id of the change there. */
export function placeText({ epoch }: Store, { versionstamp, n }: JournalPlace): string {
  return `${epoch}.${versionstamp}-${n}`;
}

/** Where the journal ends now. */
export async function readHeadPlace(store: Store): Promise<JournalPlace> {
  const head = await store.get<number>(JOURNAL_HEAD);
  return head.versionstamp === null
    ? BEGINNING
    : { versionstamp: head.versionstamp, n: head.value! };
}

/** The versionstamp of the newest entry; null when there is none. */
export async function readHead(store: Store): Promise<string | null> {
  return (await store.get<number>(JOURNAL_HEAD)).versionstamp;
}

/**
 * Where the journal stands now, as text: the id of the newest change. Whoever goes on to read
 * indexes names them.
 * @throws {DomainError} `index_incomplete` when one of them is not whole.
 */
export async function readPosition(store: Store, indexes: string[] = []): Promise<string> {
  const { versionstamp, value } = await getWithWhole<number>(store, JOURNAL_HEAD, indexes);
  return placeText(store, versionstamp === null ? BEGINNING : { versionstamp, n: value! });
}

/** The last change that was removed; the beginning when none was. */
export async function readTrimmedTo(store: Store): Promise<JournalPlace> {
  const { value } = await store.get<JournalPlace>(JOURNAL_TRIMMED_TO);
  return value ?? BEGINNING;
}

const POSITION = /^([0-9a-z-]+)\.([0-9a-f]{20})-(\d{1,6})$/;

/** What the text of a place says; null when it is not of that form. */
export function parsePlace(text: string): (JournalPlace & { epoch: string }) | null {
  const [, epoch, versionstamp, n] = POSITION.exec(text) ?? [];
  if (epoch === undefined || versionstamp === undefined) return null;
  return { epoch, versionstamp, n: Number(n) };
}

/**
 * The place that a position names, which this store gave out earlier. Null when it has not the form
 * of a position.
 * @throws {DomainError} `position_gone` when it is another store's, lies ahead of the journal, or
 * before what is still kept of it; `reason` says which.
 */
export async function readPlace(
  store: Store,
  position: string,
  parameter: string,
): Promise<JournalPlace | null> {
  const parsed = parsePlace(position);
  if (parsed === null) return null;
  const { epoch, ...place } = parsed;
  const [head, trimmedTo] = await Promise.all([readHeadPlace(store), readTrimmedTo(store)]);
  const reason = epoch !== store.epoch
    ? "other_store"
    : comparePlaces(place, head) > 0
    ? "ahead"
    : comparePlaces(place, trimmedTo) < 0
    ? "too_old"
    : null;
  if (reason === null) return place;
  if (reason === "too_old") throw tooOld(position, { parameter });
  throw new DomainError(
    "position_gone",
    `"${position}" is no position of this store, or not one yet; start anew.`,
    { parameter, reason },
  );
}

function tooOld(position: string, extensions: Record<string, unknown>): DomainError {
  const detail = `What changed after "${position}" is not kept any more; start anew.`;
  return new DomainError("position_gone", detail, { ...extensions, reason: "too_old" });
}

/**
 * The entries after a place, oldest first, at most `limit`. Of the entry that the place lies in come
 * the changes after it, or none, in which case it still counts.
 */
export async function readEntries(
  store: Store,
  place: JournalPlace,
  limit: number,
): Promise<{ entries: PlacedChanges[]; done: boolean }> {
  const selector = { prefix: JOURNAL, start: [...JOURNAL, place.versionstamp] };
  const rows = await store.list<JournalEntry>(selector, { limit });
  const entries = rows.map(({ key, value }) => {
    const versionstamp = key[1] as string;
    const { changes } = upgraded<JournalEntry>(value, store.schema.formats.journal);
    const before = versionstamp === place.versionstamp ? place.n : 0;
    return { versionstamp, before, changes: before === 0 ? changes : changes.slice(before) };
  });
  return {
    entries: entries.filter(({ changes }) => changes.length > 0),
    done: rows.length < limit,
  };
}

/** The newest entries, oldest first, at most `limit`. */
export async function readNewestEntries(store: Store, limit: number): Promise<PlacedChanges[]> {
  const rows = await store.list<JournalEntry>({ prefix: JOURNAL }, { limit, reverse: true });
  return rows.reverse().map(({ key, value }) => ({
    versionstamp: key[1] as string,
    before: 0,
    changes: upgraded<JournalEntry>(value, store.schema.formats.journal).changes,
  }));
}

/** Where an entry's last change stands. */
export function endOf({ versionstamp, before, changes }: PlacedChanges): JournalPlace {
  return { versionstamp, n: before + changes.length };
}

/** Journal entries read at once: each may be as large as a value. */
export const ENTRIES_PER_READ = 25;

/**
 * The changes after a place, in their order, up to and with those of the entry at `until`: in slices
 * of which each is what one read gave.
 * @throws {DomainError} `position_gone` when they are removed before they are read.
 */
export async function* changesAfter(
  store: Store,
  place: JournalPlace,
  until: string,
): AsyncGenerator<Change[]> {
  for (let after = place, done = false; !done;) {
    const read = await readEntries(store, after, ENTRIES_PER_READ);
    if (comparePlaces(after, await readTrimmedTo(store)) < 0) {
      throw tooOld(placeText(store, after), {});
    }
    const wanted = read.entries.filter(({ versionstamp }) => versionstamp <= until);
    yield wanted.flatMap(({ changes }) => changes);
    done = read.done || wanted.length < read.entries.length;
    const last = read.entries.at(-1);
    if (last !== undefined) after = endOf(last);
  }
}
