/** Rebuilding indexes: between versions of the program, under live writes, and by hand. */
import assert from "node:assert/strict";
import { DomainError } from "../../kv/errors.ts";
import type { EventCard, EventId } from "../../kv/event_record.ts";
import { getEvent } from "../../kv/events.ts";
import {
  adoptIndexes,
  type IndexState,
  readIndexState,
  requireWhole,
} from "../../kv/index_state.ts";
import { eventKey } from "../../kv/keys.ts";
import { SCHEMA, type Schema } from "../../kv/schema.ts";
import type { Store } from "../../kv/store.ts";
import { listEvents, listMyEvents } from "../../lifecycle/discovery.ts";
import type { EventQuery } from "../../lifecycle/event_filter.ts";
import { editEvent } from "../../lifecycle/edit_event.ts";
import { COMPLETE_EVENTS } from "../../lifecycle/jobs/complete_events.ts";
import type { RunContext } from "../../lifecycle/jobs/job.ts";
import { REINDEX_EVENTS } from "../../lifecycle/jobs/reindex_events.ts";
import { ROOT } from "../../lifecycle/policy.ts";
import { type NewEvent, submitEvent } from "../../lifecycle/create_event.ts";
import { transitionEvent } from "../../lifecycle/transition_event.ts";
import { readPosition } from "../../kv/journal_places.ts";
import {
  assertIndexesRebuild,
  DAY,
  HOUR,
  MINUTE,
  NOW,
  scaled,
  storeEvent,
  storeEvents,
} from "../support/fixture.ts";
import { testStore } from "../kv/test_store.ts";
import { aRunContext } from "./lifecycle_fixture.ts";
import { soon } from "../support/http.ts";
import { random } from "../support/random.ts";
import { NEXT_FORMAT, NEXT_GENERATION } from "../support/versions.ts";

const TAGGED: EventQuery = { tag: "music" };
const STAFF = [{ userId: "usr_alice" as const, role: "editor" as const }];

/** Today's program and the next one on the same data; `isShared` as on a KV Connect server. */
async function versions({ isShared }: { isShared: boolean }) {
  const today = await testStore({ isShared });
  await adoptIndexes(today);
  const next = await testStore({ kv: today.kv, isShared, schema: NEXT_GENERATION });
  return { today, next, [Symbol.dispose]: () => [next, today].forEach((store) => store.close()) };
}

function rebuild(store: Store, context: Partial<RunContext> = {}) {
  return REINDEX_EVENTS.run(store, aRunContext(context));
}

function list(store: Store, query: EventQuery = {}, now = NOW) {
  return listEvents(store, query, { principal: ROOT, now, openEndedMs: DAY, limit: 100 });
}

const incomplete = (index: string) => (error: unknown) => {
  assert.ok(error instanceof DomainError, String(error));
  assert.deepEqual([error.code, error.extensions.index], ["index_incomplete", index]);
  return true;
};

async function count(store: Store, index: string): Promise<number> {
  return (await Array.fromAsync(store.kv.list({ prefix: [index] }))).length;
}

Deno.test("a raised generation is rebuilt, and what is not rebuilt yet is refused", async () => {
  using both = await versions({ isShared: false });
  const { today, next } = both;
  await storeEvents(today, 250, { staff: STAFF });
  assert.equal(await adoptIndexes(next), true);
  assert.equal(await adoptIndexes(next), false, "once");

  assert.equal((await list(next)).items.length, 100, "what did not change is answered");
  await assert.rejects(list(next, TAGGED), incomplete("live_events_by_tag"));
  await assert.rejects(requireWhole(next, ["events_by_city"]), incomplete("events_by_city"));

  const report = await rebuild(next);
  assert.deepEqual([report.examined, report.failed, report.moreLeft], [250, 0, false]);
  await requireWhole(next, Object.keys(NEXT_GENERATION.indexes));
  await assertIndexesRebuild(next);
  assert.equal(await count(next, "events_by_staff"), 0, "what nobody keeps up is gone");
  assert.equal((await rebuild(next)).examined, 0, "and then there is nothing to do");
});

