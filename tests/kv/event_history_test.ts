import assert from "node:assert/strict";
import type { EventRecord, HistoryEntry } from "../../kv/event_record.ts";
import { FORMATS } from "../../kv/formats.ts";
import { listHistory } from "../../kv/event_history.ts";
import { deleteEvent, replaceEvent, type StoredEvent } from "../../kv/events.ts";
import { eventHistoryKey, eventHistoryPrefix, eventKey } from "../../kv/keys.ts";
import { MAX_HISTORY_BYTES, MAX_HISTORY_ENTRIES, sizeBound } from "../../kv/limits.ts";
import type { Store } from "../../kv/store.ts";
import { NOW, storeEvent } from "../support/fixture.ts";
import { edit } from "./event_steps.ts";
import { testStore } from "./test_store.ts";

/** Edits an event `times` times, ten versions a commit. */
async function editOften(
  store: Store,
  { times, reason = null }: { times: number; reason?: string | null },
): Promise<StoredEvent> {
  let read = await storeEvent(store);
  const edits = Array.from({ length: times }, (_, i) => `Title ${i}`);
  while (edits.length > 0) {
    const steps = edits.splice(0, 10).map((title) => edit(read.record, { title }, { reason }));
    const result = await replaceEvent(store, read, steps);
    assert.ok(result.outcome === "committed");
    read = result.stored[0]!;
  }
  return read;
}

function movedHistory(store: Store, { id }: EventRecord): Promise<Deno.KvEntry<HistoryEntry>[]> {
  return Array.fromAsync(store.kv.list<HistoryEntry>({ prefix: eventHistoryPrefix(id) }));
}

const versionsOf = (entries: HistoryEntry[]) => entries.map((entry) => entry.version);
const downFrom = (version: number, to = 1) =>
  Array.from({ length: version - to + 1 }, (_, i) => version - i);

Deno.test("50 history entries stay in the record; the 51st moves the oldest out", async () => {
  using store = await testStore();
  const full = await editOften(store, { times: MAX_HISTORY_ENTRIES - 1 });
  assert.equal(full.record.history.length, MAX_HISTORY_ENTRIES);
  assert.deepEqual(await movedHistory(store, full.record), []);
  const oldest = full.record.history[0]!;
  const result = await replaceEvent(store, full, [edit(full.record, { title: "One more" })]);
  assert.ok(result.outcome === "committed");
  const [{ record, versionstamp }] = result.stored as [StoredEvent];
  assert.deepEqual(versionsOf(record.history), downFrom(51, 2).reverse());
  const [moved, ...rest] = await movedHistory(store, record);
  assert.deepEqual(rest, []);
  assert.deepEqual(moved!.value, { ...oldest, format: FORMATS.event_history.current });
  assert.equal(moved!.versionstamp, versionstamp, "moved in the commit that added the 51st");
});

Deno.test("more than 12 KiB of history moves on as well, in the same commit", async () => {
  using store = await testStore();
  const { record, versionstamp } = await editOften(store, { times: 30, reason: "雪".repeat(500) });
  assert.ok(sizeBound(record.history) <= MAX_HISTORY_BYTES + 8);
  const oneMore = sizeBound(record.history) + sizeBound(record.history[1]);
  assert.ok(oneMore > MAX_HISTORY_BYTES, "no more than needed was moved");
  const moved = await movedHistory(store, record);
  const entries = [...moved.map((row) => row.value), ...record.history];
  assert.deepEqual(versionsOf(entries), downFrom(31).reverse());
  assert.equal(moved.at(-1)!.versionstamp, versionstamp);
});

Deno.test("a commit of several steps moves several entries and loses none", async () => {
  using store = await testStore();
  const read = await editOften(store, { times: MAX_HISTORY_ENTRIES - 1 });
  const steps = [1, 2, 3].map((i) => edit(read.record, { title: `Step ${i}` }));
  const result = await replaceEvent(store, read, steps);
  assert.ok(result.outcome === "committed");
  const { record } = result.stored[0]!;
  assert.deepEqual(versionsOf(await listHistory(store, record, { limit: 500 })), downFrom(53));
  assert.equal((await movedHistory(store, record)).length, 3);
});

Deno.test("listHistory() pages through record and moved entries, newest first, each once", async () => {
  using store = await testStore();
  const { record } = await editOften(store, { times: 69 });
  for (const limit of [1, 7, 19, 50, 51, 70, 71]) {
    const pages: HistoryEntry[] = [];
    let beforeVersion = Infinity;
    for (;;) {
      const page = await listHistory(store, record, { limit, beforeVersion });
      assert.ok(page.length <= limit);
      if (page.length === 0) break;
      pages.push(...page);
      assert.ok(pages.length <= 70, "no entry comes twice");
      beforeVersion = page.at(-1)!.version;
    }
    assert.deepEqual(versionsOf(pages), downFrom(70), `in pages of ${limit}`);
  }
});

Deno.test("listHistory() begins below `beforeVersion`, wherever that entry lies", async () => {
  using store = await testStore();
  const { record } = await editOften(store, { times: 69 });
  const below = async (beforeVersion: number) =>
    versionsOf(await listHistory(store, record, { limit: 3, beforeVersion }));
  assert.deepEqual(await below(71), [70, 69, 68]);
  assert.deepEqual(await below(23), [22, 21, 20]);
  assert.deepEqual(await below(21), [20, 19, 18]);
  assert.deepEqual(await below(20), [19, 18, 17]);
  assert.deepEqual(await below(1), []);
});

Deno.test("an entry that is too large for the record by itself is moved and still listed", async () => {
  using store = await testStore();
  const { record } = await editOften(store, { times: 2, reason: "x".repeat(MAX_HISTORY_BYTES) });
  assert.deepEqual(record.history, []);
  assert.deepEqual(versionsOf(await listHistory(store, record, { limit: 10 })), [3, 2, 1]);
});

Deno.test("deleteEvent() removes moved history in its own commit", async () => {
  using store = await testStore();
  const read = await editOften(store, { times: MAX_HISTORY_ENTRIES + 3 });
  assert.equal((await movedHistory(store, read.record)).length, 4);
  await deleteEvent(store, read, { by: "usr_alice", at: NOW });
  assert.deepEqual(await movedHistory(store, read.record), []);
  const moved = store.sent.at(-1)!.deletes.filter((key) => key[0] === "event_history");
  assert.equal(moved.length, 4);
});

Deno.test("deleteEvent() removes moved history, also more than one commit holds", async () => {
  using store = await testStore();
  const read = await storeEvent(store);
  const other = await storeEvent(store);
  const entry = read.record.history[0]!;
  await store.kv.set(eventHistoryKey(other.record.id, 1), entry);
  for (let i = 0; i < 1_100; i += 100) {
    const operation = store.kv.atomic();
    for (let version = i; version < i + 100; version++) {
      operation.set(eventHistoryKey(read.record.id, version), { ...entry, version });
    }
    await operation.commit();
  }
  const result = await deleteEvent(store, read, { by: "usr_alice", at: NOW });
  assert.equal(result.outcome, "committed");
  assert.deepEqual(await movedHistory(store, read.record), []);
  assert.equal((await movedHistory(store, other.record)).length, 1, "that of others stays");
  assert.equal((await store.get(eventKey(read.record.id))).versionstamp, null);
});
