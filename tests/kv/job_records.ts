/** What the jobs' tests store. */
import type { JobLease, RunRecord } from "../../kv/jobs.ts";
import { NOW, SECOND } from "../support/fixture.ts";

export const JOB = "complete_events";

export const aLease = (number: number): JobLease => ({
  format: 1,
  runId: `run_${number}`,
  trigger: "cron",
  startedAt: NOW,
  expiresAt: NOW + 15 * SECOND,
  fence: 1,
});

export const aRun = (number: number, overrides: Partial<RunRecord> = {}): RunRecord => ({
  format: 1,
  id: `run_${number}`,
  job: JOB,
  trigger: "cron",
  dryRun: false,
  status: "succeeded",
  startedAt: NOW + number,
  finishedAt: NOW + number,
  moreLeft: false,
  failures: [],
  error: null,
  examined: 1,
  changed: 1,
  conflicts: 0,
  failed: 0,
  lateByMs: null,
  ...overrides,
});