Deno.test("rolling back to the older program works the same way", async () => {
  using both = await versions({ isShared: false });
  const { today, next } = both;
  await storeEvents(today, 120, { staff: STAFF });
  await adoptIndexes(next);
  await rebuild(next);
  await storeEvent(next, { staff: STAFF });

  assert.equal(await adoptIndexes(today), true);
  await assert.rejects(list(today, TAGGED), incomplete("live_events_by_tag"));
  const mine = { principal: ROOT, now: NOW, limit: 100 };
  await assert.rejects(listMyEvents(today, true, mine), incomplete("events_by_staff"));
  await rebuild(today);
  await assertIndexesRebuild(today);
  assert.equal((await list(today, TAGGED)).items.length, 100);
  assert.equal(await count(today, "events_by_city"), 0);
});

Deno.test("a rebuild that is stopped goes on where it was", async () => {
  using both = await versions({ isShared: false });
  const { today, next } = both;
  await storeEvents(today, 350);
  await adoptIndexes(next);
  let slices = 0;
  let examined = 0;
  for (let done = false; !done;) {
    let left = 2;
    const report = await rebuild(next, { shouldStop: () => left-- === 0 });
    examined += report.examined;
    done = !report.moreLeft;
    slices++;
  }
  assert.equal(examined, 350, "nothing twice");
  assert.ok(slices > 3);
  await assertIndexesRebuild(next);
});

Deno.test("where the store is shared, a second walk mends what the older program still wrote", async () => {
  using both = await versions({ isShared: true });
  const { today, next } = both;
  const ids = (await storeEvents(today, 30)).map(({ record }) => record.id);
  await adoptIndexes(next);
  await rebuild(next);
  const afterFirst = (await readIndexState(next))!.state;
  assert.deepEqual([afterFirst.walk?.pass, afterFirst.walk?.notBefore], [2, NOW + 15 * MINUTE]);

  // The older program is still there: it leaves its own tag row, and no row by city.
  const edit = { content: { tags: ["jazz"], location: { city: "Leeds" } }, times: {} };
  await editEvent(today, ids[0]!, { edit, principal: ROOT, now: NOW });
  await storeEvent(today);
  await assert.rejects(list(today, TAGGED), incomplete("live_events_by_tag"), "nor does it answer");
  assert.equal((await list(today)).items.length, 31);

  await rebuild(next, { now: NOW + 15 * MINUTE - 1 });
  await assert.rejects(requireWhole(next, ["events_by_city"]), incomplete("events_by_city"));
  const second = await rebuild(next, { now: NOW + 15 * MINUTE });
  assert.ok(second.changed >= 2);
  await requireWhole(next, ["events_by_city", "live_events_by_tag"]);
  await assertIndexesRebuild(next);
});

Deno.test("a program that is not the one started last rebuilds nothing", async () => {
  using both = await versions({ isShared: true });
  const { today, next } = both;
  await storeEvent(today);
  await adoptIndexes(next);
  const before = await readIndexState(next);
  assert.equal((await rebuild(today, { trigger: "manual" })).examined, 0);
  assert.deepEqual(await readIndexState(next), before);
});

Deno.test("a fresh store is whole in every generation", async () => {
  using store = await testStore({ schema: NEXT_GENERATION });
  assert.equal(await adoptIndexes(store), false);
  await requireWhole(store, Object.keys(NEXT_GENERATION.indexes));
  assert.equal((await readIndexState(store))!.state.walk, null);
});

Deno.test("events from before the state was kept count as those of generation 1", async () => {
  using today = await testStore();
  await storeEvent(today);
  assert.equal(await adoptIndexes(today), false);
  assert.equal((await list(today, TAGGED)).items.length, 1);
  using other = await testStore();
  await storeEvent(other);
  using next = await testStore({ kv: other.kv, schema: NEXT_GENERATION });
  assert.equal(await adoptIndexes(next), true);
  await assert.rejects(list(next, TAGGED), incomplete("live_events_by_tag"));
  assert.equal((await list(next)).items.length, 1);
});

Deno.test("a generation raised without a word of what it changed is rebuilt as well", async () => {
  using today = await testStore();
  await adoptIndexes(today);
  await storeEvent(today);
  const silent: Schema = { ...SCHEMA, generation: SCHEMA.generation + 1 };
  using next = await testStore({ kv: today.kv, schema: silent });
  assert.equal(await adoptIndexes(next), true);
  assert.equal((await list(next, TAGGED)).items.length, 1, "nothing is said to be amiss");
  assert.equal((await rebuild(next)).examined, 1);
  assert.equal((await readIndexState(next))!.state.walk, null);
});

