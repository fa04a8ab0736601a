/** Positions that come back, and what changed after them. */
import assert from "node:assert/strict";
import { getEvent, replaceEvent } from "../../kv/events.ts";
import type { Change } from "../../kv/journal.ts";
import {
  BEGINNING,
  changesAfter,
  comparePlaces,
  endOf,
  parsePlace,
  placeText,
  readEntries,
  readHeadPlace,
  readNewestEntries,
  readPlace,
  readPosition,
  readTrimmedTo,
} from "../../kv/journal_places.ts";
import { trimJournal } from "../../kv/journal_trim.ts";
import type { Store } from "../../kv/store.ts";
import { NOW, storeEvent } from "../support/fixture.ts";
import { edit } from "./event_steps.ts";
import { testStore } from "./test_store.ts";

const GONE = { name: "DomainError", code: "position_gone" };
const gone = (reason: string) => (error: { code?: string; extensions?: unknown }) => {
  assert.equal(error.code, "position_gone");
  assert.deepEqual(error.extensions, { parameter: "after", reason });
  return true;
};

const stampOf = (position: string) => position.slice(position.indexOf(".") + 1, -"-0".length);

/** The changes after a position, up to now. */
async function since(store: Store, position: string): Promise<Change[]> {
  const until = stampOf(await readPosition(store));
  const place = (await readPlace(store, position, "after"))!;
  return (await Array.fromAsync(changesAfter(store, place, until))).flat();
}

const titles = (changes: Change[]) => changes.map(({ event }) => event.title);

Deno.test("readPlace() is null for what no store ever gave out as a position", async () => {
  using store = await testStore();
  const position = await readPosition(store);
  const wrong = ["", "x", "0", position.slice(1), position.slice(0, -1), position + "x"]
    .filter((text) => text !== position.slice(1));
  const shapes = [
    `${store.epoch}.${"0".repeat(19)}-0`,
    `${store.epoch}.${"0".repeat(20)}`,
    `${store.epoch}.${"0".repeat(20)}--1`,
    `${store.epoch}.${"0".repeat(20)}-1.5`,
    `${store.epoch}.${"0".repeat(20)}-1000000`,
    `${store.epoch}.${"G".repeat(20)}-0`,
    `.${"0".repeat(20)}-0`,
    ` ${position}`,
    `${position}\n`,
  ];
  for (const text of [...wrong, ...shapes]) {
    assert.equal(await readPlace(store, text, "after"), null, JSON.stringify(text));
  }
});

Deno.test("readPlace() refuses another store's position, and one that lies ahead", async () => {
  using store = await testStore();
  using other = await testStore();
  for (const one of [store, other]) await storeEvent(one);
  const position = await readPosition(store);
  await assert.rejects(readPlace(store, await readPosition(other), "after"), GONE);
  const elsewhere = `00000000${position.slice(position.indexOf("."))}`;
  await assert.rejects(readPlace(store, elsewhere, "after"), GONE, "alike but for the epoch");
  assert.deepEqual(await readPlace(store, position, "after"), {
    versionstamp: stampOf(position),
    n: 1,
  });
  await assert.rejects(
    readPlace(store, position.slice(0, -1) + "2", "after"),
    GONE,
    "one change more",
  );
  const ahead = `${store.epoch}.${"f".repeat(20)}-0`;
  await assert.rejects(readPlace(store, ahead, "after"), GONE);
});

Deno.test("readPlace() knows the position before the first change", async () => {
  using empty = await testStore();
  const start = await readPosition(empty);
  assert.deepEqual(await readPlace(empty, start, "after"), { versionstamp: "0".repeat(20), n: 0 });
  await assert.rejects(readPlace(empty, start.slice(0, -1) + "1", "after"), GONE);
});

Deno.test("changesAfter() gives what followed a position, each change once, in order", async () => {
  using store = await testStore();
  const start = await readPosition(store);
  const positions: string[] = [];
  for (let i = 0; i < 60; i++) {
    await storeEvent(store, { title: `${i}` });
    positions.push(await readPosition(store));
  }
  const all = Array.from({ length: 60 }, (_, i) => `${i}`);
  assert.deepEqual(titles(await since(store, start)), all);
  for (const [i, position] of positions.entries()) {
    assert.deepEqual(titles(await since(store, position)), all.slice(i + 1), `${i}`);
  }
});

Deno.test("changesAfter() gives the rest of an entry that a position lies in", async () => {
  using store = await testStore();
  const read = await storeEvent(store);
  const steps = ["a", "b", "c"].map((title) => edit(read.record, { title }));
  assert.equal((await replaceEvent(store, read, steps)).outcome, "committed");
  const end = await readPosition(store);
  assert.ok(end.endsWith("-3"));
  await storeEvent(store, { title: "d" });
  for (const [n, rest] of [[0, "abcd"], [1, "bcd"], [2, "cd"], [3, "d"], [4, "d"]] as const) {
    const position = end.slice(0, -1) + n;
    assert.deepEqual(titles(await since(store, position)), [...rest], position);
  }
});

Deno.test("changesAfter() goes up to the entry at `until`, also while others write", async () => {
  using store = await testStore();
  const start = (await readPlace(store, await readPosition(store), "after"))!;
  for (let i = 0; i < 30; i++) await storeEvent(store, { title: `${i}` });
  const until = stampOf(await readPosition(store));
  const seen: string[] = [];
  for await (const changes of changesAfter(store, start, until)) {
    seen.push(...titles(changes));
    for (let i = 0; i < 30; i++) await storeEvent(store, { title: "later" });
  }
  assert.equal(seen.length, 30);
  assert.ok(!seen.includes("later"));
  assert.deepEqual(
    titles(
      await Array.fromAsync(changesAfter(store, start, "0".repeat(20))).then((all) => all.flat()),
    ),
    [],
  );
});

