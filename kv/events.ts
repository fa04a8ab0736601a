/**
 * Reading and writing events. Every change of a record goes through this file, in one atomic commit
 * with its index entries, its journal entry and the history that no longer fits. (What was written
 * in another store goes through `restore_event.ts`.)
 */
import { addAuditLine, type NewAuditLine } from "./audit.ts";
import {
  deleteOlderHistory,
  HISTORY_ROWS_PER_COMMIT,
  listOlderHistory,
  moveOut,
  splitHistory,
} from "./event_history.ts";
import { indexChanges } from "./event_indexes.ts";
import {
  type Actor,
  cardOf,
  EVENT_STATUSES,
  type EventId,
  type EventRecord,
  type HistoryEntry,
  type OrganizerId,
  type RunId,
  type UserId,
} from "./event_record.ts";
import { requireFits } from "./event_size.ts";
import { requireWritable, upgraded } from "./formats.ts";
import {
  beforeOf,
  type Change,
  type ChangeType,
  type CommitOutcome,
  commitWithChanges,
} from "./journal.ts";
import { getWithWhole, requireWhole } from "./index_state.ts";
import {
  eventKey,
  eventRestoreKey,
  EVENTS,
  externalIdKey,
  externalIdPrefix,
  statusPrefix,
} from "./keys.ts";
import { MAX_CHECKS_PER_COMMIT, MAX_ROWS_PER_BATCH } from "./limits.ts";
import { addOrganizer, checkEventHome, type EventHome, type Organizer } from "./organizers.ts";
import { addOutcome, type Remember } from "./outcomes.ts";
import { rowsAfter } from "./ranges.ts";
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
  /** The organizer whose flag it takes over, where it takes one: the commit checks it. */
  home?: EventHome;
  /** Of rights that it gives or takes. */
  audit?: readonly NewAuditLine[];
  at: number;
  /** `at` when what it tells happened before it was recorded. */
  entry: Omit<HistoryEntry, "version" | "at" | "by"> & { at?: number };
}

/** What was read, and the steps from there; at least one. */
export interface EventWrite {
  read: StoredEvent;
  steps: EventStep[];
}

/** `stored` is the record as it lies in the store now. */
export type CreateOutcome =
  | { outcome: "committed"; stored: StoredEvent }
  | { outcome: "conflict" };

/** `stored` are the records as they lie in the store now, in the order they were given. */
export type ReplaceOutcome =
  | { outcome: "committed"; stored: StoredEvent[] }
  | { outcome: "conflict" };

/** Null when there is none. */
export async function getEvent(store: Store, id: EventId): Promise<StoredEvent | null> {
  return storedEvent(store, await store.get(eventKey(id)));
}

/** The events of `ids`, in their order; null where there is none. */
export async function getEvents(store: Store, ids: EventId[]): Promise<(StoredEvent | null)[]> {
  return (await store.getMany(ids.map(eventKey))).map((entry) => storedEvent(store, entry));
}

/** The events by id, from after `after` on: everything there is. */
export async function listRecords(
  store: Store,
  { limit, after }: { limit: number; after?: EventId | undefined },
): Promise<StoredEvent[]> {
  const selector = rowsAfter(EVENTS, after === undefined ? null : eventKey(after));
  const rows = await store.list(selector, { limit });
  return rows.map((row) => storedEvent(store, row)!);
}

/** How many events there are: counted in an index of small rows, because records are large. */
export async function countEvents(store: Store): Promise<number> {
  let count = 0;
  for (const status of EVENT_STATUSES) {
    const prefix = statusPrefix(status);
    for (let after: Deno.KvKey | null = null;;) {
      const rows: Deno.KvEntry<unknown>[] = await store.list(rowsAfter(prefix, after), {
        limit: MAX_ROWS_PER_BATCH,
      });
      count += rows.length;
      if (rows.length < MAX_ROWS_PER_BATCH) break;
      after = rows.at(-1)!.key;
    }
  }
  return count;
}

