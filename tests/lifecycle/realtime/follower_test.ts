/** Followers: each change once and in order, from wherever they stand, or told to start anew. */
import assert from "node:assert/strict";
import {
  BEGINNING,
  comparePlaces,
  endOf,
  type JournalPlace,
  parsePlace,
  placeText,
  readHeadPlace,
} from "../../../kv/journal_places.ts";
import { trimJournal } from "../../../kv/journal_trim.ts";
import type { Store } from "../../../kv/store.ts";
import type { Delivery, Follower } from "../../../lifecycle/realtime/follower.ts";
import type { Subscription } from "../../../lifecycle/realtime/subscription.ts";
import { cardBytes, filled } from "../../kv/filled_record.ts";
import { testStore } from "../../kv/test_store.ts";
import {
  aRecord,
  DAY,
  HOUR,
  NOW,
  scaled,
  storeAll,
  storeEvent,
  storeEvents,
} from "../../support/fixture.ts";
import { random } from "../../support/random.ts";
import { soon } from "../../support/http.ts";
import {
  ADMINS,
  aHub,
  aListener,
  allEntries,
  batchAfter,
  changeStored,
  everythingFor,
  follow,
  GUESTS,
  HandUpstream,
  idsOf,
  nextIds,
  twoProcesses,
} from "./realtime_fixture.ts";
import { Follower as TheFollower } from "../../../lifecycle/realtime/follower.ts";

/** The ids of all changes in the journal after a place. */
async function idsAfter(store: Store, place: JournalPlace): Promise<string[]> {
  return (await allEntries(store)).flatMap(({ versionstamp, changes }) =>
    changes.map((_, i) => ({ versionstamp, n: i + 1 }))
  ).filter((one) => comparePlaces(one, place) > 0).map((one) => placeText(store, one));
}

/** Commits of one to four changes, until `isEnough`. */
async function keepWriting(
  store: Store,
  { count, next }: { count: number; next: () => number },
): Promise<void> {
  let stored = await storeEvent(store);
  for (let i = 0; i < count; i++) {
    if (next() < 0.3) stored = await storeEvent(store);
    else {
      const edits = Array.from(
        { length: 1 + Math.floor(next() * 4) },
        (_, k) => ({ title: `${i} ${k}` }),
      );
      stored = await changeStored(store, stored, ...edits);
    }
    if (next() < 0.2) await new Promise((resolve) => setTimeout(resolve));
  }
}

Deno.test("a follower begins with what is committed from now on", async () => {
  using store = await testStore();
  await storeEvents(store, 3);
  const hub = aHub(store);
  store.onChanged(() => hub.look());
  const follower = await follow(hub);
  const start = await readHeadPlace(store);
  assert.equal(follower.position, placeText(store, start));
  await storeEvents(store, 2);
  assert.deepEqual(await nextIds(follower, 2), await idsAfter(store, start));
  follower.close();
  await hub.close();
});

Deno.test("followers at any pace get each change once, in order, while others write", async () => {
  for (const seed of scaled([1, 2, 3, 4, 5, 6], [1, 2])) {
    using both = await twoProcesses();
    const { here, there } = both;
    const next = random(seed);
    const upstream = new HandUpstream();
    // So few that whoever is slow is served from the journal.
    const hub = aHub(here, { entriesKept: 6, watchdogMs: [1, 5], upstream });
    await keepWriting(there, { count: 10, next });
    const followers: { follower: Follower; from: JournalPlace; ids: string[] }[] = [];
    const follows = async (from: JournalPlace) => {
      followers.push({ follower: await follow(hub, { from }), from, ids: [] });
    };
    await follows(await readHeadPlace(there));
    await follows(BEGINNING);
    const places = (await allEntries(there)).flatMap(({ versionstamp, changes }) =>
      changes.map((_, i) => ({ versionstamp, n: i + 1 }))
    );
    for (let i = 0; i < 4; i++) await follows(places[Math.floor(next() * places.length)]!);
    let isDone = false;
    const reading = followers.map(async (one) => {
      for (;;) {
        const delivery = await one.follower.next();
        if (delivery === null) return;
        if (delivery.type === "heartbeat") continue;
        one.ids.push(...idsOf(delivery));
        assert.ok(comparePlaces(parsePlace(one.ids.at(-1)!)!, parsePlace(delivery.position)!) <= 0);
        for (let turns = next() * 20; turns > 1 && !isDone; turns--) {
          await new Promise((resolve) => setTimeout(resolve));
        }
      }
    });
    // Sometimes the content comes along, sometimes only a hint, sometimes nothing.
    let told = await readHeadPlace(there);
    const telling = setInterval(async () => {
      const from = told;
      const batch = await batchAfter(there, from);
      const last = batch.entries.at(-1);
      if (last === undefined || isDone) return;
      told = endOf(last);
      const chance = next();
      if (chance < 0.5) upstream.hub.receive(batch);
      else if (chance < 0.7) upstream.hub.look();
    }, 1);
    await keepWriting(there, { count: scaled(300, 120), next });
    isDone = true;
    clearInterval(telling);
    for (const { follower, from, ids } of followers) {
      const wanted = await idsAfter(there, from);
      await soon(() => ids.length >= wanted.length);
      assert.deepEqual(ids, wanted, `seed ${seed}`);
      follower.close();
    }
    await Promise.all(reading);
    await hub.close();
  }
});

