/**
 * Reading and writing events. Every write of a record goes through this file, in one atomic commit
 * with its index entries, its journal entry and the history that no longer fits.
 */
import { DomainError } from "./errors.ts";
import { INDEX_GENERATION, indexChanges } from "./event_indexes.ts";
import {
  type Actor,
  cardOf,
  EVENT_FORMAT,
  type EventId,
  type EventRecord,
  type HistoryEntry,
  type OrganizerId,
  type RunId,
  type UserId,
} from "./event_record.ts";
import {
  beforeOf,
  type Change,
  type ChangeType,
  type CommitOutcome,
  commitWithChanges,
} from "./journal.ts";
import {
  eventHistoryKey,
  eventHistoryPrefix,
  eventKey,
  externalIdKey,
  externalIdPrefix,
} from "./keys.ts";
import {
  MAX_CARD_BYTES,
  MAX_CHECKS_PER_COMMIT,
  MAX_HISTORY_BYTES,
  MAX_HISTORY_ENTRIES,
  MAX_MUTATIONS_PER_COMMIT,
  MAX_RECORD_BYTES,
  MAX_ROWS_PER_BATCH,
  sizeBound,
} from "./limits.ts";
import { addOrganizer, type Organizer } from "./organizers.ts";
import type { Store } from "./store.ts";

/** A record with the versionstamp of the very read it came from: what a write checks. */
export interface StoredEvent {
  record: EventRecord;
  versionstamp: string;
}

/** One change on the way from what was read to what will be stored; each is a version of its own. */
export interface EventStep {
  next: EventRecord;
  type: ChangeType;
  by: Actor;
  /**
   * The job's run that carries out what `by` asked for. Such a step brings nothing that people
   * wrote, so it is not measured: what could be stored can be changed by it.
   */
  run?: RunId;
  at: number;
  /** `at` when what it tells happened before it was recorded. */
  entry: Omit<HistoryEntry, "version" | "at" | "by"> & { at?: number };
}

/** What was read, and the steps from there; at least one. */
export interface EventWrite {
  read: StoredEvent;
  steps: EventStep[];
}

/** `stored` are the records as they lie in the store now, in the order they were given. */
export type ReplaceOutcome =
  | { outcome: "committed"; stored: StoredEvent[] }
  | { outcome: "conflict" };

/** Null when there is none. */
export async function getEvent(store: Store, id: EventId): Promise<StoredEvent | null> {
  return storedEvent(await store.get<EventRecord>(eventKey(id)));
}

/** The events of `ids`, in their order; null where there is none. */
export async function getEvents(store: Store, ids: EventId[]): Promise<(StoredEvent | null)[]> {
  return (await store.getMany<EventRecord>(ids.map(eventKey))).map(storedEvent);
}

function storedEvent(entry: Deno.KvEntryMaybe<EventRecord>): StoredEvent | null {
  if (entry.versionstamp === null) return null;
  return { record: entry.value, versionstamp: entry.versionstamp };
}

/** The event with this external id, within one organizer. */
export async function findByExternalId(
  store: Store,
  externalId: string,
  organizerId: OrganizerId,
): Promise<EventId | null> {
  return (await store.get<EventId>(externalIdKey(externalId, organizerId))).value;
}

/** The events with this external id, whosoever they are; at most 100. */
export async function listByExternalId(store: Store, externalId: string): Promise<EventId[]> {
  const rows = await store.list<EventId>({ prefix: externalIdPrefix(externalId) }, { limit: 100 });
  return rows.map((row) => row.value);
}

/**
 * Stores a new event, and its organizer when this is that organizer's first.
 * `conflict`: the id or the external id is taken, or the organizer was made meanwhile.
 * @throws {DomainError} `event_too_large`.
 */
export async function createEvent(
  store: Store,
  record: EventRecord,
  by: Actor,
  organizer: { first: Organizer; owner: UserId } | null = null,
): Promise<CommitOutcome> {
  const stored = written(compacted(record), null, {
    entry: {
      transition: { name: "create", from: null, to: record.status },
      reason: null,
      fields: null,
      at: record.createdAt,
      by,
    },
    updatedAt: record.createdAt,
  });
  requireFits(stored, null);
  const operation = store.kv.atomic()
    .check({ key: eventKey(record.id), versionstamp: null })
    .set(eventKey(record.id), stored);
  if (organizer !== null) addOrganizer(operation, organizer.first, organizer.owner);
  writeIndexes(operation, null, stored);
  const change: Change = {
    type: "created",
    at: record.createdAt,
    by,
    version: 1,
    event: cardOf(stored),
    was: null,
  };
  return await commitWithChanges(store, operation, [change]);
}

