/** `/v1/jobs`: what runs by itself, its runs, and running it by hand. For administrators. */
import { createRoute, z } from "@hono/zod-openapi";
import { DomainError, invalidFields } from "../kv/errors.ts";
import {
  getJobRecord,
  getLease,
  getRun,
  type JobLease,
  type JobRecord,
  listRuns,
  type RunRecord,
  updateJobRecord,
} from "../kv/jobs.ts";
import { MAX_REASON_LENGTH } from "../kv/limits.ts";
import { instantText } from "../kv/event_record.ts";
import { isRunId, runStartedAt } from "../lifecycle/ids.ts";
import type { Job } from "../lifecycle/jobs/job.ts";
import { intervalOf, isPaused } from "../lifecycle/jobs/runner.ts";
import { requireAdmin } from "../lifecycle/policy.ts";
import {
  answer,
  apiApp,
  json,
  jsonBody,
  located,
  mayTakeJson,
  problems,
  writesJson,
} from "./api.ts";
import type { AppDeps } from "./app_deps.ts";
import { line } from "./event_schemas.ts";
import { remembered } from "./idempotency.ts";
import { dryRun, limit } from "./query_schemas.ts";

const RUN_STATUSES = [
  "running",
  "succeeded",
  "partial",
  "failed",
  "skipped_overlap",
  "skipped_paused",
] as const;

const RunSchema = z.object({
  id: z.string(),
  job: z.string(),
  trigger: z.enum(["cron", "startup", "manual", "traffic"]),
  dry_run: z.boolean(),
  status: z.enum(RUN_STATUSES),
  started_at: z.string(),
  finished_at: z.string().nullable(),
  examined: z.int(),
  changed: z.int(),
  conflicts: z.int(),
  failed: z.int(),
  late_by_seconds: z.number().nullable(),
  more_left: z.boolean(),
  failures: z.array(z.object({ event_id: z.string(), error: z.string() })),
  error: z.string().nullable(),
  would_change: z.array(z.object({ id: z.string(), from: z.string(), to: z.string() })).optional(),
  would_change_left_out: z.int().optional(),
}).meta({ id: "JobRun" });

const JobSchema = z.object({
  name: z.string(),
  description: z.string(),
  interval_seconds: z.number(),
  paused: z.object({ reason: z.string(), until: z.string() }).nullable(),
  running: z.object({ run_id: z.string(), trigger: z.string(), started_at: z.string() }).nullable(),
  // Not `.nullable()`, which the document would say of every run.
  last_run: z.union([RunSchema, z.null()]),
  last_success_at: z.string().nullable(),
  empty_runs: z.int(),
  consecutive_failures: z.int(),
}).meta({ id: "Job" });

const JobPath = z.object({
  name: z.string().max(100).meta({ description: "The job's name, such as complete_events." }),
});

const listRoute = createRoute({
  method: "get",
  path: "/v1/jobs",
  summary: "List the jobs",
  description: "What runs by itself: how often, whether it is paused or running, and its last run.",
  responses: {
    200: json(z.object({ items: z.array(JobSchema) }), "The jobs"),
    ...problems(401, 403, 503),
  },
});

const patchRoute = createRoute({
  method: "patch",
  path: "/v1/jobs/{name}",
  summary: "Change how often a job is due, or pause it",
  description: "`interval_seconds` null is the job's own; `paused` null goes on at once.",
  request: {
    params: JobPath,
    body: jsonBody(
      z.strictObject({
        interval_seconds: z.int().min(60).max(86_400).nullable().optional(),
        paused: z.strictObject({
          reason: line(MAX_REASON_LENGTH, 1),
          until: z.iso.datetime({
            offset: true,
            error: ({ code }) =>
              code === "invalid_format"
                ? "This must be an instant with offset, such as 2026-12-05T19:30:00Z"
                : undefined,
          }),
        }).nullable().optional(),
      }).meta({ id: "JobPatch" }),
    ),
  },
  middleware: writesJson,
  responses: {
    200: json(JobSchema, "The job"),
    ...problems(400, 401, 403, 404, 409, 413, 415, 422, 503),
  },
});

