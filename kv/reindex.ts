/**
 * Repairing indexes: what lies in them is compared with what `indexEntries` says of the records, and
 * only the difference is written. While others write, too: every commit checks the very record that
 * the difference was told from, and no entry is ever written but in a commit of its record.
 */
import { isDeepStrictEqual } from "node:util";
import { type IndexEntry, keyText } from "./event_indexes.ts";
import type { EventId, EventRecord } from "./event_record.ts";
import { getEvent, getEvents, setGeneration, type StoredEvent } from "./events.ts";
import { isNewer } from "./formats.ts";
import { eventKey } from "./keys.ts";
import { MAX_CHECKS_PER_COMMIT, MAX_COMMIT_BYTES, sizeBound } from "./limits.ts";
import { packed } from "./packing.ts";
import { rowsAfter } from "./ranges.ts";
import type { Store } from "./store.ts";

export interface RepairReport {
  /** Events whose entries were not as they should be. */
  changed: number;
  failures: { eventId: EventId; error: string }[];
}

/** What is to be written for one event. */
interface Repair {
  id: EventId;
  /** Of the read it was told from; null when there is no such event. */
  versionstamp: string | null;
  /** The record, if it still says that its entries are of another generation. */
  outdated: EventRecord | null;
  sets: IndexEntry[];
  deletes: Deno.KvKey[];
}

/** Tells an event's repair; null when nothing is to be done. */
type Diagnosis = (id: EventId, read: StoredEvent | null) => Promise<Repair | null> | Repair | null;

/** Of what `needsOf` tells: a commit's checks and its bytes. */
const COMMIT_LIMITS = [MAX_CHECKS_PER_COMMIT, MAX_COMMIT_BYTES];
/** How often one event is tried while others keep changing it. */
const TRIES = 10;

/** Writes those entries of the events that are missing or not as they should be. */
export async function repairEvents(
  store: Store,
  reads: StoredEvent[],
  options: { dryRun: boolean },
): Promise<RepairReport> {
  const taken = new Map<EventId, string>();
  const diagnose: Diagnosis = async (id, read) => {
    if (read === null) return null;
    const { record, versionstamp } = read;
    const entries = store.schema.indexEntries(record);
    const rows = await store.getMany(entries.map((entry) => entry.key));
    // An absent row's value reads as null, which is what some indexes hold.
    const wrong = entries.filter(({ value }, i) =>
      isAbsent(rows[i]!) || !isDeepStrictEqual(rows[i]!.value, value)
    );
    const sets = wrong.filter((entry) => !entry.unique || isAbsent(rows[entries.indexOf(entry)]!));
    if (sets.length < wrong.length) taken.set(id, "its external id belongs to another event, too");
    const outdated = isOutdated(store, record) ? record : null;
    if (sets.length === 0 && outdated === null) return null;
    return { id, versionstamp, outdated, sets, deletes: [] };
  };
  const report = await repairAll(store, new Map(reads.map((read) => [read.record.id, read])), {
    ...options,
    diagnose,
  });
  for (const [eventId, error] of taken) report.failures.push({ eventId, error });
  return report;
}

const isAbsent = (row: Deno.KvEntryMaybe<unknown>) => row.versionstamp === null;

function isOutdated({ schema }: Store, record: EventRecord): boolean {
  return record.generation !== schema.generation && !isNewer(record, schema.formats.event);
}

/**
 * Removes those of an index's rows that no record stands behind. (A row whose value is wrong is its
 * record's to repair.)
 */
export async function removeStaleRows(
  store: Store,
  rows: Deno.KvEntry<unknown>[],
  options: { dryRun: boolean },
): Promise<RepairReport> {
  const keys = Map.groupBy(rows, eventIdOf);
  const ids = [...keys.keys()];
  const reads = await getEvents(store, ids);
  return await repairAll(store, new Map(ids.map((id, i) => [id, reads[i]!])), {
    ...options,
    diagnose(id, read) {
      const entries = read === null ? [] : store.schema.indexEntries(read.record);
      const known = new Set(entries.map((entry) => keyText(entry.key)));
      const deletes = keys.get(id)!.map((row) => row.key).filter((key) => !known.has(keyText(key)));
      if (deletes.length === 0) return null;
      return { id, versionstamp: read?.versionstamp ?? null, outdated: null, sets: [], deletes };
    },
  });
}

/** Keys end in the event's id, or hold it. */
function eventIdOf({ key, value }: Deno.KvEntry<unknown>): EventId {
  return (typeof value === "string" ? value : key.at(-1)) as EventId;
}

async function repairAll(
  store: Store,
  reads: Map<EventId, StoredEvent | null>,
  { dryRun, diagnose }: { dryRun: boolean; diagnose: Diagnosis },
): Promise<RepairReport> {
  const report: RepairReport = { changed: 0, failures: [] };
  const told = await Promise.all(Array.from(reads, ([id, read]) => diagnose(id, read)));
  const repairs = told.filter((repair) => repair !== null);
  if (dryRun) return { ...report, changed: repairs.length };
  await Promise.all(
    packed(repairs, { limits: COMMIT_LIMITS, needsOf }).map(async (commit) => {
      const isDone = await commitRepairs(store, commit);
      for (const { id } of commit) {
        if (isDone || await repairAlone(store, id, diagnose)) report.changed++;
        else report.failures.push({ eventId: id, error: "others kept changing it" });
      }
    }),
  );
  return report;
}

/** After a lost race: read again, told again. */
async function repairAlone(store: Store, id: EventId, diagnose: Diagnosis): Promise<boolean> {
  for (let attempt = 0; attempt < TRIES; attempt++) {
    const repair = await diagnose(id, await getEvent(store, id));
    if (repair === null || await commitRepairs(store, [repair])) return true;
  }
  return false;
}

/** False when one of the events changed since it was read; nothing was written. */
async function commitRepairs(store: Store, repairs: Repair[]): Promise<boolean> {
  const operation = store.kv.atomic();
  for (const { id, versionstamp, outdated, sets, deletes } of repairs) {
    operation.check({ key: eventKey(id), versionstamp });
    if (outdated !== null) setGeneration(operation, outdated, store.schema.generation);
    for (const { key, value, unique } of sets) {
      if (unique) operation.check({ key, versionstamp: null });
      operation.set(key, value);
    }
    for (const key of deletes) operation.delete(key);
  }
  return (await store.commit(operation)).ok;
}

function needsOf({ sets, outdated }: Repair): number[] {
  const checks = 1 + sets.filter((entry) => entry.unique).length;
  return [checks, sizeBound(sets) + sizeBound(outdated)];
}

/** The next rows of an index, from after the key `after` on. */
export function listIndex(
  store: Store,
  name: string,
  { after, limit }: { after: Deno.KvKey | null; limit: number },
): Promise<Deno.KvEntry<unknown>[]> {
  return store.list(rowsAfter([name], after), { limit });
}

/** Removes rows of an index that nobody keeps up any more. */
export async function removeRows(store: Store, rows: Deno.KvEntry<unknown>[]): Promise<void> {
  if (rows.length === 0) return;
  const operation = store.kv.atomic();
  for (const { key } of rows) operation.delete(key);
  await store.commit(operation);
}
