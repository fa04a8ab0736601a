/** The job that moves all events of an organizer: what it moves, tells, and leaves. */
import assert from "node:assert/strict";
import { EVENT_STATUSES, VISIBILITIES } from "../../kv/event_record.ts";
import { getEvent } from "../../kv/events.ts";
import { eventKey } from "../../kv/keys.ts";
import { MAX_CARD_BYTES, MAX_RECORD_BYTES } from "../../kv/limits.ts";
import type { Store } from "../../kv/store.ts";
import {
  allChanges,
  allRecords,
  aRecord,
  assertIndexesRebuild,
  DAY,
  HOUR,
  NOW,
  storeEvent,
} from "../support/fixture.ts";
import { cardBytes, filled, recordBytes } from "../kv/filled_record.ts";
import { onStore, organizerId } from "./lifecycle_fixture.ts";
import {
  ADMIN_ID,
  askMove,
  assertJournalContiguous,
  eventsOf,
  FROM,
  isUnderWay,
  movesByEvent,
  runMoves,
  storeSome,
  TO,
} from "./moves.ts";

/** How many changes each commit for the admin had. */
async function commitSizes(store: Store): Promise<number[]> {
  const entries = await Array.fromAsync(
    store.kv.list<{ changes: { run?: string }[] }>({ prefix: ["journal"] }),
  );
  return entries.map(({ value }) => value.changes)
    .filter((changes) => changes.some((change) => change.run !== undefined))
    .map((changes) => changes.length).sort((a, b) => a - b);
}

Deno.test(
  "move_events moves events of every status and visibility, with all they have",
  onStore(async (store) => {
    for (const status of EVENT_STATUSES) {
      for (const visibility of VISIBILITIES) {
        await storeEvent(store, {
          status,
          visibility,
          archivedFrom: status === "ARCHIVED" ? "CANCELLED" : null,
          externalId: `${status} ${visibility}`,
          tags: ["music", "winter"],
          staff: [{ userId: "usr_ann", role: "editor" }],
          endDate: visibility === "PRIVATE" ? null : NOW + HOUR,
          startDate: NOW + 1,
        });
      }
    }
    const before = await allRecords(store);
    const { record: other } = await storeEvent(store, { organizerId: organizerId(2) });
    await askMove(store);
    const report = await runMoves(store);
    assert.deepEqual(report, {
      examined: 18,
      changed: 18,
      conflicts: 0,
      failed: 0,
      lateByMs: null,
      moreLeft: false,
      failures: [],
      planned: [],
    });
    for (const record of before) {
      const { history, ...moved } = (await getEvent(store, record.id))!.record;
      const { history: _, ...expected } = record;
      assert.deepEqual(moved, { ...expected, organizerId: TO, version: 2, updatedAt: NOW });
      assert.deepEqual(history.at(-1), {
        version: 2,
        at: NOW,
        by: ADMIN_ID,
        transition: null,
        reason: "Merged",
        fields: { organizer_id: [FROM, TO] },
      });
    }
    assert.deepEqual((await getEvent(store, other.id))!.record, other);
    assert.equal(await isUnderWay(store), false);
    await assertIndexesRebuild(store);
    await assertJournalContiguous(store);
  }),
);

Deno.test(
  "move_events journals who asked for it, and its run beside",
  onStore(async (store) => {
    const [id] = await storeSome(store, 1);
    await askMove(store);
    await runMoves(store);
    const change = (await allChanges(store)).at(-1)!;
    assert.deepEqual(
      [change.type, change.by, change.run, change.at, change.event.id, change.was!.organizerId],
      ["updated", ADMIN_ID, "run_1", NOW, id, FROM],
    );
  }),
);

