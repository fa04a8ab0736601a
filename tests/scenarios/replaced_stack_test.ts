/** What the replaced stack promised, each promise a test named after it. */
import assert from "node:assert/strict";
import { EVENT_STATUSES, type EventRecord } from "../../kv/event_record.ts";
import { type JobRecord, NEW_JOB_RECORD } from "../../kv/jobs.ts";
import { jobKey } from "../../kv/keys.ts";
import { openStore } from "../../kv/store.ts";
import { COMPLETE_EVENTS } from "../../lifecycle/jobs/complete_events.ts";
import type { Job } from "../../lifecycle/jobs/job.ts";
import {
  ADMIN,
  allChanges,
  allRecords,
  completionsByEvent,
  DAY,
  HOUR,
  MINUTE,
  NOW,
  SECOND,
  storeEvent,
  testApp,
} from "../support/fixture.ts";
import { json, list, PATIENCE_MS, pauseJobs } from "../support/http.ts";
import { startServer } from "../support/server.ts";
import { withFolder } from "../support/temp_folder.ts";
import { textLines } from "../support/text_lines.ts";

const MAIN = await Deno.readTextFile(new URL("../../main.ts", import.meta.url));

Deno.test("an ended event is COMPLETED within five minutes", async () => {
  // As often as main.ts says, and no more often.
  const cron = /Deno\.cron\(\s*"complete events",\s*"\*\/(\d+) \* \* \* \*",/.exec(MAIN);
  const everyMinutes = Number(cron![1]);
  await using t = await testApp();
  const ends = Array.from({ length: 60 }, (_, i) => NOW + i * 13 * SECOND);
  for (const endDate of [...ends, NOW + 1, NOW + 5 * MINUTE - 1, NOW + 5 * MINUTE]) {
    await storeEvent(t.store, { endDate });
  }
  const lateness: number[] = [];
  for (let minute = 0; minute <= 20; minute++) {
    t.clock.now = NOW + minute * MINUTE;
    if (new Date(t.clock.now).getUTCMinutes() % everyMinutes === 0) {
      const { lateByMs } = await t.runner.run("complete_events", { trigger: "cron" });
      if (lateByMs !== null) lateness.push(lateByMs);
    }
    for (const { status, endDate } of await allRecords(t.store)) {
      const lateBy = t.clock.now - endDate!;
      if (lateBy < 0) assert.equal(status, "CONFIRMED");
      if (lateBy >= 5 * MINUTE) assert.equal(status, "COMPLETED", `after ${lateBy} ms`);
    }
  }
  // What the runs told of it is what the journal shows, and it was close.
  const completions = (await allChanges(t.store)).filter(({ type }) => type === "transitioned");
  assert.equal(completions.length, ends.length + 3);
  const worst = Math.max(...completions.map(({ at, event }) => at - event.endDate!));
  assert.deepEqual([worst, Math.max(...lateness)], [5 * MINUTE - 1, 5 * MINUTE - 1]);
});

Deno.test("an ended event is COMPLETED by the cron that main.ts registers", async () => {
  await withFolder(async (folder) => {
    const path = `${folder}/events.sqlite3`;
    const before = await openStore(path);
    const { record: { id } } = await storeEvent(before, { endDate: Date.now() - 1 });
    // A success a moment ago: nothing is to be done at start-up.
    const record: JobRecord = { ...NEW_JOB_RECORD, lastSuccessAt: Date.now() };
    await before.kv.set(jobKey("complete_events"), record);
    before.close();
    const env = { KV_PATH: path, DENO_CRON_TEST_SCHEDULE_OFFSET: "200" };
    await using server = await startServer({ env });
    const { trigger, changed } = JSON.parse(await server.line(/run succeeded/));
    assert.deepEqual([trigger, changed], ["cron", 1]);
    const { status, version } = await json(await fetch(`${server.url}/v1/events/${id}`));
    assert.deepEqual([status, version], ["COMPLETED", 2]);
  });
});

Deno.test("an ended event is never in discovery", async () => {
  await using t = await testApp();
  await pauseJobs(t);
  const { record } = await storeEvent(t.store);
  for (const late of [0, 1, 90 * MINUTE, 7 * DAY]) {
    t.clock.now = record.endDate! + late;
    for (const query of ["", "?tag=music", "?sort=end_date", "?status=CONFIRMED,ONGOING"]) {
      assert.deepEqual((await list(t, query)).items, [], `${query} after ${late} ms`);
    }
  }
  assert.deepEqual(await completionsByEvent(t.store), new Map());
  await t.runner.run("complete_events", { trigger: "manual" });
  assert.deepEqual((await list(t)).items, []);
});

Deno.test("an ended event's page stays reachable", async () => {
  await using t = await testApp();
  await pauseJobs(t);
  const { record: { id, title } } = await storeEvent(t.store);
  const assertReachable = async (status: string) => {
    const event = await json(await t.request("GET", `/v1/events/${id}`));
    assert.deepEqual([event.title, event.status], [title, status]);
    const page = await t.request("GET", `/events/${id}`);
    assert.equal(page.status, 200);
    assert.match(page.headers.get("content-type")!, /^text\/html/);
    assert.ok((await page.text()).includes(title));
  };
  await assertReachable("ONGOING");
  t.clock.now = NOW + HOUR;
  await assertReachable("COMPLETED");
  await t.runner.run("complete_events", { trigger: "manual" });
  t.clock.now = NOW + 365 * DAY;
  await assertReachable("COMPLETED");
  const archive = { body: { to: "ARCHIVED" }, headers: ADMIN };
  assert.equal((await t.request("POST", `/v1/events/${id}/transitions`, archive)).status, 201);
  await assertReachable("ARCHIVED");
});

/** The job, ended by the restart after so many batches of ten. */
function endedAfter(batches: number): Job {
  let begun = 0;
  return {
    ...COMPLETE_EVENTS,
    run: (store, context) =>
      COMPLETE_EVENTS.run(store, { ...context, shouldStop: () => begun++ === batches }),
  };
}

Deno.test("the job survives a restart in the middle", async () => {
  await withFolder(async (folder) => {
    const path = `${folder}/events.sqlite3`;
    {
      await using t = await testApp({ store: await openStore(path), jobs: [endedAfter(3)] });
      for (let i = 0; i < 75; i++) await storeEvent(t.store, { endDate: NOW - i });
      const run = await t.runner.run("complete_events", { trigger: "cron" });
      assert.deepEqual([run.status, run.changed, run.moreLeft], ["partial", 30, true]);
    }
    await using t = await testApp({ store: await openStore(path) });
    assert.equal((await completionsByEvent(t.store)).size, 30, "what was committed is complete");
    const run = await t.runner.run("complete_events", { trigger: "startup" });
    assert.deepEqual([run.status, run.changed, run.moreLeft], ["succeeded", 45, false]);
    const completions = [...(await completionsByEvent(t.store)).values()];
    assert.deepEqual(completions, Array(75).fill(1));
  });
});

Deno.test("only CONFIRMED and ONGOING events with an end are touched", async () => {
  await using t = await testApp();
  const due = new Set<string>();
  for (const status of EVENT_STATUSES) {
    for (const endDate of [NOW - DAY, NOW - 1, NOW, NOW + 1, null]) {
      for (const visibility of ["PUBLIC", "UNLISTED", "PRIVATE"] as const) {
        const fields: Partial<EventRecord> = { status, endDate, visibility };
        const { record } = await storeEvent(t.store, { ...fields, startDate: NOW - 2 * DAY });
        const isLive = status === "CONFIRMED" || status === "ONGOING";
        if (isLive && endDate !== null && endDate <= NOW) due.add(record.id);
      }
    }
  }
  assert.equal(due.size, 18);
  const before = new Map((await allRecords(t.store)).map((record) => [record.id, record]));
  await t.runner.runByCron("complete_events");
  for (const record of await allRecords(t.store)) {
    if (due.has(record.id)) assert.deepEqual([record.status, record.version], ["COMPLETED", 2]);
    else assert.deepEqual(record, before.get(record.id));
  }
});

interface FailedRun {
  id: string;
  at: number;
}

/** The first runs that a cron with short waits logs as failed, of a job that always fails. */
async function failedRuns(count: number, everyMs: number): Promise<FailedRun[]> {
  const script = new URL("../support/failing_cron.ts", import.meta.url).pathname;
  await using child = new Deno.Command(Deno.execPath(), {
    args: ["run", "--allow-all", "--unstable-kv", "--unstable-cron", script],
    env: { DENO_CRON_TEST_SCHEDULE_OFFSET: String(everyMs), NO_COLOR: "1" },
    stdout: "piped",
    stderr: "null",
  }).spawn();
  const runs: FailedRun[] = [];
  const lines = child.stdout.pipeThrough(new TextDecoderStream()).pipeThrough(textLines());
  for await (const line of lines) {
    const { level, message, run_id, error, time } = JSON.parse(line);
    if (level !== "error") continue;
    assert.equal(message, "run failed");
    assert.match(error, /the disk is full/);
    runs.push({ id: run_id, at: Date.parse(time) });
    if (runs.length === count) break;
  }
  child.kill("SIGKILL");
  return runs;
}

/** The milliseconds between five failed runs in a row. */
async function waitsOfRuns(everyMs: number): Promise<number[]> {
  const runs = await failedRuns(5, everyMs);
  assert.equal(new Set(runs.map((run) => run.id)).size, 5, "each has a run of its own");
  return runs.slice(1).map((run, i) => run.at - runs[i]!.at);
}

Deno.test("a failed run is retried at most three times and logged", async () => {
  const schedules = [...MAIN.matchAll(/Deno\.cron\([^;]*?backoffSchedule: \[([^\]]*)\]/g)];
  assert.equal(schedules.length, 2);
  for (const [, waits] of schedules) assert.equal(waits!.split(",").length, 3);
  // A retry that a busy machine makes as late as the cron's next run is not told from one.
  let everyMs = 1_000;
  let waits = await waitsOfRuns(everyMs);
  while (waits.slice(0, 3).some((wait) => wait >= everyMs) && everyMs < PATIENCE_MS) {
    waits = await waitsOfRuns(everyMs *= 5);
  }
  const [first, second, third, next] = waits as [number, number, number, number];
  for (const wait of [first, second, third]) assert.ok(wait < everyMs, `a retry after ${wait} ms`);
  assert.ok(first >= 10 && second >= 20 && third >= 30, "after the waits it was given");
  // Rounded to milliseconds, twice.
  assert.ok(next >= everyMs - 2, `the fifth is not a retry: it came after ${next} ms`);
});
