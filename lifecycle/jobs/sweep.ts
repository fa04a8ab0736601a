/**
 * The sweep: committing the transitions that the clock has already made.
 *
 * It reads an index up to `now`, so its cost grows with what is due and not with what is stored.
 * Every decision is made on the record as it was read, and the commit checks that very read. A
 * crash anywhere leaves what was committed complete, and what was not still due.
 */
import { DomainError } from "../../kv/errors.ts";
import { cardOf, type EventId, type EventStatus } from "../../kv/event_record.ts";
import {
  type EventWrite,
  getEvent,
  getEvents,
  replaceEvents,
  type StoredEvent,
} from "../../kv/events.ts";
import { isNewer } from "../../kv/formats.ts";
import {
  MAX_CHECKS_PER_COMMIT,
  MAX_COMMIT_BYTES,
  MAX_JOURNAL_ENTRY_BYTES,
  MAX_ROWS_PER_BATCH,
  sizeBound,
} from "../../kv/limits.ts";
import { readRanges } from "../../kv/ranges.ts";
import type { Store } from "../../kv/store.ts";
import { settleStep } from "../change_event.ts";
import { statusAt } from "../status.ts";
import type { RunContext, RunReport } from "./job.ts";

/** Commits in flight: more made it slower, fewer too (measured on the file store and denokv). */
const COMMITS_IN_FLIGHT = 8;
/** How often one event is tried before it is set aside. */
const TRIES = 3;
/** Failures a report names. */
const FAILURES_NAMED = 20;

export interface SweepPlan {
  /** Indexes ending in `(date, id)`, in the order they are swept. */
  prefixes: Deno.KvKey[];
  /** The transition this sweep commits; events that the clock sends elsewhere are left alone. */
  to: EventStatus;
}

/**
 * Sweeps everything dated up to `now`.
 * @throws {DomainError} `store_unavailable`, `outcome_unknown`: the store failed, the run with it.
 */
export async function sweepDue(
  store: Store,
  { prefixes, to }: SweepPlan,
  context: RunContext,
): Promise<RunReport> {
  const { now } = context;
  const report: RunReport = {
    examined: 0,
    changed: 0,
    conflicts: 0,
    failed: 0,
    lateByMs: null,
    moreLeft: false,
    failures: [],
    planned: [],
  };
  const inFlight = new Set<Promise<void>>();
  let broken: { error: unknown } | null = null;
  try {
    for (const prefix of prefixes) {
      let after: { date: number; id: string } | undefined;
      for (let done = false; !done;) {
        const page = await readRanges(store, [{ prefix, to: now + 1 }], {
          after,
          batch: MAX_ROWS_PER_BATCH,
        });
        done = page.done;
        after = page.rows.at(-1);
        for (let i = 0; i < page.rows.length; i += MAX_CHECKS_PER_COMMIT) {
          if (broken !== null) throw (broken as { error: unknown }).error;
          if (context.shouldStop()) {
            // Not a copy: what is in flight is still being counted.
            report.moreLeft = true;
            return report;
          }
          const ids = page.rows.slice(i, i + MAX_CHECKS_PER_COMMIT).map((row) => row.id);
          const batch = settleBatch(store, ids, { to, context, report })
            .catch((error) => {
              broken ??= { error };
            })
            .finally(() => inFlight.delete(batch));
          inFlight.add(batch);
          if (inFlight.size >= COMMITS_IN_FLIGHT) await Promise.race(inFlight);
        }
      }
    }
  } finally {
    await Promise.all(inFlight);
  }
  if (broken !== null) throw (broken as { error: unknown }).error;
  return report;
}

interface BatchOptions {
  to: EventStatus;
  context: RunContext;
  report: RunReport;
}

