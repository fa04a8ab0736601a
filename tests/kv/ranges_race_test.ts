/** Events that move from live to past while a list over both is being paged through. */
import assert from "node:assert/strict";
import type { EventId } from "../../kv/event_record.ts";
import { createEvent, getEvents, replaceEvents, type StoredEvent } from "../../kv/events.ts";
import { LIVE_BY_END, PAST_BY_END } from "../../kv/keys.ts";
import { type IndexRow, readRanges } from "../../kv/ranges.ts";
import type { Store } from "../../kv/store.ts";
import { settleStep } from "../../lifecycle/change_event.ts";
import { aRecord, HOUR, NOW, scaled } from "../support/fixture.ts";
import { testStore } from "./test_store.ts";

const EVENTS = scaled(2_000, 200);
const LATER = NOW + HOUR;
const LIVE_BEFORE_PAST = [LIVE_BY_END, PAST_BY_END];

/** Live events that are over at `LATER`, by end date, ten to each instant. */
async function storeLive(store: Store): Promise<EventId[]> {
  const records = Array.from(
    { length: EVENTS },
    (_, i) => aRecord({ tags: [], endDate: NOW + Math.floor(i / 10) }),
  );
  for (let i = 0; i < EVENTS; i += 50) {
    const slice = records.slice(i, i + 50);
    await Promise.all(slice.map((record) => createEvent(store, record, "usr_alice")));
  }
  return records.sort((a, b) => a.endDate! - b.endDate! || (a.id < b.id ? -1 : 1)).map((record) =>
    record.id
  );
}

/** Completes ten events, as a sweep does. */
async function complete(store: Store, ids: EventId[]): Promise<void> {
  const reads = await getEvents(store, ids) as StoredEvent[];
  const writes = reads.map((read) => ({
    read,
    steps: [settleStep(read.record, { now: LATER, by: "job:run_1" })!],
  }));
  assert.equal((await replaceEvents(store, writes)).outcome, "committed");
}

async function pageThrough(
  store: Store,
  prefixes: Deno.KvKey[],
  onPage: (last: EventId | undefined) => void = () => {},
): Promise<EventId[]> {
  const ranges = prefixes.map((prefix) => ({ prefix }));
  const ids: EventId[] = [];
  let after: IndexRow | undefined;
  for (let done = false; !done;) {
    const page = await readRanges(store, ranges, { after, batch: 20 });
    ids.push(...page.rows.map((row) => row.id));
    assert.ok(ids.length <= EVENTS, "no row comes twice");
    after = page.rows.at(-1);
    onPage(after?.id);
    done = page.done;
  }
  return ids;
}

/** Pages while, before each range is read, the ten next events in the reader's way move. */
async function pageWhileMoving(
  prefixes: Deno.KvKey[],
): Promise<{ seen: EventId[]; all: EventId[] }> {
  using store = await testStore();
  using mover = await testStore({ kv: store.real });
  const all = await storeLive(store);
  let waiting = all;
  let moved = 0;
  store.faults.beforeList = async () => {
    const ten = waiting.slice(0, 10);
    waiting = waiting.slice(10);
    moved += ten.length;
    if (ten.length > 0) await complete(mover, ten);
  };
  const seen = await pageThrough(store, prefixes, (last) => {
    const passed = all.indexOf(last!) + 1;
    waiting = all.slice(Math.max(passed, all.length - waiting.length));
  });
  assert.ok(moved >= EVENTS / 2, `only ${moved} moved`);
  return { seen, all };
}

Deno.test("read live before past, no event is missed or given twice while it moves", async () => {
  const { seen, all } = await pageWhileMoving(LIVE_BEFORE_PAST);
  assert.deepEqual(seen, all);
});

Deno.test("read past before live, many an event would be missed while it moves", async () => {
  const { seen, all } = await pageWhileMoving([PAST_BY_END, LIVE_BY_END]);
  assert.ok(seen.length <= all.length * 0.75, `${seen.length} of ${all.length}`);
});

Deno.test("however a sweep and a reader meet, each reading finds every event once", async () => {
  using store = await testStore();
  using mover = await testStore({ kv: store.real });
  const all = await storeLive(store);
  let isMoving = true;
  async function sweep() {
    for (let i = 0; i < all.length; i += 10) await complete(mover, all.slice(i, i + 10));
    isMoving = false;
  }
  async function readAgainAndAgain() {
    while (isMoving) assert.deepEqual(await pageThrough(store, LIVE_BEFORE_PAST), all);
  }
  await Promise.all([sweep(), readAgainAndAgain()]);
  assert.deepEqual(await pageThrough(store, LIVE_BEFORE_PAST), all);
});
