/**
 * An event's history: the newest entries stand in its record, older ones under keys of their own,
 * where the commit that pushed them out of the record has put them.
 */
import type { EventId, EventRecord, HistoryEntry } from "./event_record.ts";
import { upgraded } from "./formats.ts";
import { eventHistoryKey, eventHistoryPrefix, eventRestoreKey } from "./keys.ts";
import {
  MAX_HISTORY_BYTES,
  MAX_HISTORY_ENTRIES,
  MAX_MUTATIONS_PER_COMMIT,
  MAX_ROWS_PER_BATCH,
  sizeBound,
} from "./limits.ts";
import { packed } from "./packing.ts";
import type { Store } from "./store.ts";

/** The whole history of an event, newest first, at most `limit` entries before `beforeVersion`. */
export async function listHistory(
  store: Store,
  record: EventRecord,
  { limit, beforeVersion = Infinity }: { limit: number; beforeVersion?: number },
): Promise<HistoryEntry[]> {
  const newest = record.history.filter((entry) => entry.version < beforeVersion).reverse();
  if (newest.length >= limit) return newest.slice(0, limit);
  const end = Math.min(beforeVersion, record.history[0]?.version ?? Infinity);
  const prefix = eventHistoryPrefix(record.id);
  const older = await store.list(
    Number.isFinite(end) ? { prefix, end: [...prefix, end] } : { prefix },
    { limit: limit - newest.length, reverse: true },
  );
  return [...newest, ...older.map((row) => entryOf(store, row.value))];
}

/** In the record the format is the record's; a row of its own carries one. */
function entryOf(store: Store, stored: unknown): HistoryEntry {
  const { format: _, ...entry } = upgraded<HistoryEntry & { format?: number }>(
    stored,
    store.schema.formats.event_history,
  );
  return entry;
}

/** All of it, oldest first: what an export writes. */
export async function wholeHistory(store: Store, record: EventRecord): Promise<HistoryEntry[]> {
  // Most events have all of it in the record, and then nothing is read.
  if (record.history[0]?.version === 1) return record.history;
  const found: HistoryEntry[] = [];
  for await (const entries of historyPages(store, record)) found.push(...entries);
  return found.reverse();
}

/** Every transition of an event, newest first; edits lie between them. */
export async function listTransitions(store: Store, record: EventRecord): Promise<HistoryEntry[]> {
  const found: HistoryEntry[] = [];
  for await (const entries of historyPages(store, record)) {
    found.push(...entries.filter((entry) => entry.transition !== null));
  }
  return found;
}

async function* historyPages(store: Store, record: EventRecord): AsyncGenerator<HistoryEntry[]> {
  for (let beforeVersion = Infinity;;) {
    const entries = await listHistory(store, record, { limit: MAX_ROWS_PER_BATCH, beforeVersion });
    yield entries;
    if (entries.length < MAX_ROWS_PER_BATCH) return;
    beforeVersion = entries.at(-1)!.version;
  }
}

/** The newest entries, as many as stay in the record, and those that move out of it; pure. */
export function splitHistory(
  history: HistoryEntry[],
): { older: HistoryEntry[]; kept: HistoryEntry[] } {
  let bytes = 0;
  let first = history.length;
  while (first > 0 && history.length - first < MAX_HISTORY_ENTRIES) {
    bytes += sizeBound(history[first - 1]);
    if (bytes > MAX_HISTORY_BYTES) break;
    first--;
  }
  return { older: history.slice(0, first), kept: history.slice(first) };
}

/** Adds to `operation` the rows of entries that no longer stand in the record. */
export function moveOut(
  store: Store,
  operation: Deno.AtomicOperation,
  { id, entries }: { id: EventId; entries: HistoryEntry[] },
): void {
  const format = store.schema.formats.event_history.current;
  for (const entry of entries) {
    operation.set(eventHistoryKey(id, entry.version), { ...entry, format });
  }
}

/** Leaves room in a commit for the event's index entries. */
export const HISTORY_ROWS_PER_COMMIT = MAX_MUTATIONS_PER_COMMIT / 2;
const HISTORY_BYTES_PER_COMMIT = 256 * 1024;

/** Slices of which each fits a commit beside a record and its index entries; pure. */
export function historySlices(entries: HistoryEntry[]): HistoryEntry[][] {
  return packed(entries, {
    limits: [HISTORY_BYTES_PER_COMMIT, HISTORY_ROWS_PER_COMMIT],
    needsOf: (entry) => [sizeBound(entry), 1],
  });
}

/** The rows of older history, the first `HISTORY_ROWS_PER_COMMIT`. */
export function listOlderHistory(
  store: Store,
  id: EventId,
): Promise<Deno.KvEntry<HistoryEntry>[]> {
  return store.list({ prefix: eventHistoryPrefix(id) }, { limit: HISTORY_ROWS_PER_COMMIT });
}

/** Deletes all of them, as long as `checks` hold; false when they no longer do. */
export async function deleteOlderHistory(
  store: Store,
  id: EventId,
  checks: Deno.AtomicCheck[],
): Promise<boolean> {
  for (;;) {
    const rows = await listOlderHistory(store, id);
    if (rows.length === 0) return true;
    const operation = store.kv.atomic().check(...checks);
    for (const row of rows) operation.delete(row.key);
    if (!(await store.commit(operation)).ok) return false;
  }
}

/**
 * Claims an event's rows for one history, which takes more commits than one to write. Each of them
 * checks what this answers: whoever brings another history takes the claim over, so that rows of two
 * are never mixed. Who brings the same one shares it. Null: somebody was faster.
 */
export async function claimHistory(
  store: Store,
  id: EventId,
  history: HistoryEntry[],
): Promise<Deno.AtomicCheck | null> {
  const key = eventRestoreKey(id);
  const digest = await digestOf(history);
  const held = await store.get<string>(key);
  if (held.value === digest) return { key, versionstamp: held.versionstamp };
  const { versionstamp } = held;
  await store.commit(store.kv.atomic().check({ key, versionstamp }).set(key, digest));
  const claimed = await store.get<string>(key);
  return claimed.value === digest ? { key, versionstamp: claimed.versionstamp } : null;
}

async function digestOf(history: HistoryEntry[]): Promise<string> {
  const bytes = new TextEncoder().encode(JSON.stringify(history));
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex();
}
