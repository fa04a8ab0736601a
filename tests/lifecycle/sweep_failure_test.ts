import assert from "node:assert/strict";
import { DomainError } from "../../kv/errors.ts";
import type { EventId } from "../../kv/event_record.ts";
import { getEvent, replaceEvent } from "../../kv/events.ts";
import { eventKey } from "../../kv/keys.ts";
import type { Store } from "../../kv/store.ts";
import { editEvent } from "../../lifecycle/edit_event.ts";
import { ROOT } from "../../lifecycle/policy.ts";
import { NOW } from "../support/fixture.ts";
import { interrupt, onStore } from "./lifecycle_fixture.ts";
import { completed, storeDue, sweep } from "./sweeps.ts";

/** Somebody moves the end of the event to after `LATER`. */
async function extend(store: Store, id: EventId): Promise<void> {
  const edit = { content: {}, times: { endDate: "2026-12-06T12:00:00Z" } };
  await editEvent(store, id, { edit, principal: ROOT, now: NOW });
}

Deno.test(
  "sweepDue() sets an event aside that others change all the time",
  onStore(async (store) => {
    const [busy] = await storeDue(store, 1);
    let edits = 0;
    const change = async () => {
      const read = (await getEvent(store, busy!))!;
      const { record } = read;
      const next = { ...record, summary: `edit ${edits++}` };
      const entry = { transition: null, reason: null, fields: null };
      await replaceEvent(store, read, [{ next, type: "updated", by: "usr_ann", at: NOW, entry }]);
    };
    interrupt(store, "getMany", change);
    interrupt(store, "get", change);
    const report = await sweep(store);
    assert.equal(report.changed, 0);
    assert.equal(report.failed, 1);
    assert.equal(report.conflicts, 4);
    assert.deepEqual(report.failures, [{ eventId: busy, error: "others kept changing it" }]);
    assert.equal(edits, 4, "the batch and three tries by itself");
    assert.deepEqual(await completed(store), []);
  }),
);

Deno.test(
  "sweepDue() sets a broken event aside and completes the rest",
  onStore(async (store) => {
    const ids = await storeDue(store, 12);
    const broken = [ids[3]!, ids[11]!];
    for (const id of broken) {
      const { tags: _, ...corrupt } = (await getEvent(store, id))!.record;
      await store.kv.set(eventKey(id), corrupt);
    }
    const report = await sweep(store);
    assert.equal(report.examined, 12);
    assert.equal(report.changed, 10);
    assert.equal(report.failed, 2);
    assert.deepEqual(report.failures.map(({ eventId }) => eventId).sort(), broken.toSorted());
    assert.match(report.failures[0]!.error, /^TypeError: /);
    assert.equal((await completed(store)).length, 10);
  }),
);

Deno.test(
  "sweepDue() sets a broken event aside and completes the rest of its commit",
  onStore(async (store) => {
    const [broken, ...others] = await storeDue(store, 5);
    const { record } = (await getEvent(store, broken!))!;
    await store.kv.set(eventKey(broken!), { ...record, location: null });
    const report = await sweep(store);
    assert.equal(report.changed, 4);
    assert.deepEqual(report.failures.map(({ eventId }) => eventId), [broken]);
    assert.match(report.failures[0]!.error, /TypeError/);
    assert.deepEqual((await completed(store)).sort(), others.sort());
  }),
);

Deno.test(
  "sweepDue() leaves an event to the newer program that wrote it, and calls that no failure",
  onStore(async (store) => {
    const [newer, ...others] = await storeDue(store, 5);
    const { record } = (await getEvent(store, newer!))!;
    await store.kv.set(eventKey(newer!), { ...record, format: 99 });
    const report = await sweep(store);
    assert.deepEqual([report.changed, report.failed, report.conflicts], [4, 0, 0]);
    assert.deepEqual((await completed(store)).sort(), others.sort());
  }),
);

Deno.test(
  "sweepDue() counts all failures and names the first twenty",
  onStore(async (store) => {
    const ids = await storeDue(store, 23);
    for (const id of ids) {
      const { record } = (await getEvent(store, id))!;
      await store.kv.set(eventKey(id), { ...record, location: null });
    }
    const report = await sweep(store);
    assert.equal(report.failed, 23);
    assert.equal(report.failures.length, 20);
  }),
);

Deno.test(
  "a dry run of sweepDue() sets a broken event aside as the real one does",
  onStore(async (store) => {
    const [broken, fine] = await storeDue(store, 2);
    const { tags: _, ...corrupt } = (await getEvent(store, broken!))!.record;
    await store.kv.set(eventKey(broken!), corrupt);
    const report = await sweep(store, { dryRun: true });
    assert.deepEqual(report.planned.map(({ id }) => id), [fine]);
    assert.deepEqual([report.changed, report.failed], [1, 1]);
    assert.deepEqual(report.failures.map(({ eventId }) => eventId), [broken]);
  }),
);

Deno.test(
  "sweepDue() fails with the store, whatever it was doing",
  onStore(async (store) => {
    for (const method of ["list", "getMany", "commit"] as const) {
      await storeDue(store, 100);
      const code = method === "commit" ? "outcome_unknown" : "store_unavailable";
      const original = store[method];
      interrupt(store, method, () => Promise.reject(new DomainError(code)));
      await assert.rejects(sweep(store), { code }, method);
      Object.assign(store, { [method]: original });
    }
  }),
);

Deno.test(
  "sweepDue() fails with the store also when it tries an event by itself",
  onStore(async (store) => {
    const [id] = await storeDue(store, 1);
    // The batch loses its race, so the event is read again.
    interrupt(store, "getMany", () => extend(store, id!));
    interrupt(store, "get", () => Promise.reject(new DomainError("store_unavailable")));
    await assert.rejects(sweep(store), { code: "store_unavailable" });
  }),
);
