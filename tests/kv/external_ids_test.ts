import assert from "node:assert/strict";
import type { OrganizerId } from "../../kv/event_record.ts";
import {
  createEvent,
  deleteEvent,
  findByExternalId,
  listByExternalId,
  replaceEvent,
} from "../../kv/events.ts";
import { aRecord, assertIndexesRebuild, NOW, storeEvent } from "../support/fixture.ts";
import { edit } from "./event_steps.ts";
import { everything, testStore } from "./test_store.ts";

const HOUSE = aRecord().organizerId;
const OTHER_HOUSE: OrganizerId = "org_00000000000000000000000001";

Deno.test("findByExternalId() finds an event within its organizer only", async () => {
  using store = await testStore();
  const { record } = await storeEvent(store, { externalId: "gala" });
  assert.equal(await findByExternalId(store, "gala", HOUSE), record.id);
  assert.equal(await findByExternalId(store, "gala", OTHER_HOUSE), null);
});

Deno.test("two organizers may use the same external id, and listByExternalId() finds both", async () => {
  using store = await testStore();
  const ours = await storeEvent(store, { externalId: "gala" });
  const theirs = await storeEvent(store, { externalId: "gala", organizerId: OTHER_HOUSE });
  await storeEvent(store, { externalId: "gala 2" });
  assert.deepEqual(await listByExternalId(store, "gala"), [ours.record.id, theirs.record.id]);
});

Deno.test("createEvent() reports a conflict and writes nothing when the external id is taken", async () => {
  using store = await testStore();
  await storeEvent(store, { externalId: "gala" });
  const before = await everything(store);
  const outcome = await createEvent(store, aRecord({ externalId: "gala" }), "usr_alice");
  assert.deepEqual(outcome, { outcome: "conflict" });
  assert.deepEqual(await everything(store), before);
});

Deno.test("replaceEvent() reports a conflict and writes nothing when the new external id is taken", async () => {
  using store = await testStore();
  await storeEvent(store, { externalId: "gala" });
  const read = await storeEvent(store, { externalId: "ball" });
  const before = await everything(store);
  const outcome = await replaceEvent(store, read, [edit(read.record, { externalId: "gala" })]);
  assert.deepEqual(outcome, { outcome: "conflict" });
  assert.deepEqual(await everything(store), before);
});

Deno.test("moving to an organizer where the external id is taken is a conflict", async () => {
  using store = await testStore();
  await storeEvent(store, { externalId: "gala", organizerId: OTHER_HOUSE });
  const read = await storeEvent(store, { externalId: "gala" });
  const moved = edit(read.record, { organizerId: OTHER_HOUSE });
  assert.deepEqual(await replaceEvent(store, read, [moved]), { outcome: "conflict" });
});

Deno.test("a changed external id finds the event, and the old one is free again", async () => {
  using store = await testStore();
  const read = await storeEvent(store, { externalId: "gala" });
  await replaceEvent(store, read, [edit(read.record, { externalId: "ball" })]);
  assert.equal(await findByExternalId(store, "gala", HOUSE), null);
  assert.equal(await findByExternalId(store, "ball", HOUSE), read.record.id);
  const next = await storeEvent(store, { externalId: "gala" });
  assert.equal(await findByExternalId(store, "gala", HOUSE), next.record.id);
  await assertIndexesRebuild(store);
});

Deno.test("a dropped external id is free again, as is that of a deleted event", async () => {
  using store = await testStore();
  const dropped = await storeEvent(store, { externalId: "gala" });
  const deleted = await storeEvent(store, { externalId: "ball" });
  await replaceEvent(store, dropped, [edit(dropped.record, { externalId: null })]);
  await deleteEvent(store, deleted, { by: "usr_alice", at: NOW });
  assert.deepEqual(await listByExternalId(store, "gala"), []);
  await storeEvent(store, { externalId: "gala" });
  await storeEvent(store, { externalId: "ball" });
  await assertIndexesRebuild(store);
});

Deno.test("an event keeps its external id through other changes without a check on it", async () => {
  using store = await testStore();
  const read = await storeEvent(store, { externalId: "gala" });
  const result = await replaceEvent(store, read, [edit(read.record, { title: "Gala" })]);
  assert.equal(result.outcome, "committed");
  assert.deepEqual(store.sent.at(-1)!.checks.map((check) => check.key[0]), ["event"]);
  assert.equal(await findByExternalId(store, "gala", HOUSE), read.record.id);
});
