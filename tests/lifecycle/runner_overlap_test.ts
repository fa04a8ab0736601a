import assert from "node:assert/strict";
import { getJobRecord } from "../../kv/jobs.ts";
import { LEASE_MS } from "../../lifecycle/jobs/lease.ts";
import { NOW } from "../support/fixture.ts";
import { aGatedJob, aJobOf, aRunner, leaveLease, NAME, runsOf, storedRun } from "./fake_jobs.ts";
import { onStore } from "./lifecycle_fixture.ts";

const SOME = { examined: 1, changed: 1 };

Deno.test(
  "a run by the clock that meets another is skipped at once and leaves no record",
  onStore(async (store) => {
    const gated = aGatedJob(SOME);
    const first = await aRunner(store, gated.job).runner.start(NAME, { trigger: "cron" });
    await gated.entered;
    for (const [trigger, level] of [["cron", "warn"], ["traffic", "debug"]] as const) {
      const { runner, lines } = aRunner(store, aJobOf(SOME));
      assert.equal((await runner.run(NAME, { trigger })).status, "skipped_overlap");
      assert.deepEqual(lines.map((line) => line.level), [level]);
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
      const { runner } = aRunner(store, aJobOf({ examined: 2, changed: 2 }), { clock });
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
    let looks = 0;
    const { runner } = aRunner(store, aJobOf(SOME), { clock: () => (looks++, NOW) });
    const { finished } = await runner.start(NAME, { trigger: "manual" });
    await runner.stop();
    assert.equal((await finished).status, "skipped_overlap");
    assert.ok(looks < 20, `it looked at the lease ${looks} times`);
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
