/**
 * Reading event rows out of one or several index ranges as one list, ordered by `(date, id)`.
 */
import type { EventCard, EventId } from "./event_record.ts";
import { MAX_ROWS_PER_BATCH } from "./limits.ts";
import type { Store } from "./store.ts";

/** A part of an index whose keys end in `(date, id)`. */
export interface IndexRange {
  prefix: Deno.KvKey;
  /** First date, inclusive. */
  from?: number;
  /** Last date, exclusive. */
  to?: number;
}

export interface IndexRow {
  date: number;
  id: EventId;
  /** Null in indexes that hold no card. */
  card: EventCard | null;
}

export interface RangeReadOptions {
  /** Where to go on: rows strictly after this one, in the direction of reading. */
  after?: { date: number; id: string } | undefined;
  reverse?: boolean;
  /** Rows read per range, 1 to 500. */
  batch: number;
}

/** What lies under `prefix`, from after the key `after` on if there is one; both end in strings. */
export function rowsAfter(prefix: Deno.KvKey, after: Deno.KvKey | null): Deno.KvListSelector {
  return after === null ? { prefix } : { prefix, start: nextKey(after) };
}

/** All that lies under `prefix`, whose keys end in strings, however much it is; read in batches. */
export async function* allRows<T>(
  store: Store,
  prefix: Deno.KvKey,
): AsyncGenerator<Deno.KvEntry<T>, void> {
  for (let after: Deno.KvKey | null = null;;) {
    const rows: Deno.KvEntry<T>[] = await store.list(rowsAfter(prefix, after), {
      limit: MAX_ROWS_PER_BATCH,
    });
    yield* rows;
    if (rows.length < MAX_ROWS_PER_BATCH) return;
    after = rows.at(-1)!.key;
  }
}

/** The least key that is greater. */
function nextKey(key: Deno.KvKey): Deno.KvKey {
  return [...key.slice(0, -1), `${key.at(-1) as string}\u0000`];
}

/**
 * Reads the next rows of all `ranges` together; `done` when nothing follows them.
 *
 * The ranges must be given in the direction in which events move between them (live before past):
 * each call reads one batch of every range in that order and keeps only the rows up to where *all*
 * batches reach. So an event that moves in between was either met where it left or is met where it
 * arrives; met in both, the higher version is kept.
 */
export async function readRanges(
  store: Store,
  ranges: IndexRange[],
  { after, reverse = false, batch }: RangeReadOptions,
): Promise<{ rows: IndexRow[]; done: boolean }> {
  const direction = reverse ? -1 : 1;
  let horizon: IndexRow | null = null;
  const batches: IndexRow[][] = [];
  for (const range of ranges) {
    const read = await readBatch(store, range, { after, reverse, batch });
    const last = read.length === batch ? read[batch - 1]! : null;
    if (last !== null && (horizon === null || direction * compare(last, horizon) < 0)) {
      horizon = last;
    }
    if (read.length > 0) batches.push(read);
  }
  const done = horizon === null;
  // Usually only one of the ranges has anything here, and its rows are in order.
  if (batches.length <= 1) return { rows: batches[0] ?? [], done };
  const rows = new Map<EventId, IndexRow>();
  for (const row of batches.flat()) {
    if (horizon !== null && direction * compare(row, horizon) > 0) continue;
    const other = rows.get(row.id);
    if (other === undefined || (row.card?.version ?? 0) >= (other.card?.version ?? 0)) {
      rows.set(row.id, row);
    }
  }
  return { rows: [...rows.values()].sort((a, b) => direction * compare(a, b)), done };
}

async function readBatch(
  store: Store,
  range: IndexRange,
  { after, reverse = false, batch }: RangeReadOptions,
): Promise<IndexRow[]> {
  const selector = selectorOf(range, after, reverse);
  if (selector === null) return [];
  const entries = await store.list<EventCard | null>(selector, { limit: batch, reverse });
  return entries.map(({ key, value }) => ({
    date: key[key.length - 2] as number,
    id: key[key.length - 1] as EventId,
    card: value,
  }));
}

function compare(a: { date: number; id: string }, b: { date: number; id: string }): number {
  if (a.date !== b.date) return a.date < b.date ? -1 : 1;
  return a.id < b.id ? -1 : a.id > b.id ? 1 : 0;
}

/** Null when nothing can be in it. */
function selectorOf(
  { prefix, from, to }: IndexRange,
  after: { date: number; id: string } | undefined,
  reverse: boolean,
): Deno.KvListSelector | null {
  // Past every number and string: a Uint8Array sorts before them, `true` after.
  let start: Deno.KvKey = from === undefined ? [...prefix, -Infinity] : [...prefix, from];
  let end: Deno.KvKey = to === undefined ? [...prefix, true] : [...prefix, to];
  if (after !== undefined) {
    if (reverse) {
      if (to === undefined || after.date < to) end = [...prefix, after.date, after.id];
    } else if (from === undefined || after.date >= from) {
      start = nextKey([...prefix, after.date, after.id]);
    }
    if (!reverse && to !== undefined && after.date >= to) return null;
    if (reverse && from !== undefined && after.date < from) return null;
  }
  if (from !== undefined && to !== undefined && from >= to) return null;
  return { start, end };
}
