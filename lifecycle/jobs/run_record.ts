/** A run's record from its beginning to its end, and what it leaves in the job's own. */
import { FORMATS } from "../../kv/formats.ts";
import type { JobRecord, PlannedChange, RunOutcome, RunRecord } from "../../kv/jobs.ts";
import { MAX_PLAN_BYTES, sizeBound } from "../../kv/limits.ts";
import type { RunReport } from "./job.ts";

const NOTHING_YET = {
  examined: 0,
  changed: 0,
  conflicts: 0,
  failed: 0,
  lateByMs: null,
  moreLeft: false,
};

/** The record of a run that begins; pure. */
export function newRun(
  job: string,
  identity: Pick<RunRecord, "id" | "startedAt" | "trigger" | "dryRun">,
): RunRecord {
  return {
    format: FORMATS.job_run.current,
    ...identity,
    job,
    status: "running",
    finishedAt: null,
    ...NOTHING_YET,
    failures: [],
    error: null,
  };
}

/** The report of a run that has not looked at anything yet. */
export function newReport(): RunReport {
  return { ...NOTHING_YET, failures: [], planned: [] };
}

/** How a run ended that threw nothing; pure. */
export function outcomeOf(
  { failed, moreLeft }: Pick<RunReport, "failed" | "moreLeft">,
): RunOutcome {
  return failed > 0 || moreLeft ? "partial" : "succeeded";
}

/** As much of a dry run's plan, from its beginning, as a run's record holds: some 500; pure. */
export function keptPlan(planned: PlannedChange[]): PlannedChange[] {
  let bytes = 0;
  const end = planned.findIndex((change) => (bytes += sizeBound(change)) > MAX_PLAN_BYTES);
  return end === -1 ? planned : planned.slice(0, end);
}

/** The job's record after a run; `found`: it was not an empty one; pure. */
export function afterRun(before: JobRecord, run: RunRecord, found: boolean): JobRecord {
  const failed = run.status === "failed";
  return {
    ...before,
    lastRun: run,
    // A run that left work or events behind is none: whoever waits for one is still waiting.
    lastSuccessAt: run.status === "succeeded" ? run.finishedAt : before.lastSuccessAt,
    emptyRuns: found ? 0 : before.emptyRuns + 1,
    consecutiveFailures: failed ? before.consecutiveFailures + 1 : 0,
  };
}
