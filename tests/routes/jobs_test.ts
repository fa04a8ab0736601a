/** `/v1/jobs`: running by hand, watching, pausing. */
import assert from "node:assert/strict";
import { isDeepStrictEqual } from "node:util";
import { getEvent } from "../../kv/events.ts";
import { newEventId } from "../../lifecycle/ids.ts";
import type { Job, RunReport } from "../../lifecycle/jobs/job.ts";
import { newReport } from "../../lifecycle/jobs/run_record.ts";
import { JOBS } from "../../lifecycle/jobs/runner.ts";
import { items } from "../../routes/client.ts";
import { clientOf } from "../support/client.ts";
import {
  ADMIN,
  completionsByEvent,
  MINUTE,
  NOW,
  storeEvent,
  type TestApp,
  testApp,
} from "../support/fixture.ts";
import { as, assertWritesNothing, byName, json, places, problem, soon } from "../support/http.ts";

type Json = Record<string, unknown>;
const RUNS = "/v1/jobs/complete_events/runs";
const JOB = "/v1/jobs/complete_events";

async function run(t: TestApp, query = ""): Promise<Json> {
  return await json<Json>(await t.request("POST", `${RUNS}${query}`, { headers: ADMIN }));
}

async function listRuns(t: TestApp, query = ""): Promise<{ items: Json[]; next_before: string }> {
  return await json(await t.request("GET", `${RUNS}${query}`, { headers: ADMIN }));
}

Deno.test("a run by hand answers the finished run, as it can be read again", async () => {
  await using t = await testApp();
  const due = [await storeEvent(t.store, { endDate: NOW - MINUTE }), await storeEvent(t.store)];
  const finished = await run(t);
  const { id, ...fields } = finished;
  assert.match(id as string, /^run_/);
  assert.deepEqual(fields, {
    job: "complete_events",
    trigger: "manual",
    dry_run: false,
    status: "succeeded",
    started_at: "2026-12-05T18:00:00Z",
    finished_at: "2026-12-05T18:00:00Z",
    examined: 1,
    changed: 1,
    conflicts: 0,
    failed: 0,
    late_by_seconds: 60,
    more_left: false,
    failures: [],
    error: null,
  });
  assert.deepEqual([...(await completionsByEvent(t.store)).keys()], [due[0]!.record.id]);
  const read = await t.request("GET", `${RUNS}/${id}`, { headers: ADMIN });
  assert.deepEqual(await json<Json>(read), finished);
  assert.deepEqual((await listRuns(t)).items, [finished]);
});

Deno.test("a dry run answers exactly what would change, and changes nothing", async () => {
  await using t = await testApp();
  const { record: ongoing } = await storeEvent(t.store, { endDate: NOW, status: "ONGOING" });
  const { record: confirmed } = await storeEvent(t.store, { endDate: NOW - 1 });
  await storeEvent(t.store, { endDate: NOW + 1 });
  await assertWritesNothing(t, async () => {
    const finished = await run(t, "?dry_run=true");
    assert.deepEqual([finished.status, finished.dry_run], ["succeeded", true]);
    assert.deepEqual(finished.would_change, [
      { id: confirmed.id, from: "CONFIRMED", to: "COMPLETED" },
      { id: ongoing.id, from: "ONGOING", to: "COMPLETED" },
    ]);
  });
  assert.equal((await run(t)).changed, 2);
  assert.deepEqual((await run(t, "?dry_run=true")).would_change, []);
});

/** A job that lasts until it is let go. */
function gatedJob() {
  const { promise, resolve: letGo } = Promise.withResolvers<void>();
  const job: Job = {
    ...JOBS[0]!,
    async run(): Promise<RunReport> {
      await promise;
      return { ...newReport(), examined: 1 };
    },
  };
  return { job, letGo };
}

Deno.test("Prefer: respond-async answers at once, and where the run can be watched", async () => {
  const { job, letGo } = gatedJob();
  await using t = await testApp({ jobs: [job] });
  const headers = { ...ADMIN, prefer: "wait=10, respond-async" };
  const response = await t.request("POST", RUNS, { headers });
  const location = response.headers.get("location")!;
  assert.equal(response.headers.get("preference-applied"), "respond-async");
  const begun = await json<Json>(response, 202);
  assert.equal(location, `${RUNS}/${begun.id}`);
  assert.deepEqual([begun.status, begun.finished_at], ["running", null]);
  const watch = async () => await json<Json>(await t.request("GET", location, { headers: ADMIN }));
  assert.deepEqual(await watch(), begun);
  letGo();
  await t.runner.idle();
  const finished = await watch();
  assert.deepEqual([finished.status, finished.examined], ["succeeded", 1]);
});

