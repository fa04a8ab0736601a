/** Walking events again and again until a whole walk had nothing to change. */
import type { Store } from "../../kv/store.ts";
import { type BatchWork, changeInBatches, FAILURES_NAMED } from "./batches.ts";
import type { RunContext, RunReport } from "./job.ts";
import { newReport } from "./run_record.ts";

/**
 * Does the work until a whole walk of its ranges changed nothing, because an event that is dated
 * anew meanwhile may slip from ahead of a walk to behind it. Counts it in `report`; what the last
 * walk had to set aside is its failures. True: nothing is left.
 * @throws {DomainError} `store_unavailable`, `outcome_unknown`.
 */
export async function changeAll(
  store: Store,
  work: BatchWork,
  { context, report }: { context: RunContext; report: RunReport },
): Promise<boolean> {
  for (;;) {
    const walk = newReport();
    await changeInBatches(store, { ...work, context, report: walk });
    report.examined += walk.examined;
    report.changed += walk.changed;
    report.conflicts += walk.conflicts;
    if (walk.changed > 0 && !walk.moreLeft && !context.dryRun) continue;
    report.failed += walk.failed;
    report.failures = [...report.failures, ...walk.failures].slice(0, FAILURES_NAMED);
    report.planned.push(...walk.planned);
    report.moreLeft ||= walk.moreLeft;
    return walk.failed === 0 && !walk.moreLeft;
  }
}