Deno.test("a change that a lost race decided anew is in the journal once", async () => {
  using store = await testStore();
  const start = await readPosition(store);
  const read = await storeEvent(store);
  const results = await Promise.all(
    ["a", "b"].map((title) => replaceEvent(store, read, [edit(read.record, { title })])),
  );
  assert.equal(results.filter(({ outcome }) => outcome === "committed").length, 1);
  const { record } = (await getEvent(store, read.record.id))!;
  assert.deepEqual(titles(await since(store, start)), ["Winter Gala", record.title]);
});

Deno.test("comparePlaces() orders by the entry, and then by the number of the change in it", () => {
  const places = ["00-0", "00-1", "0a-1", "0a-2", "0a-10", "10-0"].map((text) => {
    const [stamp, n] = text.split("-") as [string, string];
    return { versionstamp: stamp.padStart(20, "0"), n: Number(n) };
  });
  for (const [i, a] of places.entries()) {
    for (const [j, b] of places.entries()) {
      assert.equal(Math.sign(comparePlaces(a, b)), Math.sign(i - j), `${i} ${j}`);
    }
  }
});

Deno.test("a place's text says the place again, with its store", async () => {
  using store = await testStore();
  const place = { versionstamp: "00000000000000050000", n: 12 };
  const text = placeText(store, place);
  assert.equal(text, `${store.epoch}.00000000000000050000-12`);
  assert.deepEqual(parsePlace(text), { epoch: store.epoch, ...place });
});

Deno.test("readPlace() says whether a position is another store's, lies ahead, or is too old", async () => {
  using store = await testStore();
  using other = await testStore();
  for (const one of [store, other]) for (let i = 0; i < 3; i++) await storeEvent(one);
  const head = await readHeadPlace(store);
  const start = placeText(store, BEGINNING);
  const read = (text: string) => readPlace(store, text, "after");
  await assert.rejects(read(placeText(other, BEGINNING)), gone("other_store"));
  await assert.rejects(read(placeText(store, { ...head, n: 2 })), gone("ahead"));
  assert.deepEqual(await read(start), BEGINNING);
  await trimJournal(store, NOW + 1);
  const trimmedTo = await readTrimmedTo(store);
  await assert.rejects(read(start), gone("too_old"));
  await assert.rejects(read(placeText(store, { ...trimmedTo, n: 0 })), gone("too_old"));
  assert.deepEqual(await read(placeText(store, trimmedTo)), trimmedTo, "all after it is there");
  assert.deepEqual(await read(placeText(store, head)), head);
});

Deno.test("readEntries() gives entries from a place on, also from within one, and says when it is done", async () => {
  using store = await testStore();
  assert.deepEqual(await readEntries(store, BEGINNING, 2), { entries: [], done: true });
  const read = await storeEvent(store);
  const steps = ["a", "b", "c"].map((title) => edit(read.record, { title }));
  await replaceEvent(store, read, steps);
  await storeEvent(store, { title: "d" });
  const all = await readEntries(store, BEGINNING, 4);
  assert.deepEqual(all.entries.map(({ changes }) => titles(changes).join("")), [
    "Winter Gala",
    "abc",
    "d",
  ]);
  assert.equal(all.done, true);
  const exact = await readEntries(store, BEGINNING, 3);
  assert.deepEqual([exact.entries.length, exact.done], [3, false]);
  const { versionstamp } = all.entries[1]!;
  const cases = [[0, 0, "abc", "d"], [1, 1, "bc", "d"], [2, 2, "c", "d"], [3, 0, "d"]] as const;
  for (const [n, before, ...rest] of cases) {
    const { entries } = await readEntries(store, { versionstamp, n }, 4);
    assert.deepEqual(entries.map(({ changes }) => titles(changes).join("")), rest, `${n}`);
    assert.equal(entries[0]!.before, before, `${n}`);
    assert.deepEqual(
      endOf(entries[0]!),
      n === 3 ? await readHeadPlace(store) : {
        versionstamp,
        n: 3,
      },
    );
  }
  // The entry that the place lies in counts though nothing is left of it.
  const one = await readEntries(store, { versionstamp, n: 3 }, 1);
  assert.deepEqual(one, { entries: [], done: false });
});

Deno.test("readNewestEntries() gives the last ones, oldest first", async () => {
  using store = await testStore();
  assert.deepEqual(await readNewestEntries(store, 3), []);
  for (const title of "abcde") await storeEvent(store, { title });
  const entries = await readNewestEntries(store, 3);
  assert.deepEqual(entries.flatMap(({ changes }) => titles(changes)), ["c", "d", "e"]);
  assert.deepEqual(endOf(entries.at(-1)!), await readHeadPlace(store));
  assert.equal((await readNewestEntries(store, 9)).length, 5);
});

Deno.test("changesAfter() breaks off when what it has yet to read is removed", async () => {
  using store = await testStore();
  const start = (await readPlace(store, await readPosition(store), "after"))!;
  for (let i = 0; i < 60; i++) await storeEvent(store);
  const until = stampOf(await readPosition(store));
  const slices = changesAfter(store, start, until);
  assert.equal((await slices.next()).value.length, 25);
  while ((await trimJournal(store, NOW + 1)).moreLeft);
  await assert.rejects(slices.next(), GONE);
});
