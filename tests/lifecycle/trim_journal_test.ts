/** The job that trims the journal. */
import assert from "node:assert/strict";
import { readPlace, readPosition } from "../../kv/journal_places.ts";
import { trimJournalJob } from "../../lifecycle/jobs/trim_journal.ts";
import { startExport } from "../../lifecycle/export_events.ts";
import { SILENT } from "../../lifecycle/log.ts";
import { ROOT } from "../../lifecycle/policy.ts";
import { allChanges, DAY, NOW, storeEvent } from "../support/fixture.ts";
import { aRunner } from "./fake_jobs.ts";
import { onStore } from "./lifecycle_fixture.ts";
import type { Store } from "../../kv/store.ts";

const KEPT = NOW - 30 * DAY;

/** Changes of before, at, and after the instant since which they are kept. */
async function storeChanges(store: Store, old: number): Promise<void> {
  for (let i = 0; i < old; i++) await storeEvent(store, { createdAt: KEPT - 1 });
  await storeEvent(store, { createdAt: KEPT });
  await storeEvent(store, { createdAt: NOW });
}

Deno.test(
  "the job removes what is older than is kept, in as many slices as it takes",
  onStore(async (store) => {
    const job = trimJournalJob(30);
    const { runner } = aRunner(store, job);
    await storeChanges(store, 60);
    const run = await runner.run(job.name, { trigger: "cron" });
    assert.deepEqual([run.status, run.examined, run.changed, run.moreLeft], [
      "succeeded",
      60,
      60,
      false,
    ]);
    assert.deepEqual((await allChanges(store)).map(({ at }) => at), [KEPT, NOW]);
    const again = await runner.run(job.name, { trigger: "cron" });
    assert.deepEqual([again.status, again.changed], ["succeeded", 0]);
  }),
);

Deno.test(
  "a dry run says how much there is to remove, and removes nothing",
  onStore(async (store) => {
    const job = trimJournalJob(30);
    const { runner } = aRunner(store, job);
    await storeChanges(store, 30);
    const run = await runner.run(job.name, { trigger: "manual", dryRun: true });
    assert.deepEqual([run.status, run.changed], ["succeeded", 30]);
    assert.equal((await allChanges(store)).length, 32);
  }),
);

Deno.test(
  "a run that is to end says that there is more, and the next one goes on",
  onStore(async (store) => {
    const job = trimJournalJob(30);
    await storeChanges(store, 60);
    let slices = 0;
    const context = {
      runId: "run_1" as const,
      trigger: "cron" as const,
      now: NOW,
      dryRun: false,
      shouldStop: () => slices++ > 0,
      log: SILENT,
    };
    const first = await job.run(store, context);
    assert.deepEqual([first.changed, first.moreLeft], [25, true]);
    const second = await job.run(store, { ...context, shouldStop: () => false });
    assert.deepEqual([second.changed, second.moreLeft], [35, false]);
  }),
);

Deno.test(
  "what changed since a trimmed position can be neither read nor exported",
  onStore(async (store) => {
    const start = await readPosition(store);
    await storeChanges(store, 2);
    const job = trimJournalJob(30);
    await aRunner(store, job).runner.run(job.name, { trigger: "cron" });
    const gone = { code: "position_gone" };
    await assert.rejects(readPlace(store, start, "since"), gone);
    await assert.rejects(startExport(store, { principal: ROOT, since: start }), gone);
  }),
);
