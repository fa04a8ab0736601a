/** Any ranges, any rows, any batches, against a plain sort. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { type IndexRange, type IndexRow, readRanges } from "../../kv/ranges.ts";
import type { Store } from "../../kv/store.ts";
import { scaled } from "../support/fixture.ts";
import { testStore } from "./test_store.ts";

const date = fc.constantFrom(-5, 0, 1, 1.5, 2, 3, Infinity);
const world = fc.record({
  /** The date of each event, wherever it is met. */
  dates: fc.array(date, { minLength: 1, maxLength: 25 }),
  /** Per index, the version each event has there; 0: it is not there. */
  indexes: fc.array(
    fc.record({
      bounds: fc.record({ from: date, to: date }, { requiredKeys: [] }),
      versions: fc.array(fc.nat(4), { maxLength: 25 }),
    }),
    { minLength: 1, maxLength: 3 },
  ),
  batches: fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 5 }),
  reverse: fc.boolean(),
});

async function pageThrough(
  store: Store,
  ranges: IndexRange[],
  { batches, reverse }: { batches: number[]; reverse: boolean },
): Promise<IndexRow[]> {
  const rows: IndexRow[] = [];
  for (let page = 0;; page++) {
    const batch = batches[page % batches.length]!;
    const next = await readRanges(store, ranges, { after: rows.at(-1), reverse, batch });
    rows.push(...next.rows);
    assert.ok(rows.length <= 25, "no row comes twice");
    if (next.done) return rows;
    assert.ok(next.rows.length > 0, "a page that is not the last goes on");
  }
}

Deno.test("paging through any ranges in any batches gives each row once, as a plain sort does", async () => {
  using store = await testStore();
  let runs = 0;
  await fc.assert(
    fc.asyncProperty(world, async ({ dates, indexes, batches, reverse }) => {
      const run = runs++;
      const ranges: IndexRange[] = [];
      const expected = new Map<string, IndexRow>();
      const operation = store.kv.atomic();
      for (const [number, { bounds, versions }] of indexes.entries()) {
        const prefix = ["index", run, number];
        const { from = -Infinity, to } = bounds;
        ranges.push({ prefix, ...bounds });
        for (const [event, date] of dates.entries()) {
          const version = versions[event] ?? 0;
          if (version === 0) continue;
          const row = { date, id: `evt_${event}`, card: { version } } as IndexRow;
          operation.set([...prefix, date, row.id], row.card);
          if (date < from || (to !== undefined && date >= to)) continue;
          if ((expected.get(row.id)?.card?.version ?? 0) <= version) expected.set(row.id, row);
        }
      }
      await operation.commit();
      const sorted = [...expected.values()].sort((a, b) =>
        a.date === b.date ? (a.id < b.id ? -1 : 1) : a.date - b.date
      );
      if (reverse) sorted.reverse();
      assert.deepEqual(await pageThrough(store, ranges, { batches, reverse }), sorted);
    }),
    { numRuns: scaled(2_000, 200) },
  );
});
