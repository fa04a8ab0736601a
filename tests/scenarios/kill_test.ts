/** The server killed in the middle of its work: what was committed stays, the rest is still due. */
import assert from "node:assert/strict";
import { createEvent } from "../../kv/events.ts";
import { type JobRecord, listRuns, updateJobRecord } from "../../kv/jobs.ts";
import { readPosition } from "../../kv/journal_places.ts";
import { openStore, type Store } from "../../kv/store.ts";
import { newEventId } from "../../lifecycle/ids.ts";
import { bodyOf, createClient } from "../../routes/client.ts";
import { ROOT } from "../../lifecycle/policy.ts";
import {
  ADMIN_TOKEN,
  allChanges,
  allRecords,
  aRecord,
  assertIndexesRebuild,
  completionsByEvent,
  HOUR,
  scaled,
} from "../support/fixture.ts";
import { random } from "../support/random.ts";
import { startServer, sweepBegun } from "../support/server.ts";
import { withFolder } from "../support/temp_folder.ts";

const SEED = 20_261_124;
const JOB = "complete_events";

/** Adds due events, as after a long silence, and answers where the journal stands then. */
async function prepare(path: string, count: number): Promise<string> {
  const store = await openStore(path);
  const endDate = Date.now() - HOUR;
  for (let i = 0; i < count; i += 50) {
    await Promise.all(Array.from({ length: 50 }, (_, j) => {
      const id = newEventId(endDate);
      const record = aRecord({ id, title: `Event ${i + j}`, startDate: endDate - HOUR, endDate });
      return createEvent(store, record, ROOT.userId);
    }));
  }
  // Even when the last kill came after a success: every start is to sweep.
  await updateJobRecord(store, JOB, (record) => ({ ...record, lastSuccessAt: null }));
  const position = await readPosition(store);
  store.close();
  return position;
}

async function isAnyDue(path: string): Promise<boolean> {
  const store = await openStore(path);
  const due = (await allRecords(store)).some(({ status }) => status !== "COMPLETED");
  store.close();
  return due;
}

async function assertRunsCountTheJournal(store: Store): Promise<void> {
  const byRun = new Map<string, number>();
  for (const { by } of await allChanges(store)) byRun.set(by, (byRun.get(by) ?? 0) + 1);
  const runs = await listRuns(store, JOB, { limit: 100 });
  for (const run of runs) {
    assert.equal(run.changed, byRun.get(`job:${run.id}`) ?? 0, `${run.id} ${run.status}`);
    assert.notEqual(run.status, "running");
  }
  const cutShort = runs.filter(({ error, changed }) => error === "interrupted" && changed > 0);
  assert.ok(cutShort.length > 0, "no kill met a sweep between its commits");
}

Deno.test("a server killed at random points of a sweep and restarted completes each event once", async () => {
  await withFolder(async (folder) => {
    const path = `${folder}/events.sqlite3`;
    const next = random(SEED);
    // A kill after the sweep's end, as may come on a busy machine, proves nothing.
    for (let met = 0; met < scaled(20, 4);) {
      const before = await prepare(path, 500);
      await using server = await startServer({ env: { KV_PATH: path } });
      await sweepBegun(server, before);
      await new Promise((resolve) => setTimeout(resolve, next() * 40));
      server.kill("SIGKILL");
      assert.equal((await server.status).signal, "SIGKILL");
      if (await isAnyDue(path)) met++;
    }
    {
      await using server = await startServer({ env: { KV_PATH: path, ADMIN_TOKEN } });
      const { runs } = createClient(server.url, { token: ADMIN_TOKEN }).v1.jobs[":name"];
      assert.equal((await bodyOf(runs.$post({ param: { name: JOB } }))).status, "succeeded");
      server.kill("SIGTERM");
      assert.equal((await server.status).code, 0);
    }
    const store = await openStore(path);
    try {
      const completions = await completionsByEvent(store);
      for (const record of await allRecords(store)) {
        assert.equal(record.status, "COMPLETED");
        assert.equal(completions.get(record.id), 1, `${record.id} completed once`);
      }
      await assertIndexesRebuild(store);
      await assertRunsCountTheJournal(store);
      const job = await store.get<JobRecord>(["job", JOB]);
      assert.equal(job.value?.lastRun?.status, "succeeded");
    } finally {
      store.close();
    }
  });
});
