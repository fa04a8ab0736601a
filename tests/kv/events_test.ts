import assert from "node:assert/strict";
import { cardOf, type EventId } from "../../kv/event_record.ts";
import {
  createEvent,
  deleteEvent,
  type EventWrite,
  getEvent,
  getEvents,
  replaceEvent,
  replaceEvents,
  type StoredEvent,
} from "../../kv/events.ts";
import { beforeOf, type JournalEntry, listJournal } from "../../kv/journal.ts";
import type { Store } from "../../kv/store.ts";
import { settleStep } from "../../lifecycle/change_event.ts";
import { allChanges, aRecord, assertIndexesRebuild, NOW, storeEvent } from "../support/fixture.ts";
import { edit, move } from "./event_steps.ts";
import { everything, testStore } from "./test_store.ts";

/** What the commit of `versionstamp` left, by the first part of its keys. */
async function writtenBy(store: Store, versionstamp: string): Promise<Set<Deno.KvKeyPart>> {
  const entries = await everything(store);
  return new Set(
    entries.filter((entry) => entry.versionstamp === versionstamp).map((entry) => entry.key[0]!),
  );
}

function storeTen(store: Store): Promise<StoredEvent[]> {
  return Promise.all(
    Array.from({ length: 10 }, (_, i) => storeEvent(store, { title: `Event ${i}` })),
  );
}

Deno.test("createEvent() writes record, indexes, history, journal and head in one commit", async () => {
  using store = await testStore();
  const record = aRecord({ externalId: "x1", staff: [{ userId: "usr_bob", role: "viewer" }] });
  const result = await createEvent(store, record, "usr_alice");
  const stored = (await getEvent(store, record.id))!;
  assert.deepEqual(result, { outcome: "committed", stored });
  const { versionstamp } = stored;
  const rest = (await everything(store)).filter((entry) => entry.versionstamp !== versionstamp);
  assert.deepEqual(rest.map((entry) => entry.key), [["store"]]);
  await assertIndexesRebuild(store);
  assert.equal((await store.get(["journal_head"])).value, 1);
  assert.ok((await store.get(["journal", versionstamp])).versionstamp, "keyed by its commit");
});

Deno.test("createEvent() journals the card and begins the history at version 1", async () => {
  using store = await testStore();
  const { record } = await storeEvent(store);
  const [change] = await allChanges(store);
  assert.deepEqual(change, {
    type: "created",
    at: record.createdAt,
    by: "usr_root",
    version: 1,
    event: cardOf(record),
    was: null,
  });
  assert.equal(record.version, 1);
  const transition = { name: "create", from: null, to: "CONFIRMED" };
  assert.deepEqual(record.history, [
    { version: 1, at: record.createdAt, by: "usr_root", transition, reason: null, fields: null },
  ]);
});

Deno.test("createEvent() reports a conflict and writes nothing when the id is taken", async () => {
  using store = await testStore();
  const { record } = await storeEvent(store);
  const before = await everything(store);
  const again = aRecord({ id: record.id, title: "Another" });
  assert.deepEqual(await createEvent(store, again, "usr_alice"), { outcome: "conflict" });
  assert.deepEqual(await everything(store), before);
});

Deno.test("replaceEvent() makes each step a version, a history entry and a change, in one commit", async () => {
  using store = await testStore();
  const read = await storeEvent(store, { externalId: "x1" });
  // As changeEvent() gives them: all decided on the one read, the clock's transition first.
  const clock = settleStep(read.record, { now: NOW, by: "clock" })!;
  const retitled = edit(clock.next, { title: "Gala", tags: ["dance"] });
  const cancelled = move(retitled.next, "CANCELLED", { reason: "Snow" });
  const result = await replaceEvent(store, read, [clock, retitled, cancelled]);
  assert.equal(result.outcome, "committed");
  const { record, versionstamp } = (await getEvent(store, read.record.id))!;
  assert.deepEqual(result.outcome === "committed" && result.stored, [{ record, versionstamp }]);
  assert.deepEqual([record.version, record.status, record.title], [4, "CANCELLED", "Gala"]);
  assert.equal(record.updatedAt, NOW);
  assert.deepEqual(
    record.history.map(({ version, by, transition, reason }) => [
      version,
      by,
      transition?.name ?? null,
      reason,
    ]),
    [
      [1, "usr_root", "create", null],
      [2, "clock", "start", null],
      [3, "usr_alice", null, null],
      [4, "usr_alice", "cancel", "Snow"],
    ],
  );
  const written = await writtenBy(store, versionstamp);
  for (const prefix of ["event", "events_by_organizer", "journal", "journal_head"]) {
    assert.ok(written.has(prefix), prefix);
  }
  await assertIndexesRebuild(store);
  assert.equal((await store.get(["journal_head"])).value, 3);
});

