import assert from "node:assert/strict";
import { EVENT_STATUSES } from "../../kv/event_record.ts";
import { getEvent } from "../../kv/events.ts";
import type { Store } from "../../kv/store.ts";
import { START_EVENTS } from "../../lifecycle/jobs/start_events.ts";
import {
  allChanges,
  allRecords,
  assertIndexesRebuild,
  DAY,
  HOUR,
  MINUTE,
  NOW,
  storeEvent,
} from "../support/fixture.ts";
import { aRunContext, onStore } from "./lifecycle_fixture.ts";

function run(store: Store, now: number, dryRun = false) {
  return START_EVENTS.run(store, aRunContext({ now, dryRun }));
}

Deno.test(
  "start_events starts an event at its start and not one millisecond before",
  onStore(async (store) => {
    const { record: { id, startDate } } = await storeEvent(store);
    assert.equal((await run(store, startDate - 1)).changed, 0);
    const report = await run(store, startDate);
    assert.deepEqual([report.changed, report.lateByMs], [1, 0]);
    const { record } = (await getEvent(store, id))!;
    assert.equal(record.status, "ONGOING");
    assert.equal(record.completedAt, null);
    assert.deepEqual(record.history.at(-1)!.transition, {
      name: "start",
      from: "CONFIRMED",
      to: "ONGOING",
    });
    await assertIndexesRebuild(store);
  }),
);

Deno.test(
  "start_events leaves what is over to complete_events",
  onStore(async (store) => {
    const { record: over } = await storeEvent(store, { endDate: NOW });
    const { record: running } = await storeEvent(store, { endDate: NOW + 1 });
    const report = await run(store, NOW);
    assert.deepEqual([report.changed, report.failed], [1, 0]);
    assert.equal(report.lateByMs, HOUR);
    assert.deepEqual((await getEvent(store, over.id))!.record, over);
    assert.equal((await getEvent(store, running.id))!.record.status, "ONGOING");
  }),
);

Deno.test(
  "start_events touches only CONFIRMED events, of every visibility, open-ended ones too",
  onStore(async (store) => {
    await Promise.all(EVENT_STATUSES.map((status) => storeEvent(store, { title: status, status })));
    await storeEvent(store, { title: "open-ended", endDate: null });
    await storeEvent(store, { title: "private", visibility: "PRIVATE" });
    await storeEvent(store, { title: "to come", startDate: NOW + DAY, endDate: NOW + 2 * DAY });
    assert.equal((await run(store, NOW)).changed, 3);
    const changed = (await allRecords(store)).filter((record) => record.version > 1);
    assert.deepEqual(changed.map((record) => record.title).sort(), [
      "CONFIRMED",
      "open-ended",
      "private",
    ]);
  }),
);

Deno.test(
  "start_events says how late the oldest one was, and in a dry run what it would start",
  onStore(async (store) => {
    const { record: { id } } = await storeEvent(store, { startDate: NOW - 10 * MINUTE });
    const report = await run(store, NOW, true);
    assert.deepEqual(report.planned, [{ id, from: "CONFIRMED", to: "ONGOING" }]);
    assert.equal(report.lateByMs, 10 * MINUTE);
    assert.equal((await allChanges(store)).length, 1);
  }),
);
