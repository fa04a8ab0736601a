/** What is kept of the jobs: a record and a lease per job, and a record per run. */
import type { EventId, RunId } from "./event_record.ts";
import { FORMATS, isNewer, requireWritable, upgraded } from "./formats.ts";
import { jobKey, jobLeaseKey, jobRunKey, jobRunPrefix, JOURNAL } from "./keys.ts";
import type { JournalEntry } from "./journal.ts";
import { addOutcome, type Remember } from "./outcomes.ts";
import type { Store } from "./store.ts";

export type RunTrigger = "cron" | "startup" | "manual" | "traffic";
export type RunOutcome = "succeeded" | "partial" | "failed" | "skipped_overlap" | "skipped_paused";

/** What a run found and did. */
export interface RunCounts {
  examined: number;
  changed: number;
  /** Commits that lost a race and were decided again. */
  conflicts: number;
  failed: number;
  /** How long the oldest event that was due had waited; null when none was. */
  lateByMs: number | null;
}

export interface RunFailure {
  eventId: string;
  error: string;
}

/** What a dry run would do to one event: the statuses, or organizers, it would go between. */
export interface PlannedChange {
  id: EventId;
  from: string;
  to: string;
}

export interface RunRecord extends RunCounts {
  format: number;
  id: RunId;
  job: string;
  trigger: RunTrigger;
  dryRun: boolean;
  status: "running" | RunOutcome;
  startedAt: number;
  finishedAt: number | null;
  /** Work was left when the time budget was used up or the run was stopped. */
  moreLeft: boolean;
  /** The events that could not be handled, the first few. */
  failures: RunFailure[];
  error: string | null;
  /** Of a dry run that has its record: what it would change, or the beginning of that. */
  planned?: PlannedChange[];
}

export interface JobRecord {
  format: number;
  /** Null: the job's own default. */
  intervalMs: number | null;
  pause: { reason: string; until: number } | null;
  lastRun: RunRecord | null;
  lastSuccessAt: number | null;
  /** Runs by the clock since the last one that found something. */
  emptyRuns: number;
  consecutiveFailures: number;
}

/** Who runs a job now. Holds its own expiry: Deno KV removes expired keys up to a minute late. */
export interface JobLease {
  format: number;
  runId: RunId;
  trigger: RunTrigger;
  startedAt: number;
  /** 0 once released. */
  expiresAt: number;
  /** One more with every claim; guards the run record. */
  fence: number;
}

export interface Versioned<T> {
  value: T;
  versionstamp: string | null;
}

export const NEW_JOB_RECORD: JobRecord = {
  format: FORMATS.job.current,
  intervalMs: null,
  pause: null,
  lastRun: null,
  lastSuccessAt: null,
  emptyRuns: 0,
  consecutiveFailures: 0,
};

/** The job's record; a new one when it never ran. */
export async function getJobRecord(store: Store, name: string): Promise<Versioned<JobRecord>> {
  const { value, versionstamp } = await store.get(jobKey(name));
  if (versionstamp === null) return { value: NEW_JOB_RECORD, versionstamp };
  return { value: upgraded(value, store.schema.formats.job), versionstamp };
}

/**
 * Changes the job's record, again and again until nobody was in between.
 * @throws {DomainError} `newer_format`.
 */
export async function updateJobRecord(
  store: Store,
  name: string,
  change: (record: JobRecord) => JobRecord,
): Promise<JobRecord> {
  for (;;) {
    const { value, versionstamp } = await getJobRecord(store, name);
    requireWritable(value, store.schema.formats.job, `job "${name}"`);
    const next = change(value);
    const key = jobKey(name);
    const operation = store.kv.atomic().check({ key, versionstamp }).set(key, next);
    if ((await store.commit(operation)).ok) return next;
  }
}

/** Null when the job was never claimed. */
export async function getLease(store: Store, name: string): Promise<Versioned<JobLease | null>> {
  const { value, versionstamp } = await store.get(jobLeaseKey(name));
  if (versionstamp === null) return { value: null, versionstamp };
  return { value: upgraded(value, store.schema.formats.job_lease), versionstamp };
}

