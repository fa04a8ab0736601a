import assert from "node:assert/strict";
import { mock } from "node:test";
import { getJobRecord, getLease, setRun } from "../../kv/jobs.ts";
import { COMPLETE_EVENTS } from "../../lifecycle/jobs/complete_events.ts";
import { LEASE_MS } from "../../lifecycle/jobs/lease.ts";
import { SILENT } from "../../lifecycle/log.ts";
import { freshStore, HOUR, MINUTE, NOW, SECOND, storeEvents } from "../support/fixture.ts";
import {
  aGatedJob,
  aJob,
  aJobOf,
  aReport,
  aRunner,
  leaveLease,
  NAME,
  runsOf,
  storedRun,
} from "./fake_jobs.ts";
import { aRun } from "../kv/job_records.ts";
import { interrupt, onStore } from "./lifecycle_fixture.ts";
import { soon } from "../support/http.ts";

const SOME = { examined: 1, changed: 1 };

Deno.test(
  "a lease is taken over the millisecond it expires, and not before",
  onStore(async (store) => {
    const lease = await leaveLease(store);
    const { runner, clock } = aRunner(store, aJobOf(SOME));
    clock.now = lease.expiresAt - 1;
    assert.equal((await runner.run(NAME, { trigger: "cron" })).status, "skipped_overlap");
    clock.now = lease.expiresAt;
    assert.equal((await runner.run(NAME, { trigger: "cron" })).status, "succeeded");
    assert.equal((await getLease(store, NAME)).value!.fence, lease.fence + 1);
  }),
);

Deno.test(
  "a manual run waits for the lease of a dead process to expire",
  onStore(async (store) => {
    const lease = await leaveLease(store);
    let looks = 0;
    const clock = () => ++looks < 4 ? NOW : lease.expiresAt;
    const { runner } = aRunner(store, aJobOf(SOME), { clock });
    const run = await runner.run(NAME, { trigger: "manual" });
    assert.equal(run.status, "succeeded");
    assert.equal(run.startedAt, NOW);
  }),
);

Deno.test(
  "whoever takes a lease over closes the dead run, whose changes the journal tells",
  onStore(async (store) => {
    const lease = await leaveLease(store);
    await storeEvents(store, 12);
    await COMPLETE_EVENTS.run(store, {
      runId: lease.runId,
      trigger: "cron",
      now: NOW + 2 * HOUR,
      dryRun: false,
      shouldStop: () => false,
      log: SILENT,
    });
    const { runner, clock, lines } = aRunner(store, aJobOf(SOME));
    clock.now = lease.expiresAt;
    const run = await runner.run(NAME, { trigger: "cron" });
    const [newer, older] = await runsOf(store);
    assert.equal(newer!.id, run.id);
    assert.deepEqual(older, {
      format: 1,
      id: lease.runId,
      job: NAME,
      trigger: "cron",
      dryRun: false,
      status: "failed",
      startedAt: lease.startedAt,
      finishedAt: lease.expiresAt,
      examined: 12,
      changed: 12,
      conflicts: 0,
      failed: 0,
      lateByMs: null,
      moreLeft: true,
      failures: [],
      error: "interrupted",
    });
    assert.equal(lines[0]!.message, "closing an interrupted run");
  }),
);

Deno.test(
  "a manual run whose process died while it waited for the lease is closed by the next one",
  onStore(async (store) => {
    const { runner, clock } = aRunner(store, aJobOf(SOME));
    const dead = aRun(1, { job: NAME, status: "running", trigger: "manual", finishedAt: null });
    const waiting = { ...dead, id: "run_2" as const, startedAt: NOW + MINUTE };
    await setRun(store, dead);
    await setRun(store, waiting);
    clock.now = NOW + MINUTE + 2 * LEASE_MS;
    await runner.run(NAME, { trigger: "manual" });
    const closed = (await storedRun(store, dead))!;
    assert.deepEqual([closed.status, closed.error], ["failed", "interrupted"]);
    assert.equal((await storedRun(store, waiting))!.status, "running", "it may still get it");
  }),
);

Deno.test(
  "the only process that writes a store need not wait for a lease from before its start",
  onStore(async (store) => {
    const lease = await leaveLease(store);
    const { runner } = aRunner(store, aJobOf(SOME), { isSoleWriter: true });
    assert.equal((await runner.run(NAME, { trigger: "cron" })).status, "succeeded");
    assert.equal((await runsOf(store)).at(-1)!.id, lease.runId);
  }),
);

Deno.test(
  "a run that was taken over does not overwrite what was recorded of it",
  onStore(async (store) => {
    const gated = aGatedJob({ examined: 5, changed: 5 });
    const slow = aRunner(store, gated.job);
    const first = await slow.runner.start(NAME, { trigger: "manual" });
    await gated.entered;
    const { runner, clock } = aRunner(store, aJobOf(SOME));
    clock.now = NOW + LEASE_MS;
    const second = await runner.run(NAME, { trigger: "cron" });
    assert.equal(second.status, "succeeded");
    const closed = (await storedRun(store, first.run))!;
    assert.equal(closed.status, "failed");
    assert.equal(closed.error, "interrupted");
    assert.equal(closed.trigger, "manual");
    gated.open();
    await first.finished;
    assert.deepEqual(await storedRun(store, first.run), closed);
    assert.equal((await getJobRecord(store, NAME)).value.lastRun!.id, second.id);
    assert.ok(slow.lines.some((line) => /took this run's lease over/.test(String(line.message))));
  }),
);

Deno.test("a run keeps its lease alive, and stops at its next batch when it has lost it", async () => {
  // Before the store is opened, so that its own timers are of the same kind.
  mock.timers.enable({ apis: ["setInterval"] });
  const store = await freshStore();
  try {
    const entered = Promise.withResolvers<void>();
    let stopped = false;
    const job = aJob(async (_store, { shouldStop }) => {
      entered.resolve();
      await soon(shouldStop);
      stopped = true;
      return aReport({ moreLeft: true });
    });
    const slow = aRunner(store, job);
    const first = await slow.runner.start(NAME, { trigger: "cron" });
    await entered.promise;

    slow.clock.now = NOW + 10 * SECOND;
    mock.timers.tick(5_000);
    const renewed = slow.clock.now + LEASE_MS;
    await soon(async () => (await getLease(store, NAME)).value!.expiresAt === renewed);
    const other = aRunner(store, aJobOf(SOME));
    other.clock.now = renewed - 1;
    const early = await other.runner.run(NAME, { trigger: "cron" });
    assert.equal(early.status, "skipped_overlap", "the lease was renewed");

    // A renewal that the store does not answer is not yet a loss.
    const { commit } = store;
    const refused = Promise.withResolvers<void>();
    interrupt(store, "commit", () => {
      refused.resolve();
      return Promise.reject(new Error("no store"));
    });
    mock.timers.tick(5_000);
    await refused.promise;
    Object.assign(store, { commit });
    await other.runner.silence();
    assert.equal(stopped, false);

    other.clock.now = NOW + HOUR;
    assert.equal((await other.runner.run(NAME, { trigger: "cron" })).status, "succeeded");
    mock.timers.tick(10_000);
    await first.finished;
    assert.equal(stopped, true);
    assert.equal((await storedRun(store, first.run))!.error, "interrupted");
  } finally {
    store.close();
    mock.timers.reset();
  }
});
