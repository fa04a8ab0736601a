/** The relay: everything that is committed is published, in order, whatever fails in between. */
import assert from "node:assert/strict";
import { comparePlaces, readHeadPlace, readTrimmedTo } from "../../../kv/journal_places.ts";
import { trimJournal } from "../../../kv/journal_trim.ts";
import { getRelayCursor } from "../../../kv/relay_cursor.ts";
import type { Store } from "../../../kv/store.ts";
import { backoffMs } from "../../../lifecycle/realtime/backoff.ts";
import type { Batch } from "../../../lifecycle/realtime/hub.ts";
import { parseMessage } from "../../../lifecycle/realtime/relayed.ts";
import { Relay } from "../../../lifecycle/realtime/relay.ts";
import { cardBytes, filled } from "../../kv/filled_record.ts";
import { testStore } from "../../kv/test_store.ts";
import { aRecord, NOW, storeAll, storeEvent, storeEvents } from "../../support/fixture.ts";
import { soon } from "../../support/http.ts";
import {
  aHub,
  aListener,
  allEntries,
  aLog,
  HandUpstream,
  twoProcesses,
} from "./realtime_fixture.ts";

const CHANNEL = "curtain:test:rt:changes";

/** A relay to nowhere; `published` is what it was asked to publish. */
function aRelay(store: Store, { channel = CHANNEL, publish }: {
  channel?: string;
  publish?: (batch: Batch) => Promise<void> | void;
} = {}) {
  const published: Batch[] = [];
  const { log, lines } = aLog();
  const relay = new Relay(store, {
    channel,
    log,
    publish: async (message) => {
      const batch = parseMessage(store, message)!;
      await publish?.(batch);
      published.push(batch);
    },
  });
  return { relay, published, lines };
}

const stampsOf = (batches: Batch[]) =>
  batches.flatMap(({ entries }) => entries.map(({ versionstamp }) => versionstamp));

/** Asserts that the messages are the journal after `from`, each going on from the one before. */
async function assertJournal(store: Store, batches: Batch[], from: Batch["prev"]): Promise<void> {
  let at = from;
  for (const { prev, entries } of batches) {
    assert.deepEqual(prev, at);
    const last = entries.at(-1)!;
    at = { versionstamp: last.versionstamp, n: last.before + last.changes.length };
  }
  const all = await allEntries(store);
  assert.deepEqual(
    stampsOf(batches),
    all.map(({ versionstamp }) => versionstamp).filter((stamp) => stamp > from.versionstamp),
  );
}

async function cursorOf(store: Store, channel = CHANNEL) {
  const { place } = await getRelayCursor(store, channel);
  return place === null ? null : { versionstamp: place.versionstamp, n: place.n };
}

Deno.test("a relay publishes what is committed, in order, each message going on from the last", async () => {
  using store = await testStore();
  const { relay, published } = aRelay(store);
  await relay.prepare();
  const start = await readHeadPlace(store);
  await storeEvents(store, 60);
  assert.equal(await relay.run(), 60);
  await storeEvents(store, 3);
  assert.equal(await relay.run(), 3);
  assert.equal(await relay.run(), 0);
  await assertJournal(store, published, start);
  assert.ok(published.length <= 4, "batches, and not a message a change");
  assert.deepEqual(await cursorOf(store), await readHeadPlace(store));
});

Deno.test("on a new channel what came before is not published", async () => {
  using store = await testStore();
  await storeEvents(store, 3);
  const { relay, published } = aRelay(store);
  await relay.prepare();
  assert.equal(await relay.run(), 0);
  await storeEvent(store);
  await relay.run();
  assert.equal(stampsOf(published).length, 1);
  // What another process prepared stays.
  await storeEvent(store);
  const other = aRelay(store);
  await other.relay.prepare();
  assert.equal(await other.relay.run(), 1);
  const elsewhere = aRelay(store, { channel: "curtain:other:rt:changes" });
  await elsewhere.relay.prepare();
  assert.equal(await elsewhere.relay.run(), 0);
});

Deno.test("large entries go in messages of their own; the cursor moves when all are published", async () => {
  using store = await testStore();
  const { relay, published } = aRelay(store, {
    publish: async () => assert.deepEqual(await cursorOf(store), start),
  });
  await relay.prepare();
  const start = (await cursorOf(store))!;
  const large = (title: string) =>
    filled(aRecord({ title }), {
      field: "summary",
      bytes: 12 * 1024,
      letter: "東",
      measure: cardBytes,
    });
  await storeAll(store, Array.from({ length: 25 }, (_, i) => large(`${i}`)));
  assert.equal(await relay.run(), 25);
  assert.ok(published.length >= 2);
  await assertJournal(store, published, start);
});

Deno.test("woken, it publishes by itself, also what is committed while it does", async () => {
  using store = await testStore();
  let more = 5;
  const { relay, published } = aRelay(store, {
    publish: async () => {
      if (more-- <= 0) return;
      await storeEvent(store);
      relay.wake();
    },
  });
  await relay.prepare();
  const start = await readHeadPlace(store);
  await storeEvent(store);
  for (let i = 0; i < 10; i++) relay.wake();
  await soon(() => published.length >= 6);
  await relay.stop();
  await assertJournal(store, published, start);
});