function storedEvent(store: Store, entry: Deno.KvEntryMaybe<unknown>): StoredEvent | null {
  const { value, versionstamp } = entry;
  if (versionstamp === null) return null;
  return { record: upgraded(value, store.schema.formats.event), versionstamp };
}

/**
 * The event with this external id, within one organizer.
 * @throws {DomainError} `index_incomplete`.
 */
export async function findByExternalId(
  store: Store,
  externalId: string,
  organizerId: OrganizerId,
): Promise<EventId | null> {
  const key = externalIdKey(externalId, organizerId);
  return (await getWithWhole<EventId>(store, key, ["event_by_external_id"])).value;
}

/**
 * The events with this external id, whosoever they are; at most 100.
 * @throws {DomainError} `index_incomplete`.
 */
export async function listByExternalId(store: Store, externalId: string): Promise<EventId[]> {
  await requireWhole(store, ["event_by_external_id"]);
  const rows = await store.list<EventId>({ prefix: externalIdPrefix(externalId) }, { limit: 100 });
  return rows.map((row) => row.value);
}

/**
 * Stores a new event, and its organizer when this is that organizer's first; else `home` is the
 * organizer that it takes its flag from.
 * `conflict`: the id or the external id is taken, the organizer was made or changed meanwhile, or a
 * request with the same key was faster.
 * @throws {DomainError} `event_too_large`.
 */
