import assert from "node:assert/strict";
import { join } from "node:path";
import { createEvent, getEvent } from "../../kv/events.ts";
import { STORE } from "../../kv/keys.ts";
import { openStore, Store } from "../../kv/store.ts";
import { aRecord, storeEvent } from "../support/fixture.ts";
import { freshKv } from "../support/fresh_kv.ts";
import { testStore } from "./test_store.ts";

const UNAVAILABLE = { name: "DomainError", code: "store_unavailable" };
const UNKNOWN = { name: "DomainError", code: "outcome_unknown" };
const NEVER = new Promise<never>(() => {});

Deno.test("a read that the store never answers is store_unavailable", async () => {
  using store = await testStore({ readDeadlineMs: 1 });
  store.faults.silent = true;
  await Promise.all([
    assert.rejects(store.get(["event", "evt_1"]), UNAVAILABLE),
    assert.rejects(store.getMany([["event", "evt_1"]]), UNAVAILABLE),
    assert.rejects(store.list({ prefix: ["event"] }, { limit: 1 }), UNAVAILABLE),
  ]);
});

Deno.test("a commit that the store never answers is outcome_unknown", async () => {
  using store = await testStore({ commitDeadlineMs: 1 });
  store.faults.commit = () => NEVER;
  await assert.rejects(store.commit(store.kv.atomic().set(["x"], 1)), UNKNOWN);
});

Deno.test("a commit whose outcome is unknown may have been applied", async () => {
  using store = await testStore({ commitDeadlineMs: 1 });
  store.faults.commit = async (send) => {
    await send();
    return NEVER;
  };
  const record = aRecord();
  await assert.rejects(createEvent(store, record, "usr_alice"), UNKNOWN);
  assert.equal((await getEvent(store, record.id))!.record.title, record.title);
});

Deno.test("getMany() answers 25 keys in their order, with a hole where there is nothing", async () => {
  using store = await testStore();
  const keys = Array.from({ length: 25 }, (_, i) => ["n", 24 - i]);
  for (const key of keys) await store.kv.set(key, key[1]);
  await store.kv.delete(["n", 7]);
  const values = (await store.getMany<number>(keys)).map((entry) => entry.value);
  assert.deepEqual(values, keys.map(([, n]) => n === 7 ? null : n));
  assert.deepEqual(await store.getMany([]), []);
});

Deno.test("list() answers at most `limit` rows, from either end", async () => {
  using store = await testStore();
  for (let i = 0; i < 10; i++) await store.kv.set(["n", i], i);
  const list = async (limit: number, reverse = false) =>
    (await store.list<number>({ prefix: ["n"] }, { limit, reverse })).map((row) => row.value);
  assert.deepEqual(await list(3), [0, 1, 2]);
  assert.deepEqual(await list(3, true), [9, 8, 7]);
  assert.equal((await list(500)).length, 10);
});

Deno.test("the newest versionstamp met is that of reads and of commits, and never goes back", async () => {
  using store = await testStore();
  using other = await testStore({ kv: store.real });
  assert.notEqual(store.newestSeen, "");
  const first = await storeEvent(store);
  assert.equal(store.newestSeen, first.versionstamp);
  const second = await storeEvent(other);
  assert.equal(store.newestSeen, first.versionstamp);
  await getEvent(store, second.record.id);
  assert.equal(store.newestSeen, second.versionstamp);
  await getEvent(store, first.record.id);
  assert.equal(store.newestSeen, second.versionstamp);
  const third = await storeEvent(other);
  await store.getMany([["event", first.record.id], ["event", third.record.id]]);
  assert.equal(store.newestSeen, third.versionstamp);
});

Deno.test("five processes that start at once agree on the epoch and the cursor key", async () => {
  using kv = await freshKv();
  const stores = await Promise.all(Array.from({ length: 5 }, () => Store.over(kv)));
  assert.equal(new Set(stores.map((store) => store.epoch)).size, 1);
  assert.equal(new Set(stores.map((store) => store.cursorKey.join())).size, 1);
  assert.match(stores[0]!.epoch, /^[0-9a-f]{8}$/);
  assert.equal(stores[0]!.cursorKey.length, 32);
  const { value } = await kv.get<{ epoch: string }>(STORE);
  assert.equal(value!.epoch, stores[0]!.epoch);
});

Deno.test("openStore() makes the folder of a file, and opens the same store again", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const path = join(folder, "deep", "er", "curtain.sqlite3");
    const store = await openStore(path);
    const { record } = await storeEvent(store);
    const { epoch, cursorKey } = store;
    store.close();
    const again = await openStore(path);
    try {
      assert.equal((await getEvent(again, record.id))!.record.title, record.title);
      assert.equal(again.epoch, epoch);
      assert.deepEqual(again.cursorKey, cursorKey);
    } finally {
      again.close();
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("openStore() opens a store in memory", async () => {
  const store = await openStore(":memory:");
  assert.ok(store.epoch);
  store.close();
});

Deno.test("openStore() does not try again to open what is no database", async () => {
  const folder = await Deno.makeTempDir();
  try {
    let retries = 0;
    await assert.rejects(openStore(folder, { onRetry: () => retries++ }));
    assert.equal(retries, 0);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
