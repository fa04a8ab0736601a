/**
 * The sweep: committing the transitions that the clock has already made.
 *
 * It reads an index up to `now`, so its cost grows with what is due and not with what is stored. A
 * crash anywhere leaves what was committed complete, and what was not still due.
 */
import type { EventStatus } from "../../kv/event_record.ts";
import type { EventWrite, StoredEvent } from "../../kv/events.ts";
import { isNewer } from "../../kv/formats.ts";
import type { Store } from "../../kv/store.ts";
import { settleStep } from "../change_event.ts";
import { statusAt } from "../status.ts";
import { changeInBatches } from "./batches.ts";
import type { RunContext, RunReport } from "./job.ts";
import { newReport } from "./run_record.ts";

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
  const report = newReport();
  await changeInBatches(store, {
    ranges: prefixes.map((prefix) => ({ prefix, to: context.now + 1 })),
    decide: (reads) => dueWrites(store, reads, { to, context, report }),
    plan: ({ read: { record }, steps }) => ({
      id: record.id,
      from: record.status,
      to: steps[0]!.next.status,
    }),
    context,
    report,
  });
  return report;
}

function dueWrites(
  store: Store,
  reads: (StoredEvent | null)[],
  { to, context, report }: { to: EventStatus; context: RunContext; report: RunReport },
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
