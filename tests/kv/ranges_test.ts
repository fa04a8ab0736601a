import assert from "node:assert/strict";
import { type IndexRange, type IndexRow, readRanges } from "../../kv/ranges.ts";
import type { Store } from "../../kv/store.ts";
import { testStore } from "./test_store.ts";

/** A row as tests name it: date, id, and the version its card has (0: no card). */
type Row = [date: number, id: string, version?: number];

async function fill(store: Store, prefix: string, rows: Row[]): Promise<void> {
  const operation = store.kv.atomic();
  for (const [date, id, version = 0] of rows) {
    operation.set([prefix, date, id], version === 0 ? null : { version });
  }
  await operation.commit();
}

const brief = (rows: IndexRow[]) => rows.map((row) => `${row.date}${row.id}`).join(" ");

/** Names the rows of one read, `…` when something may follow. */
async function read(
  store: Store,
  ranges: IndexRange[],
  options: Partial<Parameters<typeof readRanges>[2]> = {},
): Promise<string> {
  const { rows, done } = await readRanges(store, ranges, { batch: 100, ...options });
  return brief(rows) + (done ? "" : "…");
}

const FIVE: Row[] = [[1, "a"], [2, "a"], [2, "b"], [3, "a"], [Infinity, "a"]];

Deno.test("rows come by date and id, or the other way round, with their cards", async () => {
  using store = await testStore();
  await fill(store, "r", FIVE);
  await fill(store, "q", [[0, "z", 7]]);
  await fill(store, "s", [[0, "z"]]);
  assert.equal(await read(store, [{ prefix: ["r"] }]), "1a 2a 2b 3a Infinitya");
  assert.equal(await read(store, [{ prefix: ["r"] }], { reverse: true }), "Infinitya 3a 2b 2a 1a");
  const { rows } = await readRanges(store, [{ prefix: ["q"] }], { batch: 1 });
  assert.deepEqual(rows, [{ date: 0, id: "z", card: { version: 7 } }]);
});

Deno.test("a range begins at `from` and ends before `to`", async () => {
  using store = await testStore();
  await fill(store, "r", FIVE);
  for (const reverse of [false, true]) {
    const between = async (bounds: { from?: number; to?: number }) => {
      const text = await read(store, [{ prefix: ["r"], ...bounds }], { reverse });
      return reverse ? text.split(" ").reverse().join(" ") : text;
    };
    assert.equal(await between({ from: 2 }), "2a 2b 3a Infinitya");
    assert.equal(await between({ from: 2.5 }), "3a Infinitya");
    assert.equal(await between({ to: 2 }), "1a");
    assert.equal(await between({ to: Infinity }), "1a 2a 2b 3a");
    assert.equal(await between({ from: 2, to: 3 }), "2a 2b");
    assert.equal(await between({ from: -Infinity, to: 1 }), "");
    assert.equal(await between({ from: 3, to: 3 }), "");
    assert.equal(await between({ from: 3, to: 2 }), "");
  }
});

Deno.test("reading goes on strictly after a place: at, before and beyond the bounds", async () => {
  using store = await testStore();
  await fill(store, "r", FIVE);
  const range = { prefix: ["r"], from: 2, to: 3 };
  const after = (date: number, id: string) => read(store, [range], { after: { date, id } });
  assert.equal(await after(1, "z"), "2a 2b");
  assert.equal(await after(2, ""), "2a 2b");
  assert.equal(await after(2, "a"), "2b");
  assert.equal(await after(2, "aa"), "2b");
  assert.equal(await after(2, "b"), "");
  assert.equal(await after(3, "a"), "");
  assert.equal(await after(Infinity, "a"), "");
  assert.equal(
    await read(store, [{ prefix: ["r"] }], { after: { date: 3, id: "" } }),
    "3a Infinitya",
  );
});

Deno.test("in reverse, reading goes on strictly before a place", async () => {
  using store = await testStore();
  await fill(store, "r", FIVE);
  const range = { prefix: ["r"], from: 2, to: 3 };
  const after = (date: number, id: string) =>
    read(store, [range], { after: { date, id }, reverse: true });
  assert.equal(await after(Infinity, "a"), "2b 2a");
  assert.equal(await after(3, "z"), "2b 2a");
  assert.equal(await after(3, "a"), "2b 2a");
  assert.equal(await after(2, "b"), "2a");
  assert.equal(await after(2, "a"), "");
  assert.equal(await after(1, "z"), "");
  const open = await read(store, [{ prefix: ["r"] }], {
    after: { date: 2, id: "b" },
    reverse: true,
  });
  assert.equal(open, "2a 1a");
});

Deno.test("several ranges are one list, without what lies beyond the shortest reach", async () => {
  using store = await testStore();
  await fill(store, "near", [[1, "a"], [2, "b"], [3, "c"], [4, "d"]]);
  await fill(store, "far", [[2, "a"], [9, "x"], [9, "y"]]);
  const ranges = [{ prefix: ["near"] }, { prefix: ["far"] }];
  // "near" was read up to 2b only: were 9x given now, 3c would come after it.
  assert.equal(await read(store, ranges, { batch: 2 }), "2a 2b…");
  const after = { date: 2, id: "b" };
  assert.equal(await read(store, ranges, { batch: 2, after }), "3c 4d…");
  assert.equal(await read(store, ranges, { batch: 5, after }), "3c 4d 9x 9y");
  assert.equal(await read(store, ranges, { batch: 2, reverse: true }), "9y 9x…");
});

Deno.test("an event met in two ranges is given once, as its higher version", async () => {
  using store = await testStore();
  await fill(store, "live", [[1, "a", 2], [2, "b", 5], [3, "c"]]);
  await fill(store, "past", [[1, "a", 3], [2, "b", 4], [3, "c"]]);
  const versions = async (...prefixes: string[]) => {
    const ranges = prefixes.map((prefix) => ({ prefix: [prefix] }));
    const { rows } = await readRanges(store, ranges, { batch: 10 });
    return rows.map((row) => `${row.id}${row.card?.version ?? ""}`);
  };
  assert.deepEqual(await versions("live", "past"), ["a3", "b5", "c"]);
  assert.deepEqual(await versions("past", "live"), ["a3", "b5", "c"]);
});

Deno.test("nothing more follows only when no range filled its batch", async () => {
  using store = await testStore();
  await fill(store, "r", [[1, "a"], [2, "b"]]);
  assert.equal(await read(store, [{ prefix: ["r"] }], { batch: 2 }), "1a 2b…");
  assert.equal(await read(store, [{ prefix: ["r"] }], { batch: 3 }), "1a 2b");
  const after = { date: 2, id: "b" };
  assert.equal(await read(store, [{ prefix: ["r"] }], { batch: 2, after }), "");
  assert.equal(await read(store, []), "");
});