/**
 * Replaces one event by the last of `steps`, if it is still as it was read.
 * `conflict`: it changed since, or a new external id is taken; nothing was written.
 * @throws {DomainError} `newer_format`, `event_too_large`.
 */
export function replaceEvent(
  store: Store,
  read: StoredEvent,
  steps: EventStep[],
): Promise<ReplaceOutcome> {
  return replaceEvents(store, [{ read, steps }]);
}

/**
 * Replaces up to ten events in one commit, all or none, each checked against the versionstamp of
 * the read that its decision was made on. (Reading again before the commit and checking *that*
 * would hide lost updates.)
 */
export async function replaceEvents(store: Store, writes: EventWrite[]): Promise<ReplaceOutcome> {
  const batch: Batch = { operation: store.kv.atomic(), changes: [], checks: 0 };
  const records = writes.map((write) => addReplacement(batch, write));
  if (batch.checks > MAX_CHECKS_PER_COMMIT) {
    throw new RangeError(
      `A commit takes ${MAX_CHECKS_PER_COMMIT} checks; ${writes.length} events and their new ` +
        `external ids need ${batch.checks}`,
    );
  }
  const result = await commitWithChanges(store, batch.operation, batch.changes);
  if (result.outcome === "conflict") return result;
  const { versionstamp } = result;
  return { outcome: "committed", stored: records.map((record) => ({ record, versionstamp })) };
}

/** One commit in the making. */
interface Batch {
  operation: Deno.AtomicOperation;
  changes: Change[];
  checks: number;
}

function addReplacement(batch: Batch, { read, steps }: EventWrite): EventRecord {
  requireWritable(read.record);
  const { operation } = batch;
  const isEdited = steps.some((step) => step.type !== "transitioned" && step.run === undefined);
  let record = read.record;
  for (const step of steps) {
    const next = written(isEdited ? compacted(step.next) : step.next, record, {
      entry: { at: step.at, by: step.by, ...step.entry },
      updatedAt: step.at,
    });
    batch.changes.push({
      type: step.type,
      at: step.at,
      by: step.by,
      ...(step.run === undefined ? {} : { run: step.run }),
      version: next.version,
      event: cardOf(next),
      was: beforeOf(record, next),
    });
    record = next;
  }
  const { id } = record;
  operation.check({ key: eventKey(id), versionstamp: read.versionstamp });
  const kept = keptHistory(record.history);
  for (const entry of record.history.slice(0, record.history.length - kept.length)) {
    operation.set(eventHistoryKey(id, entry.version), entry);
  }
  record = { ...record, history: kept };
  if (isEdited) requireFits(record, read.record);
  operation.set(eventKey(id), record);
  batch.checks += 1 + writeIndexes(operation, read.record, record);
  return record;
}

/**
 * Removes an event with all its entries; a `deleted` change stays in the journal.
 * `conflict`: it changed since it was read.
 */
export async function deleteEvent(
  store: Store,
  read: StoredEvent,
  { by, at, reason = null }: { by: Actor; at: number; reason?: string | null },
): Promise<CommitOutcome> {
  requireWritable(read.record);
  const { record } = read;
  const operation = store.kv.atomic()
    .check({ key: eventKey(record.id), versionstamp: read.versionstamp })
    .delete(eventKey(record.id));
  const older = await listOlderHistory(store, record.id);
  for (const row of older) operation.delete(row.key);
  writeIndexes(operation, record, null);
  const version = record.version + 1;
  const result = await commitWithChanges(store, operation, [{
    type: "deleted",
    at,
    by,
    version,
    event: { ...cardOf(record), version },
    was: beforeOf(record, record),
    ...(reason === null ? {} : { reason }),
  }]);
  // What one commit cannot hold goes after it: before it, a conflict would leave an event without.
  if (result.outcome === "committed" && older.length === HISTORY_KEYS_PER_COMMIT) {
    await deleteOlderHistory(store, record.id);
  }
  return result;
}

/** Leaves room in the commit for the event's index entries. */
const HISTORY_KEYS_PER_COMMIT = MAX_MUTATIONS_PER_COMMIT / 2;