Deno.test("what fails is tried again after a while, told of once, and nothing is left out", async () => {
  using store = await testStore();
  let failures = 0;
  const { relay, published, lines } = aRelay(store, {
    publish: () => {
      if (failures++ < 3) throw new Error("Redis is down");
    },
  });
  await relay.prepare();
  const start = await readHeadPlace(store);
  await storeEvents(store, 2);
  relay.wake();
  await soon(() => failures === 1);
  await storeEvents(store, 2);
  relay.wake();
  await soon(() => stampsOf(published).length === 4);
  await relay.stop();
  await assertJournal(store, published, start);
  assert.deepEqual(lines.map(({ level }) => level), ["warn", "debug", "debug", "info"]);
});

Deno.test("while it waits to try again, waking it asks nothing of Redis nor of the store", async () => {
  using store = await testStore();
  const { relay, lines } = aRelay(store, {
    publish: () => {
      throw new Error("Redis is down");
    },
  });
  await relay.prepare();
  await storeEvent(store);
  relay.wake();
  await soon(() => lines.length === 1);
  store.get = () => Promise.reject(new Error("nobody should ask"));
  for (let i = 0; i < 50; i++) relay.wake();
  await relay.stop();
  assert.equal(lines.length, 1);
});

Deno.test("a crash between publishing and the cursor publishes twice, and a hub drops the second", async () => {
  using both = await twoProcesses();
  const { here, there } = both;
  const upstream = new HandUpstream();
  const hub = aHub(here, { upstream });
  const listener = aListener();
  await hub.join(listener);
  const start = hub.position;
  const first = aRelay(there, { publish: (batch) => upstream.hub.receive(batch) });
  await first.relay.prepare();
  await storeEvents(there, 3);
  there.faults.commit = () => Promise.reject(new Error("killed"));
  await assert.rejects(first.relay.run());
  there.faults.commit = undefined;
  await storeEvents(there, 2);
  const second = aRelay(there, { publish: (batch) => upstream.hub.receive(batch) });
  await second.relay.prepare();
  assert.equal(await second.relay.run(), 5);
  assert.equal(stampsOf(first.published).length, 3);
  const all = await allEntries(here);
  assert.deepEqual(
    hub.entriesAfter(start)!.map(({ versionstamp }) => versionstamp),
    all.map(({ versionstamp }) => versionstamp),
  );
  assert.equal(listener.times.advanced, 2);
  await hub.leave(listener);
});

Deno.test("of two relays at once everything is published, and to a hub in order", async () => {
  using both = await twoProcesses();
  const { here, there } = both;
  const upstream = new HandUpstream();
  const hub = aHub(here, { upstream });
  const listener = aListener();
  await hub.join(listener);
  const start = hub.position;
  const seen = new Set<string>();
  const publish = async (batch: Batch) => {
    await new Promise((resolve) => setTimeout(resolve));
    for (const stamp of stampsOf([batch])) seen.add(stamp);
    upstream.hub.receive(batch);
  };
  const relays = [aRelay(here, { publish }), aRelay(there, { publish })];
  for (const { relay } of relays) await relay.prepare();
  const writing = storeEvents(there, 120);
  for (let i = 0; i < 5; i++) await Promise.all(relays.map(({ relay }) => relay.run()));
  await writing;
  await Promise.all(relays.map(({ relay }) => relay.run()));
  const all = (await allEntries(here)).map(({ versionstamp }) => versionstamp);
  assert.deepEqual([...seen].toSorted(), all);
  await soon(async () => comparePlaces(hub.position, await readHeadPlace(here)) === 0);
  assert.deepEqual(hub.entriesAfter(start)!.map(({ versionstamp }) => versionstamp), all);
  await hub.leave(listener);
});

Deno.test("a cursor that fell behind what is kept goes on from there, and says so", async () => {
  using store = await testStore();
  const { relay, published } = aRelay(store);
  await relay.prepare();
  const start = await readHeadPlace(store);
  await storeEvents(store, 5);
  await trimJournal(store, NOW + 1);
  const trimmedTo = await readTrimmedTo(store);
  assert.ok(comparePlaces(start, trimmedTo) < 0);
  assert.equal(await relay.run(), 1);
  assert.deepEqual(published[0]!.prev, trimmedTo, "a hub that stands further back sees the gap");
});

Deno.test("a relay that is stopped publishes nothing more, and waits for what is under way", async () => {
  using store = await testStore();
  const gate = Promise.withResolvers<void>();
  const entered = Promise.withResolvers<void>();
  const { relay, published } = aRelay(store, {
    publish: () => {
      entered.resolve();
      return gate.promise;
    },
  });
  await relay.prepare();
  await storeEvent(store);
  relay.wake();
  await entered.promise;
  await storeEvent(store);
  relay.wake();
  const stopping = relay.stop();
  gate.resolve();
  await stopping;
  const before = published.length;
  assert.equal(before, 1);
  relay.wake();
  assert.equal(await relay.run(), 0);
  assert.equal(published.length, before);
});

Deno.test("waits grow to ten seconds, and no two processes wait alike", () => {
  const least = Array.from({ length: 12 }, (_, i) => backoffMs(i, () => 0));
  const most = Array.from({ length: 12 }, (_, i) => backoffMs(i, () => 1));
  assert.deepEqual(least.slice(0, 4), [50, 100, 200, 400]);
  assert.deepEqual(most.slice(0, 4), [100, 200, 400, 800]);
  assert.deepEqual([least.at(-1), most.at(-1), backoffMs(2_000, () => 1)], [5_000, 10_000, 10_000]);
});