Deno.test("replaceEvent() journals each step with what the event was before it", async () => {
  using store = await testStore();
  const read = await storeEvent(store);
  const retitled = edit(read.record, { title: "Gala", tags: ["dance"] });
  const cancelled = move(retitled.next, "CANCELLED");
  const result = await replaceEvent(store, read, [retitled, cancelled]);
  assert.equal(result.outcome, "committed");
  const entry = (await listJournal(store, read.versionstamp, 10))[0]!.entry as JournalEntry;
  const [first, second] = entry.changes;
  assert.deepEqual([first!.type, first!.version], ["updated", 2]);
  assert.deepEqual([second!.type, second!.version], ["transitioned", 3]);
  assert.deepEqual([first!.event.version, first!.event.status], [2, "CONFIRMED"]);
  assert.deepEqual(first!.was, beforeOf(read.record, retitled.next));
  assert.deepEqual(first!.was!.tags, ["music"]);
  assert.deepEqual([second!.event.version, second!.event.status], [3, "CANCELLED"]);
  assert.equal(second!.was!.tags, undefined);
});

Deno.test("replaceEvent() reports a conflict when the event changed since it was read", async () => {
  using store = await testStore();
  const read = await storeEvent(store);
  await replaceEvent(store, read, [edit(read.record, { title: "First" })]);
  const before = await everything(store);
  const late = edit(read.record, { title: "Second", tags: ["late"] });
  assert.deepEqual(await replaceEvent(store, read, [late]), { outcome: "conflict" });
  assert.deepEqual(await everything(store), before);
});

Deno.test("replaceEvent() reports a conflict when the event was deleted since it was read", async () => {
  using store = await testStore();
  const read = await storeEvent(store);
  await deleteEvent(store, read, { by: "usr_alice", at: NOW });
  const outcome = await replaceEvent(store, read, [edit(read.record, { title: "Ghost" })]);
  assert.deepEqual(outcome, { outcome: "conflict" });
  assert.equal(await getEvent(store, read.record.id), null);
});

Deno.test("replaceEvents() replaces ten events in one commit and answers them in order", async () => {
  using store = await testStore();
  const reads = await storeTen(store);
  const writes = reads.map((read) => ({ read, steps: [move(read.record, "CANCELLED")] }));
  const result = await replaceEvents(store, writes);
  assert.ok(result.outcome === "committed");
  assert.deepEqual(
    result.stored.map(({ record }) => record.title),
    reads.map((r) => r.record.title),
  );
  assert.equal(new Set(result.stored.map((stored) => stored.versionstamp)).size, 1);
  assert.equal((await store.get(["journal_head"])).value, 10);
  await assertIndexesRebuild(store);
});

Deno.test("replaceEvents() writes none of ten when one of them changed meanwhile", async () => {
  using store = await testStore();
  const reads = await storeTen(store);
  await replaceEvent(store, reads[9]!, [edit(reads[9]!.record, { title: "Quicker" })]);
  const before = await everything(store);
  const writes = reads.map((read): EventWrite => ({
    read,
    steps: [move(read.record, "CANCELLED")],
  }));
  assert.deepEqual(await replaceEvents(store, writes), { outcome: "conflict" });
  assert.deepEqual(await everything(store), before);
});

Deno.test("getEvents() answers in the order of the ids, null where there is none", async () => {
  using store = await testStore();
  const [a, b] = [await storeEvent(store), await storeEvent(store)];
  const gone: EventId = "evt_00000000000000000000000000";
  assert.deepEqual(await getEvents(store, [b.record.id, gone, a.record.id]), [b, null, a]);
  assert.equal(await getEvent(store, gone), null);
});
