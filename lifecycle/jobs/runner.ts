/**
 * The job runner: claim → run → record → log.
 *
 * Every run ends in one outcome. A lease keeps two processes from doing the same work twice; it is
 * for efficiency only, the exactness of what a job writes never depends on it.
 */
import { DomainError } from "../../kv/errors.ts";
import {
  beginRun,
  countChangesOf,
  finishRun,
  getJobRecord,
  type JobRecord,
  type PlannedChange,
  type RunOutcome,
  type RunRecord,
  type RunTrigger,
  setRun,
} from "../../kv/jobs.ts";
import type { Remember } from "../../kv/outcomes.ts";
import type { Store } from "../../kv/store.ts";
import { newRunId } from "../ids.ts";
import type { Logger } from "../log.ts";
import { COMPLETE_EVENTS } from "./complete_events.ts";
import { ERASE_USERS } from "./erase_users.ts";
import type { Job, RunReport } from "./job.ts";
import { claimLease, keepLease } from "./lease.ts";
import { MOVE_EVENTS } from "./move_events.ts";
import { REINDEX_EVENTS } from "./reindex_events.ts";
import { afterRun, keptPlan, newRun, outcomeOf } from "./run_record.ts";
import { START_EVENTS } from "./start_events.ts";
import { WITHHOLD_EVENTS } from "./withhold_events.ts";

/** Every job there is. */
export const JOBS: readonly Job[] = [
  COMPLETE_EVENTS,
  START_EVENTS,
  MOVE_EVENTS,
  WITHHOLD_EVENTS,
  ERASE_USERS,
  REINDEX_EVENTS,
];

/** A run ends itself after this long, unless its job says otherwise, and says that work is left. */
const BUDGET_MS = 4 * 60_000;
/** What passing traffic may set off is short. */
const TRAFFIC_BUDGET_MS = 5_000;
const TRAFFIC_GAP_MS = 2_000;

export interface FinishedRun extends RunRecord {
  /** All of it. */
  planned: PlannedChange[];
  /** What a failed run threw, whole, for the log; the record keeps its message. */
  thrown?: unknown;
}

export interface StartedRun {
  /** As it was stored when it began. */
  run: RunRecord;
  /** Never rejects: a failure is an outcome. */
  finished: Promise<FinishedRun>;
}

export interface RunnerOptions {
  clock: () => number;
  log: Logger;
  jobs?: readonly Job[];
  /**
   * No other process writes this store (a local file takes one writer), so a lease from before our
   * start belongs to a process that died, and nobody need wait for it to expire.
   */
  isSoleWriter?: boolean;
}

export class JobRunner {
  readonly jobs: readonly Job[];
  readonly #store: Store;
  readonly #clock: () => number;
  readonly #log: Logger;
  readonly #bootedAt: number;
  readonly #isSoleWriter: boolean;
  readonly #running = new Set<Promise<FinishedRun>>();
  #stopping = false;
  #lastWake = -Infinity;
  #lastCheck = -Infinity;

  constructor(store: Store, { clock, log, jobs = JOBS, isSoleWriter = false }: RunnerOptions) {
    this.#store = store;
    this.#clock = clock;
    this.#log = log;
    this.jobs = jobs;
    this.#bootedAt = clock();
    this.#isSoleWriter = isSoleWriter;
  }

  /** @throws {DomainError} `job_not_found`. */
  job(name: string): Job {
    const job = this.jobs.find((candidate) => candidate.name === name);
    if (job !== undefined) return job;
    const names = this.jobs.map((candidate) => candidate.name).join(", ");
    throw new DomainError("job_not_found", `There is no job "${name}"; there are ${names}.`);
  }

