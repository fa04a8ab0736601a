/** Hearing of commits from the store, and how far a channel was published. */
import assert from "node:assert/strict";
import { readHeadPlace } from "../../kv/journal_places.ts";
import { watchJournal } from "../../kv/journal_watch.ts";
import { getRelayCursor, moveRelayCursor } from "../../kv/relay_cursor.ts";
import { storeEvent } from "../support/fixture.ts";
import { testStore } from "./test_store.ts";

Deno.test("watchJournal() tells at once, of each growth, and no more after its close", async () => {
  using store = await testStore();
  const told: PromiseWithResolvers<void>[] = [0, 1, 2].map(() => Promise.withResolvers());
  let times = 0;
  const { ended, close } = watchJournal(store, () => told[times++]?.resolve());
  await told[0]!.promise;
  await storeEvent(store);
  await told[1]!.promise;
  await storeEvent(store);
  await told[2]!.promise;
  close();
  await ended;
  const before = times;
  await storeEvent(store);
  assert.equal(times, before);
});

Deno.test("moveRelayCursor() moves from what was read only, each channel by itself", async () => {
  using store = await testStore();
  await storeEvent(store);
  const place = await readHeadPlace(store);
  const first = await getRelayCursor(store, "a:rt:changes");
  assert.equal(first.place, null);
  const moved = await Promise.all([1, 2, 3].map(() => moveRelayCursor(store, first, place)));
  assert.deepEqual(moved.filter(Boolean), [true], "one winner");
  const second = await getRelayCursor(store, "a:rt:changes");
  assert.deepEqual(
    [second.place?.versionstamp, second.place?.n],
    [place.versionstamp, place.n],
  );
  assert.equal(await moveRelayCursor(store, first, place), false);
  assert.equal(await moveRelayCursor(store, second, { ...place, n: 7 }), true);
  assert.equal((await getRelayCursor(store, "b:rt:changes")).place, null);
});
