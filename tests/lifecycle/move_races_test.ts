/** The job that moves all events of an organizer, among others who write, and interrupted. */
import assert from "node:assert/strict";
import { DomainError } from "../../kv/errors.ts";
import type { EventId } from "../../kv/event_record.ts";
import { createEvent, getEvent } from "../../kv/events.ts";
import { countChangesOf } from "../../kv/jobs.ts";
import { byOrganizerPrefix } from "../../kv/keys.ts";
import { deleteMove, listMoves } from "../../kv/organizer_moves.ts";
import type { Store } from "../../kv/store.ts";
import { editEvent, type EventEdit } from "../../lifecycle/edit_event.ts";
import { COMPLETE_EVENTS } from "../../lifecycle/jobs/complete_events.ts";
import { SILENT } from "../../lifecycle/log.ts";
import { ROOT } from "../../lifecycle/policy.ts";
import {
  allChanges,
  allRecords,
  aRecord,
  assertIndexesRebuild,
  completionsByEvent,
  DAY,
  HOUR,
  NOW,
  storeEvent,
} from "../support/fixture.ts";
import { addMember, interrupt, onStore, organizerId } from "./lifecycle_fixture.ts";
import {
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

function edit(store: Store, id: EventId, title: string, more: Partial<EventEdit> = {}) {
  const change: EventEdit = { content: { title }, times: {}, ...more };
  return editEvent(store, id, { edit: change, principal: ROOT, now: NOW });
}

async function assertMovedOnce(store: Store, ids: EventId[]): Promise<void> {
  assert.deepEqual(await eventsOf(store, FROM), []);
  const counts = await movesByEvent(store);
  assert.deepEqual([...counts.keys()].sort(), ids.toSorted());
  assert.deepEqual(new Set(counts.values()), new Set([1]));
  assert.equal(await isUnderWay(store), false);
  await assertIndexesRebuild(store);
  await assertJournalContiguous(store);
}

Deno.test(
  "two runs of move_events at once move each event once",
  onStore(async (store) => {
    const ids = await storeSome(store, 60, (i) => (i % 2 === 0 ? { externalId: `gala ${i}` } : {}));
    await askMove(store);
    const reports = await Promise.all([
      runMoves(store, { runId: "run_1" }),
      runMoves(store, { runId: "run_2" }),
    ]);
    assert.equal(reports[0].changed + reports[1].changed, 60);
    assert.deepEqual(reports.map((report) => report.failed), [0, 0]);
    await assertMovedOnce(store, ids);
    for (const [i, report] of reports.entries()) {
      const counted = await countChangesOf(store, `run_${i + 1}`, NOW);
      assert.equal(counted, report.changed, "the journal tells the runs apart");
    }
  }),
);

Deno.test(
  "move_events and the completion at once move and complete each event once",
  onStore(async (store) => {
    const ids = await storeSome(store, 60, (i) => (i % 2 === 0 ? { externalId: `gala ${i}` } : {}));
    await askMove(store);
    const now = NOW + DAY;
    const context = { now, dryRun: false, shouldStop: () => false, log: SILENT };
    const [moves, completion] = await Promise.all([
      runMoves(store, { now }),
      COMPLETE_EVENTS.run(store, { ...context, runId: "run_2", trigger: "cron" }),
    ]);
    assert.deepEqual([moves.changed, moves.failed, completion.failed], [60, 0, 0]);
    const completions = await completionsByEvent(store);
    assert.equal(completions.size, 60);
    assert.deepEqual(new Set(completions.values()), new Set([1]));
    await assertMovedOnce(store, ids);
  }),
);

Deno.test(
  "move_events loses no edit that is made while it runs",
  onStore(async (store) => {
    const fields = { startDate: NOW + 1 };
    const ids = await storeSome(store, 40, (i) => ({ ...fields, externalId: `gala ${i}` }));
    await askMove(store);
    let edits = 0;
    // After each read of a batch one of its events changes, so that its commit loses the race.
    interrupt(store, "getMany", async () => {
      for (let i = edits % 2; i < 40; i += 7) await edit(store, ids[i]!, `Edit ${++edits}`);
    });
    const report = await runMoves(store);
    assert.deepEqual([report.changed, report.failed], [40, 0]);
    assert.ok(report.conflicts > 0);
    const titled = (await allChanges(store)).filter(({ event }) => event.title.startsWith("Edit"));
    const last = new Map(titled.map(({ event }) => [event.id, event.title]));
    for (const { id, title } of await allRecords(store)) {
      assert.equal(title, last.get(id) ?? aRecord().title);
    }
    assert.equal((await allChanges(store)).length, 40 + edits + 40);
    await assertMovedOnce(store, ids);
  }),
);

Deno.test(
  "move_events that was stopped leaves the rest to the next run",
  onStore(async (store) => {
    const ids = await storeSome(store, 60);
    await askMove(store);
    let asked = 0;
    const report = await runMoves(store, { shouldStop: () => asked++ === 3 });
    assert.deepEqual([report.changed, report.moreLeft], [24, true]);
    assert.ok(await isUnderWay(store));
    const rest = await runMoves(store, { runId: "run_2" });
    assert.deepEqual([rest.changed, rest.moreLeft], [36, false]);
    await assertMovedOnce(store, ids);
  }),
);

Deno.test(
  "move_events that failed with the store anywhere is gone on with by the next run",
  onStore(async (store) => {
    const ids = await storeSome(store, 30);
    await askMove(store);
    for (
      const [method, code] of [
        ["get", "store_unavailable"],
        ["list", "store_unavailable"],
        ["getMany", "store_unavailable"],
        ["commit", "outcome_unknown"],
      ] as const
    ) {
      const original = store[method];
      let left = 2;
      interrupt(store, method, async () => {
        if (left-- === 0) await Promise.reject(new DomainError(code));
      });
      await runMoves(store).catch((error) => assert.equal(error.code, code));
      Object.assign(store, { [method]: original });
      assert.ok(await isUnderWay(store) || (await eventsOf(store, FROM)).length === 0, method);
    }
    await runMoves(store, { runId: "run_2" });
    await assertMovedOnce(store, ids);
  }),
);

Deno.test(
  "move_events fails with the store also when it asks for an external id",
  onStore(async (store) => {
    await storeSome(store, 1, () => ({ externalId: "gala" }));
    await askMove(store);
    let gets = 0;
    // The first one asks where the journal stands.
    interrupt(store, "get", async () => {
      if (++gets === 2) await Promise.reject(new DomainError("store_unavailable"));
    });
    await assert.rejects(runMoves(store), { code: "store_unavailable" });
  }),
);

Deno.test(
  "move_events lets an event be that went elsewhere meanwhile",
  onStore(async (store) => {
    const [id] = await storeSome(store, 1);
    const elsewhere = organizerId(2);
    await addMember(store, elsewhere, { userId: "usr_ann", role: "owner" });
    await askMove(store);
    let walks = 0;
    interrupt(store, "list", async () => {
      if (++walks === 2) await edit(store, id!, "Elsewhere", { organizerId: elsewhere });
    });
    assert.equal((await runMoves(store)).changed, 0);
    assert.deepEqual(await eventsOf(store, elsewhere), [id]);
    assert.equal(await isUnderWay(store), false);
  }),
);

/** Runs `act` once, right after the first walk that met no event of `FROM`. */
function afterLastWalk(store: Store, act: () => Promise<unknown>): void {
  const { list } = store;
  let done = false;
  Object.assign(store, {
    async list(selector: { start?: Deno.KvKey }, options: { limit: number }) {
      const rows = await list.call(store, selector as Deno.KvListSelector, options);
      const isWalk = selector.start?.slice(0, 2).join() === byOrganizerPrefix(FROM).join();
      if (!isWalk || rows.length > 0 || done) return rows;
      done = true;
      await act();
      return rows;
    },
  });
}

Deno.test(
  "move_events moves what is created or moved in behind its back, until it has ended",
  onStore(async (store) => {
    const ids = await storeSome(store, 3);
    const { record: other } = await storeEvent(store, { organizerId: TO });
    await addMember(store, FROM, { userId: "usr_ann", role: "owner" });
    const late = aRecord({ startDate: NOW - 9 * DAY });
    for (
      const arrive of [
        () => createEvent(store, late, ROOT.userId),
        () => edit(store, other.id, "Back", { organizerId: FROM }),
      ]
    ) {
      const { list } = store;
      await askMove(store);
      afterLastWalk(store, arrive);
      await runMoves(store);
      Object.assign(store, { list });
      assert.deepEqual(await eventsOf(store, FROM), []);
      assert.equal(await isUnderWay(store), false);
    }
    await assertMovedOnce(store, [...ids, late.id, other.id]);
    const after = await storeEvent(store);
    await runMoves(store);
    assert.deepEqual(await eventsOf(store, FROM), [after.record.id], "afterwards not");
  }),
);

Deno.test(
  "move_events meets an event that is dated to before where its walk has been",
  onStore(async (store) => {
    const [id] = await storeSome(store, 1);
    await askMove(store);
    const { list } = store;
    let walks = 0;
    Object.assign(store, {
      // The walk passes the event by: it is moved to a date that was read already.
      async list(selector: Deno.KvListSelector, options: { limit: number }) {
        const rows = await list.call(store, selector, options);
        if ((rows[0]?.key[0] !== "events_by_organizer") || walks++ > 0) return rows;
        await edit(store, id!, "Earlier", { times: { startDate: "2026-12-01T10:00:00Z" } });
        return [];
      },
    });
    assert.equal((await runMoves(store)).changed, 1);
    Object.assign(store, { list });
    await assertMovedOnce(store, [id!]);
  }),
);

Deno.test(
  "move_events ends its move also while others write what does not come to the organizer",
  onStore(async (store) => {
    const [id] = await storeSome(store, 1);
    const { record: stuck } = await storeEvent(store, { externalId: "gala" });
    await storeEvent(store, { externalId: "gala", organizerId: TO });
    const { record: other } = await storeEvent(store, { organizerId: TO });
    await askMove(store);
    let edits = 0;
    interrupt(store, "list", async () => {
      if (edits > 40) return;
      await edit(store, other.id, `Edit ${edits++}`);
      await edit(store, stuck.id, `Edit ${edits++}`);
    });
    const report = await runMoves(store);
    assert.deepEqual([report.changed, report.failed, report.moreLeft], [1, 1, false]);
    assert.equal(report.examined, 3, "two walks were enough");
    assert.deepEqual(await eventsOf(store, FROM), [stuck.id]);
    assert.equal((await getEvent(store, id!))!.record.organizerId, TO);
    assert.equal(await isUnderWay(store), false);
  }),
);

Deno.test(
  "move_events that cannot end its move because others are faster says that work is left",
  onStore(async (store) => {
    await storeSome(store, 1);
    const { record: other } = await storeEvent(store, { organizerId: TO });
    await askMove(store);
    let edits = 0;
    let isStopping = false;
    interrupt(store, "get", async () => {
      await edit(store, other.id, `Edit ${edits++}`);
      if (edits > 20) isStopping = true;
    });
    const report = await runMoves(store, { shouldStop: () => isStopping });
    assert.deepEqual([report.changed, report.moreLeft], [1, true]);
    assert.ok(await isUnderWay(store));
  }),
);

Deno.test(
  "move_events leaves a request alone that was made anew while it ended",
  onStore(async (store) => {
    await storeSome(store, 1);
    await askMove(store);
    const next = { reason: "Again" };
    afterLastWalk(store, async () => {
      const [stored] = await listMoves(store);
      const head = (await store.get(["journal_head"])).versionstamp;
      assert.ok(await deleteMove(store, stored!, head));
      await askMove(store, next);
    });
    const report = await runMoves(store);
    assert.deepEqual([report.changed, report.moreLeft], [1, false]);
    assert.equal((await listMoves(store))[0]!.move.reason, next.reason);
  }),
);

Deno.test(
  "a run of move_events that was broken off is counted by what it moved for the admin",
  onStore(async (store) => {
    await storeSome(store, 20);
    await askMove(store);
    let asked = 0;
    const { changed } = await runMoves(store, {
      now: NOW + 2 * HOUR,
      shouldStop: () => asked++ === 1,
    });
    assert.equal(changed, 8);
    assert.equal(
      await countChangesOf(store, "run_1", NOW),
      8,
      "the clock's steps are not its own",
    );
  }),
);