const listRunsRoute = createRoute({
  method: "get",
  path: "/v1/jobs/{name}/runs",
  summary: "List a job's runs, newest first",
  description: "Those that did something; `before` takes the `next_before` of the page before.",
  request: {
    params: JobPath,
    query: z.strictObject({
      limit,
      before: z.string().optional().meta({ description: "`next_before` of the page before." }),
    }),
  },
  responses: {
    200: json(
      z.object({ items: z.array(RunSchema), next_before: z.string().nullable() }),
      "The runs that did something",
    ),
    ...problems(400, 401, 403, 404, 503),
  },
});

const getRunRoute = createRoute({
  method: "get",
  path: "/v1/jobs/{name}/runs/{run_id}",
  summary: "Watch a run",
  description: "As far as it has come; of a dry run also what it would change.",
  request: {
    params: JobPath.extend({ run_id: z.string().meta({ description: "The run's id, run_…" }) }),
  },
  responses: { 200: json(RunSchema, "The run"), ...problems(401, 403, 404, 503) },
});

/** A body is nothing to a run; saying so is better than to run for real what was meant to be dry. */
const NoRunOptions = z.strictObject({
  dry_run: z.never("This is a parameter of the address: ?dry_run=true").meta({
    // Said because the generator of the document knows no "never"; `not: {}` takes nothing.
    type: "boolean",
    not: {},
    description: "A parameter of the address.",
  }).optional(),
});

const runRoute = createRoute({
  method: "post",
  path: "/v1/jobs/{name}/runs",
  summary: "Run a job now",
  description:
    "Answers the finished run; with `Prefer: respond-async` at once, and where to watch. What a dry " +
    "run would change is kept there, or the beginning of it.",
  parameters: [{
    name: "Prefer",
    in: "header",
    description: "`respond-async`: answer as soon as it has begun.",
    schema: { type: "string" },
  }],
  request: {
    params: JobPath,
    query: z.strictObject({ dry_run: dryRun }),
    body: { content: { "application/json": { schema: NoRunOptions } }, required: false },
  },
  middleware: mayTakeJson,
  responses: {
    200: json(RunSchema, "The finished run"),
    202: located(RunSchema, "The run, begun", "Where to watch the run."),
    ...problems(400, 401, 403, 404, 409, 413, 415, 422, 503),
  },
});

