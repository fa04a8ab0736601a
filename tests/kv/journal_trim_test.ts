/** What is older than is kept leaves the journal, and nothing else does. */
import assert from "node:assert/strict";
import { getEvent, replaceEvent } from "../../kv/events.ts";
import type { Change } from "../../kv/journal.ts";
import {
  BEGINNING,
  comparePlaces,
  placeText,
  readEntries,
  readHeadPlace,
  readPlace,
  readTrimmedTo,
} from "../../kv/journal_places.ts";
import { countTrimmable, trimJournal } from "../../kv/journal_trim.ts";
import type { Store } from "../../kv/store.ts";
import { allChanges, NOW, storeEvent } from "../support/fixture.ts";
import { edit } from "./event_steps.ts";
import { everything, testStore } from "./test_store.ts";

/** Stores events recorded at these instants, each in an entry of its own. */
async function storeAt(store: Store, ...instants: number[]): Promise<void> {
  for (const createdAt of instants) await storeEvent(store, { createdAt, title: `${createdAt}` });
}

const instants = (changes: Change[]) => changes.map(({ at }) => at);

/** Slice by slice to the end; answers how many changes each removed. */
async function trimAll(store: Store, before: number): Promise<number[]> {
  const removed: number[] = [];
  for (;;) {
    const result = await trimJournal(store, before);
    removed.push(result.removed);
    if (!result.moreLeft) return removed;
  }
}

Deno.test("trimJournal() removes what was recorded before an instant, and keeps what was at it", async () => {
  using store = await testStore();
  await storeAt(store, NOW - 2, NOW - 1, NOW, NOW + 1);
  assert.equal(await countTrimmable(store, NOW), 2);
  assert.deepEqual(await trimJournal(store, NOW), { removed: 2, moreLeft: false });
  assert.deepEqual(instants(await allChanges(store)), [NOW, NOW + 1]);
  assert.equal(await countTrimmable(store, NOW), 0);
  assert.deepEqual(await trimJournal(store, NOW), { removed: 0, moreLeft: false });
  assert.deepEqual(await trimJournal(store, NOW + 1), { removed: 1, moreLeft: false });
});

Deno.test("trimJournal() stops at the first entry that is to be kept: order is the commits'", async () => {
  using store = await testStore();
  await storeAt(store, NOW - 1, NOW + 5, NOW - 1, NOW + 5);
  assert.deepEqual(await trimAll(store, NOW), [1]);
  assert.deepEqual(instants(await allChanges(store)), [NOW + 5, NOW - 1, NOW + 5]);
});

Deno.test("trimJournal() keeps an entry of which one change is to be kept", async () => {
  using store = await testStore();
  await storeAt(store, NOW - 9);
  const read = (await getEvent(store, (await allChanges(store))[0]!.event.id))!;
  const steps = [NOW - 2, NOW].map((at) => ({ ...edit(read.record, { title: `${at}` }), at }));
  await replaceEvent(store, read, steps);
  await storeAt(store, NOW + 1);
  assert.equal(await countTrimmable(store, NOW), 1);
  assert.deepEqual(await trimAll(store, NOW), [1]);
  assert.deepEqual(await trimAll(store, NOW + 1), [2]);
  assert.equal((await readTrimmedTo(store)).n, 2, "the last change of the entry");
});

Deno.test("trimJournal() keeps the newest entry, however old", async () => {
  using store = await testStore();
  assert.deepEqual(await trimJournal(store, NOW), { removed: 0, moreLeft: false });
  await storeAt(store, NOW - 3, NOW - 2);
  const head = await readHeadPlace(store);
  assert.deepEqual(await trimAll(store, NOW), [1]);
  assert.equal(await countTrimmable(store, NOW), 0);
  assert.deepEqual(await readHeadPlace(store), head);
  assert.deepEqual(await readPlace(store, placeText(store, head), "after"), head);
  const kept = await readEntries(store, await readTrimmedTo(store), 5);
  assert.deepEqual(kept.entries.flatMap(({ changes }) => instants(changes)), [NOW - 2]);
});

Deno.test("trimJournal() goes in slices of 25 entries, each with how far it went", async () => {
  using store = await testStore();
  await storeAt(store, ...Array.from({ length: 61 }, (_, i) => NOW - 100 + i));
  assert.equal(await countTrimmable(store, NOW), 60);
  let before = BEGINNING;
  for (const [removed, moreLeft] of [[25, true], [25, true], [10, false]] as const) {
    assert.deepEqual(await trimJournal(store, NOW), { removed, moreLeft });
    const trimmedTo = await readTrimmedTo(store);
    assert.ok(comparePlaces(before, trimmedTo) < 0);
    const { entries: [first] } = await readEntries(store, BEGINNING, 1);
    assert.ok(first!.versionstamp > trimmedTo.versionstamp, "nothing before it is left");
    before = trimmedTo;
  }
  const commits = store.sent.filter(({ sets }) => sets[0]?.[0] === "journal_trimmed_to");
  assert.deepEqual(commits.map(({ checks, deletes }) => [checks.length, deletes.length]), [
    [1, 25],
    [1, 25],
    [1, 10],
  ]);
});

Deno.test("of trimmers at once each entry is removed by one, and how far they went never goes back", async () => {
  using store = await testStore();
  await storeAt(store, ...Array.from({ length: 101 }, (_, i) => NOW - 200 + i));
  const results = await Promise.all([1, 2, 3].map(() => trimAll(store, NOW)));
  const removed = results.flat().reduce((sum, count) => sum + count, 0);
  assert.equal(removed, 100);
  assert.deepEqual(instants(await allChanges(store)), [NOW - 100]);
});

Deno.test("a trimmer that lost a race, or its answer, removes nothing twice", async () => {
  using store = await testStore();
  await storeAt(store, ...Array.from({ length: 30 }, (_, i) => NOW - 100 + i));
  store.faults.commit = async (send) => {
    store.faults.commit = undefined;
    await send();
    return { ok: false };
  };
  assert.deepEqual(await trimJournal(store, NOW), { removed: 0, moreLeft: true });
  assert.deepEqual(await trimAll(store, NOW), [4]);
});

Deno.test("counting what could be trimmed changes nothing", async () => {
  using store = await testStore();
  await storeAt(store, ...Array.from({ length: 40 }, (_, i) => NOW - 100 + i));
  const before = await everything(store);
  assert.equal(await countTrimmable(store, NOW), 39);
  assert.deepEqual(await everything(store), before);
});
