import assert from "node:assert/strict";
import { replaceEvent } from "../../kv/events.ts";
import { beforeOf, listJournal } from "../../kv/journal.ts";
import { readPosition } from "../../kv/journal_places.ts";
import { JOURNAL_HEAD } from "../../kv/keys.ts";
import { aRecord, storeEvent } from "../support/fixture.ts";
import { edit, move } from "./event_steps.ts";
import { testStore } from "./test_store.ts";

Deno.test("listJournal() answers entries after a versionstamp, in commit order", async () => {
  using store = await testStore();
  const stamps: string[] = [];
  for (let i = 0; i < 5; i++) stamps.push((await storeEvent(store)).versionstamp);
  const list = async (after: string | null, limit = 10) =>
    (await listJournal(store, after, limit)).map((row) => row.versionstamp);
  assert.deepEqual(await list(null), stamps);
  assert.deepEqual(await list(null, 2), stamps.slice(0, 2));
  assert.deepEqual(await list(stamps[1]!), stamps.slice(2));
  assert.deepEqual(await list(stamps[4]!), []);
});

Deno.test("readPosition() names the newest entry's last change, and nothing before the first", async () => {
  using store = await testStore();
  assert.equal(await readPosition(store), `${store.epoch}.${"0".repeat(20)}-0`);
  const read = await storeEvent(store);
  assert.equal(await readPosition(store), `${store.epoch}.${read.versionstamp}-1`);
  const retitled = edit(read.record, { title: "Gala" });
  await replaceEvent(store, read, [retitled, move(retitled.next, "CANCELLED")]);
  const newest = (await listJournal(store, null, 10)).at(-1)!;
  assert.equal(await readPosition(store), `${store.epoch}.${newest.versionstamp}-2`);
  assert.equal((await store.get(JOURNAL_HEAD)).versionstamp, newest.versionstamp);
});

Deno.test("beforeOf() names tags and staff only when the change altered them", () => {
  const before = aRecord({ tags: ["a", "b"], staff: [{ userId: "usr_a", role: "editor" }] });
  const told = (changes: Parameters<typeof aRecord>[0]) => {
    const { tags, staffIds } = beforeOf(before, { ...before, ...changes });
    return [tags, staffIds];
  };
  assert.deepEqual(told({ title: "Gala" }), [undefined, undefined]);
  assert.deepEqual(told({ tags: ["b", "a"] }), [["a", "b"], undefined]);
  assert.deepEqual(told({ tags: ["a"] }), [["a", "b"], undefined]);
  assert.deepEqual(told({ staff: [] }), [undefined, ["usr_a"]]);
  assert.deepEqual(told({ staff: [{ userId: "usr_a", role: "viewer" }] }), [undefined, undefined]);
});
