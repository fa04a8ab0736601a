/**
 * Changing the events that an index lists: in batches, with several commits in flight.
 *
 * Every decision is made on the record as it was read, and the commit checks that very read. An
 * event that cannot be handled is set aside and the rest goes on. A crash anywhere leaves what was
 * committed complete, and what was not as it was.
 */
import { DomainError, isStoreFailure } from "../../kv/errors.ts";
import type { EventId } from "../../kv/event_record.ts";
import {
  type EventWrite,
  getEvent,
  getEvents,
  replaceEvents,
  type StoredEvent,
} from "../../kv/events.ts";
import type { PlannedChange } from "../../kv/jobs.ts";
import { MAX_KEYS_PER_GET, MAX_ROWS_PER_BATCH } from "../../kv/limits.ts";
import { type IndexRange, readRanges } from "../../kv/ranges.ts";
import type { Store } from "../../kv/store.ts";
import type { RunContext, RunReport } from "./job.ts";
import { commitsOf } from "./packing.ts";

/** Commits in flight: more made it slower, fewer too (measured on the file store and denokv). */
const COMMITS_IN_FLIGHT = 8;
/** How often one event is tried before it is set aside. */
const TRIES = 3;
/** Failures a report names. */
export const FAILURES_NAMED = 20;

export interface BatchWork {
  /** Read to their ends, one after the other. */
  ranges: IndexRange[];
  /**
   * What to commit of a batch, decided on what was read of it; null is an event that is gone. Asked
   * again, event by event, when the batch lost a race or this throws: an event for which it throws
   * alone is set aside.
   */
  decide: (reads: (StoredEvent | null)[]) => EventWrite[] | Promise<EventWrite[]>;
  /** How a dry run tells of a write. */
  plan: (write: EventWrite) => PlannedChange;
  /** How many events are read at a time: at most, and by default, as many as one read takes. */
  batchSize?: number;
}

interface BatchOptions extends BatchWork {
  context: RunContext;
  report: RunReport;
}

/**
 * Does the work to the end of its ranges, or until the run is to stop; counts it in `report`.
 * @throws {DomainError} `store_unavailable`, `outcome_unknown`: the store failed, the run with it.
 */
export async function changeInBatches(store: Store, options: BatchOptions): Promise<void> {
  const { ranges, context, report, batchSize = MAX_KEYS_PER_GET } = options;
  const inFlight = new Set<Promise<void>>();
  let broken: { error: unknown } | null = null;
  try {
    for (const range of ranges) {
      let after: { date: number; id: string } | undefined;
      for (let done = false; !done;) {
        const page = await readRanges(store, [range], { after, batch: MAX_ROWS_PER_BATCH });
        done = page.done;
        after = page.rows.at(-1);
        for (let i = 0; i < page.rows.length; i += batchSize) {
          if (broken !== null) throw (broken as { error: unknown }).error;
          if (context.shouldStop()) {
            report.moreLeft = true;
            return;
          }
          const ids = page.rows.slice(i, i + batchSize).map((row) => row.id);
          const batch = changeBatch(store, ids, options)
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
}

async function changeBatch(store: Store, ids: EventId[], options: BatchOptions): Promise<void> {
  const { decide, context, report } = options;
  report.examined += ids.length;
  const reads = await getEvents(store, ids);
  let commits: EventWrite[][];
  try {
    commits = commitsOf(await decide(reads));
  } catch (error) {
    if (isStoreFailure(error)) throw error;
    // One of them is broken; by themselves the others are not held up by it.
    for (const id of ids) await changeOne(store, id, options);
    return;
  }
  for (const writes of commits) {
    if (context.dryRun) addPlanned(writes, options);
    else if (!await tryCommit(store, writes, report)) {
      for (const write of writes) await changeOne(store, write.read.record.id, options);
    }
  }
}

/** One event by itself: read again, decided again, skipped when there is nothing to do any more. */
async function changeOne(store: Store, id: EventId, options: BatchOptions): Promise<void> {
  const { decide, report, context } = options;
  let failure: unknown = "others kept changing it";
  for (let attempt = 0; attempt < TRIES; attempt++) {
    try {
      const writes = await decide([await getEvent(store, id)]);
      if (writes.length === 0) return;
      if (context.dryRun) {
        // Throws for a broken event, as its commit would.
        commitsOf(writes);
        return addPlanned(writes, options);
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
    report.failures.push({ eventId: id, error: failureText(failure) });
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

function addPlanned(writes: EventWrite[], { plan, report }: BatchOptions): void {
  for (const write of writes) {
    report.changed++;
    report.planned.push(plan(write));
  }
}

function failureText(failure: unknown): string {
  return failure instanceof DomainError ? `${failure.code}: ${failure.detail}` : String(failure);
}