export async function createEvent(
  store: Store,
  record: EventRecord,
  by: Actor,
  { organizer = null, home = null, audit = [], remember }: {
    organizer?: { first: Organizer; owner: UserId } | null;
    home?: EventHome | null;
    audit?: readonly NewAuditLine[];
    remember?: Remember<EventRecord> | undefined;
  } = {},
): Promise<CreateOutcome> {
  const stored = written(store, compacted(record), null, {
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
  if (home !== null) checkEventHome(operation, home);
  for (const line of audit) addAuditLine(operation, line);
  writeIndexes(store, operation, { before: null, after: stored });
  addOutcome(operation, remember, stored);
  const change: Change = {
    type: "created",
    at: record.createdAt,
    by,
    version: 1,
    event: cardOf(stored),
    was: null,
  };
  const result = await commitWithChanges(store, operation, [change]);
  if (result.outcome === "conflict") return result;
  return { outcome: "committed", stored: { record: stored, versionstamp: result.versionstamp } };
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
  remember?: Remember<EventRecord>,
): Promise<ReplaceOutcome> {
  return replaceEvents(store, [{ read, steps }], remember);
}

/**
 * Replaces up to ten events in one commit, all or none, each checked against the versionstamp of
 * the read that its decision was made on. (Reading again before the commit and checking *that*
 * would hide lost updates.)
 */
export async function replaceEvents(
  store: Store,
  writes: EventWrite[],
  remember?: Remember<EventRecord>,
): Promise<ReplaceOutcome> {
  const batch: Batch = {
    store,
    operation: store.kv.atomic(),
    changes: [],
    checks: 0,
    homes: new Set(),
  };
  const records = writes.map((write) => addReplacement(batch, write));
  if (remember !== undefined) {
    addOutcome(batch.operation, remember, records[0]!);
    batch.checks++;
  }
  if (batch.checks > MAX_CHECKS_PER_COMMIT) {
    throw new RangeError(
      `A commit takes ${MAX_CHECKS_PER_COMMIT} checks; ${writes.length} events with ` +
        `their new external ids and organizers need ${batch.checks}`,
    );
  }
  const result = await commitWithChanges(store, batch.operation, batch.changes);
  if (result.outcome === "conflict") return result;
  const { versionstamp } = result;
  return { outcome: "committed", stored: records.map((record) => ({ record, versionstamp })) };
}

/** One commit in the making. */
interface Batch {
  store: Store;
  operation: Deno.AtomicOperation;
  changes: Change[];
  checks: number;
  /** The organizers that are checked, each once as it was read. */
  homes: Set<string>;
}

function addReplacement(batch: Batch, { read, steps }: EventWrite): EventRecord {
  const { store, operation } = batch;
  requireWritableEvent(store, read.record);
  const isEdited = steps.some((step) => step.type !== "transitioned" && step.run === undefined);
  let record = read.record;
  for (const step of steps) {
    const next = afterStep(
      store,
      record,
      isEdited ? { ...step, next: compacted(step.next) } : step,
    );
    batch.changes.push({
      type: step.type,
      at: step.at,
      by: step.by,
      ...(step.run === undefined ? {} : { run: step.run }),
      version: next.version,
      event: cardOf(next),
      was: beforeOf(record, next),
    });
    if (step.home !== undefined) addHome(batch, step.home);
    for (const line of step.audit ?? []) addAuditLine(operation, line);
    record = next;
  }
  const { id } = record;
  operation.check({ key: eventKey(id), versionstamp: read.versionstamp });
  const { older, kept } = splitHistory(record.history);
  moveOut(store, operation, { id, entries: older });
  record = { ...record, history: kept };
  if (isEdited) requireFits(record, read.record);
  operation.set(eventKey(id), record);
  batch.checks += 1 + writeIndexes(store, operation, { before: read.record, after: record });
  return record;
}

function addHome(batch: Batch, home: EventHome): void {
  const text = `${home.organizerId} ${home.versionstamp}`;
  if (batch.homes.has(text)) return;
  batch.homes.add(text);
  checkEventHome(batch.operation, home);
  batch.checks++;
}

/** What a step leaves of `record`: numbered, with its history so far; pure. */
export function afterStep(
  store: Store,
  record: EventRecord,
  { next, at, by, entry }: EventStep,
): EventRecord {
  return written(store, next, record, { entry: { at, by, ...entry }, updatedAt: at });
}

/**
 * Adds to `operation`, which checks the record, that its entries are now those of our generation.
 * It is no change of the event: no version, no journal entry.
 */
export function setGeneration(
  operation: Deno.AtomicOperation,
  record: EventRecord,
  generation: number,
): void {
  operation.set(eventKey(record.id), { ...record, generation });
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
  requireWritableEvent(store, read.record);
  const { record } = read;
  const operation = store.kv.atomic()
    .check({ key: eventKey(record.id), versionstamp: read.versionstamp })
    .delete(eventKey(record.id))
    .delete(eventRestoreKey(record.id));
  const older = await listOlderHistory(store, record.id);
  for (const row of older) operation.delete(row.key);
  writeIndexes(store, operation, { before: record, after: null });
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
  if (result.outcome === "committed" && older.length === HISTORY_ROWS_PER_COMMIT) {
    // Not when the event has come back meanwhile, or is about to: its rows lie at the same place.
    await deleteOlderHistory(store, record.id, [
      { key: eventKey(record.id), versionstamp: null },
      { key: eventRestoreKey(record.id), versionstamp: null },
    ]);
  }
  return result;
}

/** Answers how many checks it added. */
export function writeIndexes(
  store: Store,
  operation: Deno.AtomicOperation,
  { before, after }: { before: EventRecord | null; after: EventRecord | null },
): number {
  const { sets, deletes } = indexChanges(before, after, store.schema);
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
  store: Store,
  record: EventRecord,
  before: EventRecord | null,
  { entry, updatedAt }: { entry: Omit<HistoryEntry, "version">; updatedAt: number },
): EventRecord {
  const version = (before?.version ?? 0) + 1;
  return {
    ...record,
    format: store.schema.formats.event.current,
    generation: store.schema.generation,
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
export function compacted(record: EventRecord): EventRecord {
  return JSON.parse(JSON.stringify(record));
}

export function requireWritableEvent(store: Store, record: EventRecord): void {
  requireWritable(record, store.schema.formats.event, `event "${record.id}"`);
}
