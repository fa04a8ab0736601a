import assert from "node:assert/strict";
import { getJobRecord, getLease, updateJobRecord } from "../../kv/jobs.ts";
import type { Store } from "../../kv/store.ts";
import { newEventId } from "../../lifecycle/ids.ts";
import { JobRunner } from "../../lifecycle/jobs/runner.ts";
import { SILENT } from "../../lifecycle/log.ts";
import { allRecords, aRecord, HOUR, MINUTE, NOW, storeEvent } from "../support/fixture.ts";
import { aJob, aJobOf, aReport, aRunner, NAME, runsOf, storedRun } from "./fake_jobs.ts";
import { onStore } from "./lifecycle_fixture.ts";

const SOME = { examined: 3, changed: 2, conflicts: 1, lateByMs: 90_000 };

async function jobRecord(store: Store) {
  return (await getJobRecord(store, NAME)).value;
}

Deno.test(
  "a run that did something leaves its record, and the job's record names it",
  onStore(async (store) => {
    const { runner, lines } = aRunner(store, aJobOf(SOME));
    const { planned, ...run } = await runner.run(NAME, { trigger: "cron" });
    assert.deepEqual(planned, []);
    assert.deepEqual(run, {
      format: 1,
      id: run.id,
      job: NAME,
      trigger: "cron",
      dryRun: false,
      status: "succeeded",
      startedAt: NOW,
      finishedAt: NOW,
      examined: 3,
      changed: 2,
      conflicts: 1,
      failed: 0,
      lateByMs: 90_000,
      moreLeft: false,
      failures: [],
      error: null,
    });
    assert.deepEqual(await runsOf(store), [run]);
    assert.deepEqual(await jobRecord(store), {
      format: 1,
      intervalMs: null,
      pause: null,
      lastRun: run,
      lastSuccessAt: NOW,
      emptyRuns: 0,
      consecutiveFailures: 0,
    });
    assert.equal((await getLease(store, NAME)).value!.expiresAt, 0, "the lease is released");
    const [line] = lines;
    assert.equal(line!.level, "info");
    assert.equal(line!.message, "run succeeded");
    assert.equal(line!.run_id, run.id);
    assert.equal(line!.late_by_s, 90);
  }),
);

Deno.test(
  "runs by the clock that found nothing leave no record but are counted",
  onStore(async (store) => {
    const found = { examined: 5, changed: 0 };
    const { runner, clock, lines } = aRunner(store, aJob(() => Promise.resolve(aReport(found))));
    for (const trigger of ["cron", "startup", "traffic"] as const) {
      clock.now += MINUTE;
      await runner.run(NAME, { trigger });
    }
    assert.deepEqual(await runsOf(store), []);
    const { emptyRuns, lastSuccessAt, lastRun } = await jobRecord(store);
    assert.equal(emptyRuns, 3);
    assert.equal(lastSuccessAt, NOW + 3 * MINUTE);
    assert.equal(lastRun!.trigger, "traffic");
    assert.deepEqual(new Set(lines.map((line) => line.level)), new Set(["debug"]));
    found.changed = 1;
    await runner.run(NAME, { trigger: "cron" });
    assert.equal((await jobRecord(store)).emptyRuns, 0);
    assert.equal((await runsOf(store)).length, 1);
  }),
);

Deno.test(
  "a manual run has its record from its start, and keeps it when it found nothing",
  onStore(async (store) => {
    const during: unknown[] = [];
    const job = aJob(async () => {
      during.push(...await runsOf(store));
      return aReport();
    });
    const { runner } = aRunner(store, job);
    const { run, finished } = await runner.start(NAME, { trigger: "manual" });
    assert.equal(run.status, "running");
    assert.deepEqual(await storedRun(store, run), run);
    await finished;
    assert.deepEqual(during, [run]);
    assert.equal((await storedRun(store, run))!.status, "succeeded");
    assert.equal((await runsOf(store)).length, 1);
  }),
);

Deno.test(
  "a dry run plans, needs no lease and leaves the job's record alone",
  onStore(async (store) => {
    const planned = [{ id: aRecord().id, from: "CONFIRMED", to: "COMPLETED" } as const];
    const dryRuns: boolean[] = [];
    const job = aJob((_store, { dryRun }) => {
      dryRuns.push(dryRun);
      return Promise.resolve(aReport({ examined: 1, changed: 1, planned: [...planned] }));
    });
    const { runner } = aRunner(store, job);
    const run = await runner.run(NAME, { trigger: "manual", dryRun: true });
    assert.deepEqual(run.planned, planned);
    assert.equal(run.status, "succeeded");
    assert.deepEqual(dryRuns, [true]);
    const stored = (await storedRun(store, run))!;
    assert.equal(stored.dryRun, true);
    assert.deepEqual(stored.planned, planned);
    assert.equal((await getLease(store, NAME)).value, null);
    assert.equal((await jobRecord(store)).lastRun, null);
  }),
);

Deno.test(
  "a plan that is larger than a record holds is kept from its beginning",
  onStore(async (store) => {
    const planned = Array.from(
      { length: 2_000 },
      () => ({ id: newEventId(NOW), from: "CONFIRMED", to: "COMPLETED" }) as const,
    );
    const { runner } = aRunner(store, aJobOf({ changed: planned.length, planned }));
    const run = await runner.run(NAME, { trigger: "manual", dryRun: true });
    assert.equal(run.planned.length, planned.length);
    const kept = (await storedRun(store, run))!.planned!;
    assert.ok(kept.length >= 400 && kept.length < 700, String(kept.length));
    assert.deepEqual(kept, planned.slice(0, kept.length));
  }),
);

Deno.test(
  "a paused job is skipped by the clock until the pause ends, but runs by hand",
  onStore(async (store) => {
    const until = NOW + HOUR;
    await updateJobRecord(store, NAME, (record) => ({
      ...record,
      pause: { reason: "repairs", until },
    }));
    const { runner, clock } = aRunner(store, aJobOf(SOME));
    clock.now = until - 1;
    for (const trigger of ["cron", "startup", "traffic"] as const) {
      assert.equal((await runner.run(NAME, { trigger })).status, "skipped_paused");
    }
    assert.deepEqual(await runsOf(store), []);
    assert.equal((await jobRecord(store)).lastRun, null);
    assert.equal((await runner.run(NAME, { trigger: "manual" })).status, "succeeded");
    clock.now = until;
    assert.equal((await runner.run(NAME, { trigger: "cron" })).status, "succeeded");
  }),
);

Deno.test(
  "the runner has its jobs, and names them to whoever asks for another",
  onStore(async (store) => {
    const runner = new JobRunner(store, { clock: () => NOW, log: SILENT });
    const names = [
      "complete_events",
      "start_events",
      "move_events",
      "withhold_events",
      "erase_users",
      "reindex_events",
    ];
    assert.deepEqual(runner.jobs.map((job) => job.name), names);
    assert.equal(runner.job("start_events").intervalMs, MINUTE);
    await assert.rejects(runner.start("sweep_flor", { trigger: "manual" }), {
      code: "job_not_found",
      message: `There is no job "sweep_flor"; there are ${names.join(", ")}.`,
    });
    await storeEvent(store, { endDate: NOW });
    assert.equal((await runner.run("complete_events", { trigger: "manual" })).changed, 1);
    assert.equal((await allRecords(store))[0]!.status, "COMPLETED");
  }),
);
