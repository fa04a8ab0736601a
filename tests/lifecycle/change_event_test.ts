import assert from "node:assert/strict";
import type { EventRecord } from "../../kv/event_record.ts";
import { type EventStep, getEvent } from "../../kv/events.ts";
import { readPosition } from "../../kv/journal_places.ts";
import { changeEvent, settleStep } from "../../lifecycle/change_event.ts";
import { editEvent } from "../../lifecycle/edit_event.ts";
import { ROOT } from "../../lifecycle/policy.ts";
import {
  allChanges,
  aRecord,
  assertIndexesRebuild,
  HOUR,
  NOW,
  storeEvent,
} from "../support/fixture.ts";
import { onStore } from "./lifecycle_fixture.ts";

const LATER = NOW + 2 * HOUR;

function retitled(event: EventRecord, title: string): EventStep {
  return {
    next: { ...event, title },
    type: "updated",
    by: "usr_ann",
    at: NOW,
    entry: { transition: null, reason: null, fields: { title: [event.title, title] } },
  };
}

Deno.test(
  "changeEvent() commits the clock's transition first, as a version and a change by the clock",
  onStore(async (store) => {
    const { record: { id, endDate } } = await storeEvent(store);
    const { record, steps } = await changeEvent(store, id, {
      now: LATER,
      decide: (event) => [retitled(event, "Winter Gala, as it was")],
    });
    assert.equal(steps, 2);
    assert.equal(record.version, 3);
    assert.equal(record.status, "COMPLETED");
    assert.equal(record.completedAt, endDate);
    assert.deepEqual(
      record.history.map(({ version, by, transition }) => [version, by, transition]),
      [
        [1, ROOT.userId, { name: "create", from: null, to: "CONFIRMED" }],
        [2, "clock", { name: "complete", from: "CONFIRMED", to: "COMPLETED" }],
        [3, "usr_ann", null],
      ],
    );
    const changes = (await allChanges(store)).slice(1);
    assert.deepEqual(
      changes.map((
        { type, by, version, was, event },
      ) => [type, by, version, was!.status, event.title]),
      [
        ["transitioned", "clock", 2, "CONFIRMED", "Winter Gala"],
        ["updated", "usr_ann", 3, "COMPLETED", "Winter Gala, as it was"],
      ],
    );
    await assertIndexesRebuild(store);
  }),
);

Deno.test(
  "changeEvent() writes nothing when there are no steps, even when the clock is ahead",
  onStore(async (store) => {
    const read = await storeEvent(store);
    const before = await readPosition(store);
    const { record, steps } = await changeEvent(store, read.record.id, {
      now: LATER,
      decide: () => [],
    });
    assert.equal(steps, 0);
    assert.deepEqual(record, read.record);
    assert.deepEqual(await getEvent(store, read.record.id), read);
    assert.equal(await readPosition(store), before);
  }),
);

Deno.test(
  "changeEvent() decides again on the record that won the race",
  onStore(async (store) => {
    const { record: { id } } = await storeEvent(store);
    const seen: string[] = [];
    const { record } = await changeEvent(store, id, {
      now: NOW,
      async decide(event) {
        seen.push(event.summary);
        if (seen.length === 1) {
          const edit = { content: { summary: "from the other" }, times: {} };
          await editEvent(store, id, { edit, principal: ROOT, now: NOW });
        }
        return [retitled(event, "Spring Gala")];
      },
    });
    assert.deepEqual(seen, ["", "from the other"]);
    assert.equal(record.title, "Spring Gala");
    assert.equal(record.summary, "from the other");
  }),
);

Deno.test(
  "changeEvent() gives up as a conflict when others are always faster",
  onStore(async (store) => {
    const { record: { id } } = await storeEvent(store);
    let tries = 0;
    const change = changeEvent(store, id, {
      now: NOW,
      async decide(event) {
        const edit = { content: { summary: `faster ${tries++}` }, times: {} };
        await editEvent(store, id, { edit, principal: ROOT, now: NOW });
        return [retitled(event, "never")];
      },
    });
    await assert.rejects(change, { name: "DomainError", code: "conflict" });
    assert.ok(tries > 1);
    assert.equal((await getEvent(store, id))!.record.title, "Winter Gala");
  }),
);

Deno.test(
  "changeEvent() writes nothing when the decision is a refusal",
  onStore(async (store) => {
    const read = await storeEvent(store);
    const change = changeEvent(store, read.record.id, {
      now: LATER,
      decide: () => Promise.reject(new Error("refused")),
    });
    await assert.rejects(change, /refused/);
    assert.deepEqual(await getEvent(store, read.record.id), read);
  }),
);

Deno.test(
  "changeEvent() says that there is no such event",
  onStore(async (store) => {
    const { id } = aRecord();
    const change = changeEvent(store, id, { now: NOW, decide: () => [] });
    await assert.rejects(change, { code: "not_found", message: new RegExp(id) });
  }),
);

Deno.test(
  "20 editors of different fields at once lose no edit",
  onStore(async (store) => {
    const { record: { id } } = await storeEvent(store);
    const keys = Array.from({ length: 20 }, (_, i) => `key ${i}`);
    await Promise.all(keys.map((key) => {
      const edit = { content: { metadata: { [key]: "yes" } }, times: {} };
      return editEvent(store, id, { edit, principal: ROOT, now: NOW });
    }));
    const { record } = (await getEvent(store, id))!;
    assert.deepEqual(Object.keys(record.metadata).sort(), keys.toSorted());
    // The creation, the start by the clock, and every edit.
    assert.equal(record.version, 22);
    assert.equal((await allChanges(store)).length, 22);
    await assertIndexesRebuild(store);
  }),
);

Deno.test("settleStep() names the transition and who recorded it; null when there is none", () => {
  const record = aRecord();
  const step = settleStep(record, { now: LATER, by: "job:run_1" })!;
  assert.equal(step.by, "job:run_1");
  assert.equal(step.at, LATER);
  assert.deepEqual(step.entry.transition, {
    name: "complete",
    from: "CONFIRMED",
    to: "COMPLETED",
  });
  assert.equal(settleStep(aRecord({ status: "ONGOING" }), { now: NOW, by: "clock" }), null);
  assert.equal(settleStep(aRecord({ status: "DRAFT" }), { now: LATER, by: "clock" }), null);
});
