/** The job that forgets people, among others who write, and interrupted anywhere. */
import assert from "node:assert/strict";
import { DomainError } from "../../kv/errors.ts";
import type { EventId, UserId } from "../../kv/event_record.ts";
import { getEvent } from "../../kv/events.ts";
import { listMembers } from "../../kv/organizers.ts";
import type { Store } from "../../kv/store.ts";
import { editEvent } from "../../lifecycle/edit_event.ts";
import { COMPLETE_EVENTS } from "../../lifecycle/jobs/complete_events.ts";
import { SILENT } from "../../lifecycle/log.ts";
import { ROOT } from "../../lifecycle/policy.ts";
import {
  allChanges,
  assertIndexesRebuild,
  freshStore,
  HOUR,
  MINUTE,
  NOW,
  scaled,
  storeEvents,
} from "../support/fixture.ts";
import {
  alice,
  ask,
  isUnderWay,
  leaveEverywhere,
  linesOf,
  ownEvent,
  person,
  rowsNaming,
  runErasures,
  tracesIn,
} from "./erasures.ts";
import { interrupt, onStore } from "./lifecycle_fixture.ts";
import { assertJournalContiguous } from "./moves.ts";

/** Every event's transitions to an end, by the journal. */
async function endsByEvent(store: Store): Promise<Map<EventId, string[]>> {
  const ends = new Map<EventId, string[]>();
  for (const { type, event: { id, status } } of await allChanges(store)) {
    if (type !== "transitioned" || !/COMPLETED|CANCELLED/.test(status)) continue;
    ends.set(id, [...ends.get(id) ?? [], status]);
  }
  return ends;
}

/** Asserts that she was forgotten, wholly, and that it was told once. */
async function assertForgotten(store: Store, userId: UserId): Promise<void> {
  assert.equal(await isUnderWay(store), false);
  assert.deepEqual(await tracesIn(store), []);
  const naming = ["audit", "audit_by_user", "event", "journal"];
  assert.deepEqual(await rowsNaming(store, userId), naming);
  const told = (await linesOf(store, userId)).map(({ action, userId: about }) =>
    about === userId ? action : ""
  );
  for (const action of ["user.erasure_requested", "user.erased"]) {
    assert.equal(told.filter((one) => one === action).length, 1, action);
  }
  await assertIndexesRebuild(store);
  await assertJournalContiguous(store);
}

for (const organizers of ["pass_on", "cancel_events"] as const) {
  Deno.test(`erase_users that dies after any of its commits is gone on with (${organizers})`, async () => {
    let commits = Infinity;
    for (let survived = 0; survived < commits; survived++) {
      const store = await freshStore();
      try {
        const principal = await alice(store);
        const { own } = await leaveEverywhere(store, principal);
        await ask(store, principal, organizers);
        const { commit } = store;
        let made = 0;
        Object.assign(store, {
          async commit(operation: Deno.AtomicOperation) {
            // Some are applied and their answer is lost, others never arrive.
            if (made === survived && made % 2 === 0) await commit.call(store, operation);
            if (made++ >= survived) throw new DomainError("outcome_unknown");
            return await commit.call(store, operation);
          },
        });
        const run = await runErasures(store).catch((error) =>
          assert.equal(error.code, "outcome_unknown")
        );
        Object.assign(store, { commit });
        if (run !== undefined) commits = survived;
        // The next run may be the one that ends it, or find it ended.
        await runErasures(store, { runId: "run_2" });
        await assertForgotten(store, principal.userId);
        const { record } = (await getEvent(store, own.id))!;
        assert.equal(record.status, organizers === "pass_on" ? "CONFIRMED" : "CANCELLED");
        const members = await listMembers(store, own.organizerId);
        assert.deepEqual(members, [{ userId: ROOT.userId, role: "owner" }]);
        const ends = await endsByEvent(store);
        assert.deepEqual([...ends], organizers === "pass_on" ? [] : [[own.id, ["CANCELLED"]]]);
      } finally {
        store.close();
      }
    }
    assert.ok(commits > 8, `only ${commits} commits were interrupted`);
  });
}