Deno.test("a dry run that was answered at once shows at its address what would change", async () => {
  await using t = await testApp();
  const { record: { id } } = await storeEvent(t.store, { endDate: NOW });
  const headers = { ...ADMIN, prefer: "respond-async" };
  const begun = await t.request("POST", `${RUNS}?dry_run=true`, { headers });
  await json<Json>(begun, 202);
  await t.runner.idle();
  const read = await t.request("GET", begun.headers.get("location")!, { headers });
  const { would_change, would_change_left_out } = await json<Json>(read);
  assert.deepEqual(would_change, [{ id, from: "CONFIRMED", to: "COMPLETED" }]);
  assert.equal(would_change_left_out, 0);
});

Deno.test("a dry run of more than its record holds says how much that leaves out", async () => {
  const planned = Array.from(
    { length: 2_000 },
    () => ({ id: newEventId(NOW), from: "CONFIRMED", to: "COMPLETED" }) as const,
  );
  const run = () =>
    Promise.resolve({ ...newReport(), examined: 2_000, changed: 2_000, planned: [...planned] });
  await using t = await testApp({ jobs: [{ ...JOBS[0]!, run }] });
  const response = await t.request("POST", `${RUNS}?dry_run=true`, { headers: ADMIN });
  const told = await json<Json>(response);
  assert.deepEqual([told.would_change, told.would_change_left_out], [planned, 0]);
  const kept = await json<Json>(await t.request("GET", `${RUNS}/${told.id}`, { headers: ADMIN }));
  const { length } = kept.would_change as Json[];
  assert.deepEqual(kept.would_change, planned.slice(0, length));
  assert.ok(length < 2_000);
  assert.deepEqual([kept.changed, kept.would_change_left_out], [2_000, 2_000 - length]);
});

Deno.test("a run takes no body: what looks like an option there is refused", async () => {
  await using t = await testApp();
  const post = (body?: string, type = "application/json") =>
    t.request("POST", RUNS, { body, headers: { ...ADMIN, "content-type": type } });
  for (
    const [body, place] of [
      [`{"dry_run": true}`, "/dry_run invalid_type"],
      [`{"dryRun": true}`, "/dryRun unknown_field"],
      [`true`, " invalid_type"],
      [`[]`, " invalid_type"],
    ] as const
  ) {
    const told = await problem(await post(body), 422, "invalid_body");
    assert.deepEqual(places(told), [place]);
    if (place.startsWith("/dry_run ")) assert.match(told.detail, /\?dry_run=true/);
  }
  await problem(
    await post("dry_run=true", "application/x-www-form-urlencoded"),
    415,
    "unsupported_media_type",
  );
  await problem(await post("{"), 400, "malformed_json");
  assert.deepEqual((await listRuns(t)).items, []);
  for (const body of ["{}", "", undefined]) await json<Json>(await post(body));
});

Deno.test("a job shows the run in progress, and then its last one", async () => {
  const { job, letGo } = gatedJob();
  await using t = await testApp({ jobs: [job] });
  const read = async () => {
    const response = await t.request("GET", "/v1/jobs", { headers: ADMIN });
    const { items } = await json<{ items: Json[] }>(response);
    assert.equal(items.length, 1);
    return items[0]!;
  };
  assert.deepEqual(await read(), {
    name: "complete_events",
    description: job.description,
    interval_seconds: 300,
    paused: null,
    running: null,
    last_run: null,
    last_success_at: null,
    empty_runs: 0,
    consecutive_failures: 0,
  });
  const { run, finished } = await t.runner.start(job.name, { trigger: "cron" });
  // The lease is taken a moment after the start.
  const running = { run_id: run.id, trigger: "cron", started_at: "2026-12-05T18:00:00Z" };
  await soon(async () => isDeepStrictEqual((await read()).running, running));
  letGo();
  await finished;
  const done = await read();
  assert.equal(done.running, null);
  assert.equal((done.last_run as Json).id, run.id);
  assert.equal(done.last_success_at, "2026-12-05T18:00:00Z");
});

