import assert from "node:assert/strict";
import { createEvent, replaceEvent } from "../../kv/events.ts";
import {
  countChangesOf,
  getJobRecord,
  getRun,
  listRuns,
  NEW_JOB_RECORD,
  setRun,
  updateJobRecord,
} from "../../kv/jobs.ts";
import { settleStep } from "../../lifecycle/change_event.ts";
import { aRecord, HOUR, NOW, storeEvent, storeEvents } from "../support/fixture.ts";
import { edit } from "./event_steps.ts";
import { aRun, JOB } from "./job_records.ts";
import { testStore } from "./test_store.ts";

Deno.test("updateJobRecord() loses nothing of ten writers at once", async () => {
  using store = await testStore();
  assert.deepEqual(await getJobRecord(store, JOB), { value: NEW_JOB_RECORD, versionstamp: null });
  const count = () =>
    updateJobRecord(store, JOB, (record) => ({ ...record, emptyRuns: record.emptyRuns + 1 }));
  const written = await Promise.all(Array.from({ length: 10 }, count));
  assert.equal((await getJobRecord(store, JOB)).value.emptyRuns, 10);
  const answers = written.map((record) => record.emptyRuns).sort((a, b) => a - b);
  assert.deepEqual(answers, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
});

Deno.test("setRun() stores a run over an earlier record of the same run", async () => {
  using store = await testStore();
  await setRun(store, aRun(1, { status: "running", finishedAt: null }));
  await setRun(store, aRun(1));
  assert.deepEqual(await listRuns(store, JOB, { limit: 10 }), [aRun(1)]);
  assert.equal(await getRun(store, JOB, NOW, "run_1"), null);
});

Deno.test("listRuns() answers a job's runs newest first, and goes on before one of them", async () => {
  using store = await testStore();
  for (const number of [2, 5, 1, 4, 3]) await setRun(store, aRun(number));
  await setRun(store, aRun(6, { startedAt: NOW + 4 }));
  await setRun(store, aRun(7, { job: "start_events" }));
  const list = async (options: Parameters<typeof listRuns>[2]) =>
    (await listRuns(store, JOB, options)).map((run) => run.id.slice(4)).join(" ");
  assert.equal(await list({ limit: 10 }), "5 6 4 3 2 1");
  assert.equal(await list({ limit: 2 }), "5 6");
  const before = (number: number, id: string) => ({ startedAt: NOW + number, id });
  assert.equal(await list({ limit: 2, before: before(4, "run_6") }), "4 3");
  assert.equal(await list({ limit: 10, before: before(4, "run_4") }), "3 2 1");
  assert.equal(await list({ limit: 10, before: before(1, "run_1") }), "");
});

Deno.test("countChangesOf() counts a run's changes among those of others, page after page", async () => {
  using store = await testStore();
  const by = "job:run_1";
  const later = NOW + 3 * HOUR;
  const reads = await storeEvents(store, 130, { createdAt: NOW });
  await Promise.all(reads.map(async (read, i) => {
    if (i % 2 === 1) return;
    const done = settleStep(read.record, { now: later, by: i % 4 === 0 ? by : "job:run_2" })!;
    await replaceEvent(store, read, [done, edit(done.next, { title: "Over" })]);
  }));
  assert.equal(await countChangesOf(store, "run_1", NOW), 33);
  assert.equal(await countChangesOf(store, "run_3", NOW), 0);
});

Deno.test("countChangesOf() counts what a run did for a person, and not what that person did", async () => {
  using store = await testStore();
  for (let i = 0; i < 4; i++) {
    const read = await storeEvent(store);
    const step = edit(read.record, { title: "Gala" });
    await replaceEvent(store, read, [i === 0 ? step : { ...step, run: `run_${i % 2}` }]);
  }
  assert.equal(await countChangesOf(store, "run_1", NOW), 2);
  assert.equal(await countChangesOf(store, "run_0", NOW), 1);
});

Deno.test("countChangesOf() reads no further than to the run's start", async () => {
  using store = await testStore();
  await Promise.all(Array.from(
    { length: 250 },
    () => createEvent(store, aRecord({ createdAt: NOW - HOUR }), "job:run_1"),
  ));
  let lists = 0;
  store.faults.beforeList = () => Promise.resolve(lists++);
  assert.equal(await countChangesOf(store, "run_1", NOW), 100, "one page from before it");
  assert.equal(lists, 1);
  assert.equal(await countChangesOf(store, "run_1", NOW - HOUR), 250);
});
