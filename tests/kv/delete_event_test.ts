import assert from "node:assert/strict";
import { FORMATS } from "../../kv/formats.ts";
import { deleteEvent, getEvent, replaceEvent, type StoredEvent } from "../../kv/events.ts";
import { eventKey } from "../../kv/keys.ts";
import { allChanges, NOW, storeEvent } from "../support/fixture.ts";
import { edit } from "./event_steps.ts";
import { everything, testStore } from "./test_store.ts";

Deno.test("deleteEvent() leaves nothing of the event but its journal", async () => {
  using store = await testStore();
  const read = await storeEvent(store, {
    externalId: "x1",
    staff: [{ userId: "usr_bob", role: "editor" }],
  });
  const result = await deleteEvent(store, read, { by: "usr_alice", at: NOW });
  assert.equal(result.outcome, "committed");
  const left = new Set((await everything(store)).map((entry) => entry.key[0]));
  assert.deepEqual([...left].sort(), ["journal", "journal_head", "store"]);
  const change = (await allChanges(store)).at(-1)!;
  assert.deepEqual([change.type, change.version, change.event.version], ["deleted", 2, 2]);
  assert.equal(change.was!.status, "CONFIRMED");
});

Deno.test("the reason of a deletion stays in the journal, when one was given", async () => {
  using store = await testStore();
  const [a, b] = [await storeEvent(store), await storeEvent(store)];
  await deleteEvent(store, a, { by: "usr_alice", at: NOW, reason: "Spam" });
  await deleteEvent(store, b, { by: "usr_alice", at: NOW });
  const [first, second] = (await allChanges(store)).slice(-2);
  assert.equal(first!.reason, "Spam");
  assert.ok(!Object.hasOwn(second!, "reason"));
});

Deno.test("deleteEvent() reports a conflict and removes nothing when the event changed", async () => {
  using store = await testStore();
  const read = await storeEvent(store);
  await replaceEvent(store, read, [edit(read.record, { title: "Still here" })]);
  const before = await everything(store);
  const outcome = await deleteEvent(store, read, { by: "usr_alice", at: NOW });
  assert.deepEqual(outcome, { outcome: "conflict" });
  assert.deepEqual(await everything(store), before);
});

Deno.test("an event of a newer format is neither replaced nor deleted", async () => {
  using store = await testStore();
  const { record: { id } } = await storeEvent(store);
  const { value } = await store.kv.get<StoredEvent["record"]>(eventKey(id));
  await store.kv.set(eventKey(id), { ...value!, format: FORMATS.event.current + 1 });
  const read = (await getEvent(store, id))!;
  const before = await everything(store);
  const refusal = { name: "DomainError", code: "newer_format" };
  await assert.rejects(replaceEvent(store, read, [edit(read.record, { title: "Old" })]), refusal);
  await assert.rejects(deleteEvent(store, read, { by: "usr_alice", at: NOW }), refusal);
  assert.deepEqual(await everything(store), before);
});