/** Writes the lease if it is still as `versionstamp` says; null when somebody was faster. */
export async function replaceLease(
  store: Store,
  name: string,
  versionstamp: string | null,
  lease: JobLease,
): Promise<string | null> {
  const key = jobLeaseKey(name);
  const operation = store.kv.atomic().check({ key, versionstamp }).set(key, lease);
  const result = await store.commit(operation);
  if (result.ok) return result.versionstamp;
  // Our own commit, sent again by the runtime after its answer was lost, is refused by itself.
  const now = await getLease(store, name);
  const ours = now.value?.runId === lease.runId && now.value.expiresAt === lease.expiresAt;
  return ours ? now.versionstamp : null;
}

/** Stores a run's record, over an earlier one of the same run. */
export async function setRun(store: Store, run: RunRecord): Promise<void> {
  await store.commit(store.kv.atomic().set(jobRunKey(run.job, run.startedAt, run.id), run));
}

/** Stores the record of a run that begins. False: a request with the same key was faster. */
export async function beginRun(
  store: Store,
  run: RunRecord,
  remember: Remember<RunRecord>,
): Promise<boolean> {
  const operation = store.kv.atomic().set(jobRunKey(run.job, run.startedAt, run.id), run);
  addOutcome(operation, remember, run);
  if ((await store.commit(operation)).ok) return true;
  // Our own commit, sent again by the runtime after its answer was lost, is refused by itself.
  return await getRun(store, run.job, run.startedAt, run.id) !== null;
}

/** Null when there is none. */
export async function getRun(
  store: Store,
  job: string,
  startedAt: number,
  id: RunId,
): Promise<RunRecord | null> {
  const { value } = await store.get(jobRunKey(job, startedAt, id));
  return value === null ? null : upgraded(value, store.schema.formats.job_run);
}

/** The runs of a job, newest first, from before `before` on. */
export async function listRuns(
  store: Store,
  job: string,
  { limit, before }: { limit: number; before?: { startedAt: number; id: string } | undefined },
): Promise<RunRecord[]> {
  const prefix = jobRunPrefix(job);
  const rows = await store.list(
    before === undefined ? { prefix } : { prefix, end: [...prefix, before.startedAt, before.id] },
    { limit, reverse: true },
  );
  return rows.map((row) => upgraded(row.value, store.schema.formats.job_run));
}

/**
 * How many journal changes a run made, by itself or for a person, counted from the newest entry
 * back to `since` (epoch milliseconds). For runs that did not live to say it themselves.
 */
export async function countChangesOf(store: Store, id: RunId, since: number): Promise<number> {
  let changed = 0;
  let end: Deno.KvKey | undefined;
  for (;;) {
    const rows = await store.list<JournalEntry>(
      end === undefined ? { prefix: JOURNAL } : { prefix: JOURNAL, end },
      { limit: 100, reverse: true },
    );
    for (const { value } of rows) {
      changed += value.changes.filter(({ by, run }) => by === `job:${id}` || run === id).length;
    }
    const oldest = rows.at(-1);
    if (oldest === undefined || rows.length < 100) return changed;
    if (oldest.value.changes.every((change) => change.at < since)) return changed;
    end = oldest.key;
  }
}

/**
 * Ends a run: releases its lease, updates the job's record (unless a newer program wrote it) and
 * stores the run's own record (null: it leaves none), in one commit. False when the lease is no
 * longer ours: whoever took it over has closed the run already, and nothing is written.
 */
export async function finishRun(
  store: Store,
  { lease, versionstamp }: { lease: JobLease; versionstamp: string },
  { job, run, change }: {
    job: string;
    run: RunRecord | null;
    change: (record: JobRecord) => JobRecord;
  },
): Promise<boolean> {
  for (;;) {
    const record = await getJobRecord(store, job);
    const operation = store.kv.atomic()
      .check({ key: jobLeaseKey(job), versionstamp })
      .check({ key: jobKey(job), versionstamp: record.versionstamp })
      .set(jobLeaseKey(job), { ...lease, expiresAt: 0 });
    if (!isNewer(record.value, store.schema.formats.job)) {
      operation.set(jobKey(job), change(record.value));
    }
    if (run !== null) operation.set(jobRunKey(job, run.startedAt, run.id), run);
    if ((await store.commit(operation)).ok) return true;
    const now = await getLease(store, job);
    if (now.value?.runId !== lease.runId) return false;
    // Released in our name: our own commit was applied and its answer lost.
    if (now.value.expiresAt === 0) return true;
    if (now.versionstamp !== versionstamp) return false;
  }
}
