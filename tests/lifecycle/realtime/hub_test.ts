/** The hub: what it holds is the journal, whatever it was told and whoever comes and goes. */
import assert from "node:assert/strict";
import {
  BEGINNING,
  comparePlaces,
  endOf,
  type JournalPlace,
  type PlacedChanges,
  readTrimmedTo,
} from "../../../kv/journal_places.ts";
import { deleteEvent } from "../../../kv/events.ts";
import { trimJournal } from "../../../kv/journal_trim.ts";
import type { Hub } from "../../../lifecycle/realtime/hub.ts";
import { type TestStore, testStore } from "../../kv/test_store.ts";
import { MINUTE, NOW, storeEvent, storeEvents } from "../../support/fixture.ts";
import { soon } from "../../support/http.ts";
import {
  aHub,
  aListener,
  allEntries,
  aLog,
  batchAfter,
  changeStored,
  countReads,
  HandUpstream,
  headOf,
  twoProcesses,
} from "./realtime_fixture.ts";

const stampsOf = (entries: PlacedChanges[] | null) =>
  entries?.map(({ versionstamp }) => versionstamp) ?? null;

/** Waits until the hub stands at the journal's end. */
async function caughtUp(hub: Hub): Promise<void> {
  await soon(async () => comparePlaces(hub.position, await headOf(hub.store)) === 0);
}

/** Asserts that the hub holds exactly what the journal does after `place`. */
async function assertHolds(hub: Hub, place: JournalPlace): Promise<void> {
  const all = await allEntries(hub.store);
  const wanted = all.filter((entry) => comparePlaces(endOf(entry), place) > 0);
  assert.deepEqual(stampsOf(hub.entriesAfter(place)), stampsOf(wanted));
}

Deno.test("the hub holds what this process commits, as soon as it looks", async () => {
  using store = await testStore();
  const hub = aHub(store);
  const listener = aListener();
  await hub.join(listener);
  const from = hub.position;
  await storeEvents(store, 3);
  hub.look();
  await caughtUp(hub);
  await assertHolds(hub, from);
  assert.ok(listener.times.advanced > 0);
  await hub.leave(listener);
});

Deno.test("a message that goes on from where the hub stands is taken without reading the store", async () => {
  using both = await twoProcesses();
  const { here, there } = both;
  const upstream = new HandUpstream();
  const hub = aHub(here, { upstream });
  const listener = aListener();
  await hub.join(listener);
  for (let i = 0; i < 5; i++) {
    const from = hub.position;
    await storeEvent(there);
    await storeEvent(there);
    const batch = await batchAfter(there, from);
    const counted = countReads(here);
    upstream.hub.receive(batch);
    assert.deepEqual(hub.position, endOf(batch.entries.at(-1)!));
    assert.deepEqual(hub.entriesAfter(from), batch.entries);
    assert.equal(counted.reads, 0);
  }
  assert.equal(listener.times.advanced, 5);
  await hub.leave(listener);
});

Deno.test("messages that are double, late, or overlap what is known are dropped as far as that is so", async () => {
  using both = await twoProcesses();
  const { here, there } = both;
  const upstream = new HandUpstream();
  const hub = aHub(here, { upstream });
  const listener = aListener();
  await hub.join(listener);
  const start = hub.position;
  await storeEvents(there, 1);
  const first = await batchAfter(there, start);
  await storeEvents(there, 2);
  const both2 = await batchAfter(there, start);
  upstream.hub.receive(first);
  upstream.hub.receive(first);
  assert.equal(listener.times.advanced, 1);
  upstream.hub.receive(both2);
  assert.equal(listener.times.advanced, 2);
  upstream.hub.receive(first);
  upstream.hub.receive(both2);
  upstream.hub.receive({ prev: start, entries: [] });
  assert.equal(listener.times.advanced, 2);
  await assertHolds(hub, start);
  await hub.leave(listener);
});

Deno.test("on a gap the hub reads the journal, and what was lost is there in order", async () => {
  using both = await twoProcesses();
  const { here, there } = both;
  const upstream = new HandUpstream();
  const hub = aHub(here, { upstream });
  const listener = aListener();
  await hub.join(listener);
  const start = hub.position;
  await storeEvents(there, 30);
  const lost = await headOf(there);
  await storeEvents(there, 1);
  upstream.hub.receive(await batchAfter(there, lost));
  assert.deepEqual(hub.position, start, "nothing is told before what came first");
  await caughtUp(hub);
  await assertHolds(hub, start);
  await hub.leave(listener);
});