Deno.test("run by hand, it repairs what should not be wrong; a dry run tells how much", async () => {
  using store = await testStore();
  await adoptIndexes(store);
  const { record: { id } } = await storeEvent(store, { externalId: "x" });
  const { record: other } = await storeEvent(store);
  await store.kv.delete(["live_events_by_tag", "music", other.startDate, other.id]);
  await store.kv.delete(["event_by_external_id", "x", other.organizerId]);
  await store.kv.set(["live_events_by_end_date", other.endDate!, other.id], { stale: true });
  await store.kv.set(["events_by_staff", "usr_bob", 1, id], null);
  await store.kv.set(["past_events_by_end_date", 1, "evt_gone"], null);

  const before = await Array.fromAsync(store.kv.list({ prefix: [] }));
  const position = await readPosition(store);
  const planned = await rebuild(store, { dryRun: true });
  assert.deepEqual(await Array.fromAsync(store.kv.list({ prefix: [] })), before);
  const report = await rebuild(store, { trigger: "manual" });
  assert.deepEqual([planned.changed, report.changed], [4, 4]);
  await assertIndexesRebuild(store);
  assert.equal(await readPosition(store), position, "nobody is told of what nobody sees");
  assert.equal((await rebuild(store, { trigger: "manual" })).changed, 0);
});

Deno.test("an external id that two events have is told, and the rest repaired", async () => {
  using store = await testStore();
  await adoptIndexes(store);
  const { record } = await storeEvent(store, { externalId: "x" });
  const { record: twin } = await storeEvent(store);
  await store.kv.set(eventKey(twin.id), { ...twin, externalId: "x" });
  const report = await rebuild(store, { trigger: "manual" });
  assert.equal(report.failed, 1);
  assert.equal(report.failures[0]!.eventId, twin.id);
  assert.match(report.failures[0]!.error, /external id/);
  const owner = await store.kv.get(["event_by_external_id", "x", record.organizerId]);
  assert.equal(owner.value, record.id);
});

Deno.test("a record of a newer format gets its entries and stays as it is", async () => {
  using store = await testStore();
  await adoptIndexes(store);
  using newer = await testStore({ kv: store.kv, schema: NEXT_FORMAT });
  const { record } = await storeEvent(newer);
  await store.kv.delete(["live_events_by_tag", "music", record.startDate, record.id]);
  const before = await getEvent(store, record.id);
  await rebuild(store, { trigger: "manual" });
  assert.deepEqual(await getEvent(store, record.id), before);
  assert.deepEqual((await list(store, TAGGED)).items.map(({ id }) => id), [record.id]);
});

interface World {
  next: () => number;
  ids: EventId[];
  /** The newest version of each event that was acknowledged to somebody. */
  known: Map<EventId, number>;
  /** Events that nobody touches: they belong in every list. */
  anchors: Set<EventId>;
}

type Reader = (cursor: string | undefined) => Promise<{ items: EventCard[]; next?: string }>;

/** One process of a rolling deployment: organizers write, sweeps run, readers look. */
class Program {
  /** Lists of everything, and of one tag. */
  readonly answered = { all: 0, tagged: 0 };
  refused = 0;
  isServing = true;
  isWriting = true;
  #work: Promise<void>;

  constructor(readonly store: Store, readonly world: World, readTagged: Reader) {
    const readAll = (cursor: string | undefined) => pageOf(store, {}, cursor);
    this.#work = (async () => {
      while (this.isServing) {
        await Promise.all([
          ...(this.isWriting ? [this.#write(), this.#write(), this.#sweep()] : []),
          this.#read("all", readAll),
          this.#read("tagged", readTagged),
        ]);
      }
    })();
  }

  stop(): Promise<void> {
    this.isServing = false;
    return this.#work;
  }