Deno.test(
  "ten runs of erase_users at once do everything once",
  onStore(async (store) => {
    const principal = await alice(store);
    const { own } = await leaveEverywhere(store, principal);
    const { organizerId } = own;
    const stored = await storeEvents(store, 25, { organizerId });
    await ask(store, principal, "cancel_events");
    const runs = Array.from({ length: 10 }, (_, i) => runErasures(store, { runId: `run_${i}` }));
    for (const report of await Promise.all(runs)) assert.equal(report.failed, 0);
    await assertForgotten(store, principal.userId);
    const ends = await endsByEvent(store);
    assert.equal(ends.size, stored.length + 1);
    assert.deepEqual(new Set([...ends.values()].map(String)), new Set(["CANCELLED"]));
    assert.deepEqual(await listMembers(store, organizerId), [
      { userId: ROOT.userId, role: "owner" },
    ]);
    const roles = (await linesOf(store, principal.userId)).filter(({ action, organizerId: of }) =>
      action.startsWith("member.") && of === organizerId
    );
    assert.deepEqual(roles.map(({ action }) => action).sort(), ["member.added", "member.removed"]);
  }),
);

Deno.test("events that end while their person is forgotten are completed or cancelled, never both", async () => {
  const seen = new Set<string>();
  for (let round = 0; round < scaled(60, 12); round++) {
    const store = await freshStore();
    try {
      const principal = await alice(store);
      const { organizerId } = await ownEvent(store, principal);
      const now = NOW + MINUTE;
      // Over for both; over for the sweep, which is a moment ahead, and not for the job.
      await storeEvents(store, 6, { organizerId, endDate: now });
      await storeEvents(store, 6, { organizerId, endDate: now + 1 });
      await ask(store, principal, "cancel_events");
      const sweep = () =>
        COMPLETE_EVENTS.run(store, {
          runId: "run_2",
          trigger: "cron",
          now: now + 1,
          dryRun: false,
          shouldStop: () => false,
          log: SILENT,
        });
      const erase = () => runErasures(store, { now });
      const [first, second] = round % 2 === 0 ? [sweep, erase] : [erase, sweep];
      // The second begins after some of the first one's steps, in the first rounds after all of them.
      const begun = first();
      if (round < 2) await begun;
      for (let turns = round % 6; turns > 0; turns--) {
        await new Promise((resolve) => setTimeout(resolve, 0));
      }
      for (const report of await Promise.all([begun, second()])) assert.equal(report.failed, 0);
      await sweep();
      const ends = await endsByEvent(store);
      assert.equal(ends.size, 13);
      for (const [id, ended] of ends) {
        assert.equal(ended.length, 1, `${id} ended as ${ended}`);
        const { record } = (await getEvent(store, id))!;
        assert.equal(record.status, ended[0]);
        if (record.endDate === now) assert.equal(ended[0], "COMPLETED", "it was over");
        if (record.endDate === now + 1) seen.add(ended[0]!);
      }
      assert.equal(await isUnderWay(store), false);
      await assertIndexesRebuild(store);
      await assertJournalContiguous(store);
    } finally {
      store.close();
    }
  }
  assert.deepEqual([...seen].sort(), ["CANCELLED", "COMPLETED"], "each came first once");
});

Deno.test(
  "erase_users loses no edit that is made while it cancels",
  onStore(async (store) => {
    const principal = await alice(store);
    const { organizerId } = await ownEvent(store, principal);
    const stored = await storeEvents(store, 30, { organizerId });
    await ask(store, principal, "cancel_events");
    let [rounds, edits] = [0, 0];
    // After each read some of every batch change, so that its commit loses the race.
    interrupt(store, "getMany", async () => {
      if (rounds++ >= 12) return;
      for (let i = rounds % 3; i < 30; i += 3) {
        const edit = { content: { title: `Edit ${++edits}` }, times: {} };
        await editEvent(store, stored[i]!.record.id, { edit, principal: ROOT, now: NOW });
      }
    });
    const report = await runErasures(store);
    assert.ok(report.conflicts > 0);
    assert.equal(report.failed, 0);
    const titled = (await allChanges(store)).filter(({ event }) => event.title.startsWith("Edit"));
    const last = new Map(titled.map(({ event }) => [event.id, event.title]));
    for (const [id, title] of last) {
      const { record } = (await getEvent(store, id))!;
      assert.deepEqual([record.title, record.status], [title, "CANCELLED"]);
    }
    await assertForgotten(store, principal.userId);
  }),
);