Deno.test("what Redis tells while the journal is read is held once", async () => {
  using both = await twoProcesses();
  const { here, there } = both;
  const upstream = new HandUpstream();
  const hub = aHub(here, { upstream });
  const listener = aListener();
  await hub.join(listener);
  const start = hub.position;
  for (let round = 0; round < 10; round++) {
    const from = await headOf(there);
    await storeEvents(there, 3);
    const batch = await batchAfter(there, from);
    hub.look();
    upstream.hub.receive(batch);
    await caughtUp(hub);
  }
  await assertHolds(hub, start);
  await hub.leave(listener);
});

Deno.test("a lie of Redis that leads beyond the journal is found out by the watchdog; all start anew", async () => {
  using both = await twoProcesses();
  const { here, there } = both;
  const upstream = new HandUpstream();
  const { log, lines } = aLog();
  const hub = aHub(here, { upstream, log, watchdogMs: [1, 1] });
  const listener = aListener();
  await hub.join(listener);
  const start = hub.position;
  await storeEvent(there);
  const batch = await batchAfter(there, start);
  batch.entries[0]!.versionstamp = "f".repeat(20);
  upstream.hub.receive(batch);
  assert.equal(hub.position.versionstamp, "f".repeat(20));
  await soon(() => listener.times.misled === 1);
  assert.deepEqual(hub.position, await headOf(there));
  assert.deepEqual(hub.entriesAfter(start), null, "what is true of it is read again");
  assert.deepEqual(hub.entriesAfter(hub.position), []);
  assert.equal(lines.filter(({ level }) => level === "error").length, 1);
  await storeEvent(there);
  await caughtUp(hub);
  assert.equal(listener.times.misled, 1);
  await hub.leave(listener);
});

Deno.test("the watchdog finds what nobody told of", async () => {
  using both = await twoProcesses();
  const { here, there } = both;
  const hub = aHub(here, { upstream: new HandUpstream(), watchdogMs: [1, 2] });
  const listener = aListener();
  await hub.join(listener);
  const start = hub.position;
  for (let i = 0; i < 3; i++) {
    await storeEvents(there, 2);
    await caughtUp(hub);
  }
  await assertHolds(hub, start);
  await hub.leave(listener);
});

/** Reads fail until the answer is called; it says how often they did. */
function breakReads(store: TestStore): () => number {
  let failures = 0;
  store.faults.beforeList = () => {
    failures++;
    return Promise.reject(new Error("the disk is gone"));
  };
  return () => {
    store.faults.beforeList = undefined;
    return failures;
  };
}

Deno.test("a journal that cannot be read is tried again, told of once, and nothing is missing", async () => {
  using both = await twoProcesses();
  const { here, there } = both;
  const { log, lines } = aLog();
  const hub = aHub(here, { log, watchdogMs: [MINUTE, MINUTE], retryMs: [1, 2] });
  const listener = aListener();
  await hub.join(listener);
  const start = hub.position;
  const mend = breakReads(here);
  await storeEvents(there, 30);
  hub.look();
  await soon(() => lines.filter(({ level }) => level === "debug").length >= 3);
  assert.deepEqual(hub.position, start);
  assert.ok(mend() > 3);
  await caughtUp(hub);
  await soon(() => lines.at(-1)!.level === "info");
  await assertHolds(hub, start);
  assert.deepEqual(lines.map(({ level }) => level).filter((level) => level !== "debug"), [
    "warn",
    "info",
  ]);
  await hub.leave(listener);
});

Deno.test("while the journal cannot be read nobody makes the hub ask more often", async () => {
  using store = await testStore();
  const { log, lines } = aLog();
  const patient: [number, number] = [MINUTE, MINUTE];
  const hub = aHub(store, { log, watchdogMs: patient, retryMs: patient });
  const listener = aListener();
  await hub.join(listener);
  const mend = breakReads(store);
  hub.look();
  await soon(() => lines.length > 0);
  for (let i = 0; i < 20; i++) hub.look();
  assert.equal(mend(), 1);
  // Whoever comes after that does not wait for the end of it.
  await hub.leave(listener);
  await hub.join(listener);
  await storeEvent(store);
  hub.look();
  await caughtUp(hub);
  await hub.leave(listener);
});

Deno.test("the hub forgets the oldest, says how far back it goes, and keeps no more than half as much again", async () => {
  using store = await testStore();
  const hub = aHub(store, { entriesKept: 10 });
  const listener = aListener();
  await hub.join(listener);
  const places: JournalPlace[] = [hub.position];
  for (let i = 0; i < 60; i++) {
    await storeEvent(store);
    hub.look();
    await caughtUp(hub);
    places.push(hub.position);
    const held = places.map((place) => hub.entriesAfter(place));
    const from = held.findIndex((entries) => entries !== null);
    assert.ok(held.slice(0, from).every((entries) => entries === null));
    for (const [k, entries] of held.slice(from).entries()) {
      assert.equal(entries!.length, places.length - 1 - from - k);
    }
    assert.ok(held[from]!.length < 15, "bounded");
    assert.ok(held[from]!.length >= Math.min(i, 9));
  }
  await hub.leave(listener);
});

