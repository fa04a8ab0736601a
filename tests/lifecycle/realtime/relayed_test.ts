/** What goes over Redis comes back as it was, and what is none of ours as nothing. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { deleteEvent } from "../../../kv/events.ts";
import { BEGINNING, endOf, placeText, readEntries } from "../../../kv/journal_places.ts";
import type { Batch } from "../../../lifecycle/realtime/hub.ts";
import { messagesOf, parseMessage } from "../../../lifecycle/realtime/relayed.ts";
import { cardBytes, filled } from "../../kv/filled_record.ts";
import { testStore } from "../../kv/test_store.ts";
import { aRecord, DAY, NOW, scaled, storeAll, storeEvent } from "../../support/fixture.ts";
import { allEntries, changeStored } from "./realtime_fixture.ts";

const encoder = new TextEncoder();

Deno.test("messages are a batch's changes again, whatever they say", async () => {
  using store = await testStore();
  const stored = await storeEvent(store, {
    title: "東京 – “Gala”\n\u2028 ✨",
    endDate: null,
    staff: [{ userId: "usr_bob", role: "viewer" }],
  });
  await changeStored(store, stored, { tags: ["a"] }, { endDate: NOW + DAY }, { staff: [] });
  await deleteEvent(store, await storeEvent(store), { by: "usr_alice", at: NOW, reason: "x" });
  const entries = await allEntries(store);
  const [only, ...rest] = [...messagesOf(store, { prev: BEGINNING, entries })];
  assert.equal(rest.length, 0);
  assert.ok(!only!.message.includes("\n"), "one line");
  assert.deepEqual(parseMessage(store, only!.message), { prev: BEGINNING, entries });
  const { prev, position, changes } = JSON.parse(only!.message);
  assert.deepEqual([prev, position, changes.length], [
    placeText(store, BEGINNING),
    placeText(store, endOf(entries.at(-1)!)),
    6,
  ]);
});

Deno.test("a batch that begins within an entry goes on from there", async () => {
  using store = await testStore();
  const stored = await storeEvent(store);
  await changeStored(store, stored, { title: "a" }, { title: "b" }, { title: "c" });
  await storeEvent(store);
  const [, edits] = await allEntries(store);
  const prev = { versionstamp: edits!.versionstamp, n: 2 };
  const { entries } = await readEntries(store, prev, 5);
  const [only] = [...messagesOf(store, { prev, entries })];
  assert.deepEqual(parseMessage(store, only!.message), { prev, entries });
});

Deno.test("messages are of at most 256 KiB, each going on from the one before", async () => {
  using store = await testStore();
  for (const letter of ["x", "é", "東"]) {
    await storeAll(
      store,
      Array.from({ length: scaled(40, 15) }, () =>
        filled(aRecord(), {
          field: "summary",
          bytes: 11 * 1024,
          letter,
          measure: cardBytes,
        })),
    );
  }
  const entries = await allEntries(store);
  const messages = [...messagesOf(store, { prev: BEGINNING, entries })];
  assert.ok(messages.length > 1);
  let prev: Batch["prev"] = BEGINNING;
  const read: Batch["entries"] = [];
  for (const { message, position } of messages) {
    assert.ok(encoder.encode(message).length <= 256 * 1024);
    const batch = parseMessage(store, message)!;
    assert.deepEqual(batch.prev, prev);
    assert.deepEqual(endOf(batch.entries.at(-1)!), position);
    read.push(...batch.entries);
    prev = position;
  }
  assert.deepEqual(read, entries);
  const sizes = messages.map(({ message }) => encoder.encode(message).length);
  assert.ok(sizes.slice(0, -1).every((size) => size > 150 * 1024), `${sizes}: no more than needed`);
});

Deno.test("no entries, no message", async () => {
  using store = await testStore();
  assert.deepEqual([...messagesOf(store, { prev: BEGINNING, entries: [] })], []);
});

/** A message of two entries, as JSON to be spoilt. */
async function aMessage(store: Awaited<ReturnType<typeof testStore>>) {
  const stored = await storeEvent(store);
  await changeStored(store, stored, { title: "a" }, { title: "b" });
  const entries = await allEntries(store);
  return [...messagesOf(store, { prev: BEGINNING, entries })][0]!.message;
}

Deno.test("what is no message of this store is none", async () => {
  using store = await testStore();
  using other = await testStore();
  const message = await aMessage(store);
  assert.notEqual(parseMessage(store, message), null);
  assert.equal(parseMessage(other, message), null, "another epoch");
  const texts = [
    "",
    "null",
    "1",
    "[]",
    "{}",
    '"subscribe"',
    "<!doctype html><title>502</title>",
    message.slice(0, -1),
    message.slice(0, message.length / 2),
    message + message,
    `${message}x`,
  ];
  for (const text of texts) assert.equal(parseMessage(store, text), null, text.slice(0, 40));
  const spoilt: [string, (value: ReturnType<typeof JSON.parse>) => void][] = [
    ["no changes", (value) => value.changes = []],
    ["changes that are none", (value) => value.changes = [null]],
    ["no prev", (value) => delete value.prev],
    ["a prev that is no place", (value) => value.prev = "x"],
    ["another store's prev", (value) => value.prev = `00000000${value.prev.slice(8)}`],
    ["another store's change", (value) => value.changes[1].id = `00000000${"0".repeat(20)}-1`],
    ["another position", (value) => value.position = value.prev],
    ["a change left out", (value) => value.changes.splice(1, 1)],
    ["changes that changed places", (value) => value.changes.reverse()],
    ["a change twice", (value) => value.changes.push(value.changes.at(-1))],
    ["a change without its event", (value) => delete value.changes[0].event],
    ["a type that is none", (value) => value.changes[0].type = "exploded"],
    ["an event without visibility", (value) => delete value.changes[0].event.visibility],
    ["an event whose start is no number", (value) => value.changes[0].event.startDate = "today"],
    ["a version that is none", (value) => value.changes[0].version = 1.5],
  ];
  for (const [name, spoil] of spoilt) {
    const value = JSON.parse(message);
    spoil(value);
    assert.equal(parseMessage(store, JSON.stringify(value)), null, name);
  }
});

Deno.test("no text makes the reader of messages fail", async () => {
  using store = await testStore();
  const message = await aMessage(store);
  const cut = fc.tuple(fc.nat(message.length), fc.nat(message.length), fc.string())
    .map(([from, to, text]) => message.slice(0, from) + text + message.slice(to));
  const json = fc.json();
  fc.assert(
    fc.property(fc.oneof(cut, json, fc.string()), (text) => {
      const batch = parseMessage(store, text);
      assert.ok(batch === null || text.includes(store.epoch));
    }),
    { numRuns: scaled(5_000, 500) },
  );
});