Deno.test(
  "erase_users cancels an event that slips from ahead of its walk to behind it",
  onStore(async (store) => {
    const principal = await alice(store);
    const first = await ownEvent(store, principal);
    const { organizerId } = first;
    const [late] = await storeEvents(store, 1, { organizerId, startDate: NOW + HOUR });
    await ask(store, principal, "cancel_events");
    const { list } = store;
    let hasSlipped = false;
    Object.assign(store, {
      async list(selector: Deno.KvListSelector, options: { limit: number }) {
        const rows = await list.call(store, selector, options);
        if (rows[0]?.key[0] !== "events_by_organizer" || hasSlipped) return rows;
        hasSlipped = true;
        const edit = { content: {}, times: { startDate: "2026-12-01T10:00:00Z" } };
        await editEvent(store, late!.record.id, { edit, principal: ROOT, now: NOW });
        return rows.slice(0, 1);
      },
    });
    await runErasures(store);
    Object.assign(store, { list });
    assert.deepEqual((await endsByEvent(store)).get(late!.record.id), ["CANCELLED"]);
    await assertForgotten(store, principal.userId);
  }),
);

Deno.test(
  "erase_users that was stopped leaves the rest to the next run, and ends nothing",
  onStore(async (store) => {
    const principal = await alice(store);
    const { organizerId } = await ownEvent(store, principal);
    await storeEvents(store, 60, { organizerId });
    await ask(store, principal, "cancel_events");
    let asked = 0;
    const report = await runErasures(store, { shouldStop: () => asked++ === 4 });
    assert.equal(report.moreLeft, true);
    assert.equal(await isUnderWay(store), true);
    assert.equal((await listMembers(store, organizerId)).length, 1);
    await runErasures(store, { runId: "run_2" });
    await assertForgotten(store, principal.userId);
    assert.equal((await endsByEvent(store)).size, 61);
  }),
);

Deno.test(
  "two owners who are forgotten at once leave their organizer to an administrator",
  onStore(async (store) => {
    const admin = await person(store, "Ann", true);
    const principal = await alice(store);
    const { organizerId } = await ownEvent(store, principal);
    const other = await person(store, "Bob");
    await store.kv.atomic()
      .set(["organizer_member", organizerId, other.userId], { format: 1, role: "owner" })
      .set(["organizer_by_member", other.userId, organizerId], null)
      .commit();
    await Promise.all([ask(store, principal), ask(store, other)]);
    await Promise.all([runErasures(store), runErasures(store, { runId: "run_2" })]);
    assert.deepEqual(await listMembers(store, organizerId), [
      { userId: admin.userId, role: "owner" },
    ]);
  }),
);

Deno.test(
  "an organizer goes to another when the administrator who was chosen is forgotten meanwhile",
  onStore(async (store) => {
    const first = await person(store, "Ann", true);
    const second = await person(store, "Bob", true);
    const principal = await alice(store);
    const { organizerId } = await ownEvent(store, principal);
    await ask(store, principal);
    let done = false;
    // Ann is read as one who administers, and asks to be forgotten before it is hers.
    interrupt(store, "getMany", async () => {
      if (done) return;
      done = true;
      await ask(store, first);
    });
    await runErasures(store);
    await runErasures(store);
    assert.deepEqual(await listMembers(store, organizerId), [
      { userId: second.userId, role: "owner" },
    ]);
    assert.equal(await isUnderWay(store), false);
  }),
);
