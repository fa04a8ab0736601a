/** The journal as pages: all of it, each change once, whatever the size of a page. */
import assert from "node:assert/strict";
import { deleteEvent } from "../../../kv/events.ts";
import {
  BEGINNING,
  type JournalPlace,
  placeText,
  readPosition,
  readTrimmedTo,
} from "../../../kv/journal_places.ts";
import { trimJournal } from "../../../kv/journal_trim.ts";
import type { Store } from "../../../kv/store.ts";
import { GUEST, type Principal, ROOT } from "../../../lifecycle/policy.ts";
import { listChanges } from "../../../lifecycle/realtime/changes_page.ts";
import type { ChangeMessage } from "../../../lifecycle/realtime/message.ts";
import { testStore } from "../../kv/test_store.ts";
import { DAY, NOW, scaled, storeEvent, storeEvents } from "../../support/fixture.ts";
import { addMember, aMember, organizerId } from "../lifecycle_fixture.ts";
import { allEntries, changeStored } from "./realtime_fixture.ts";

function page(
  store: Store,
  { after, limit = 100, principal = ROOT }: {
    after?: string;
    limit?: number;
    principal?: Principal;
  } = {},
) {
  return listChanges(store, { after, limit, principal, now: NOW, openEndedMs: DAY });
}

/** All pages, one after the other. */
async function walk(
  store: Store,
  options: { after?: string; limit: number; principal?: Principal },
): Promise<ChangeMessage[]> {
  const items: ChangeMessage[] = [];
  let { after } = options;
  for (let pages = 0; pages < 500; pages++) {
    const { items: some, position, hasMore } = await page(store, {
      ...options,
      ...(after === undefined ? {} : { after }),
    });
    assert.ok(some.length <= options.limit);
    items.push(...some);
    after = position;
    if (hasMore) continue;
    assert.deepEqual(await page(store, { after }), { items: [], position, hasMore: false });
    assert.equal(position, await readPosition(store));
    return items;
  }
  assert.fail("the pages never end");
}

const told = (items: ChangeMessage[]) => items.map(({ type, sequence }) => `${type} ${+sequence}`);

async function someChanges(store: Store): Promise<void> {
  const first = await storeEvent(store);
  await changeStored(store, first, { title: "a" }, { title: "b" }, { title: "c" });
  const second = await storeEvent(store, { visibility: "PRIVATE" });
  await changeStored(store, first, { visibility: "PRIVATE" });
  await changeStored(store, second, { visibility: "PUBLIC" }, { title: "d" });
  await deleteEvent(store, await changeStored(store, second, { title: "e" }), {
    by: "usr_alice",
    at: NOW,
  });
}

Deno.test("a page of an empty journal is empty, and has a position to go on from", async () => {
  using store = await testStore();
  const position = placeText(store, BEGINNING);
  assert.deepEqual(await page(store), { items: [], position, hasMore: false });
  assert.deepEqual(await page(store, { after: position }), { items: [], position, hasMore: false });
});

Deno.test("pages of any size are the same changes, also when one ends within an entry", async () => {
  using store = await testStore();
  await someChanges(store);
  const all = (await allEntries(store)).flatMap(({ versionstamp, changes }) =>
    changes.map((_, i) => placeText(store, { versionstamp, n: i + 1 }))
  );
  for (let limit = 1; limit <= 11; limit++) {
    const items = await walk(store, { limit });
    assert.deepEqual(items.map(({ id }) => id), all, `${limit}`);
  }
  for (const [i, after] of all.entries()) {
    const items = await walk(store, { limit: 2, after });
    assert.deepEqual(items.map(({ id }) => id), all.slice(i + 1));
  }
});

Deno.test("who does not see an event is not told of it, but once that it left, or nothing", async () => {
  using store = await testStore();
  await someChanges(store);
  for (const limit of [1, 2, 100]) {
    const items = await walk(store, { limit, principal: GUEST });
    assert.deepEqual(told(items), [
      // What is hidden now is not told of before; what is gone is told as it was.
      "event.left 5",
      "event.updated 2",
      "event.updated 3",
      "event.updated 4",
      "event.deleted 5",
    ]);
    const [left] = items;
    assert.ok(left!.id.endsWith(".left"));
    assert.deepEqual([left!.data, items.at(-1)!.data], [undefined, undefined]);
  }
  await addMember(store, organizerId(0), { userId: "usr_alice", role: "viewer" });
  const hers = await walk(store, { limit: 3, principal: aMember("usr_alice") });
  assert.equal(hers.length, 10);
});

Deno.test("a position moves past what is nothing to the caller, however much that is", async () => {
  using store = await testStore();
  const count = scaled(600, 300);
  await storeEvents(store, count, { visibility: "PRIVATE" });
  const { id } = (await storeEvent(store)).record;
  const first = await page(store, { principal: GUEST });
  assert.deepEqual(
    [first.items, first.hasMore],
    [[], true],
    "one page looks so far and no further",
  );
  const items = await walk(store, { limit: 5, principal: GUEST });
  assert.deepEqual(items.map(({ subject }) => subject), [id]);
});

Deno.test("a full page says whether there is more that the caller is told", async () => {
  using store = await testStore();
  await storeEvents(store, 2);
  assert.equal((await page(store, { limit: 2 })).hasMore, false);
  await storeEvent(store, { visibility: "PRIVATE" });
  assert.equal((await page(store, { limit: 2, principal: GUEST })).hasMore, false);
  assert.equal((await page(store, { limit: 2 })).hasMore, true);
});

Deno.test("without a place it begins with the oldest that is kept", async () => {
  using store = await testStore();
  await storeEvents(store, 3);
  await storeEvents(store, 2, { createdAt: NOW });
  await trimJournal(store, NOW);
  const items = await walk(store, { limit: 100 });
  assert.equal(items.length, 2);
  const after = placeText(store, await readTrimmedTo(store));
  assert.deepEqual(await walk(store, { limit: 100, after }), items);
});

Deno.test("a place that cannot be gone on from is gone, and why is said", async () => {
  using store = await testStore();
  using other = await testStore();
  for (const one of [store, other]) await storeEvents(one, 3);
  await storeEvent(store);
  const old = placeText(store, BEGINNING);
  await trimJournal(store, NOW);
  const ahead: JournalPlace = { versionstamp: "f".repeat(20), n: 0 };
  const cases = {
    malformed: ["x", "", `${old}.left`, old.replace(".", "-")],
    other_store: [placeText(other, BEGINNING), await readPosition(other)],
    ahead: [placeText(store, ahead)],
    too_old: [old],
  };
  for (const [reason, positions] of Object.entries(cases)) {
    for (const after of positions) {
      await assert.rejects(
        page(store, { after }),
        (error: { code: string; extensions: object }) => {
          assert.equal(error.code, "position_gone", after);
          assert.deepEqual(error.extensions, { parameter: "after", reason }, after);
          return true;
        },
      );
    }
  }
});

Deno.test("what is removed while a page is read makes no page with a hole", async () => {
  using store = await testStore();
  await storeEvents(store, 60);
  await storeEvent(store);
  const [first] = await allEntries(store);
  const after = placeText(store, { versionstamp: first!.versionstamp, n: 1 });
  let reads = 0;
  store.faults.beforeList = async () => {
    if (++reads !== 2) return;
    while ((await trimJournal(store, NOW)).moreLeft);
  };
  await assert.rejects(page(store, { after }), { code: "position_gone" });
});
