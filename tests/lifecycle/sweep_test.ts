import assert from "node:assert/strict";
import { cardOf, type EventId } from "../../kv/event_record.ts";
import { getEvent } from "../../kv/events.ts";
import { statusPrefix } from "../../kv/keys.ts";
import { MAX_CARD_BYTES, MAX_RECORD_BYTES, sizeBound } from "../../kv/limits.ts";
import type { Store } from "../../kv/store.ts";
import { editEvent } from "../../lifecycle/edit_event.ts";
import { START_EVENTS } from "../../lifecycle/jobs/start_events.ts";
import { ROOT } from "../../lifecycle/policy.ts";
import {
  allChanges,
  aRecord,
  assertIndexesRebuild,
  HOUR,
  NOW,
  storeEvent,
  storeEvents,
} from "../support/fixture.ts";
import { interrupt, onStore } from "./lifecycle_fixture.ts";
import { AT_LATER, completed, LATER, storeDue, sweep } from "./sweeps.ts";

async function journalSizes(store: Store): Promise<number[]> {
  const entries = store.kv.list<{ changes: { by: string }[] }>({ prefix: ["journal"] });
  const all = await Array.fromAsync(entries);
  return all.filter(({ value }) => value.changes[0]!.by === "job:run_1")
    .map(({ value }) => value.changes.length);
}

/** Somebody moves the end of the event to after `LATER`. */
async function extend(store: Store, id: EventId): Promise<void> {
  const edit = { content: {}, times: { endDate: "2026-12-06T12:00:00Z" } };
  await editEvent(store, id, { edit, principal: ROOT, now: NOW });
}

Deno.test(
  "sweepDue() commits ten events at a time, a journal entry for each commit",
  onStore(async (store) => {
    const ids = await storeDue(store, 25);
    const report = await sweep(store);
    assert.deepEqual(report, {
      examined: 25,
      changed: 25,
      conflicts: 0,
      failed: 0,
      lateByMs: HOUR,
      moreLeft: false,
      failures: [],
      planned: [],
    });
    assert.deepEqual((await completed(store)).sort(), ids.sort());
    assert.deepEqual((await journalSizes(store)).sort((a, b) => a - b), [5, 10, 10]);
    await assertIndexesRebuild(store);
  }),
);

Deno.test(
  "sweepDue() reads on when more is due than one batch of rows",
  onStore(async (store) => {
    // Rows without records: there is nothing to complete, but all of them are looked at.
    for (let i = 0; i < 1_050; i += 350) {
      const operation = store.kv.atomic();
      for (let j = i; j < i + 350; j++) {
        operation.set(
          [...statusPrefix("CONFIRMED"), NOW, `evt_${String(j).padStart(5, "0")}`],
          null,
        );
      }
      await operation.commit();
    }
    const [id] = await storeDue(store, 1);
    const report = await sweep(store);
    assert.equal(report.examined, 1_051);
    assert.equal(report.changed, 1);
    assert.deepEqual(await completed(store), [id]);
  }),
);

Deno.test(
  "sweepDue() decides a batch that lost a race again, event by event",
  onStore(async (store) => {
    const [moved, ...others] = await storeDue(store, 10);
    let raced = false;
    interrupt(store, "getMany", async () => {
      if (raced) return;
      raced = true;
      await extend(store, moved!);
    });
    const report = await sweep(store);
    assert.equal(report.conflicts, 1);
    assert.equal(report.changed, 9);
    assert.equal(report.failed, 0);
    assert.deepEqual((await completed(store)).sort(), others.sort());
    assert.equal(
      (await getEvent(store, moved!))!.record.endDate,
      Date.parse("2026-12-06T12:00:00Z"),
    );
    await assertIndexesRebuild(store);
  }),
);

Deno.test(
  "sweepDue() plans exactly what it then does, and writes nothing for it",
  onStore(async (store) => {
    const ids = await storeDue(store, 11);
    const { record: { id: started } } = await storeEvent(store, { status: "ONGOING" });
    await storeEvent(store, { endDate: LATER + 1 });
    const before = await allChanges(store);
    const dry = await sweep(store, { dryRun: true });
    assert.deepEqual(await allChanges(store), before);
    assert.deepEqual(await completed(store), []);
    const byId = (a: { id: string }, b: { id: string }) => (a.id < b.id ? -1 : 1);
    assert.deepEqual(
      dry.planned.toSorted(byId),
      [
        ...ids.map((id) => ({ id, from: "CONFIRMED", to: "COMPLETED" })),
        { id: started, from: "ONGOING", to: "COMPLETED" },
      ].sort(byId),
    );
    const { planned, ...counts } = await sweep(store);
    assert.deepEqual({ ...dry, planned }, { ...counts, planned: [] });
    assert.deepEqual((await completed(store)).sort(), dry.planned.map(({ id }) => id).sort());
  }),
);

Deno.test(
  "sweepDue() counts what was in flight when it was stopped",
  onStore(async (store) => {
    await storeDue(store, 60);
    let asked = 0;
    const report = await sweep(store, { shouldStop: () => asked++ === 3 });
    assert.equal(report.moreLeft, true);
    assert.equal(report.examined, 30);
    assert.equal(report.changed, 30);
    assert.equal((await completed(store)).length, 30);
    const rest = await sweep(store);
    assert.equal(rest.changed, 30);
    assert.equal(rest.moreLeft, false);
  }),
);

Deno.test(
  "sweepDue() packs large events into several commits",
  onStore(async (store) => {
    await storeEvents(store, 10, { summary: "é".repeat(9_000) });
    const report = await sweep(store);
    assert.equal(report.changed, 10);
    assert.equal(report.conflicts + report.failed, 0);
    assert.deepEqual((await journalSizes(store)).sort(), [5, 5]);
  }),
);

Deno.test(
  "sweepDue() starts and completes ten events at the limit of what can be stored",
  onStore(async (store) => {
    const tags = Array.from({ length: 20 }, (_, i) => `${i}`.padStart(50, "t"));
    const bare = aRecord({ tags, history: [] });
    const summary = "s".repeat(MAX_CARD_BYTES - sizeBound(cardOf(bare)) - 400);
    const rest = MAX_RECORD_BYTES - sizeBound({ ...bare, summary }) - 100;
    const description = "語".repeat(rest / 2);
    await storeEvents(store, 10, { tags, summary, description });
    let commits = 0;
    const { commit } = store;
    Object.assign(store, {
      commit: (operation: Deno.AtomicOperation) => (commits++, commit.call(store, operation)),
    });
    const context = { ...AT_LATER, now: NOW };
    for (const report of [await START_EVENTS.run(store, context), await sweep(store)]) {
      assert.equal(report.changed, 10);
      assert.equal(report.conflicts + report.failed, 0);
    }
    assert.equal(commits, (await journalSizes(store)).length, "no commit was too large");
    await assertIndexesRebuild(store);
  }),
);
