import assert from "node:assert/strict";
import { mock } from "node:test";
import { getJobRecord, getLease, type JobLease, replaceLease } from "../../kv/jobs.ts";
import type { Store } from "../../kv/store.ts";
import { COMPLETE_EVENTS } from "../../lifecycle/jobs/complete_events.ts";
import { LEASE_MS } from "../../lifecycle/jobs/runner.ts";
import { SILENT } from "../../lifecycle/log.ts";
import { HOUR, memoryStore, NOW, SECOND, storeEvent } from "../support/fixture.ts";
import { aGatedJob, aJob, aJobOf, aReport, aRunner, NAME, runsOf, storedRun } from "./fake_jobs.ts";
import { interrupt, onStore } from "./lifecycle_fixture.ts";

const SOME = { examined: 1, changed: 1 };

/** The lease of a process that died ten seconds ago. */
async function leaveLease(store: Store): Promise<JobLease> {
  const lease: JobLease = {
    runId: "run_00000000000000000000000001",
    trigger: "cron",
    startedAt: NOW - 10 * SECOND,
    expiresAt: NOW + 5 * SECOND,
    fence: 7,
  };
  await replaceLease(store, NAME, null, lease);
  return lease;
}

/** Turns of the event loop, so that what is under way gets on. */
function turn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}

Deno.test(
  "a run by the clock that meets another is skipped at once and leaves no record",
  onStore(async (store) => {
    const gated = aGatedJob(SOME);
    const first = await aRunner(store, gated.job).runner.start(NAME, { trigger: "cron" });
    await gated.entered;
    for (const trigger of ["cron", "traffic"] as const) {
      const { runner, lines } = aRunner(store, aJobOf(SOME));
      assert.equal((await runner.run(NAME, { trigger })).status, "skipped_overlap");
      assert.deepEqual(lines.map((line) => line.level), ["warn"]);
    }
    gated.open();
    assert.equal((await first.finished).status, "succeeded");
    assert.deepEqual((await runsOf(store)).map((run) => run.id), [first.run.id]);
    assert.equal((await getJobRecord(store, NAME)).value.lastRun!.id, first.run.id);
  }),
);

Deno.test(
  "a manual or start-up run waits for the one it meets and then runs",
  onStore(async (store) => {
    for (const trigger of ["manual", "startup"] as const) {
      const gated = aGatedJob(SOME);
      const first = await aRunner(store, gated.job).runner.start(NAME, { trigger: "cron" });
      await gated.entered;
      // The other process ends once this one has looked at its lease.
      let looks = 0;
      const clock = () => {
        if (++looks === 4) gated.open();
        return NOW;
      };
      const { runner } = aRunner(store, aJobOf({ examined: 2 }), { clock });
      const run = await runner.run(NAME, { trigger });
      assert.equal(run.status, "succeeded");
      assert.equal((await first.finished).status, "succeeded");
      assert.equal((await storedRun(store, run))!.examined, 2);
    }
  }),
);

Deno.test(
  "a manual run says skipped_overlap when the other outlives its patience, and has its record",
  onStore(async (store) => {
    await leaveLease(store);
    const real = globalThis.setTimeout;
    let waited = 0;
    Object.assign(globalThis, {
      setTimeout(callback: () => void, ms = 0) {
        if (ms === 50) waited += ms;
        return real(callback, ms === 50 ? 0 : ms);
      },
    });
    try {
      const { runner } = aRunner(store, aJobOf(SOME));
      const run = await runner.run(NAME, { trigger: "manual" });
      assert.equal(run.status, "skipped_overlap");
      assert.equal((await storedRun(store, run))!.status, "skipped_overlap");
    } finally {
      globalThis.setTimeout = real;
    }
    assert.ok(waited > LEASE_MS, `${waited} ms: longer than a dead process's lease lives`);
  }),
);

Deno.test(
  "stop() ends the waiting of a manual run",
  onStore(async (store) => {
    await leaveLease(store);
    const { runner } = aRunner(store, aJobOf(SOME));
    const { finished } = await runner.start(NAME, { trigger: "manual" });
    await runner.stop();
    assert.equal((await finished).status, "skipped_overlap");
  }),
);

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
    for (let i = 0; i < 12; i++) await storeEvent(store);
    await COMPLETE_EVENTS.run(store, {
      runId: lease.runId,
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
  "the only process that writes a store need not wait for a lease from before its start",
  onStore(async (store) => {
    const lease = await leaveLease(store);
    const { runner } = aRunner(store, aJobOf(SOME), { isSoleWriter: true });
    assert.equal((await runner.run(NAME, { trigger: "cron" })).status, "succeeded");
    assert.equal((await runsOf(store)).at(-1)!.id, lease.runId);
  }),
);

Deno.test(
  "the only process that writes a store respects the lease of its own run",
  onStore(async (store) => {
    const gated = aGatedJob(SOME);
    const { runner } = aRunner(store, gated.job, { isSoleWriter: true });
    const first = await runner.start(NAME, { trigger: "cron" });
    await gated.entered;
    assert.equal((await runner.run(NAME, { trigger: "cron" })).status, "skipped_overlap");
    gated.open();
    await first.finished;
  }),
);

Deno.test(
  "of ten processes that claim at once, one runs",
  onStore(async (store) => {
    const gated = aGatedJob(SOME);
    const runs = Array.from(
      { length: 10 },
      () => aRunner(store, gated.job).runner.run(NAME, { trigger: "cron" }),
    );
    await gated.entered;
    const skipped = await Promise.race([
      Promise.all(runs).then(() => assert.fail("all ended while the gate was closed")),
      atLeast(9, runs),
    ]);
    assert.deepEqual(new Set(skipped), new Set(["skipped_overlap"]));
    gated.open();
    await Promise.all(runs);
    assert.equal((await runsOf(store)).length, 1);
  }),
);

/** Resolves with the outcomes of the first `count` runs that end. */
function atLeast(count: number, runs: Promise<{ status: string }>[]): Promise<string[]> {
  const ended: string[] = [];
  return new Promise((resolve) => {
    for (const run of runs) {
      run.then(({ status }) => ended.push(status) === count && resolve([...ended]));
    }
  });
}

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
  const store = await memoryStore();
  try {
    const entered = Promise.withResolvers<void>();
    let stopped = false;
    const job = aJob(async (_store, { shouldStop }) => {
      entered.resolve();
      while (!shouldStop()) await turn();
      stopped = true;
      return aReport({ moreLeft: true });
    });
    const slow = aRunner(store, job);
    const first = await slow.runner.start(NAME, { trigger: "cron" });
    await entered.promise;

    slow.clock.now = NOW + 10 * SECOND;
    mock.timers.tick(5_000);
    const renewed = slow.clock.now + LEASE_MS;
    while ((await getLease(store, NAME)).value!.expiresAt !== renewed) await turn();
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
    await turn();
    assert.equal(stopped, false);

    other.clock.now = NOW + HOUR;
    assert.equal((await other.runner.run(NAME, { trigger: "cron" })).status, "succeeded");
    mock.timers.tick(5_000);
    await first.finished;
    assert.equal(stopped, true);
    assert.equal((await storedRun(store, first.run))!.error, "interrupted");
  } finally {
    store.close();
    mock.timers.reset();
  }
});