Deno.test("a follower who was overtaken by what the hub holds is served from the journal, and rejoins", async () => {
  using store = await testStore();
  const hub = aHub(store, { entriesKept: 4 });
  store.onChanged(() => hub.look());
  const follower = await follow(hub);
  const start = await readHeadPlace(store);
  await storeEvents(store, 40);
  await soon(async () => comparePlaces(hub.position, await readHeadPlace(store)) === 0);
  assert.equal(hub.entriesAfter(start), null);
  assert.deepEqual(await nextIds(follower, 40), await idsAfter(store, start));
  await storeEvent(store);
  assert.deepEqual((await nextIds(follower, 1)).length, 1);
  await hub.close();
});

Deno.test("an id that the hub has not reached yet is waited for, and gone on from", async () => {
  using both = await twoProcesses();
  const { here, there } = both;
  const hub = aHub(here, { upstream: new HandUpstream(), watchdogMs: [60_000, 60_000] });
  const listener = aListener();
  await hub.join(listener);
  await storeEvents(there, 5);
  const from = await readHeadPlace(there);
  assert.ok(comparePlaces(hub.position, from) < 0, "the hub knows nothing of it");
  const follower = await follow(hub, { from });
  await storeEvents(there, 2);
  hub.look();
  assert.deepEqual(await nextIds(follower, 2), await idsAfter(there, from));
  await hub.leave(listener);
  await hub.close();
});

Deno.test("an id within an entry is gone on from with the rest of that entry", async () => {
  using store = await testStore();
  const stored = await storeEvent(store);
  await changeStored(store, stored, { title: "a" }, { title: "b" }, { title: "c" });
  await storeEvent(store);
  const [, edits] = await allEntries(store);
  for (const entriesKept of [1, 100]) {
    const hub = aHub(store, { entriesKept });
    for (const n of [0, 1, 2, 3]) {
      const from = { versionstamp: edits!.versionstamp, n };
      const follower = await follow(hub, { from });
      assert.deepEqual(await nextIds(follower, 4 - n), await idsAfter(store, from), `${n}`);
      follower.close();
    }
    await hub.close();
  }
});

Deno.test("deliveries are of bounded size, however much there is", async () => {
  using store = await testStore();
  const hub = aHub(store);
  store.onChanged(() => hub.look());
  const follower = await follow(hub);
  await storeAll(
    store,
    Array.from(
      { length: 30 },
      () =>
        filled(aRecord(), { field: "summary", bytes: 11 * 1024, letter: "x", measure: cardBytes }),
    ),
  );
  let messages = 0;
  while (messages < 30) {
    const delivery = (await follower.next())!;
    if (delivery.type !== "messages") continue;
    const sizes = delivery.messages.map(({ json }) => json.length);
    assert.ok(sizes.reduce((a, b) => a + b) < 64 * 1024 + 12 * 1024);
    messages += sizes.length;
  }
  await hub.close();
});

Deno.test("a heartbeat moves the position past what is told to others", async () => {
  using store = await testStore();
  const hub = aHub(store);
  store.onChanged(() => hub.look());
  const follower = await follow(hub, { subscription: everythingFor(GUESTS), heartbeatMs: 1 });
  for (let i = 0; i < 3; i++) {
    await storeEvent(store, { visibility: "PRIVATE" });
    const head = placeText(store, await readHeadPlace(store));
    for (;;) {
      const delivery: Delivery = (await follower.next())!;
      assert.equal(delivery.type, "heartbeat", "nothing is told");
      assert.equal(delivery.position, follower.position);
      if (delivery.position === head) break;
    }
  }
  await hub.close();
});