  /**
   * Starts a run and answers at once. A manual run has its record from here on.
   * @throws {DomainError} `job_not_found`, `store_unavailable`.
   */
  async start(
    name: string,
    { trigger, dryRun = false, remember }: {
      trigger: RunTrigger;
      dryRun?: boolean;
      remember?: Remember<RunRecord> | undefined;
    },
  ): Promise<StartedRun> {
    const job = this.job(name);
    const startedAt = this.#clock();
    const run = newRun(name, { id: newRunId(startedAt), startedAt, trigger, dryRun });
    if (remember !== undefined) {
      if (!await beginRun(this.#store, run, remember)) throw new DomainError("conflict");
    } else if (trigger === "manual") await setRun(this.#store, run);
    const finished = this.#finish(job, run);
    this.#running.add(finished);
    finished.finally(() => this.#running.delete(finished));
    return { run, finished };
  }

  /** Runs a job to its end. @throws {DomainError} as `start`. */
  async run(
    name: string,
    options: { trigger: RunTrigger; dryRun?: boolean },
  ): Promise<FinishedRun> {
    return (await this.start(name, options)).finished;
  }

  /** A run by the clock. @throws {Error} when it failed, so that `Deno.cron` tries it again. */
  async runByCron(name: string): Promise<void> {
    const run = await this.run(name, { trigger: "cron" });
    if (run.status === "failed") throw new Error(`${name} failed: ${run.error}`);
  }

  /** The minute's tick: runs every job that is due, but completion, which has its own cron. */
  async tick(): Promise<void> {
    const failures: unknown[] = [];
    for (const job of this.jobs) {
      if (job.hasOwnCron || this.#stopping) continue;
      if (!await this.#isDue(job)) continue;
      await this.runByCron(job.name).catch((error) => failures.push(error));
    }
    if (failures.length > 0) throw failures[0];
  }

  /** At start-up completion runs when its last success is older than one interval. */
  async runOverdue(): Promise<FinishedRun | null> {
    const { value } = await getJobRecord(this.#store, COMPLETE_EVENTS.name);
    const overdue = value.lastSuccessAt === null ||
      this.#clock() - value.lastSuccessAt > intervalOf(COMPLETE_EVENTS, value);
    return overdue ? await this.run(COMPLETE_EVENTS.name, { trigger: "startup" }) : null;
  }

  /** Somebody met events whose completion is not recorded: a short sweep, at most every 2 s. */
  wake(): void {
    const now = this.#clock();
    if (this.#stopping || now - this.#lastWake < TRAFFIC_GAP_MS) return;
    this.#lastWake = now;
    this.start(COMPLETE_EVENTS.name, { trigger: "traffic" }).catch((error) => {
      this.#log.warn("traffic could not start a sweep", { error });
    });
  }

  /** A request passed by: when the clock's runs have gone silent, traffic takes their place. */
  notice(): void {
    const now = this.#clock();
    if (now - this.#lastCheck < COMPLETE_EVENTS.intervalMs / 5) return;
    this.#lastCheck = now;
    this.silence().then((reason) => reason === null || this.wake()).catch((error) => {
      this.#log.warn("the jobs' health could not be read", { error });
    });
  }

  /** Why completion counts as silent: no success for two intervals and not paused. Null: it runs. */
  async silence(): Promise<string | null> {
    const now = this.#clock();
    const { value } = await getJobRecord(this.#store, COMPLETE_EVENTS.name);
    if (isPaused(value, now)) return null;
    const interval = intervalOf(COMPLETE_EVENTS, value);
    const since = value.lastSuccessAt ?? this.#bootedAt;
    if (now - since <= 2 * interval) return null;
    const ago = Math.round((now - since) / 1000);
    return `${COMPLETE_EVENTS.name} has not succeeded for ${ago} s; it is due every ${
      interval / 1000
    } s${leftBehind(value.lastRun)}`;
  }

  /** Runs end at their next batch; resolves when all have. */
  async stop(): Promise<void> {
    this.#stopping = true;
    await this.idle();
  }

  /** Resolves when no run is in progress. */
  async idle(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running);
  }

  async #isDue(job: Job): Promise<boolean> {
    const { value } = await getJobRecord(this.#store, job.name);
    const { lastRun } = value;
    // What failed is tried again at the next tick, and what is left is taken up.
    if (lastRun === null || lastRun.status === "failed" || lastRun.moreLeft) return true;
    // A cron fires a little early or late; half a tick is near enough.
    return this.#clock() - lastRun.startedAt >= intervalOf(job, value) - 30_000;
  }

  /** claim → run → record → log */
  async #finish(job: Job, run: RunRecord): Promise<FinishedRun> {
    const log = this.#log.with({ job: job.name, run_id: run.id, trigger: run.trigger });
    const began = performance.now();
    let finished: FinishedRun;
    try {
      finished = run.dryRun
        ? await this.#dryRun(job, run, log)
        : await this.#claimAndRun(job, run, log);
    } catch (error) {
      const failed = this.#ended(run, "failed", { error: messageOf(error) });
      finished = { ...failed, planned: [], thrown: error };
      await this.#keepUnclaimed(failed, log);
    }
    const { status, examined, changed, conflicts, failed, lateByMs, moreLeft } = finished;
    const quiet = !didSomething(finished) ||
      (run.trigger === "traffic" && status.startsWith("skipped"));
    const level = quiet
      ? "debug"
      : status === "succeeded"
      ? "info"
      : status === "failed"
      ? "error"
      : "warn";
    log[level](`run ${status}`, {
      examined,
      changed,
      conflicts,
      failed,
      ...(lateByMs === null ? {} : { late_by_s: Math.round(lateByMs / 1000) }),
      ...(moreLeft ? { more_left: true } : {}),
      ...(finished.error === null ? {} : { error: finished.thrown ?? finished.error }),
      took_ms: Math.round(performance.now() - began),
    });
    return finished;
  }

  async #dryRun(job: Job, run: RunRecord, log: Logger): Promise<FinishedRun> {
    const report = await this.#report(job, run, { log, lost: () => false });
    const { planned, ...counts } = report;
    const finished = this.#ended(run, outcomeOf(report), counts);
    if (run.trigger === "manual") {
      await setRun(this.#store, { ...finished, planned: keptPlan(planned) });
    }
    return { ...finished, planned };
  }

  async #claimAndRun(job: Job, run: RunRecord, log: Logger): Promise<FinishedRun> {
    const { value: record } = await getJobRecord(this.#store, job.name);
    // Whoever runs it by hand knows that it is paused.
    if (isPaused(record, run.startedAt) && run.trigger !== "manual") {
      return { ...this.#ended(run, "skipped_paused"), planned: [] };
    }
    const claim = await claimLease(this.#store, run, {
      clock: this.#clock,
      isOrphan: (lease) => this.#isSoleWriter && lease.startedAt < this.#bootedAt,
      shouldStop: () => this.#stopping,
      log,
    });
    if (claim === null) {
      const skipped = this.#ended(run, "skipped_overlap");
      if (run.trigger === "manual") await setRun(this.#store, skipped);
      return { ...skipped, planned: [] };
    }
    const keeper = keepLease(this.#store, job.name, { claim, clock: this.#clock });
    let finished: RunRecord;
    let thrown: unknown;
    try {
      const { planned: _, ...report } = await this.#report(job, run, { log, lost: keeper.lost });
      finished = this.#ended(run, outcomeOf(report), report);
    } catch (error) {
      thrown = error;
      finished = this.#ended(run, "failed", { error: messageOf(error) });
    }
    await keeper.stop();
    if (finished.status === "failed") {
      // What it committed before it failed stays; it did not live to say how much that was.
      const changed = await countChangesOf(this.#store, run.id, run.startedAt);
      finished = { ...finished, examined: changed, changed };
    }
    const found = didSomething(finished);
    const kept = await finishRun(this.#store, claim, {
      job: job.name,
      run: found || run.trigger === "manual" ? finished : null,
      change: (before) => afterRun(before, finished, found),
    });
    if (!kept) log.warn("another process took this run's lease over and closed it");
    return { ...finished, planned: [], ...(thrown === undefined ? {} : { thrown }) };
  }

  #report(
    job: Job,
    run: RunRecord,
    { log, lost }: { log: Logger; lost: () => boolean },
  ): Promise<RunReport> {
    const budget = run.trigger === "traffic" ? TRAFFIC_BUDGET_MS : job.budgetMs ?? BUDGET_MS;
    const began = performance.now();
    return job.run(this.#store, {
      runId: run.id,
      trigger: run.trigger,
      now: this.#clock(),
      dryRun: run.dryRun,
      shouldStop: () => this.#stopping || lost() || performance.now() - began > budget,
      log,
    });
  }

  /** A manual run has its record even when it failed before it held a lease. */
  async #keepUnclaimed(run: RunRecord, log: Logger): Promise<void> {
    if (run.trigger !== "manual") return;
    await setRun(this.#store, run).catch((error) => {
      log.error("the run's record could not be stored", { error });
    });
  }

  #ended(run: RunRecord, status: RunOutcome, more: Partial<RunRecord> = {}): RunRecord {
    return { ...run, ...more, status, finishedAt: this.#clock() };
  }
}

/** How often a job is due, milliseconds. */
export function intervalOf(job: Job, record: JobRecord): number {
  return record.intervalMs ?? job.intervalMs;
}

export function isPaused(record: JobRecord, now: number): boolean {
  return record.pause !== null && record.pause.until > now;
}

/** A run that only looked at events which are another job's to change has found nothing. */
function didSomething({ status, changed, conflicts, failed }: RunRecord): boolean {
  return status !== "succeeded" || changed + conflicts + failed > 0;
}

/** What the last run left behind, for whoever is told that it did not succeed. */
function leftBehind(run: RunRecord | null): string {
  if (run?.status !== "partial") return "";
  const left = [
    ...(run.failed > 0 ? [`${run.failed} set aside`] : []),
    ...(run.moreLeft ? ["more to do"] : []),
  ];
  return `; its last run left ${left.join(" and ")}`;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