Deno.test("runs are listed newest first, page by page; empty ones by the clock leave none", async () => {
  await using t = await testApp();
  const ids: unknown[] = [];
  for (let i = 0; i < 5; i++) {
    ids.unshift((await run(t)).id);
    await t.runner.run("complete_events", { trigger: "cron" });
    t.clock.now += 1;
  }
  const args = { param: { name: "complete_events" }, query: { limit: 2 } };
  const walked = await Array.fromAsync(items(clientOf(t).v1.jobs[":name"].runs.$get, args));
  assert.deepEqual(walked.map((run) => run.id), ids);
});

Deno.test("a paused job is skipped by the clock until then, and runs by hand all the same", async () => {
  await using t = await testApp();
  const { record: { id } } = await storeEvent(t.store, { endDate: NOW });
  const patch = (body: unknown) => t.request("PATCH", JOB, { body, headers: ADMIN });
  const pause = { reason: "Moving house", until: "2026-12-05T19:00:00+01:00" };
  assert.equal((await json<Json>(await patch({ paused: pause }))).paused, null, "over already");
  pause.until = "2026-12-05T20:00:00+01:00";
  const until = "2026-12-05T19:00:00Z";
  assert.deepEqual((await json<Json>(await patch({ paused: pause }))).paused, { ...pause, until });
  assert.equal(
    (await t.runner.run("complete_events", { trigger: "cron" })).status,
    "skipped_paused",
  );
  assert.equal((await getEvent(t.store, id))!.record.version, 1);
  assert.equal((await run(t)).changed, 1);
  assert.equal((await json<Json>(await patch({ paused: null }))).paused, null);
  assert.equal((await t.runner.run("complete_events", { trigger: "cron" })).status, "succeeded");
});

Deno.test("a job's interval is its own until it is told otherwise", async () => {
  await using t = await testApp();
  const patch = (body: unknown, job = "/v1/jobs/start_events") =>
    t.request("PATCH", job, { body, headers: ADMIN });
  const own = await problem(await patch({ interval_seconds: 60 }, JOB), 422, "invalid_body");
  assert.deepEqual(places(own), ["/interval_seconds not_writable"], "it has a cron of its own");
  const set = await json<Json>(await patch({ interval_seconds: 600 }));
  assert.equal(set.interval_seconds, 600);
  assert.equal((await json<Json>(await patch({}))).interval_seconds, 600);
  assert.equal((await json<Json>(await patch({ interval_seconds: null }))).interval_seconds, 60);
  for (
    const [body, place] of [
      [{ interval_seconds: 59 }, "/interval_seconds too_small"],
      [{ interval_seconds: 86_401 }, "/interval_seconds too_big"],
      [{ paused: { reason: "x", until: "2026-02-30T00:00:00Z" } }, "/paused/until invalid_format"],
      [{ paused: { until: "2026-12-06T00:00:00Z" } }, "/paused/reason required"],
      [{ paused: { reason: "x" } }, "/paused/until required"],
      [{ paused: { reason: "x", until: "tomorrow" } }, "/paused/until invalid_format"],
      [{ schedule: "* * * * *" }, "/schedule unknown_field"],
    ] as const
  ) {
    const told = await problem(await patch(body), 422, "invalid_body");
    assert.deepEqual(places(told), [place]);
    if (place === "/paused/until invalid_format") {
      assert.match(told.detail, /an instant with offset, such as 2026-12-05T19:30:00Z/);
    }
  }
});

Deno.test("jobs are for admins, and only those there are", async () => {
  await using t = await testApp({ authenticate: byName });
  const nowhere = "/v1/jobs/mow_the_lawn/runs";
  for (
    const [method, path] of [
      ["GET", "/v1/jobs"],
      ["PATCH", JOB],
      ["GET", RUNS],
      ["GET", `${RUNS}/run_00000000000000000000000000`],
      ["POST", RUNS],
    ] as const
  ) {
    const body = method === "PATCH" ? {} : undefined;
    await problem(await t.request(method, path, { body }), 401, "unauthenticated");
    const member = await t.request(method, path, { body, headers: as("alice") });
    await problem(member, 403, "forbidden");
  }
  const headers = as("root");
  await problem(await t.request("POST", nowhere, { headers }), 404, "job_not_found");
  const { detail } = await problem(
    await t.request("GET", nowhere, { headers }),
    404,
    "job_not_found",
  );
  assert.match(detail, /there are complete_events, start_events, move_events/);
  await problem(await t.request("GET", `${RUNS}/run_x`, { headers }), 404, "not_found");
  const before = await t.request("GET", `${RUNS}?before=run_x`, { headers });
  assert.deepEqual(places(await problem(before, 400, "invalid_query")), ["before invalid_query"]);
});