async function settleBatch(store: Store, ids: EventId[], options: BatchOptions): Promise<void> {
  const { report } = options;
  report.examined += ids.length;
  const reads = await getEvents(store, ids);
  let commits: EventWrite[][];
  try {
    commits = packed(dueWrites(store, reads, options));
  } catch {
    // One of them is broken; by themselves the others are not held up by it.
    for (const id of ids) await settleOne(store, id, options);
    return;
  }
  for (const writes of commits) {
    if (options.context.dryRun) plan(writes, report);
    else if (!await tryCommit(store, writes, report)) {
      for (const write of writes) await settleOne(store, write.read.record.id, options);
    }
  }
}

/** One event by itself: read again, decided again, skipped when it is no longer due. */
async function settleOne(store: Store, id: EventId, options: BatchOptions): Promise<void> {
  const { report, context } = options;
  let failure: unknown = "others kept changing it";
  for (let attempt = 0; attempt < TRIES; attempt++) {
    try {
      const writes = dueWrites(store, [await getEvent(store, id)], options);
      if (writes.length === 0) return;
      if (context.dryRun) {
        // Throws for a broken event, as its commit would.
        packed(writes);
        return plan(writes, report);
      }
      const result = await replaceEvents(store, writes);
      if (result.outcome === "committed") {
        report.changed++;
        return;
      }
      report.conflicts++;
    } catch (error) {
      if (isStoreFailure(error)) throw error;
      failure = error;
    }
  }
  report.failed++;
  context.log.error("event set aside", { event_id: id, error: failure });
  if (report.failures.length < FAILURES_NAMED) {
    report.failures.push({ eventId: id, error: String(failure) });
  }
}

/** False when the batch has to be taken apart: it lost a race, or one of its events is broken. */
async function tryCommit(store: Store, writes: EventWrite[], report: RunReport): Promise<boolean> {
  try {
    const result = await replaceEvents(store, writes);
    if (result.outcome === "committed") {
      report.changed += writes.length;
      return true;
    }
    report.conflicts++;
  } catch (error) {
    if (isStoreFailure(error)) throw error;
  }
  return false;
}

function dueWrites(
  store: Store,
  reads: (StoredEvent | null)[],
  { to, context, report }: BatchOptions,
): EventWrite[] {
  const { now, runId } = context;
  const writes: EventWrite[] = [];
  for (const read of reads) {
    if (read === null || read.record.status === to || statusAt(read.record, now) !== to) continue;
    if (isNewer(read.record, store.schema.formats.event)) {
      // After a rollback. Readers see it settled all the same.
      context.log.debug("left to the newer program that wrote it", { event_id: read.record.id });
      continue;
    }
    const { startDate, endDate } = read.record;
    const lateBy = now - (to === "COMPLETED" ? endDate! : startDate);
    if (report.lateByMs === null || lateBy > report.lateByMs) report.lateByMs = lateBy;
    const step = settleStep(read.record, { now, by: `job:${runId}` });
    if (step !== null) writes.push({ read, steps: [step] });
  }
  return writes;
}

/** Commits of at most ten events that fit a journal entry and a commit; usually one. */
function packed(writes: EventWrite[]): EventWrite[][] {
  const commits: EventWrite[][] = [];
  let entryBytes = Infinity;
  let commitBytes = Infinity;
  for (const write of writes) {
    const { record } = write.read;
    const cardBytes = sizeBound(cardOf(record)) + 1024;
    const bytes = sizeBound(record) + cardBytes * (record.tags.length + 5);
    if (
      entryBytes + cardBytes > MAX_JOURNAL_ENTRY_BYTES || commitBytes + bytes > MAX_COMMIT_BYTES
    ) {
      commits.push([]);
      entryBytes = commitBytes = 0;
    }
    entryBytes += cardBytes;
    commitBytes += bytes;
    commits.at(-1)!.push(write);
  }
  return commits;
}

function plan(writes: EventWrite[], report: RunReport): void {
  for (const { read: { record }, steps } of writes) {
    report.changed++;
    report.planned.push({ id: record.id, from: record.status, to: steps[0]!.next.status });
  }
}

function isStoreFailure(error: unknown): boolean {
  return error instanceof DomainError &&
    (error.code === "store_unavailable" || error.code === "outcome_unknown");
}
