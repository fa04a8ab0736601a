import assert from "node:assert/strict";
import { getJobRecord, getLease } from "../../kv/jobs.ts";
import type { Store } from "../../kv/store.ts";
import { COMPLETE_EVENTS } from "../../lifecycle/jobs/complete_events.ts";
import { HOUR, MINUTE, NOW, storeEvents } from "../support/fixture.ts";
import {
  aFailingJob,
  aJob,
  aJobOf,
  aReport,
  aRunner,
  NAME,
  runsOf,
  storedRun,
} from "./fake_jobs.ts";
import { interrupt, onStore } from "./lifecycle_fixture.ts";

const SOME = { examined: 3, changed: 2, conflicts: 1, lateByMs: 90_000 };

async function jobRecord(store: Store) {
  return (await getJobRecord(store, NAME)).value;
}

Deno.test(
  "a run with failures or with work left is partial: no failure, but no success to wait for",
  onStore(async (store) => {
    const failures = [{ eventId: "evt_1", error: "no tags" }];
    const some = { examined: 2, changed: 1, failed: 1, failures };
    const left = { examined: 2, changed: 2, moreLeft: true };
    for (const report of [some, left]) {
      const { runner, lines } = aRunner(store, aJobOf(report));
      const run = await runner.run(NAME, { trigger: "cron" });
      assert.equal(run.status, "partial");
      assert.equal(lines.at(-1)!.level, "warn");
      const record = await jobRecord(store);
      assert.equal(record.lastSuccessAt, null);
      assert.equal(record.consecutiveFailures, 0);
      assert.deepEqual((await storedRun(store, run))!.failures, run.failures);
    }
    assert.equal((await runsOf(store)).length, 2);
  }),
);

Deno.test(
  "a failed run says why, is counted, and leaves the last success as it was",
  onStore(async (store) => {
    await aRunner(store, aJobOf()).runner.run(NAME, { trigger: "cron" });
    for (const [i, error] of [new Error("no floor"), "no broom"].entries()) {
      const { runner, clock, lines } = aRunner(store, aFailingJob(error));
      clock.now += (i + 1) * MINUTE;
      const run = await runner.run(NAME, { trigger: "cron" });
      assert.equal(run.status, "failed");
      assert.equal(run.error, i === 0 ? "no floor" : "no broom");
      assert.equal((await storedRun(store, run))!.status, "failed");
      const { consecutiveFailures, lastSuccessAt } = await jobRecord(store);
      assert.equal(consecutiveFailures, i + 1);
      assert.equal(lastSuccessAt, NOW);
      assert.equal((await getLease(store, NAME)).value!.expiresAt, 0);
      assert.equal(lines[0]!.level, "error");
    }
    await aRunner(store, aJobOf()).runner.run(NAME, { trigger: "cron" });
    assert.equal((await jobRecord(store)).consecutiveFailures, 0);
  }),
);

Deno.test(
  "a failed run counts what it had changed before, from the journal",
  onStore(async (store) => {
    await storeEvents(store, 12);
    const job = aJob(async (of, context) => {
      await COMPLETE_EVENTS.run(of, { ...context, now: NOW + 2 * HOUR });
      throw new Error("no floor");
    });
    const { runner } = aRunner(store, job);
    const run = await runner.run(NAME, { trigger: "cron" });
    assert.equal(run.status, "failed");
    assert.equal(run.changed, 12);
    assert.equal((await storedRun(store, run))!.changed, 12);
  }),
);

Deno.test(
  "a manual run keeps its record when the store fails before it holds the lease",
  onStore(async (store) => {
    const { runner } = aRunner(store, aJobOf(SOME));
    const { get } = store;
    interrupt(store, "get", () => Promise.reject(new Error("no store")));
    const run = await runner.run(NAME, { trigger: "manual" });
    Object.assign(store, { get });
    assert.equal(run.status, "failed");
    assert.deepEqual((await storedRun(store, run))!.error, "no store");
  }),
);

Deno.test(
  "a run ends as failed even when nothing can be stored any more",
  onStore(async (store) => {
    const job = aJob(() => {
      interrupt(store, "commit", () => Promise.reject(new Error("no store")));
      return Promise.resolve(aReport(SOME));
    });
    const { runner, lines } = aRunner(store, job);
    const run = await runner.run(NAME, { trigger: "manual" });
    assert.equal(run.status, "failed");
    assert.equal(run.error, "no store");
    assert.ok(lines.some((line) => line.message === "the run's record could not be stored"));
  }),
);

Deno.test(
  "a run by the clock that fails before it holds the lease leaves nothing but its outcome",
  onStore(async (store) => {
    const { runner } = aRunner(store, aJobOf(SOME));
    const { get } = store;
    interrupt(store, "get", () => Promise.reject(new Error("no store")));
    await assert.rejects(runner.runByCron(NAME), /no store/);
    Object.assign(store, { get });
    assert.deepEqual(await runsOf(store), []);
    assert.equal((await jobRecord(store)).lastRun, null);
  }),
);
