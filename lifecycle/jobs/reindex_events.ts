/**
 * Rebuilding indexes: after a change of version what the new one writes differently, and by hand
 * everything, to repair what should not be wrong.
 *
 * Every minute by the tick while there is something to do, 40 seconds at a time. It walks all
 * records and then the rows of the indexes, a hundred at a time, and keeps how far it came after
 * each slice: a crash midway leaves the slice to be looked through again. It writes nothing that an
 * event's readers would see, so the journal tells of nothing.
 */
import type { EventId } from "../../kv/event_record.ts";
import { listRecords } from "../../kv/events.ts";
import {
  type IndexState,
  type IndexWalk,
  newWalk,
  readIndexState,
  replaceIndexState,
  type StoredIndexState,
} from "../../kv/index_state.ts";
import {
  listIndex,
  removeRows,
  removeStaleRows,
  repairEvents,
  type RepairReport,
} from "../../kv/reindex.ts";
import type { Schema } from "../../kv/schema.ts";
import type { Store } from "../../kv/store.ts";
import { FAILURES_NAMED } from "./batches.ts";
import type { Job, RunContext, RunReport } from "./job.ts";
import { newReport } from "./run_record.ts";

const SLICE = 100;
/** After this long no program of the version before is left from a rolling deployment. */
const ROLLING_MS = 15 * 60_000;

export const REINDEX_EVENTS: Job = {
  name: "reindex_events",
  intervalMs: 60_000,
  budgetMs: 40_000,
  description: "Rebuilds the indexes that a change of version left behind.",
  run: reindex,
};

async function reindex(store: Store, context: RunContext): Promise<RunReport> {
  const report = newReport();
  let read = await readIndexState(store);
  if (read === null || !isOf(store.schema, read.state)) {
    // Another version of the program started after us, and decides.
    return report;
  }
  let walk = walkToDo(read.state, context);
  while (walk !== null && walk.notBefore <= context.now) {
    if (context.shouldStop()) {
      report.moreLeft = true;
      break;
    }
    const slice = await walkSlice(store, { walk, state: read.state, dryRun: context.dryRun });
    count(report, slice, context);
    const next = walkedOn(store, read.state, { walk, last: slice.last, now: context.now });
    walk = next.walk;
    if (context.dryRun) continue;
    const kept: StoredIndexState | null = await replaceIndexState(store, read, next);
    if (kept === null) break;
    read = kept;
  }
  return report;
}

function isOf({ generation, indexes }: Schema, state: IndexState): boolean {
  return state.generation === generation &&
    Object.keys(state.indexes).length === Object.keys(indexes).length &&
    Object.entries(indexes).every(([name, since]) => state.indexes[name] === since);
}

/** The walk under way; by hand, and in a dry run, else one over everything. */
function walkToDo(state: IndexState, { trigger, dryRun }: RunContext): IndexWalk | null {
  if (dryRun || (state.walk === null && trigger === "manual")) {
    return newWalk(Object.keys(state.indexes));
  }
  return state.walk;
}

interface Slice extends RepairReport {
  examined: number;
  /** The last key that was looked at; null at the end of the part. */
  last: Deno.KvKey | null;
}

async function walkSlice(
  store: Store,
  { walk, state, dryRun }: { walk: IndexWalk; state: IndexState; dryRun: boolean },
): Promise<Slice> {
  const { part, after } = walk;
  if (part === "event") {
    const reads = await listRecords(store, {
      limit: SLICE,
      after: after?.at(-1) as EventId | undefined,
    });
    const report = await repairEvents(store, reads, { dryRun });
    const last = reads.length < SLICE ? null : ["event", reads.at(-1)!.record.id];
    return { ...report, examined: reads.length, last };
  }
  const rows = await listIndex(store, part, { after, limit: SLICE });
  const last = rows.length < SLICE ? null : rows.at(-1)!.key;
  if (!state.dropped.includes(part)) {
    return { ...await removeStaleRows(store, rows, { dryRun }), examined: 0, last };
  }
  if (!dryRun) await removeRows(store, rows);
  return { changed: rows.length, failures: [], examined: 0, last };
}

/** The state after a slice that ended at `last`; pure. */
function walkedOn(
  { isShared }: Store,
  state: IndexState,
  { walk, last, now }: { walk: IndexWalk; last: Deno.KvKey | null; now: number },
): IndexState {
  if (last !== null) return { ...state, walk: { ...walk, after: last } };
  const parts = ["event", ...walk.indexes, ...state.dropped];
  const part = parts[parts.indexOf(walk.part) + 1];
  if (part !== undefined) return { ...state, walk: { ...walk, part, after: null } };
  const isRepair = Object.keys(state.indexes).every((name) => state.whole.includes(name)) &&
    state.dropped.length === 0;
  if (isShared && walk.pass === 1 && !isRepair) {
    const second = { ...newWalk(walk.indexes), pass: 2 as const, notBefore: now + ROLLING_MS };
    return { ...state, walk: second };
  }
  return { ...state, whole: Object.keys(state.indexes), dropped: [], walk: null };
}

function count(report: RunReport, slice: Slice, { log }: RunContext): void {
  report.examined += slice.examined;
  report.changed += slice.changed;
  report.failed += slice.failures.length;
  for (const { eventId, error } of slice.failures) {
    log.error("event set aside", { event_id: eventId, error });
    if (report.failures.length < FAILURES_NAMED) report.failures.push({ eventId, error });
  }
}
