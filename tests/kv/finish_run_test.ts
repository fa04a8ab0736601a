/** Leases, and the commit that ends a run. */
import assert from "node:assert/strict";
import {
  finishRun,
  getJobRecord,
  getLease,
  getRun,
  listRuns,
  NEW_JOB_RECORD,
  replaceLease,
  updateJobRecord,
} from "../../kv/jobs.ts";
import { HOUR, NOW } from "../support/fixture.ts";
import { aLease, aRun, JOB } from "./job_records.ts";
import { everything, testStore } from "./test_store.ts";

Deno.test("of ten claims of a lease at once one wins, of a new one as of an old one", async () => {
  using store = await testStore();
  for (let round = 0; round < 3; round++) {
    const { versionstamp } = await getLease(store, JOB);
    const claims = Array.from({ length: 10 }, (_, i) => aLease(10 * round + i));
    const stamps = await Promise.all(
      claims.map((lease) => replaceLease(store, JOB, versionstamp, lease)),
    );
    const winner = stamps.findIndex((stamp) => stamp !== null);
    assert.equal(stamps.filter((stamp) => stamp !== null).length, 1);
    const held = await getLease(store, JOB);
    assert.deepEqual(held, { value: claims[winner], versionstamp: stamps[winner] });
  }
});

Deno.test("a lease that was taken although its commit was refused is ours", async () => {
  using store = await testStore();
  store.faults.commit = async (send) => {
    await send();
    return { ok: false };
  };
  const stamp = await replaceLease(store, JOB, null, aLease(1));
  assert.equal(stamp, (await getLease(store, JOB)).versionstamp);
  assert.equal(await replaceLease(store, JOB, null, aLease(2)), null, "and no one else's");
});

Deno.test("finishRun() releases the lease and records the run and the job in one commit", async () => {
  using store = await testStore();
  const lease = aLease(1);
  const versionstamp = (await replaceLease(store, JOB, null, lease))!;
  const run = aRun(1);
  const finished = await finishRun(store, { lease, versionstamp }, {
    job: JOB,
    run,
    change: (record) => ({ ...record, lastRun: run, lastSuccessAt: NOW }),
  });
  assert.equal(finished, true);
  assert.equal((await getLease(store, JOB)).value!.expiresAt, 0);
  assert.equal((await getJobRecord(store, JOB)).value.lastSuccessAt, NOW);
  assert.deepEqual(await getRun(store, JOB, run.startedAt, run.id), run);
  const stamps = (await everything(store)).slice(0, 3).map((entry) => entry.versionstamp);
  assert.equal(new Set(stamps).size, 1);
});

Deno.test("finishRun() of an empty run leaves no record of the run", async () => {
  using store = await testStore();
  const lease = aLease(1);
  const versionstamp = (await replaceLease(store, JOB, null, lease))!;
  const change = (record: typeof NEW_JOB_RECORD) => ({ ...record, emptyRuns: 1 });
  assert.ok(await finishRun(store, { lease, versionstamp }, { job: JOB, run: null, change }));
  assert.deepEqual(await listRuns(store, JOB, { limit: 10 }), []);
  assert.equal((await getJobRecord(store, JOB)).value.emptyRuns, 1);
});

Deno.test("finishRun() is false and writes nothing when the lease was taken over", async () => {
  using store = await testStore();
  const lease = aLease(1);
  const versionstamp = (await replaceLease(store, JOB, null, lease))!;
  await replaceLease(store, JOB, versionstamp, { ...aLease(2), fence: 2 });
  const before = await everything(store);
  const change = () => ({ ...NEW_JOB_RECORD, lastSuccessAt: NOW });
  const claim = { lease, versionstamp };
  assert.equal(await finishRun(store, claim, { job: JOB, run: aRun(1), change }), false);
  assert.deepEqual(await everything(store), before);
});

Deno.test("finishRun() is false when its versionstamp is not that of the last renewal", async () => {
  using store = await testStore();
  const lease = aLease(1);
  const versionstamp = (await replaceLease(store, JOB, null, lease))!;
  await replaceLease(store, JOB, versionstamp, { ...lease, expiresAt: NOW + HOUR });
  const options = { job: JOB, run: null, change: () => NEW_JOB_RECORD };
  assert.equal(await finishRun(store, { lease, versionstamp }, options), false);
});

Deno.test("finishRun() tries again when the job's record changed meanwhile", async () => {
  using store = await testStore();
  const lease = aLease(1);
  const versionstamp = (await replaceLease(store, JOB, null, lease))!;
  store.faults.commit = async (send) => {
    store.faults.commit = undefined;
    await updateJobRecord(store, JOB, (record) => ({ ...record, intervalMs: 60_000 }));
    return await send();
  };
  const change = (record: typeof NEW_JOB_RECORD) => ({ ...record, lastSuccessAt: NOW });
  assert.ok(await finishRun(store, { lease, versionstamp }, { job: JOB, run: null, change }));
  const { value } = await getJobRecord(store, JOB);
  assert.deepEqual([value.intervalMs, value.lastSuccessAt], [60_000, NOW]);
});

Deno.test("finishRun() is true when it was applied although it was refused, and applies once", async () => {
  using store = await testStore();
  const lease = aLease(1);
  const versionstamp = (await replaceLease(store, JOB, null, lease))!;
  store.faults.commit = async (send) => {
    await send();
    return { ok: false };
  };
  const change = (record: typeof NEW_JOB_RECORD) => ({
    ...record,
    emptyRuns: record.emptyRuns + 1,
  });
  assert.ok(await finishRun(store, { lease, versionstamp }, { job: JOB, run: null, change }));
  assert.equal((await getJobRecord(store, JOB)).value.emptyRuns, 1);
});
