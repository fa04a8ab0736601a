/** The job that withholds events, among others who write, and interrupted. */
import assert from "node:assert/strict";
import { DomainError } from "../../kv/errors.ts";
import { getEvent } from "../../kv/events.ts";
import { countChangesOf } from "../../kv/jobs.ts";
import { createOrganizer, listOrganizersOf } from "../../kv/organizers.ts";
import { COMPLETE_EVENTS } from "../../lifecycle/jobs/complete_events.ts";
import { SILENT } from "../../lifecycle/log.ts";
import { anOrganizer } from "../kv/organizer_records.ts";
import { everything } from "../kv/test_store.ts";
import {
  allChanges,
  allRecords,
  aRecord,
  completionsByEvent,
  DAY,
  NOW,
  storeEvent,
  storeEvents,
} from "../support/fixture.ts";
import { anImported, importAll } from "./import_lines.ts";
import { addMember, interrupt, onStore } from "./lifecycle_fixture.ts";
import { askMove, assertJournalContiguous, FROM, runMoves } from "./moves.ts";
import {
  assertWithheld,
  CLUB,
  edit,
  HALL,
  isWaiting,
  once,
  reinstate,
  runWithholding,
  submit,
  suspend,
  withHallAndClub,
} from "./suspensions.ts";

Deno.test(
  "ten runs of withhold_events at once withhold each event once",
  withHallAndClub(async (store) => {
    await storeEvents(store, 60, { organizerId: HALL });
    await suspend(store, "usr_ann");
    const runs = Array.from({ length: 10 }, (_, i) => runWithholding(store, { runId: `run_${i}` }));
    const reports = await Promise.all(runs);
    assert.equal(reports.reduce((sum, { changed }) => sum + changed, 0), 60);
    assert.deepEqual(reports.map(({ failed }) => failed), Array(10).fill(0));
    const told = (await allChanges(store)).filter(({ run }) => run !== undefined);
    assert.equal(new Set(told.map(({ event }) => event.id)).size, 60);
    assert.equal(told.length, 60);
    for (const [i, { changed }] of reports.entries()) {
      assert.equal(await countChangesOf(store, `run_${i}`, NOW), changed);
    }
    await assertWithheld(store, HALL, true);
    await assertJournalContiguous(store);
  }),
);

Deno.test(
  "withhold_events and the completion at once withhold and complete each event once",
  withHallAndClub(async (store) => {
    await storeEvents(store, 60, { organizerId: HALL });
    await suspend(store, "usr_ann");
    const now = NOW + DAY;
    const context = { now, dryRun: false, shouldStop: () => false, log: SILENT } as const;
    const [withholding, completion] = await Promise.all([
      runWithholding(store, { now }),
      COMPLETE_EVENTS.run(store, { ...context, runId: "run_2", trigger: "cron" }),
    ]);
    assert.deepEqual([withholding.changed, withholding.failed, completion.failed], [60, 0, 0]);
    const completions = await completionsByEvent(store);
    assert.deepEqual([completions.size, new Set(completions.values())], [60, new Set([1])]);
    await assertWithheld(store, HALL, true);
    await assertJournalContiguous(store);
  }),
);

Deno.test(
  "what comes to an organizer takes its flag: made, imported, moved by hand and by the job",
  withHallAndClub(async (store) => {
    await addMember(store, FROM, { userId: "usr_carol", role: "owner" });
    await suspend(store, "usr_ann");
    await runWithholding(store);
    const { record: moved } = await storeEvent(store, { organizerId: CLUB });
    await storeEvent(store, { organizerId: FROM, externalId: "moved" });
    await submit(store);
    await edit(store, moved.id, { organizerId: HALL });
    const last = (await getEvent(store, moved.id))!.record.history.at(-1)!;
    assert.deepEqual(last.fields, { organizer_id: [CLUB, HALL], withheld: ["false", "true"] });
    assert.equal((await importAll(store, [anImported("a", { organizerId: HALL })])).created, 1);
    await askMove(store, { to: HALL });
    assert.equal((await runMoves(store)).changed, 1);
    assert.equal((await allRecords(store)).length, 4);
    await assertWithheld(store, HALL, true);
    await edit(store, moved.id, { organizerId: CLUB });
    await assertWithheld(store, CLUB, false);
    await askMove(store, { from: HALL, to: CLUB });
    assert.equal((await runMoves(store)).changed, 3);
    assert.deepEqual(
      new Set((await allRecords(store)).map((event) => event.organizerId)),
      new Set([CLUB]),
    );
    await assertWithheld(store, CLUB, false);
    await assertJournalContiguous(store);
  }),
);