Deno.test("at each heartbeat the right is asked for again; without it the follower ends", async () => {
  using store = await testStore();
  const hub = aHub(store);
  let rights = 3;
  const subscription = () =>
    Promise.resolve<Subscription | null>(rights-- > 0 ? everythingFor(ADMINS) : null);
  const options = { from: null, subscription, clock: () => NOW, openEndedMs: DAY, heartbeatMs: 1 };
  const follower = (await TheFollower.open(hub, options))!;
  for (let i = 0; i < 2; i++) assert.equal((await follower.next())!.type, "heartbeat");
  assert.equal(await follower.next(), null);
  await follower.ended;
  assert.equal(hub.size, 0);
  assert.equal(await TheFollower.open(hub, options), null, "none to begin with");
  assert.equal(hub.size, 0);
  await hub.close();
});

Deno.test("a follower gets what the newest reading of its rights allows", async () => {
  using store = await testStore();
  const hub = aHub(store);
  store.onChanged(() => hub.look());
  let now = everythingFor(GUESTS);
  const follower = (await TheFollower.open(hub, {
    from: null,
    subscription: () => Promise.resolve(now),
    clock: () => NOW,
    openEndedMs: DAY,
    heartbeatMs: 1,
  }))!;
  now = everythingFor(ADMINS);
  while ((await follower.next())!.type !== "heartbeat");
  await storeEvent(store, { visibility: "PRIVATE" });
  assert.equal((await nextIds(follower, 1)).length, 1);
  await hub.close();
});

const REQUESTED = "what was asked for";

Deno.test("who is to start anew is told so once, first, and then goes on from the journal's end", async () => {
  using store = await testStore();
  await storeEvents(store, 3);
  const hub = aHub(store);
  store.onChanged(() => hub.look());
  for (const reason of ["malformed", "other_store", "ahead", "too_old"] as const) {
    const reset = { reason, requested: REQUESTED };
    const follower = await follow(hub, { from: null, reset });
    assert.equal(follower.startsAnew, true);
    await storeEvent(store);
    const position = placeText(store, await readHeadPlace(store));
    assert.deepEqual(await follower.next(), { type: "reset", ...reset, position });
    assert.equal(follower.startsAnew, false);
    const head = await readHeadPlace(store);
    await storeEvent(store);
    assert.deepEqual(await nextIds(follower, 1), await idsAfter(store, head));
    follower.close();
  }
  await hub.close();
});

Deno.test("who falls behind what is kept of the journal is told to start anew, not the rest", async () => {
  using store = await testStore();
  const hub = aHub(store, { entriesKept: 2 });
  store.onChanged(() => hub.look());
  const follower = await follow(hub);
  const from = follower.position;
  await storeEvents(store, 60);
  // Trimmed after it was looked whether the place is kept, and in the middle of what is replayed.
  await trimJournal(store, NOW + 1);
  const delivery = (await follower.next())!;
  const position = placeText(store, await readHeadPlace(store));
  assert.deepEqual(delivery, { type: "reset", reason: "too_old", requested: from, position });
  await storeEvent(store);
  assert.equal((await nextIds(follower, 1)).length, 1);
  await hub.close();
});

Deno.test("what is trimmed while a slice is read is no silence", async () => {
  using store = await testStore();
  await storeEvents(store, 60);
  const hub = aHub(store, { entriesKept: 2 });
  const all = await allEntries(store);
  const follower = await follow(hub, { from: endOf(all[0]!) });
  assert.equal(idsOf((await follower.next())!).length, 24);
  let isTrimming = true;
  store.faults.beforeList = async () => {
    if (!isTrimming) return;
    isTrimming = false;
    while ((await trimJournal(store, NOW + 1)).moreLeft);
  };
  const delivery = (await follower.next())!;
  assert.equal(delivery.type === "reset" && delivery.reason, "too_old");
  await hub.close();
});

Deno.test("when the hub was misled its followers start anew", async () => {
  using both = await twoProcesses();
  const { here, there } = both;
  const upstream = new HandUpstream();
  const hub = aHub(here, { upstream, watchdogMs: [1, 1] });
  const follower = await follow(hub);
  // The watchdog may have read the event by the time that the batch comes.
  const { position } = hub;
  await storeEvent(there);
  const batch = await batchAfter(there, position);
  batch.entries[0]!.versionstamp = "f".repeat(20);
  upstream.hub.receive(batch);
  let delivery = (await follower.next())!;
  while (delivery.type === "messages") delivery = (await follower.next())!;
  assert.deepEqual(
    [delivery.type, delivery.type === "reset" && delivery.reason, delivery.position],
    ["reset", "ahead", placeText(here, await readHeadPlace(here))],
  );
  const head = await readHeadPlace(here);
  await storeEvent(there);
  assert.deepEqual(await nextIds(follower, 1), await idsAfter(there, head));
  await hub.close();
});