Deno.test("the hub tells what lies after a place within an entry", async () => {
  using store = await testStore();
  const hub = aHub(store);
  const listener = aListener();
  await hub.join(listener);
  const stored = await storeEvent(store);
  await changeStored(store, stored, { title: "a" }, { title: "b" }, { title: "c" });
  await storeEvent(store, { title: "d" });
  hub.look();
  await caughtUp(hub);
  const { versionstamp } = (await allEntries(store))[1]!;
  const titles = (n: number) =>
    hub.entriesAfter({ versionstamp, n })!.map(({ before, changes }) =>
      `${before}${changes.map(({ event }) => event.title).join("")}`
    );
  assert.deepEqual([0, 1, 2, 3, 4].map(titles), [
    ["0abc", "0d"],
    ["1bc", "0d"],
    ["2c", "0d"],
    ["0d"],
    ["0d"],
  ]);
  await hub.leave(listener);
});

Deno.test("the hub knows the newest of each event it holds, and what was deleted", async () => {
  using store = await testStore();
  const hub = aHub(store, { entriesKept: 4 });
  const listener = aListener();
  await hub.join(listener);
  const start = hub.position;
  const first = await storeEvent(store);
  const second = await storeEvent(store);
  await changeStored(store, first, { title: "a" }, { title: "b" });
  await deleteEvent(store, second, { by: "usr_alice", at: NOW });
  hub.look();
  await caughtUp(hub);
  const entries = hub.entriesAfter(start)!;
  const current = entries.map(({ changes }) =>
    changes.map((change) => {
      const card = hub.currentOf(change);
      return card === undefined ? "newest" : card?.title ?? "gone";
    })
  );
  assert.deepEqual(current, [["b"], ["gone"], ["b", "newest"], ["newest"]]);
  assert.deepEqual(entries.map((entry) => hub.isNewest(entry)), [false, false, true, true]);
  await storeEvents(store, 4);
  hub.look();
  await caughtUp(hub);
  assert.equal(hub.entriesAfter(start), null);
  assert.equal(hub.currentOf(entries[0]!.changes[0]!), undefined, "nothing is kept of it");
  await hub.leave(listener);
});

Deno.test("a hub that starts holds the newest, for those who come back after a restart", async () => {
  using store = await testStore();
  await storeEvents(store, 12);
  const hub = aHub(store, { entriesKept: 5 });
  const listener = aListener();
  await hub.join(listener);
  const all = await allEntries(store);
  assert.deepEqual(hub.position, await headOf(store));
  assert.deepEqual(stampsOf(hub.entriesAfter(endOf(all[7]!))), stampsOf(all.slice(8)));
  assert.equal(hub.entriesAfter(endOf(all[5]!)), null);
  assert.equal(hub.entriesAfter(BEGINNING), null);
  await hub.leave(listener);
});

Deno.test("the first to join opens one upstream, the last to leave closes it", async () => {
  using store = await testStore();
  const upstream = new HandUpstream();
  const hub = aHub(store, { upstream });
  const listeners = Array.from({ length: 50 }, aListener);
  await Promise.all(listeners.map((listener) => hub.join(listener)));
  assert.deepEqual([upstream.opened, upstream.closed, hub.size], [1, 0, 50]);
  for (const listener of listeners.slice(1)) await hub.leave(listener);
  assert.deepEqual([upstream.opened, upstream.closed, hub.size], [1, 0, 1]);
  await hub.leave(listeners[0]!);
  await hub.leave(listeners[0]!);
  assert.deepEqual([upstream.opened, upstream.closed, hub.size], [1, 1, 0]);
  await hub.join(listeners[0]!);
  await hub.leave(listeners[0]!);
  assert.deepEqual([upstream.opened, upstream.closed], [2, 2]);
});

Deno.test("who leaves while the hub is starting leaves nothing open", async () => {
  using store = await testStore();
  const upstream = new HandUpstream();
  const hub = aHub(store, { upstream, watchdogMs: [MINUTE, MINUTE] });
  const listener = aListener();
  // A timer left behind would be a leak that the runner finds.
  const joining = hub.join(listener);
  await hub.leave(listener);
  await joining;
  assert.deepEqual([upstream.opened, upstream.closed, hub.size], [1, 1, 0]);
});

