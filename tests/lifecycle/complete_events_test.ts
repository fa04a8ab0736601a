import assert from "node:assert/strict";
import { EVENT_STATUSES } from "../../kv/event_record.ts";
import { getEvent } from "../../kv/events.ts";
import type { Store } from "../../kv/store.ts";
import { COMPLETE_EVENTS } from "../../lifecycle/jobs/complete_events.ts";
import { SILENT } from "../../lifecycle/log.ts";
import { ROOT } from "../../lifecycle/policy.ts";
import { transitionEvent } from "../../lifecycle/transition_event.ts";
import {
  allChanges,
  allRecords,
  assertIndexesRebuild,
  completionsByEvent,
  DAY,
  HOUR,
  MINUTE,
  NOW,
  storeEvent,
  storeEvents,
} from "../support/fixture.ts";
import { interrupt, onStore } from "./lifecycle_fixture.ts";

function run(store: Store, now: number, runId: `run_${string}` = "run_1") {
  return COMPLETE_EVENTS.run(store, {
    runId,
    trigger: "cron",
    now,
    dryRun: false,
    shouldStop: () => false,
    log: SILENT,
  });
}

Deno.test(
  "complete_events completes an event at its end and not one millisecond before",
  onStore(async (store) => {
    const { record: { id, endDate } } = await storeEvent(store);
    const early = await run(store, endDate! - 1);
    assert.deepEqual([early.examined, early.changed, early.lateByMs], [0, 0, null]);
    const due = await run(store, endDate!);
    assert.deepEqual([due.examined, due.changed, due.lateByMs], [1, 1, 0]);
    assert.equal((await getEvent(store, id))!.record.status, "COMPLETED");
  }),
);

Deno.test(
  "complete_events dates the completion at the end and records the run that noticed it",
  onStore(async (store) => {
    const { record: before } = await storeEvent(store);
    const now = NOW + 2 * DAY;
    const report = await run(store, now);
    assert.equal(report.lateByMs, 2 * DAY - HOUR);
    const { record } = (await getEvent(store, before.id))!;
    assert.equal(record.completedAt, before.endDate);
    assert.equal(record.version, 2);
    assert.equal(record.updatedAt, now);
    assert.deepEqual(record.history.at(-1), {
      version: 2,
      at: before.endDate,
      by: "job:run_1",
      transition: { name: "complete", from: "CONFIRMED", to: "COMPLETED" },
      reason: null,
      fields: null,
    });
    const change = (await allChanges(store)).at(-1)!;
    assert.equal(change.type, "transitioned");
    assert.equal(change.by, "job:run_1");
    assert.equal(change.at, now);
    assert.equal(change.was!.status, "CONFIRMED");
    await assertIndexesRebuild(store);
  }),
);

Deno.test(
  "complete_events touches only CONFIRMED and ONGOING events that have an end",
  onStore(async (store) => {
    await Promise.all(EVENT_STATUSES.flatMap((status) => [
      storeEvent(store, { title: `${status}, ended`, status }),
      storeEvent(store, { title: `${status}, open-ended`, status, endDate: null }),
    ]));
    await storeEvent(store, {
      title: "to come",
      startDate: NOW + 9 * DAY,
      endDate: NOW + 10 * DAY,
    });
    const before = new Map((await allRecords(store)).map((record) => [record.id, record]));
    const report = await run(store, NOW + DAY);
    assert.equal(report.changed, 2);
    const changed = (await allRecords(store)).filter((record) => record.version > 1);
    assert.deepEqual(changed.map(({ title, status }) => [title, status]).sort(), [
      ["CONFIRMED, ended", "COMPLETED"],
      ["ONGOING, ended", "COMPLETED"],
    ]);
    for (const record of await allRecords(store)) {
      if (record.version === 1) assert.deepEqual(record, before.get(record.id));
    }
  }),
);

Deno.test(
  "complete_events completes events of every visibility",
  onStore(async (store) => {
    for (const visibility of ["PUBLIC", "UNLISTED", "PRIVATE"] as const) {
      await storeEvent(store, { visibility });
    }
    assert.equal((await run(store, NOW + DAY)).changed, 3);
  }),
);

Deno.test(
  "complete_events says how late the oldest one was",
  onStore(async (store) => {
    await storeEvent(store, { endDate: NOW - 5 * MINUTE });
    await storeEvent(store, {
      endDate: NOW - 90 * MINUTE,
      startDate: NOW - DAY,
      status: "ONGOING",
    });
    await storeEvent(store, { endDate: NOW - 1 });
    assert.equal((await run(store, NOW)).lateByMs, 90 * MINUTE);
  }),
);

Deno.test(
  "complete_events finds nothing to do a second time",
  onStore(async (store) => {
    await storeEvents(store, 12);
    assert.equal((await run(store, NOW + DAY, "run_1")).changed, 12);
    const again = await run(store, NOW + DAY, "run_2");
    assert.deepEqual([again.examined, again.changed, again.lateByMs], [0, 0, null]);
  }),
);

Deno.test(
  "complete_events completes what is started between its two reads",
  onStore(async (store) => {
    const { record: { id } } = await storeEvent(store, { startDate: NOW + MINUTE });
    let reads = 0;
    interrupt(store, "list", async () => {
      if (++reads > 1) return;
      // Its organizer starts it: from one index it moves to the other.
      const input = { to: "ONGOING", reason: null } as const;
      await transitionEvent(store, id, { input, principal: ROOT, now: NOW });
    });
    const report = await run(store, NOW + DAY);
    assert.ok(reads > 1, "it went on reading");
    assert.equal(report.changed, 1);
    const { record } = (await getEvent(store, id))!;
    assert.deepEqual([record.status, record.version], ["COMPLETED", 3]);
  }),
);

Deno.test(
  "two runs of complete_events at once complete each event once",
  onStore(async (store) => {
    await storeEvents(store, 40);
    const reports = await Promise.all([
      run(store, NOW + DAY, "run_1"),
      run(store, NOW + DAY, "run_2"),
    ]);
    assert.equal(reports[0].changed + reports[1].changed, 40);
    const completions = await completionsByEvent(store);
    assert.equal(completions.size, 40);
    assert.ok([...completions.values()].every((count) => count === 1));
    await assertIndexesRebuild(store);
  }),
);