export function jobs({ store, runner, clock }: AppDeps) {
  function jobView(job: Job, record: JobRecord, lease: JobLease | null) {
    const now = clock();
    const held = lease !== null && lease.expiresAt > now;
    return {
      name: job.name,
      description: job.description,
      interval_seconds: intervalOf(job, record) / 1000,
      paused: isPaused(record, now)
        ? { reason: record.pause!.reason, until: instantText(record.pause!.until) }
        : null,
      running: held
        ? {
          run_id: lease.runId,
          trigger: lease.trigger,
          started_at: instantText(lease.startedAt),
        }
        : null,
      last_run: record.lastRun === null ? null : runView(record.lastRun),
      last_success_at: record.lastSuccessAt === null ? null : instantText(record.lastSuccessAt),
      empty_runs: record.emptyRuns,
      consecutive_failures: record.consecutiveFailures,
    };
  }

  return apiApp()
    .openapi(listRoute, async (c) => {
      requireAdmin(c.get("principal"));
      const items = runner.jobs.map(async (job) => {
        const [{ value: record }, { value: lease }] = await Promise.all([
          getJobRecord(store, job.name),
          getLease(store, job.name),
        ]);
        return jobView(job, record, lease);
      });
      return answer(c, { items: await Promise.all(items) }, 200);
    })
    .openapi(patchRoute, async (c) => {
      requireAdmin(c.get("principal"));
      const job = runner.job(c.req.valid("param").name);
      const { interval_seconds, paused } = c.req.valid("json");
      if (job.hasOwnCron && interval_seconds) {
        throw invalidFields([{
          pointer: "/interval_seconds",
          code: "not_writable",
          detail: `${job.name} runs by a cron of its own, every ${job.intervalMs / 1000} s.`,
        }]);
      }
      // Before the change: a read that fails after it would be answered as "nothing was changed".
      const { value: lease } = await getLease(store, job.name);
      const changed = await updateJobRecord(store, job.name, (record) => ({
        ...record,
        ...(interval_seconds === undefined
          ? {}
          : { intervalMs: interval_seconds === null ? null : interval_seconds * 1000 }),
        ...(paused === undefined ? {} : {
          pause: paused && { reason: paused.reason, until: Date.parse(paused.until) },
        }),
      }));
      return answer(c, jobView(job, changed, lease), 200);
    })
    .openapi(listRunsRoute, async (c) => {
      requireAdmin(c.get("principal"));
      const { name } = runner.job(c.req.valid("param").name);
      const { limit, before } = c.req.valid("query");
      if (before !== undefined && !isRunId(before)) {
        const detail = `before: "${before.slice(0, 40)}" is no run's id.`;
        throw new DomainError("invalid_query", detail, { parameter: "before" });
      }
      const from = before && { startedAt: runStartedAt(before), id: before };
      const runs = await listRuns(store, name, { limit: limit + 1, before: from });
      const items = runs.slice(0, limit).map(runView);
      return answer(c, { items, next_before: runs.length > limit ? items.at(-1)!.id : null }, 200);
    })
    .openapi(getRunRoute, async (c) => {
      requireAdmin(c.get("principal"));
      const { name, run_id: id } = c.req.valid("param");
      const job = runner.job(name);
      const run = isRunId(id) ? await getRun(store, job.name, runStartedAt(id), id) : null;
      if (run === null) throw new DomainError("not_found", `Job "${name}" has no run "${id}".`);
      return answer(c, wholeView(run), 200);
    })
    .openapi(runRoute, async (c) => {
      requireAdmin(c.get("principal"));
      const job = runner.job(c.req.valid("param").name);
      const { dry_run: dryRun } = c.req.valid("query");
      const locationOf = ({ id }: RunRecord) => `/v1/jobs/${job.name}/runs/${id}`;
      const { run, finished } = await runner.start(job.name, {
        trigger: "manual",
        dryRun,
        // Sent again, it is told where to watch: the run may still be under way.
        remember: remembered(c, (run: RunRecord) => ({
          status: 202,
          body: runView(run),
          headers: { location: locationOf(run) },
        })),
      });
      const location = locationOf(run);
      if (/\brespond-async\b/i.test(c.req.header("prefer") ?? "")) {
        return answer(c, runView(run), 202, { location, "preference-applied": "respond-async" });
      }
      return answer(c, wholeView(await finished), 200);
    });
}

function runView(run: RunRecord) {
  return {
    id: run.id,
    job: run.job,
    trigger: run.trigger,
    dry_run: run.dryRun,
    status: run.status,
    started_at: instantText(run.startedAt),
    finished_at: run.finishedAt === null ? null : instantText(run.finishedAt),
    examined: run.examined,
    changed: run.changed,
    conflicts: run.conflicts,
    failed: run.failed,
    late_by_seconds: run.lateByMs === null ? null : run.lateByMs / 1000,
    more_left: run.moreLeft,
    failures: run.failures.map(({ eventId, error }) => ({ event_id: eventId, error })),
    error: run.error,
  };
}

/** A run by itself: of a dry one also what it would change, and how much of that was not kept. */
function wholeView(run: RunRecord) {
  const { dryRun, planned, changed } = run;
  if (!dryRun || planned === undefined) return runView(run);
  return {
    ...runView(run),
    would_change: planned,
    would_change_left_out: changed - planned.length,
  };
}
