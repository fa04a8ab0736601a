/** Jobs for the runner's tests, and runners on a clock that stands still. */
import { getRun, type JobLease, listRuns, replaceLease, type RunRecord } from "../../kv/jobs.ts";
import type { Store } from "../../kv/store.ts";
import type { Job, RunReport } from "../../lifecycle/jobs/job.ts";
import { newReport } from "../../lifecycle/jobs/run_record.ts";
import { JobRunner, type RunnerOptions } from "../../lifecycle/jobs/runner.ts";
import { createLogger } from "../../lifecycle/log.ts";
import { HOUR, NOW, SECOND } from "../support/fixture.ts";

/** The name of every job here unless a test gives another. */
export const NAME = "sweep_floor";

/** What a run that found `examined` events answers. */
export function aReport(overrides: Partial<RunReport> = {}): RunReport {
  return { ...newReport(), ...overrides };
}

/** A job that runs `run`, every hour. */
export function aJob(run: Job["run"], overrides: Partial<Job> = {}): Job {
  return { name: NAME, intervalMs: HOUR, description: "Sweeps the floor.", run, ...overrides };
}

/** A job that answers `report` each time. */
export function aJobOf(report: Partial<RunReport> = {}, overrides: Partial<Job> = {}): Job {
  return aJob(() => Promise.resolve(aReport(report)), overrides);
}

/** A job that fails each time. */
export function aFailingJob(error: unknown, overrides: Partial<Job> = {}): Job {
  return aJob(() => Promise.reject(error), overrides);
}

/** A job whose first run goes on until `open()`; `entered` resolves when it has begun. */
export function aGatedJob(report: Partial<RunReport> = {}) {
  const entered = Promise.withResolvers<void>();
  const gate = Promise.withResolvers<void>();
  let runs = 0;
  const job = aJob(async () => {
    entered.resolve();
    if (++runs === 1) await gate.promise;
    return aReport(report);
  });
  return { job, entered: entered.promise, open: () => gate.resolve() };
}

/** A runner as of one process; `lines` are what it logged. */
export function aRunner(store: Store, job: Job | Job[], options: Partial<RunnerOptions> = {}) {
  const clock = { now: NOW };
  const lines: Record<string, unknown>[] = [];
  const log = createLogger({
    level: "debug",
    readable: false,
    timeZone: "UTC",
    write: (line) => lines.push(JSON.parse(line)),
    clock: () => clock.now,
  });
  const jobs = [job].flat();
  const runner = new JobRunner(store, { clock: () => clock.now, log, jobs, ...options });
  return { runner, clock, lines };
}

/** The records of the runs of a job, newest first. */
export function runsOf(store: Store, name = NAME): Promise<RunRecord[]> {
  return listRuns(store, name, { limit: 100 });
}

/** A run's record as it is stored now. */
export function storedRun(store: Store, run: RunRecord): Promise<RunRecord | null> {
  return getRun(store, run.job, run.startedAt, run.id);
}

/** The lease of a process that died ten seconds ago. */
export async function leaveLease(store: Store): Promise<JobLease> {
  const lease: JobLease = {
    format: 1,
    runId: "run_00000000000000000000000001",
    trigger: "cron",
    startedAt: NOW - 10 * SECOND,
    expiresAt: NOW + 5 * SECOND,
    fence: 7,
  };
  await replaceLease(store, NAME, null, lease);
  return lease;
}