Deno.test(
  "withhold_events meets an event that is dated to before where its last walk has been",
  withHallAndClub(async (store) => {
    const { record: { id } } = await storeEvent(store, { organizerId: HALL });
    await suspend(store, "usr_ann");
    const { list } = store;
    let walks = 0;
    Object.assign(store, {
      async list(selector: Deno.KvListSelector, options: { limit: number }) {
        const rows = await list.call(store, selector, options);
        if (rows[0]?.key[0] !== "events_by_organizer" || walks++ > 0) return rows;
        await edit(store, id, { times: { startDate: "2026-12-01T10:00:00Z" } });
        return [];
      },
    });
    assert.equal((await runWithholding(store)).changed, 1, "the first walk met none");
    Object.assign(store, { list });
    await assertWithheld(store, HALL, true);
  }),
);

Deno.test(
  "withhold_events carries out in the same run what is asked for meanwhile",
  withHallAndClub(async (store) => {
    await storeEvents(store, 3, { organizerId: CLUB });
    await storeEvents(store, 3, { organizerId: HALL });
    for (const [first, second] of [["usr_ann", "usr_bob"], ["usr_bob", "usr_ann"]] as const) {
      await suspend(store, first);
      const { getMany } = store;
      once(store, { method: "getMany", nth: 2 }, () => suspend(store, second));
      const report = await runWithholding(store);
      Object.assign(store, { getMany });
      assert.deepEqual([report.changed, report.moreLeft], [6, false]);
      for (const id of [HALL, CLUB]) await assertWithheld(store, id, true);
      await reinstate(store, "usr_ann", "usr_bob");
      assert.equal((await runWithholding(store)).changed, 6);
    }
  }),
);

Deno.test(
  "withhold_events that was stopped leaves the rest to the next run",
  withHallAndClub(async (store) => {
    await storeEvents(store, 60, { organizerId: HALL });
    await suspend(store, "usr_ann");
    let asked = 0;
    const report = await runWithholding(store, { shouldStop: () => asked++ === 4 });
    assert.deepEqual([report.changed, report.moreLeft], [27, true]);
    assert.ok(await isWaiting(store));
    const rest = await runWithholding(store, { runId: "run_2" });
    assert.deepEqual([rest.changed, rest.moreLeft], [33, false]);
    await assertWithheld(store, HALL, true);
  }),
);

Deno.test(
  "withhold_events that failed with the store anywhere is gone on with by the next run",
  withHallAndClub(async (store) => {
    await storeEvents(store, 30, { organizerId: HALL });
    for (
      const [method, code] of [
        ["get", "store_unavailable"],
        ["list", "store_unavailable"],
        ["getMany", "store_unavailable"],
        ["commit", "outcome_unknown"],
      ] as const
    ) {
      for (let left = 0; left < 9; left++) {
        await (left % 2 === 0 ? suspend : reinstate)(store, "usr_ann");
        const original = store[method];
        let answers = 0;
        interrupt(store, method, async () => {
          if (answers++ === left) await Promise.reject(new DomainError(code));
        });
        await runWithholding(store).catch((error) => assert.equal(error.code, code));
        Object.assign(store, { [method]: original });
        await runWithholding(store, { runId: "run_2" });
        await assertWithheld(store, HALL, left % 2 === 0);
      }
      await reinstate(store, "usr_ann");
      await runWithholding(store);
    }
    await assertJournalContiguous(store);
  }),
);

Deno.test(
  "withhold_events loses no edit that is made while it runs",
  withHallAndClub(async (store) => {
    const stored = await storeEvents(store, 40, { organizerId: HALL });
    const ids = stored.map(({ record }) => record.id);
    await suspend(store, "usr_ann");
    let edits = 0;
    interrupt(store, "getMany", async () => {
      for (let i = edits % 2; i < 40; i += 7) {
        await edit(store, ids[i]!, { content: { title: `Edit ${++edits}` } });
      }
    });
    const report = await runWithholding(store);
    assert.deepEqual([report.changed, report.failed], [40, 0]);
    assert.ok(report.conflicts > 0);
    const titled = (await allChanges(store)).filter(({ event }) => event.title.startsWith("Edit"));
    const last = new Map(titled.map(({ event }) => [event.id, event.title]));
    for (const { id, title } of await allRecords(store)) {
      assert.equal(title, last.get(id) ?? aRecord().title);
    }
    await assertWithheld(store, HALL, true);
  }),
);

Deno.test(
  "an organizer that its owner makes while they are suspended is withheld",
  onStore(async (store) => {
    await suspend(store, "usr_ann");
    // Whoever suspends looks which organizers there are before this one is made.
    assert.deepEqual(await listOrganizersOf(store, "usr_ann"), []);
    await createOrganizer(store, anOrganizer(1), "usr_ann");
    await submit(store);
    await runWithholding(store);
    await assertWithheld(store, HALL, true);
    const before = await everything(store);
    await runWithholding(store);
    assert.deepEqual(await everything(store), before);
  }),
);