function listOlderHistory(store: Store, id: EventId): Promise<Deno.KvEntry<HistoryEntry>[]> {
  return store.list({ prefix: eventHistoryPrefix(id) }, { limit: HISTORY_KEYS_PER_COMMIT });
}

async function deleteOlderHistory(store: Store, id: EventId): Promise<void> {
  for (;;) {
    const rows = await listOlderHistory(store, id);
    if (rows.length === 0) return;
    const operation = store.kv.atomic();
    for (const row of rows) operation.delete(row.key);
    await store.commit(operation);
  }
}

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
  const older = await store.list<HistoryEntry>(
    Number.isFinite(end) ? { prefix, end: [...prefix, end] } : { prefix },
    { limit: limit - newest.length, reverse: true },
  );
  return [...newest, ...older.map((row) => row.value)];
}

/** Answers how many checks it added. */
/** Every transition of an event, newest first; edits lie between them. */
export async function listTransitions(store: Store, record: EventRecord): Promise<HistoryEntry[]> {
  const found: HistoryEntry[] = [];
  for (let beforeVersion = Infinity;;) {
    const entries = await listHistory(store, record, { limit: MAX_ROWS_PER_BATCH, beforeVersion });
    found.push(...entries.filter((entry) => entry.transition !== null));
    if (entries.length < MAX_ROWS_PER_BATCH) return found;
    beforeVersion = entries.at(-1)!.version;
  }
}

function writeIndexes(
  operation: Deno.AtomicOperation,
  before: EventRecord | null,
  after: EventRecord | null,
): number {
  const { sets, deletes } = indexChanges(before, after);
  let checks = 0;
  for (const { key, value, unique } of sets) {
    if (unique) {
      operation.check({ key, versionstamp: null });
      checks++;
    }
    operation.set(key, value);
  }
  for (const key of deletes) operation.delete(key);
  return checks;
}

/**
 * The record as it is stored: numbered, stamped with our format, with the history of `before` and
 * one entry more. (Not with its own: the steps of one commit were all decided on the same read, so
 * the second one's does not know of the first.)
 */
function written(
  record: EventRecord,
  before: EventRecord | null,
  { entry, updatedAt }: { entry: Omit<HistoryEntry, "version">; updatedAt: number },
): EventRecord {
  const version = (before?.version ?? 0) + 1;
  return {
    ...record,
    format: EVENT_FORMAT,
    generation: INDEX_GENERATION,
    version,
    updatedAt,
    history: [...(before?.history ?? []), { version, ...entry }],
  };
}

/**
 * The same record with every text as V8 stores it anew. A trimmed or cut text keeps the two bytes a
 * character of the one it was cut from, even when nothing but Latin is left, and would take twice
 * what `sizeBound` says.
 */
function compacted(record: EventRecord): EventRecord {
  return JSON.parse(JSON.stringify(record));
}

function keptHistory(history: HistoryEntry[]): HistoryEntry[] {
  let bytes = 0;
  let first = history.length;
  while (first > 0 && history.length - first < MAX_HISTORY_ENTRIES) {
    bytes += sizeBound(history[first - 1]);
    if (bytes > MAX_HISTORY_BYTES) break;
    first--;
  }
  return history.slice(first);
}

function requireWritable(record: EventRecord): void {
  if (record.format > EVENT_FORMAT) {
    throw new DomainError(
      "newer_format",
      `Cannot change event "${record.id}": it has format ${record.format}, this program writes ` +
        `format ${EVENT_FORMAT}. Update the program.`,
    );
  }
}

/** Only what people wrote is measured: the lifecycle's own changes fit the headroom that is left. */
function requireFits(record: EventRecord, before: EventRecord | null): void {
  const bytes = sizeBound({ ...record, history: [] });
  const cardBytes = sizeBound(cardOf(record)) +
    (before === null ? 0 : sizeBound(beforeOf(before, record)));
  if (bytes > MAX_RECORD_BYTES || cardBytes > MAX_CARD_BYTES) {
    throw new DomainError(
      "event_too_large",
      bytes > MAX_RECORD_BYTES
        ? `The event takes ${bytes} bytes; ${MAX_RECORD_BYTES} can be stored.`
        : `What lists show of the event takes ${cardBytes} bytes; ${MAX_CARD_BYTES} can be stored.`,
    );
  }
}
