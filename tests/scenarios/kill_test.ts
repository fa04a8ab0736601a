/** The server killed in the middle of its work: what was committed stays, the rest is still due. */
import assert from "node:assert/strict";
import { createEvent } from "../../kv/events.ts";
import { type JobRecord, listRuns } from "../../kv/jobs.ts";
import { openStore, type Store } from "../../kv/store.ts";
import { newEventId } from "../../lifecycle/ids.ts";
import { ROOT } from "../../lifecycle/policy.ts";
import {
  allChanges,
  allRecords,
  aRecord,
  assertIndexesRebuild,
  completionsByEvent,
  HOUR,
  scaled,
} from "../support/fixture.ts";
import { random } from "../support/random.ts";
import { startServer } from "../support/server.ts";

const SEED = 20_261_124;

async function storeDue(path: string, count: number): Promise<void> {
  const store = await openStore(path);
  const endDate = Date.now() - HOUR;
  for (let i = 0; i < count; i += 50) {
    await Promise.all(Array.from({ length: 50 }, (_, j) => {
      const id = newEventId(endDate);
      const record = aRecord({ id, title: `Event ${i + j}`, startDate: endDate - HOUR, endDate });
      return createEvent(store, record, ROOT.userId);
    }));
  }
  store.close();
}

async function assertRunsCountTheJournal(store: Store): Promise<void> {
  const byRun = new Map<string, number>();
  for (const { by } of await allChanges(store)) byRun.set(by, (byRun.get(by) ?? 0) + 1);
  for (const run of await listRuns(store, "complete_events", { limit: 100 })) {
    assert.equal(run.changed, byRun.get(`job:${run.id}`) ?? 0, `${run.id} ${run.status}`);
    assert.notEqual(run.status, "running");
  }
}

Deno.test("a server killed at random points of a sweep and restarted completes each event once", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const path = `${folder}/events.sqlite3`;
    await storeDue(path, scaled(10_000, 1_500));
    const next = random(SEED);
    let interrupted = 0;
    for (let kill = 0; kill < scaled(20, 4); kill++) {
      await using server = await startServer({ env: { KV_PATH: path } });
      await new Promise((resolve) => setTimeout(resolve, next() * scaled(250, 200)));
      server.kill("SIGKILL");
      const { signal } = await server.status;
      assert.equal(signal, "SIGKILL");
      if (!server.lines.some((line) => /run succeeded".*"complete_events"/.test(line))) {
        interrupted++;
      }
    }
    assert.ok(interrupted > 0, "no kill met a sweep");
    {
      await using server = await startServer({ env: { KV_PATH: path, LOG_LEVEL: "debug" } });
      await server.line(/run (succeeded|skipped\w*)".*"complete_events"/);
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
      const job = await store.get<JobRecord>(["job", "complete_events"]);
      assert.equal(job.value?.lastRun?.status, "succeeded");
    } finally {
      store.close();
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
