import assert from "node:assert/strict";
import { getJobRecord, updateJobRecord } from "../../kv/jobs.ts";
import type { Store } from "../../kv/store.ts";
import { COMPLETE_EVENTS } from "../../lifecycle/jobs/complete_events.ts";
import type { Job } from "../../lifecycle/jobs/job.ts";
import { HOUR, MINUTE, NOW, SECOND } from "../support/fixture.ts";
import {
  aFailingJob,
  aGatedJob,
  aJob,
  aJobOf,
  aReport,
  aRunner,
  NAME,
  runsOf,
} from "./fake_jobs.ts";
import { onStore } from "./lifecycle_fixture.ts";
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
  "runByCron() throws when the run failed, so that Deno.cron tries again, and never else",
  onStore(async (store) => {
    const { runner } = aRunner(store, aFailingJob(new Error("no floor")));
    await assert.rejects(runner.runByCron(NAME), { message: `${NAME} failed: no floor` });

    await aRunner(store, aJobOf({ failed: 1, examined: 1 })).runner.runByCron(NAME);
    await aRunner(store, aJobOf()).runner.runByCron(NAME);

    const gated = aGatedJob();
    const first = await aRunner(store, gated.job).runner.start(NAME, { trigger: "cron" });
    await gated.entered;
    await runner.runByCron(NAME);
    gated.open();
    await first.finished;

    const pause = { reason: "repairs", until: NOW + HOUR };
    await updateJobRecord(store, NAME, (record) => ({ ...record, pause }));
    await runner.runByCron(NAME);
  }),
);

Deno.test(
  "tick() runs what is due by its own interval, half a minute early at most",
  onStore(async (store) => {
    const job = aCountedJob({ intervalMs: HOUR });
    const { runner, clock } = aRunner(store, job.job);
    await runner.tick();
    assert.equal(job.runs, 1, "it never ran");
    clock.now = NOW + HOUR - 30 * SECOND - 1;
    await runner.tick();
    assert.equal(job.runs, 1);
    clock.now++;
    await runner.tick();
    assert.equal(job.runs, 2);
  }),
);

Deno.test(
  "tick() takes up what the last run left, whatever the interval",
  onStore(async (store) => {
    const reports = [{ ...SOME, moreLeft: true }, SOME];
    let runs = 0;
    const job = aJob(() => Promise.resolve(aReport(reports[runs++])));
    const { runner, clock } = aRunner(store, job);
    await runner.tick();
    clock.now += MINUTE;
    await runner.tick();
    assert.equal(runs, 2);
    clock.now += MINUTE;
    await runner.tick();
    assert.equal(runs, 2, "nothing was left");
  }),
);

Deno.test(
  "tick() goes by the stored interval when there is one",
  onStore(async (store) => {
    const job = aCountedJob({ intervalMs: HOUR });
    const { runner, clock } = aRunner(store, job.job);
    await runner.tick();
    await setInterval(store, NAME, 10 * MINUTE);
    clock.now = NOW + 9 * MINUTE;
    await runner.tick();
    assert.equal(job.runs, 1);
    clock.now = NOW + 10 * MINUTE;
    await runner.tick();
    assert.equal(job.runs, 2);
  }),
);

Deno.test(
  "tick() leaves completion to its own cron, and runs the rest when one job fails",
  onStore(async (store) => {
    const rest = aCountedJob({ name: "water_plants" });
    const jobs = [COMPLETE_EVENTS, aFailingJob(new Error("no floor")), rest.job];
    const { runner, clock } = aRunner(store, jobs);
    await assert.rejects(runner.tick(), /no floor/);
    assert.equal(rest.runs, 1);
    const { value } = await getJobRecord(store, COMPLETE_EVENTS.name);
    assert.equal(value.lastRun, null);
    // What failed is due again at the next minute.
    clock.now += MINUTE;
    await assert.rejects(runner.tick(), /no floor/);
    assert.equal((await runsOf(store)).length, 2);
    assert.equal(rest.runs, 1);
    await runner.stop();
    await runner.tick();
    assert.equal((await runsOf(store)).length, 2, "nothing begins after stop()");
  }),
);

Deno.test(
  "runOverdue() completes at start-up when the last success is older than one interval",
  onStore(async (store) => {
    const job = aCountedJob();
    const { runner, clock } = aRunner(store, job.job);
    assert.equal((await runner.runOverdue())!.trigger, "startup");
    clock.now = NOW + INTERVAL;
    assert.equal(await runner.runOverdue(), null);
    clock.now = NOW + INTERVAL + 1;
    assert.equal((await runner.runOverdue())!.status, "succeeded");
    assert.equal(job.runs, 2);
  }),
);

Deno.test(
  "stop() ends a run at its next batch and waits for it",
  onStore(async (store) => {
    const entered = Promise.withResolvers<void>();
    let ended = false;
    const job = aJob(async (_store, { shouldStop }) => {
      assert.equal(shouldStop(), false);
      entered.resolve();
      await soon(shouldStop);
      ended = true;
      return aReport({ ...SOME, moreLeft: true });
    });
    const { runner } = aRunner(store, job);
    const { finished } = await runner.start(NAME, { trigger: "manual" });
    await entered.promise;
    await runner.stop();
    assert.ok(ended);
    const run = await finished;
    assert.equal(run.status, "partial");
    assert.equal(run.moreLeft, true);
    assert.equal((await runsOf(store))[0]!.status, "partial");
  }),
);

Deno.test(
  "a run ends itself after four minutes or its job's own budget, one for traffic after five seconds",
  onStore(async (store) => {
    const { now } = performance;
    try {
      for (
        const [trigger, budget, own] of [
          ["traffic", 5_000, {}],
          ["cron", 240_000, {}],
          ["cron", 40_000, { budgetMs: 40_000 }],
        ] as const
      ) {
        const stops: boolean[] = [];
        const job = aJob((_store, { shouldStop }) => {
          for (const elapsed of [budget, budget + 1]) {
            performance.now = () => elapsed;
            stops.push(shouldStop());
          }
          return Promise.resolve(aReport());
        }, own);
        performance.now = () => 0;
        await aRunner(store, job).runner.run(NAME, { trigger });
        assert.deepEqual(stops, [false, true], trigger);
      }
    } finally {
      performance.now = now;
    }
  }),
);

Deno.test(
  "a run decides at the instant it is given, not at the one it was asked for",
  onStore(async (store) => {
    const instants: number[] = [];
    const job = aJob((_store, { now }) => {
      instants.push(now);
      return Promise.resolve(aReport());
    });
    let ticks = NOW;
    const { runner } = aRunner(store, job, { clock: () => ticks++ });
    const run = await runner.run(NAME, { trigger: "manual" });
    assert.ok(instants[0]! > run.startedAt, "it may have waited for its lease");
  }),
);