Deno.test(
  "move_events commits the clock's transition as a step of its own before the move",
  onStore(async (store) => {
    const [id] = await storeSome(store, 1, () => ({ externalId: "gala" }));
    await askMove(store);
    const now = NOW + 2 * HOUR;
    assert.equal((await runMoves(store, { now })).changed, 1);
    const { record } = (await getEvent(store, id!))!;
    assert.deepEqual([record.status, record.organizerId, record.version], ["COMPLETED", TO, 3]);
    assert.equal(record.completedAt, NOW + HOUR);
    const { transition, by, at } = record.history.at(-2)!;
    assert.deepEqual([transition!.name, by, at], ["complete", "clock", NOW + HOUR]);
    const [clock, move] = (await allChanges(store)).slice(-2);
    assert.deepEqual([clock!.by, clock!.run, clock!.event.organizerId], ["clock", undefined, FROM]);
    assert.deepEqual([move!.by, move!.run, move!.event.status], [ADMIN_ID, "run_1", "COMPLETED"]);
    await assertIndexesRebuild(store);
    await assertJournalContiguous(store);
  }),
);

Deno.test(
  "move_events commits eight events at a time, four when their external ids move too",
  onStore(async (store) => {
    await storeSome(store, 8, (i) => ({ startDate: NOW + 1 + i }));
    await storeSome(store, 8, (i) => ({ startDate: NOW + 11 + i, externalId: `gala ${i}` }));
    await askMove(store);
    assert.equal((await runMoves(store)).conflicts, 0);
    assert.deepEqual(await commitSizes(store), [4, 4, 8]);
  }),
);

Deno.test(
  "move_events moves events at the limit of what can be stored, and their transitions",
  onStore(async (store) => {
    const tags = Array.from({ length: 20 }, (_, i) => `${i}`.padStart(50, "t"));
    for (let i = 0; i < 12; i++) {
      const card = filled(aRecord({ tags, externalId: `gala ${i}` }), {
        field: "summary",
        bytes: MAX_CARD_BYTES,
        letter: i % 2 === 0 ? "é" : "雪",
        measure: cardBytes,
      });
      const record = filled(card, {
        field: "description",
        bytes: MAX_RECORD_BYTES,
        letter: "é",
        measure: recordBytes,
      });
      assert.deepEqual([cardBytes(record), recordBytes(record)], [
        MAX_CARD_BYTES,
        MAX_RECORD_BYTES,
      ]);
      await storeEvent(store, record);
    }
    await askMove(store, { reason: "雪".repeat(500) });
    for (const [now, to] of [[NOW, TO], [NOW + DAY, organizerId(2)]] as const) {
      if (to !== TO) await askMove(store, { from: TO, to, reason: "雪".repeat(500) });
      let commits = 0;
      const { commit } = store;
      Object.assign(store, {
        commit: (operation: Deno.AtomicOperation) => (commits++, commit.call(store, operation)),
      });
      const report = await runMoves(store, { now, runId: `run_${now}` });
      Object.assign(store, { commit });
      assert.deepEqual([report.changed, report.conflicts, report.failures], [12, 0, []]);
      assert.equal(commits, 12 + 1, "each went by itself, and none was too large");
    }
    await assertIndexesRebuild(store);
    await assertJournalContiguous(store);
  }),
);

Deno.test(
  "move_events puts no more changes into one journal entry than it holds",
  onStore(async (store) => {
    for (let i = 0; i < 6; i++) {
      const edge = { field: "summary", bytes: MAX_CARD_BYTES, letter: "é" } as const;
      await storeEvent(store, filled(aRecord({ tags: [] }), { ...edge, measure: cardBytes }));
    }
    await askMove(store);
    assert.equal((await runMoves(store)).changed, 6);
    assert.deepEqual(await commitSizes(store), [4, 4, 4], "each started, and then moved");
  }),
);

