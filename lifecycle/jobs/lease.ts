/**
 * The lease of a job: who runs it now. It keeps two processes from doing the same work twice, for
 * efficiency only. It holds its own expiry and is renewed while the run lives.
 */
import { FORMATS } from "../../kv/formats.ts";
import {
  countChangesOf,
  getLease,
  getRun,
  type JobLease,
  listRuns,
  replaceLease,
  type RunRecord,
  setRun,
} from "../../kv/jobs.ts";
import type { Store } from "../../kv/store.ts";
import type { Logger } from "../log.ts";
import { newRun } from "./run_record.ts";

export const LEASE_MS = 15_000;
const RENEW_MS = 5_000;
const POLL_MS = 50;

/** A lease that is ours, with the versionstamp that says so. */
export interface Claim {
  lease: JobLease;
  versionstamp: string;
}

export interface ClaimOptions {
  clock: () => number;
  /** Whether a lease that has not expired is known to be a dead process's. */
  isOrphan: (lease: JobLease) => boolean;
  /** True once there is no point in waiting any longer. */
  shouldStop: () => boolean;
  log: Logger;
}

/**
 * The lease for `run`, or null when somebody holds it. A start-up or manual run that meets one waits
 * until it is released or expires, because the lease of a killed process outlives it. Whoever takes
 * over an expired lease closes the run that held it.
 */
export async function claimLease(
  store: Store,
  run: RunRecord,
  { clock, isOrphan, shouldStop, log }: ClaimOptions,
): Promise<Claim | null> {
  const patient = run.trigger === "manual" || run.trigger === "startup";
  let polls = patient ? Math.ceil((LEASE_MS + RENEW_MS) / POLL_MS) : 0;
  for (;;) {
    const { value: held, versionstamp } = await getLease(store, run.job);
    const now = clock();
    if (held === null || held.expiresAt <= now || isOrphan(held)) {
      const lease: JobLease = {
        format: FORMATS.job_lease.current,
        runId: run.id,
        trigger: run.trigger,
        startedAt: run.startedAt,
        expiresAt: now + LEASE_MS,
        fence: (held?.fence ?? 0) + 1,
      };
      const stamp = await replaceLease(store, run.job, versionstamp, lease);
      if (stamp !== null) {
        if (held !== null && held.expiresAt > 0) {
          await closeInterrupted(store, run.job, { dead: held, now, log });
        }
        if (patient) await closeAbandoned(store, run, { now, log });
        return { lease, versionstamp: stamp };
      }
    } else if (polls-- <= 0 || shouldStop()) {
      return null;
    } else {
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  }
}

/** Renews the lease until stopped; `lost` once somebody else has it. Keeps `claim` up to date. */
export function keepLease(
  store: Store,
  job: string,
  { claim, clock }: { claim: Claim; clock: () => number },
): { lost: () => boolean; stop: () => Promise<void> } {
  let lost = false;
  let renewal = Promise.resolve();
  const timer = setInterval(() => {
    renewal = renewal.then(async () => {
      if (lost) return;
      const lease = { ...claim.lease, expiresAt: clock() + LEASE_MS };
      const stamp = await replaceLease(store, job, claim.versionstamp, lease);
      if (stamp === null) lost = true;
      else Object.assign(claim, { lease, versionstamp: stamp });
    }).catch(() => {
      // The store is not answering; the run itself will meet that, or the next renewal succeeds.
    });
  }, RENEW_MS);
  return {
    lost: () => lost,
    stop: () => {
      clearInterval(timer);
      return renewal;
    },
  };
}

/** Runs looked at for ones that died before they held a lease. */
const RUNS_LOOKED_AT = 20;

/**
 * Manual runs whose process died while they waited for the lease: we hold it, and nobody waits for
 * it any longer than this.
 */
async function closeAbandoned(
  store: Store,
  run: RunRecord,
  { now, log }: { now: number; log: Logger },
): Promise<void> {
  for (const dead of await listRuns(store, run.job, { limit: RUNS_LOOKED_AT })) {
    const waitsNoMore = dead.startedAt <= now - 2 * (LEASE_MS + RENEW_MS);
    if (dead.status !== "running" || dead.id === run.id || !waitsNoMore) continue;
    await closeInterrupted(store, run.job, { dead: { ...dead, runId: dead.id }, now, log });
  }
}

/** The run of a process that died: what it changed is counted from the journal. */
async function closeInterrupted(
  store: Store,
  job: string,
  { dead: { runId, startedAt, trigger }, now, log }: {
    dead: Pick<JobLease, "runId" | "startedAt" | "trigger">;
    now: number;
    log: Logger;
  },
): Promise<void> {
  const changed = await countChangesOf(store, runId, startedAt);
  const known = await getRun(store, job, startedAt, runId);
  log.warn("closing an interrupted run", { interrupted_run_id: runId, changed });
  const base = known ?? newRun(job, { id: runId, startedAt, trigger, dryRun: false });
  await setRun(store, {
    ...base,
    status: "failed",
    finishedAt: now,
    examined: Math.max(base.examined, changed),
    changed,
    moreLeft: true,
    error: "interrupted",
  });
}