Deno.test("those who come while others leave are served, from one upstream", async () => {
  using store = await testStore();
  const upstream = new HandUpstream();
  const hub = aHub(store, { upstream });
  const others = [aListener(), aListener(), aListener()];
  const leaving = [];
  for (const other of others) {
    const coming = hub.join(other);
    if (other !== others[2]) leaving.push(hub.leave(other));
    leaving.push(coming);
  }
  await Promise.all(leaving);
  assert.equal(upstream.opened - upstream.closed, 1);
  const start = hub.position;
  await storeEvents(store, 2);
  hub.look();
  await caughtUp(hub);
  await assertHolds(hub, start);
  await hub.leave(others[2]!);
  assert.equal(upstream.opened, upstream.closed);
});

Deno.test("a start that nobody waits for any more does not take the next one back", async () => {
  using store = await testStore();
  const hub = aHub(store);
  await storeEvent(store);
  const [read, gate] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const { list } = store;
  store.list = async function (...args: Parameters<typeof list>) {
    store.list = list;
    const rows = await list.apply(store, args);
    read.resolve();
    await gate.promise;
    return rows;
  } as typeof list;
  const [first, second] = [aListener(), aListener()];
  const joining = hub.join(first);
  const leaving = hub.leave(first);
  await read.promise;
  await storeEvents(store, 3);
  const coming = hub.join(second);
  for (let i = 0; i < 20; i++) await new Promise((resolve) => setTimeout(resolve));
  gate.resolve();
  await Promise.all([joining, leaving, coming]);
  assert.deepEqual(hub.position, await headOf(store));
  await assertHolds(hub, endOf((await allEntries(store))[0]!));
  await hub.leave(second);
});

Deno.test("a start that fails is told to whom it concerns, and the next one is a new start", async () => {
  using store = await testStore();
  const upstream = new HandUpstream();
  const hub = aHub(store, { upstream });
  store.faults.beforeList = () => Promise.reject(new Error("the disk is gone"));
  const listeners = [aListener(), aListener(), aListener()];
  const retried: Promise<void>[] = [];
  const joining = listeners.map((listener) =>
    hub.join(listener).catch((error) => {
      store.faults.beforeList = undefined;
      retried.push(hub.join(listener));
      throw error;
    })
  );
  const results = await Promise.allSettled(joining);
  assert.deepEqual(results.map(({ status }) => status), ["rejected", "rejected", "rejected"]);
  await Promise.all(retried);
  assert.deepEqual([hub.size, upstream.opened], [3, 1]);
  for (const listener of listeners) await hub.leave(listener);
  assert.deepEqual([hub.size, upstream.opened, upstream.closed], [0, 1, 1]);
});

Deno.test("nobody looks, and nothing is taken, while nobody listens", async () => {
  using store = await testStore();
  const upstream = new HandUpstream();
  const hub = aHub(store, { upstream });
  const listener = aListener();
  await hub.join(listener);
  await hub.leave(listener);
  const from = hub.position;
  await storeEvents(store, 2);
  const batch = await batchAfter(store, from);
  const counted = countReads(store);
  hub.look();
  upstream.hub.look();
  upstream.hub.receive(batch);
  // Whatever these set off has had its turns.
  for (let turns = 0; turns < 20; turns++) await new Promise((resolve) => setTimeout(resolve));
  assert.deepEqual([counted.reads, listener.times.advanced], [0, 0]);
  assert.deepEqual(hub.position, from);
});

Deno.test("a hub that slept for longer than the journal is kept holds no hole", async () => {
  using both = await twoProcesses();
  const { here, there } = both;
  const hub = aHub(here, { upstream: new HandUpstream() });
  const listener = aListener();
  await storeEvents(there, 2);
  await hub.join(listener);
  const asleep = hub.position;
  await storeEvents(there, 5);
  await trimJournal(there, NOW + 1);
  assert.ok(comparePlaces(asleep, await readTrimmedTo(there)) < 0);
  await storeEvents(there, 3);
  hub.look();
  await caughtUp(hub);
  assert.equal(hub.entriesAfter(asleep), null, "who stands there is not told the rest as all");
  assert.ok(listener.times.advanced > 0, "and comes to know");
  await hub.leave(listener);
});

Deno.test("close() tells every listener", async () => {
  using store = await testStore();
  const hub = aHub(store);
  const listeners = [aListener(), aListener()];
  for (const listener of listeners) await hub.join(listener);
  hub.close();
  assert.deepEqual(listeners.map(({ times }) => times.closed), [1, 1]);
  assert.ok(hub.isClosed);
  for (const listener of listeners) await hub.leave(listener);
});