  #sweep(): Promise<unknown> {
    return COMPLETE_EVENTS.run(this.store, aRunContext({ runId: "run_2" }));
  }

  async #write(): Promise<void> {
    const { next, ids, known } = this.world;
    const pick = <T>(list: T[]) => list[Math.floor(next() * list.length)]!;
    const content = { tags: pick([["music"], ["jazz"], []]), location: { city: pick(["A", "B"]) } };
    const as = { principal: ROOT, now: NOW };
    const kind = next();
    try {
      if (kind < 0.2) {
        const times = { startDate: "2026-12-05T17:30:00Z", endDate: "2026-12-07T19:00:00Z" };
        const input = { content: { title: "Another", ...content }, times, status: "CONFIRMED" };
        const { id, version } = await submitEvent(this.store, input as NewEvent, as);
        known.set(id, version);
        ids.push(id);
      } else if (kind < 0.3) {
        const input = { to: "CANCELLED" as const, reason: null };
        await transitionEvent(this.store, pick(ids), { input, ...as });
      } else {
        const id = pick(ids);
        const { record } = await editEvent(this.store, id, { edit: { content, times: {} }, ...as });
        known.set(id, Math.max(known.get(id) ?? 0, record.version));
      }
    } catch (error) {
      // Somebody cancelled it.
      assert.ok(error instanceof DomainError, String(error));
    }
  }

  async #read(kind: "all" | "tagged", read: Reader): Promise<void> {
    const { known, anchors } = this.world;
    const before = new Map(known);
    const found = new Set<EventId>();
    try {
      for (let cursor: string | undefined, done = false; !done;) {
        const { items, next } = await read(cursor);
        for (const { id, version, tags } of items) {
          found.add(id);
          assert.ok(version >= (before.get(id) ?? 0), `${id} is stale in ${kind}`);
          assert.ok(kind === "all" || tags.includes("music"), `${id} is not tagged`);
        }
        cursor = next;
        done = next === undefined;
      }
    } catch (error) {
      if (!(error instanceof DomainError) || error.code !== "index_incomplete") throw error;
      this.refused++;
      return;
    }
    for (const id of anchors) assert.ok(found.has(id), `${id} is missing in ${kind}`);
    this.answered[kind]++;
  }
}

async function pageOf(store: Store, query: EventQuery, cursor: string | undefined) {
  const options = { principal: ROOT, now: NOW, openEndedMs: DAY, limit: 50 };
  const page = await listEvents(store, query, { ...options, cursor });
  return { items: page.items, ...(page.nextCursor === null ? {} : { next: page.nextCursor }) };
}

/** As a program of the next generation would read a tag; the whole list at once. */
async function nextTagged(store: Store): Promise<{ items: EventCard[] }> {
  await requireWhole(store, ["live_events_by_tag"]);
  const prefix = ["live_events_by_tag", "tag", "music"];
  const rows = await Array.fromAsync(store.kv.list<EventCard>({ prefix }, { batchSize: 500 }));
  return { items: rows.map((row) => row.value) };
}

async function walkUntil(store: Store, isThere: (state: IndexState) => boolean): Promise<void> {
  for (let now = NOW;; now += 16 * MINUTE) {
    if (isThere((await readIndexState(store))!.state)) return;
    await rebuild(store, { now });
  }
}

Deno.test("raised and lowered under live writes and sweeps: no hole, nothing stale", async () => {
  using both = await versions({ isShared: true });
  const { today, next } = both;
  const world: World = { next: random(7), ids: [], known: new Map(), anchors: new Set() };
  const third = scaled(400, 80);
  const startDate = NOW - HOUR;
  // A third is over and due for the sweep.
  await storeEvents(today, third, { startDate, endDate: NOW - MINUTE });
  const [anchors, others] = [
    await storeEvents(today, third, { startDate, endDate: NOW + HOUR }),
    await storeEvents(today, third, { startDate, endDate: NOW + HOUR }),
  ];
  for (const { record } of anchors) world.anchors.add(record.id);
  for (const { record } of others) world.ids.push(record.id);
  const older = new Program(today, world, (cursor) => pageOf(today, TAGGED, cursor));
  const newer = new Program(next, world, () => nextTagged(next));
  try {
    for (let round = 0; round < scaled(4, 1); round++) {
      for (const [started, leaving] of [[newer, older], [older, newer]] as const) {
        // Both serve for a while; the one that leaves is gone before the second walk.
        started.isWriting = true;
        const { refused } = leaving;
        await adoptIndexes(started.store);
        await walkUntil(started.store, ({ walk }) => walk?.pass === 2);
        await soon(() => leaving.refused > refused);
        leaving.isWriting = false;
        await soon(() => leaving.refused > refused + 2);
        await walkUntil(started.store, ({ walk }) => walk === null);
        const { tagged } = started.answered;
        await soon(() => started.answered.tagged > tagged + 2);
      }
    }
  } finally {
    await Promise.all([older.stop(), newer.stop()]);
  }
  await assertIndexesRebuild(today);
  assert.ok(older.answered.all > 0 && newer.answered.all > 0);
});
