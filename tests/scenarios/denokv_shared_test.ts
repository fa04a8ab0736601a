/** Two programs on one KV Connect server. */
import assert from "node:assert/strict";
import { openStore, type Store } from "../../kv/store.ts";
import { COMPLETE_EVENTS } from "../../lifecycle/jobs/complete_events.ts";
import { JobRunner } from "../../lifecycle/jobs/runner.ts";
import { SILENT } from "../../lifecycle/log.ts";
import { denokvTest, startDenokv } from "../support/denokv.ts";
import {
  assertIndexesRebuild,
  completionsByEvent,
  NOW,
  scaled,
  storeEvents,
} from "../support/fixture.ts";

const DUE = scaled(2_000, 300);

/** Two stores over one server, as two programs have them, and events that are due. */
function sharedTest(name: string, body: (stores: Store[]) => Promise<void>): void {
  denokvTest(name, async () => {
    await using server = await startDenokv();
    const stores = await Promise.all([openStore(server.url), openStore(server.url)]);
    try {
      await storeEvents(stores[0]!, DUE, { endDate: NOW - 1 });
      await body(stores);
      const completions = [...(await completionsByEvent(stores[1]!)).values()];
      assert.deepEqual(completions, Array(DUE).fill(1), "each event is completed once");
      await assertIndexesRebuild(stores[1]!);
    } finally {
      for (const store of stores) store.close();
    }
  });
}

/** Lets nobody go on before all have read: then they decide on the same events. */
function letMeet(stores: Store[]): void {
  const missing = new Set(stores);
  const met = Promise.withResolvers<void>();
  for (const store of stores) {
    const getMany = store.getMany.bind(store);
    Object.assign(store, {
      async getMany(keys: Deno.KvKey[]) {
        const entries = await getMany(keys);
        missing.delete(store);
        if (missing.size === 0) met.resolve();
        await met.promise;
        return entries;
      },
    });
  }
}

sharedTest(
  "two programs that sweep one denokv at once complete each event once",
  async (stores) => {
    letMeet(stores);
    const reports = await Promise.all(stores.map((store, i) =>
      COMPLETE_EVENTS.run(store, {
        runId: `run_${i}`,
        trigger: "cron",
        now: NOW,
        dryRun: false,
        shouldStop: () => false,
        log: SILENT,
      })
    ));
    const [a, b] = reports.map(({ changed, failed }) => ({ changed, failed }));
    assert.equal(a!.changed + b!.changed, DUE, "the reports count each completion once");
    assert.equal(a!.failed + b!.failed, 0);
    assert.ok(reports.some(({ conflicts }) => conflicts > 0), "they met");
  },
);

sharedTest("two programs that share a denokv run a job one after the other", async (stores) => {
  const runs = await Promise.all(stores.map((store) => {
    const runner = new JobRunner(store, { clock: () => NOW, log: SILENT });
    return runner.run(COMPLETE_EVENTS.name, { trigger: "manual" });
  }));
  assert.deepEqual(runs.map(({ status }) => status), ["succeeded", "succeeded"]);
  assert.deepEqual(new Set(runs.map(({ changed }) => changed)), new Set([0, DUE]));
  assert.deepEqual(runs.map(({ conflicts }) => conflicts), [0, 0]);
});