Deno.test("a follower that is closed ends what it waits for, and leaves the hub", async () => {
  using store = await testStore();
  const upstream = new HandUpstream();
  const hub = aHub(store, { upstream });
  const followers = [await follow(hub), await follow(hub)];
  const waiting = followers.map((follower) => follower.next());
  assert.deepEqual(followers.map(({ idleSince }) => idleSince), [null, null]);
  followers[0]!.close();
  followers[0]!.close();
  assert.equal(await waiting[0], null);
  await followers[0]!.ended;
  assert.deepEqual([hub.size, upstream.closed], [1, 0]);
  await hub.close();
  assert.equal(await waiting[1], null);
  assert.equal(await followers[1]!.next(), null);
  assert.deepEqual([hub.size, upstream.closed], [0, 1]);
});

Deno.test("a follower that cannot be served ends, and leaves the hub", async () => {
  using store = await testStore();
  await storeEvents(store, 9);
  const hub = aHub(store, { entriesKept: 2 });
  const follower = await follow(hub, { from: BEGINNING });
  store.faults.beforeList = () => Promise.reject(new Error("the disk is gone"));
  await assert.rejects(follower.next(), /the disk is gone/);
  await follower.ended;
  assert.equal(hub.size, 0);
  assert.equal(await follower.next(), null);
  const failing = {
    from: null,
    subscription: () => Promise.reject(new Error("who are you")),
    clock: () => NOW,
    openEndedMs: DAY,
  };
  store.faults.beforeList = undefined;
  await assert.rejects(TheFollower.open(hub, failing), /who are you/);
  assert.equal(hub.size, 0);
  await hub.close();
});

Deno.test("a closed hub takes no followers", async () => {
  using store = await testStore();
  const hub = aHub(store);
  await hub.close();
  const subscription = () => Promise.resolve(everythingFor(ADMINS));
  const options = { from: null, subscription, clock: () => NOW, openEndedMs: DAY };
  assert.equal(await TheFollower.open(hub, options), null);
  assert.equal(hub.size, 0);
});

Deno.test("a follower whose hub closes while it begins is at its end, and leaves no timer", async () => {
  using store = await testStore();
  const hub = aHub(store);
  let closed: Promise<void> | undefined;
  const follower = await TheFollower.open(hub, {
    from: null,
    subscription() {
      // While the journal's end is read.
      queueMicrotask(() => queueMicrotask(() => closed = hub.close()));
      return Promise.resolve(everythingFor(GUESTS));
    },
    clock: () => NOW,
    openEndedMs: DAY,
  });
  assert.ok(closed !== undefined);
  assert.equal(await follower!.next(), null);
  await closed;
  assert.equal(hub.size, 0);
});

Deno.test("of many followers of a kind each is told the same, at whatever time of day it asks", async () => {
  using store = await testStore();
  const hub = aHub(store);
  store.onChanged(() => hub.look());
  let now = NOW;
  const of = () => follow(hub, { subscription: everythingFor(GUESTS), clock: () => now });
  const followers = [await of(), await of(), await of()];
  await storeEvent(store, { startDate: NOW + HOUR, endDate: NOW + 2 * HOUR });
  await soon(async () => comparePlaces(hub.position, await readHeadPlace(store)) === 0);
  const statuses: string[] = [];
  for (const [i, follower] of followers.entries()) {
    now = NOW + i * HOUR;
    const delivery = (await follower.next())!;
    assert.ok(delivery.type === "messages");
    statuses.push(JSON.parse(delivery.messages[0]!.json).data.status);
  }
  assert.deepEqual(statuses, ["CONFIRMED", "ONGOING", "COMPLETED"]);
  await hub.close();
});

Deno.test("what was hidden after it was made for others is not told from what was kept", async () => {
  using store = await testStore();
  const hub = aHub(store);
  store.onChanged(() => hub.look());
  const of = () => follow(hub, { subscription: everythingFor(GUESTS) });
  const [first, second] = [await of(), await of()];
  const stored = await storeEvent(store);
  assert.equal((await nextIds(first, 1)).length, 1, "and so it is kept");
  await changeStored(store, stored, { visibility: "PRIVATE", title: "secret" });
  await soon(async () => comparePlaces(hub.position, await readHeadPlace(store)) === 0);
  const delivery = (await second.next())!;
  assert.ok(delivery.type === "messages");
  const messages = delivery.messages.map(({ json }) => JSON.parse(json));
  assert.deepEqual(messages.map(({ type, data }) => [type, data]), [["event.left", undefined]]);
  await hub.close();
});
