/** Removing what is older than is kept of the journal. */
import {
  BEGINNING,
  endOf,
  type JournalPlace,
  type PlacedChanges,
  readEntries,
  readHead,
  readTrimmedTo,
} from "./journal_places.ts";
import { JOURNAL, JOURNAL_TRIMMED_TO } from "./keys.ts";
import type { Store } from "./store.ts";

/** Entries removed in one commit. */
const ENTRIES_PER_COMMIT = 25;

export interface TrimResult {
  /** Changes removed. */
  removed: number;
  /** Whether there is more to remove. */
  moreLeft: boolean;
}

/**
 * Removes one slice of entries of which every change was recorded before `before` (epoch
 * milliseconds), oldest first. How far it went is written in the commit that removes, so whoever
 * reads on from an id never takes a hole for silence. The newest entry stays: positions name it.
 */
export async function trimJournal(store: Store, before: number): Promise<TrimResult> {
  const start = await store.get<JournalPlace>(JOURNAL_TRIMMED_TO);
  const { old, moreLeft } = await oldEntries(store, before, start.value ?? BEGINNING);
  const last = old.at(-1);
  if (last === undefined) return { removed: 0, moreLeft: false };
  const operation = store.kv.atomic()
    .check(start)
    .set(JOURNAL_TRIMMED_TO, endOf(last));
  for (const { versionstamp } of old) operation.delete([...JOURNAL, versionstamp]);
  const { ok } = await store.commit(operation);
  // Somebody else was at it, or our own answer was lost: look again.
  return ok ? { removed: countOf(old), moreLeft } : { removed: 0, moreLeft: true };
}

/** How many changes there are to remove. */
export async function countTrimmable(store: Store, before: number): Promise<number> {
  let count = 0;
  for (let place = await readTrimmedTo(store);;) {
    const { old, moreLeft } = await oldEntries(store, before, place);
    count += countOf(old);
    if (!moreLeft) return count;
    place = endOf(old.at(-1)!);
  }
}

async function oldEntries(
  store: Store,
  before: number,
  place: JournalPlace,
): Promise<{ old: PlacedChanges[]; moreLeft: boolean }> {
  const newest = await readHead(store);
  const { entries, done } = await readEntries(store, place, ENTRIES_PER_COMMIT);
  const kept = entries.findIndex(({ versionstamp, changes }) =>
    versionstamp === newest || changes.some((change) => change.at >= before)
  );
  return kept === -1
    ? { old: entries, moreLeft: !done && entries.length > 0 }
    : { old: entries.slice(0, kept), moreLeft: false };
}

function countOf(entries: PlacedChanges[]): number {
  return entries.reduce((sum, { changes }) => sum + changes.length, 0);
}