Deno.test(
  "move_events sets an event aside whose external id is taken, and moves the rest",
  onStore(async (store) => {
    const ids = await storeSome(store, 12, (i) => ({ externalId: `gala ${i}` }));
    const { record: holder } = await storeEvent(store, { organizerId: TO, externalId: "gala 3" });
    await askMove(store);
    const report = await runMoves(store);
    assert.deepEqual([report.changed, report.failed, report.moreLeft], [11, 1, false]);
    const [{ eventId, error }] = report.failures as [{ eventId: string; error: string }];
    assert.equal(eventId, ids[3]);
    assert.match(error, new RegExp(`^external_id_taken: .*"gala 3".*"${holder.id}"`));
    assert.deepEqual(await eventsOf(store, FROM), [ids[3]]);
    assert.equal(await isUnderWay(store), false);
    await assertIndexesRebuild(store);
  }),
);

Deno.test(
  "move_events sets a broken event and one of a newer format aside",
  onStore(async (store) => {
    const [broken, newer, ...others] = await storeSome(store, 5);
    const { tags: _, ...corrupt } = (await getEvent(store, broken!))!.record;
    await store.kv.set(eventKey(broken!), corrupt);
    const { record } = (await getEvent(store, newer!))!;
    await store.kv.set(eventKey(newer!), { ...record, format: 99 });
    await askMove(store);
    const report = await runMoves(store);
    assert.equal(report.changed, 3);
    assert.deepEqual(report.failures.map((failure) => failure.eventId), [broken, newer]);
    assert.match(report.failures[1]!.error, /^newer_format: /);
    assert.deepEqual(await eventsOf(store, TO), others.sort());
  }),
);

Deno.test(
  "move_events counts all failures of several moves and names the first twenty",
  onStore(async (store) => {
    for (const from of [FROM, organizerId(2)]) {
      for (let i = 0; i < 15; i++) {
        const { record } = await storeEvent(store, { organizerId: from });
        await store.kv.set(eventKey(record.id), { ...record, format: 99 });
      }
      await askMove(store, { from });
    }
    const report = await runMoves(store);
    assert.deepEqual([report.failed, report.failures.length], [30, 20]);
  }),
);

Deno.test(
  "a dry run of move_events plans exactly what a run then does, and writes nothing",
  onStore(async (store) => {
    const ids = await storeSome(store, 11, (i) => ({ externalId: `gala ${i}` }));
    await storeEvent(store, { organizerId: TO, externalId: "gala 5" });
    await askMove(store);
    const before = await allChanges(store);
    const dry = await runMoves(store, { dryRun: true });
    assert.deepEqual(await allChanges(store), before);
    assert.ok(await isUnderWay(store));
    const moved = ids.filter((_, i) => i !== 5);
    assert.deepEqual(
      dry.planned.toSorted((a, b) => (a.id < b.id ? -1 : 1)),
      moved.sort().map((id) => ({ id, from: FROM, to: TO })),
    );
    assert.deepEqual(dry.failures.map((failure) => failure.eventId), [ids[5]]);
    const real = await runMoves(store);
    assert.deepEqual([real.changed, real.failed], [dry.changed, dry.failed]);
    assert.deepEqual(real.failures, dry.failures);
    assert.deepEqual([...(await movesByEvent(store)).keys()].sort(), moved);
  }),
);

Deno.test(
  "move_events without a request changes nothing",
  onStore(async (store) => {
    await storeSome(store, 3);
    const { examined, changed, moreLeft } = await runMoves(store);
    assert.deepEqual([examined, changed, moreLeft], [0, 0, false]);
    assert.equal((await eventsOf(store, FROM)).length, 3);
  }),
);

Deno.test(
  "events moved into an organizer are taken along by a move out of it, whatever their ids",
  onStore(async (store) => {
    const [low, high] = [organizerId(3), organizerId(4)];
    for (const [first, via] of [[low, high], [high, low]] as const) {
      const { record } = await storeEvent(store, { organizerId: first });
      await askMove(store, { from: first, to: via });
      await askMove(store, { from: via, to: TO });
      await runMoves(store);
      assert.equal((await getEvent(store, record.id))!.record.organizerId, TO);
      assert.equal(await isUnderWay(store), false);
    }
  }),
);
