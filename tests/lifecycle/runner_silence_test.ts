import assert from "node:assert/strict";
import { updateJobRecord } from "../../kv/jobs.ts";
import type { Store } from "../../kv/store.ts";
import { COMPLETE_EVENTS } from "../../lifecycle/jobs/complete_events.ts";
import type { Job } from "../../lifecycle/jobs/job.ts";
import { DAY, HOUR, MINUTE, NOW, SECOND } from "../support/fixture.ts";
import { aFailingJob, aJob, aReport, aRunner, runsOf } from "./fake_jobs.ts";
import { interrupt, onStore } from "./lifecycle_fixture.ts";
import { soon } from "../support/http.ts";

const INTERVAL = COMPLETE_EVENTS.intervalMs;
const COMPLETION = { name: COMPLETE_EVENTS.name, intervalMs: INTERVAL };
const SOME = { examined: 1, changed: 1 };

/** A job that counts its runs, in the name and at the interval of the completion. */
function aCountedJob(overrides: Partial<Job> = COMPLETION) {
  const counted = { runs: 0, job: null as unknown as Job };
  counted.job = aJob(() => {
    counted.runs++;
    return Promise.resolve(aReport(SOME));
  }, overrides);
  return counted;
}

function setInterval(store: Store, name: string, intervalMs: number) {
  return updateJobRecord(store, name, (record) => ({ ...record, intervalMs }));
}

Deno.test(
  "silence() begins one millisecond after two intervals without a success",
  onStore(async (store) => {
    const { runner, clock } = aRunner(store, aCountedJob().job);
    clock.now = NOW + 2 * INTERVAL;
    assert.equal(await runner.silence(), null, "counted from the start when it never ran");
    clock.now++;
    const reason = await runner.silence();
    assert.equal(reason, "complete_events has not succeeded for 600 s; it is due every 300 s");
    await runner.run(COMPLETE_EVENTS.name, { trigger: "cron" });
    const success = clock.now;
    clock.now = success + 2 * INTERVAL;
    assert.equal(await runner.silence(), null);
    clock.now++;
    assert.notEqual(await runner.silence(), null);
  }),
);

Deno.test(
  "silence() goes by the stored interval, and neither failures nor skipped runs end it",
  onStore(async (store) => {
    await setInterval(store, COMPLETE_EVENTS.name, MINUTE);
    const job = aFailingJob(new Error("no floor"), COMPLETION);
    const { runner, clock } = aRunner(store, job);
    clock.now = NOW + 2 * MINUTE + 1;
    await runner.run(COMPLETE_EVENTS.name, { trigger: "cron" });
    assert.match((await runner.silence())!, /for 120 s; it is due every 60 s/);
  }),
);

Deno.test(
  "silence() is none while completion is paused, and is again when the pause ends",
  onStore(async (store) => {
    const until = NOW + DAY;
    const pause = { reason: "repairs", until };
    await updateJobRecord(store, COMPLETE_EVENTS.name, (record) => ({ ...record, pause }));
    const { runner, clock } = aRunner(store, aCountedJob().job);
    clock.now = until - 1;
    assert.equal(await runner.silence(), null);
    clock.now = until;
    assert.notEqual(await runner.silence(), null);
  }),
);

Deno.test(
  "wake() sweeps for traffic, at most every two seconds, and not after stop()",
  onStore(async (store) => {
    const job = aCountedJob();
    const { runner, clock } = aRunner(store, job.job);
    const wakeAt = async (now: number) => {
      clock.now = now;
      runner.wake();
      await runner.idle();
      return job.runs;
    };
    assert.equal(await wakeAt(NOW), 1);
    assert.equal(await wakeAt(NOW), 1);
    assert.equal(await wakeAt(NOW + 2 * SECOND - 1), 1);
    assert.equal(await wakeAt(NOW + 2 * SECOND), 2);
    assert.deepEqual((await runsOf(store, COMPLETE_EVENTS.name)).map((run) => run.trigger), [
      "traffic",
      "traffic",
    ]);
    await runner.stop();
    assert.equal(await wakeAt(NOW + HOUR), 2);
  }),
);

Deno.test(
  "wake() says that it could not start a sweep",
  onStore(async (store) => {
    const { runner, lines } = aRunner(store, []);
    runner.wake();
    await soon(() => lines.length > 0);
    assert.equal(lines[0]!.message, "traffic could not start a sweep");
    await runner.idle();
  }),
);

Deno.test(
  "notice() lets traffic sweep once the clock's runs have gone silent, and looks once a minute",
  onStore(async (store) => {
    const ran = Promise.withResolvers<void>();
    const job = aJob(() => {
      ran.resolve();
      return Promise.resolve(aReport(SOME));
    }, COMPLETION);
    let looks = 0;
    const { get } = store;
    Object.assign(store, { get: (key: Deno.KvKey) => (looks++, get.call(store, key)) });
    const { runner, clock } = aRunner(store, job);
    runner.notice();
    runner.notice();
    clock.now = NOW + MINUTE - 1;
    runner.notice();
    assert.equal(await runner.silence(), null);
    assert.equal(looks, 2, "one by notice(), one by the test");
    clock.now = NOW + 2 * INTERVAL + 1;
    runner.notice();
    await ran.promise;
    await runner.idle();
    const [run, ...more] = await runsOf(store, COMPLETE_EVENTS.name);
    assert.equal(run!.trigger, "traffic");
    assert.deepEqual(more, []);
  }),
);

Deno.test(
  "notice() says that the store does not answer",
  onStore(async (store) => {
    const { runner, lines } = aRunner(store, aCountedJob().job);
    interrupt(store, "get", () => Promise.reject(new Error("no store")));
    runner.notice();
    await soon(() => lines.length > 0);
    assert.equal(lines[0]!.message, "the jobs' health could not be read");
  }),
);

Deno.test(
  "silence() says when runs go on but leave events behind",
  onStore(async (store) => {
    const broken = aReport({ examined: 1, failed: 1 });
    const { runner, clock } = aRunner(store, aJob(() => Promise.resolve(broken), COMPLETION));
    clock.now = NOW + 2 * INTERVAL + 1;
    await runner.run(COMPLETE_EVENTS.name, { trigger: "cron" });
    assert.match((await runner.silence())!, /every 300 s; its last run left 1 set aside$/);
  }),
);
