import assert from "node:assert/strict";
import { DomainError } from "../../kv/errors.ts";
import { cardOf, type EventId } from "../../kv/event_record.ts";
import { getEvent, replaceEvent } from "../../kv/events.ts";
import { eventKey, statusPrefix } from "../../kv/keys.ts";
import { MAX_CARD_BYTES, MAX_RECORD_BYTES, sizeBound } from "../../kv/limits.ts";
import type { Store } from "../../kv/store.ts";
import { editEvent } from "../../lifecycle/edit_event.ts";
import type { RunContext } from "../../lifecycle/jobs/job.ts";
import { sweepDue, type SweepPlan } from "../../lifecycle/jobs/sweep.ts";
import { SILENT } from "../../lifecycle/log.ts";
import { ROOT } from "../../lifecycle/policy.ts";
import {
  allChanges,
  allRecords,
  aRecord,
  assertIndexesRebuild,
  HOUR,
  NOW,
  storeEvent,
} from "../support/fixture.ts";
import { interrupt, onStore } from "./lifecycle_fixture.ts";

const LATER = NOW + 2 * HOUR;
const COMPLETION: SweepPlan = {
  prefixes: [statusPrefix("CONFIRMED"), statusPrefix("ONGOING")],
  to: "COMPLETED",
};

function sweep(store: Store, context: Partial<RunContext> = {}) {
  return sweepDue(store, COMPLETION, {
    runId: "run_1",
    now: LATER,
    dryRun: false,
    shouldStop: () => false,
    log: SILENT,
    ...context,
  });
}

/** `count` events that ended an hour before `LATER`. */
async function storeDue(store: Store, count: number): Promise<EventId[]> {
  const ids: EventId[] = [];
  for (let i = 0; i < count; i++) ids.push((await storeEvent(store)).record.id);
  return ids;
}

async function journalSizes(store: Store): Promise<number[]> {
  const entries = store.kv.list<{ changes: { by: string }[] }>({ prefix: ["journal"] });
  const all = await Array.fromAsync(entries);
  return all.filter(({ value }) => value.changes[0]!.by === "job:run_1")
    .map(({ value }) => value.changes.length);
}

async function completed(store: Store): Promise<EventId[]> {
  const records = await allRecords(store);
  return records.filter((record) => record.status === "COMPLETED").map((record) => record.id);
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
  "sweepDue() sets an event of a newer format aside and completes the rest of its commit",
  onStore(async (store) => {
    const [newer, ...others] = await storeDue(store, 5);
    const { record } = (await getEvent(store, newer!))!;
    await store.kv.set(eventKey(newer!), { ...record, format: 99 });
    const report = await sweep(store);
    assert.equal(report.changed, 4);
    assert.deepEqual(report.failures.map(({ eventId }) => eventId), [newer]);
    assert.match(report.failures[0]!.error, /format 99/);
    assert.deepEqual((await completed(store)).sort(), others.sort());
  }),
);

Deno.test(
  "sweepDue() counts all failures and names the first twenty",
  onStore(async (store) => {
    const ids = await storeDue(store, 23);
    for (const id of ids) {
      const { record } = (await getEvent(store, id))!;
      await store.kv.set(eventKey(id), { ...record, format: 99 });
    }
    const report = await sweep(store);
    assert.equal(report.failed, 23);
    assert.equal(report.failures.length, 20);
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
      await storeDue(store, 30);
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
    for (let i = 0; i < 10; i++) await storeEvent(store, { summary: "é".repeat(9_000) });
    const report = await sweep(store);
    assert.equal(report.changed, 10);
    assert.equal(report.conflicts + report.failed, 0);
    assert.deepEqual((await journalSizes(store)).sort(), [5, 5]);
  }),
);

Deno.test(
  "sweepDue() completes ten events at the limit of what can be stored",
  onStore(async (store) => {
    const tags = Array.from({ length: 20 }, (_, i) => `${i}`.padStart(50, "t"));
    const bare = aRecord({ tags, history: [] });
    const summary = "s".repeat(MAX_CARD_BYTES - sizeBound(cardOf(bare)) - 400);
    const rest = MAX_RECORD_BYTES - sizeBound({ ...bare, summary }) - 100;
    const description = "語".repeat(rest / 2);
    for (let i = 0; i < 10; i++) await storeEvent(store, { tags, summary, description });
    const report = await sweep(store);
    assert.equal(report.changed, 10);
    assert.equal(report.conflicts + report.failed, 0);
    await assertIndexesRebuild(store);
  }),
);
