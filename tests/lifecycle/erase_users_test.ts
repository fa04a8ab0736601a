/** The job that forgets people: what becomes of all that they leave. */
import assert from "node:assert/strict";
import type { OrganizerId } from "../../kv/event_record.ts";
import { getEvent } from "../../kv/events.ts";
import { listInvitations } from "../../kv/invitations.ts";
import { eventKey } from "../../kv/keys.ts";
import { listMembers, readOrganizer } from "../../kv/organizers.ts";
import type { Store } from "../../kv/store.ts";
import { issueToken } from "../../lifecycle/api_tokens.ts";
import { submitEvent } from "../../lifecycle/create_event.ts";
import { FORMER_NAME } from "../../lifecycle/erasure.ts";
import { CANCEL_REASON } from "../../lifecycle/jobs/leave_organizers.ts";
import { changeUser } from "../../lifecycle/users.ts";
import { ROOT } from "../../lifecycle/policy.ts";
import {
  allChanges,
  allRecords,
  assertIndexesRebuild,
  DAY,
  HOUR,
  MINUTE,
  NOW,
  storeEvent,
} from "../support/fixture.ts";
import { everything } from "../kv/test_store.ts";
import {
  alice,
  ask,
  HALL,
  isUnderWay,
  leaveEverywhere,
  linesOf,
  ownEvent,
  person,
  rowsNaming,
  runErasures,
  TRACES,
  tracesIn,
} from "./erasures.ts";
import { addMember, onStore, organizerId } from "./lifecycle_fixture.ts";
import { assertJournalContiguous } from "./moves.ts";

async function membersOf(store: Store, id: OrganizerId): Promise<string[]> {
  return (await listMembers(store, id)).map(({ userId, role }) => `${userId} ${role}`);
}

Deno.test(
  "erase_users leaves nothing of a person in the store but their id",
  onStore(async (store) => {
    const principal = await alice(store);
    const { own } = await leaveEverywhere(store, principal);
    assert.deepEqual(await tracesIn(store), TRACES, "they were there to be found");
    await ask(store, principal);
    const report = await runErasures(store);
    assert.deepEqual([report.failed, report.conflicts, report.moreLeft], [0, 0, false]);
    assert.equal(await isUnderWay(store), false);
    assert.deepEqual(await tracesIn(store), []);
    assert.deepEqual(await tracesIn(store, ["Liddell", "wonder.example", "alice"]), []);
    // Who did something, in logs that say no more of them.
    assert.deepEqual(await rowsNaming(store, principal.userId), [
      "audit",
      "audit_by_user",
      "event",
      "journal",
    ]);
    assert.equal((await readOrganizer(store, own.organizerId))!.organizer.name, FORMER_NAME);
    const lines = await linesOf(store, principal.userId);
    const erased = lines.filter(({ action }) => action === "user.erased");
    assert.deepEqual(erased.map(({ at, by, detail }) => [at, by, detail]), [
      [NOW + MINUTE, null, null],
    ]);
    await assertIndexesRebuild(store);
    await assertJournalContiguous(store);
  }),
);

Deno.test(
  "erase_users names the person on no event any more, and the others stay named",
  onStore(async (store) => {
    const principal = await alice(store);
    const { hall } = await leaveEverywhere(store, principal);
    const archived = await storeEvent(store, {
      organizerId: HALL,
      status: "ARCHIVED",
      archivedFrom: "CANCELLED",
      staff: [{ userId: principal.userId, role: "viewer" }],
    });
    await ask(store, principal);
    await runErasures(store);
    const { record } = (await getEvent(store, hall.id))!;
    assert.deepEqual(record.staff, hall.staff.slice(1));
    assert.equal(record.version, hall.version + 2, "it had begun, which is a step of its own");
    const { by, fields } = record.history.at(-1)!;
    assert.deepEqual([by, Object.keys(fields!)], [principal.userId, ["staff"]]);
    assert.deepEqual((await getEvent(store, archived.record.id))!.record.staff, []);
    const change = (await allChanges(store)).find(({ event, version }) =>
      event.id === hall.id && version === record.version
    )!;
    assert.deepEqual(
      [change.type, change.by, change.run],
      ["updated", principal.userId, "run_1"],
    );
  }),
);

Deno.test(
  "erase_users withdraws the invitations by the person and those with their address only",
  onStore(async (store) => {
    const principal = await alice(store);
    const { own } = await leaveEverywhere(store, principal);
    await ask(store, principal);
    await runErasures(store);
    assert.deepEqual(await listInvitations(store, own.organizerId), []);
    const left = await listInvitations(store, HALL);
    assert.deepEqual(left.map(({ invitation }) => invitation.email), ["bill@x.example"]);
  }),
);

Deno.test(
  "erase_users passes an organizer to the first administrator, to usr_root where there is none",
  onStore(async (store) => {
    const [ann, bob] = [await alice(store), await person(store, "Bob")];
    const [first, second] = [await ownEvent(store, ann), await ownEvent(store, bob)];
    await ask(store, ann);
    await runErasures(store);
    assert.deepEqual(await membersOf(store, first.organizerId), ["usr_root owner"]);
    const admin = await person(store, "Carol", true);
    await addMember(store, second.organizerId, { userId: admin.userId, role: "viewer" });
    await ask(store, bob);
    await runErasures(store);
    assert.deepEqual(await membersOf(store, second.organizerId), [`${admin.userId} owner`]);
    assert.equal((await getEvent(store, second.id))!.record.status, "CONFIRMED");
    const lines = (await linesOf(store, admin.userId)).filter(({ action }) =>
      action === "member.role_changed"
    );
    assert.deepEqual(
      lines.map(({ by, via, organizerId, detail }) => [by, via, organizerId, detail]),
      [[bob.userId, "erase_users", second.organizerId, "owner"]],
    );
  }),
);

Deno.test(
  "erase_users passes nothing on where another owner can act, and cancels nothing there",
  onStore(async (store) => {
    const principal = await alice(store);
    const { id, organizerId } = await ownEvent(store, principal);
    const other = await person(store, "Bob");
    await addMember(store, organizerId, { userId: other.userId, role: "owner" });
    await ask(store, principal, "cancel_events");
    await runErasures(store);
    assert.deepEqual(await membersOf(store, organizerId), [`${other.userId} owner`]);
    assert.equal((await getEvent(store, id))!.record.status, "CONFIRMED");
  }),
);

Deno.test(
  "erase_users counts no owner who is suspended, forgotten or gone",
  onStore(async (store) => {
    const principal = await alice(store);
    const admin = await person(store, "Ann", true);
    const { organizerId, id } = await ownEvent(store, principal);
    const suspended = await person(store, "Bob");
    const leaving = await person(store, "Carol");
    for (const userId of [suspended.userId, leaving.userId, "usr_gone"] as const) {
      await addMember(store, organizerId, { userId, role: "owner" });
    }
    const by = { principal: ROOT, now: NOW, hasRoot: true };
    await changeUser(store, suspended.userId, { isSuspended: true }, by);
    await ask(store, leaving);
    await ask(store, principal, "cancel_events");
    await runErasures(store);
    assert.equal((await getEvent(store, id))!.record.status, "CANCELLED");
    assert.deepEqual(
      (await membersOf(store, organizerId)).sort(),
      [`${admin.userId} owner`, `${suspended.userId} owner`, "usr_gone owner"].sort(),
    );
  }),
);

Deno.test(
  "erase_users lets somebody leave more organizers than one read answers",
  onStore(async (store) => {
    const principal = await alice(store);
    const { userId } = principal;
    for (let i = 0; i < 501; i++) {
      await addMember(store, organizerId(i), { userId, role: i % 100 === 0 ? "owner" : "viewer" });
    }
    await ask(store, principal);
    assert.equal((await runErasures(store)).changed, 501 + 1);
    assert.deepEqual(await membersOf(store, organizerId(500)), ["usr_root owner"]);
    assert.deepEqual(await rowsNaming(store, userId), ["audit", "audit_by_user"]);
  }),
);

Deno.test(
  "erase_users lets an editor leave without passing on or cancelling anything",
  onStore(async (store) => {
    const principal = await alice(store);
    await addMember(store, HALL, { userId: "usr_gone", role: "owner" });
    await addMember(store, HALL, { userId: principal.userId, role: "editor" });
    const { record } = await storeEvent(store, { organizerId: HALL });
    await ask(store, principal, "cancel_events");
    await runErasures(store);
    assert.deepEqual(await membersOf(store, HALL), ["usr_gone owner"]);
    assert.deepEqual((await getEvent(store, record.id))!.record, record);
  }),
);

Deno.test(
  "erase_users cancels what has not ended, completes nothing, and then passes the organizer on",
  onStore(async (store) => {
    const principal = await alice(store);
    const now = NOW + MINUTE;
    const { organizerId, id } = await ownEvent(store, principal, { status: "DRAFT" });
    const fields = { organizerId, startDate: NOW - DAY };
    const store1 = async (more: Parameters<typeof storeEvent>[1]) =>
      (await storeEvent(store, { ...fields, ...more })).record.id;
    const running = await store1({ status: "CONFIRMED", endDate: now + 1 });
    const begun = await store1({ status: "ONGOING", endDate: null });
    const over = await store1({ status: "CONFIRMED", endDate: now });
    const past = await store1({ status: "COMPLETED", endDate: NOW - HOUR });
    await ask(store, principal, "cancel_events");
    await runErasures(store);
    const statusOf = async (one: typeof id) => (await getEvent(store, one))!.record.status;
    for (const one of [id, running, begun]) assert.equal(await statusOf(one), "CANCELLED");
    assert.equal(await statusOf(over), "CONFIRMED", "the sweep's to complete");
    assert.equal(await statusOf(past), "COMPLETED");
    const { history } = (await getEvent(store, running))!.record;
    assert.deepEqual(
      history.slice(-2).map(({ by, transition, reason }) => [
        by,
        transition!.name,
        reason,
      ]),
      [["clock", "start", null], [principal.userId, "cancel", CANCEL_REASON]],
    );
    assert.deepEqual(await membersOf(store, organizerId), ["usr_root owner"]);
    await assertIndexesRebuild(store);
    await assertJournalContiguous(store);
  }),
);

Deno.test(
  "erase_users begins at once and ends a minute later, with what was still being written then",
  onStore(async (store) => {
    const principal = await alice(store);
    const first = await ownEvent(store, principal);
    await ask(store, principal, "cancel_events");
    await runErasures(store, { now: NOW + MINUTE - 1 });
    assert.equal((await getEvent(store, first.id))!.record.status, "CANCELLED");
    assert.equal(await isUnderWay(store), true);
    // Requests of hers that were admitted before she asked.
    const late = await ownEvent(store, principal);
    assert.equal(late.organizerId, first.organizerId);
    const token = { name: "Late", scopes: [], expiresAt: NOW + 9 * DAY };
    await issueToken(store, token, { principal, now: NOW });
    await runErasures(store, { now: NOW + MINUTE });
    assert.equal((await getEvent(store, late.id))!.record.status, "CANCELLED");
    assert.deepEqual(await membersOf(store, first.organizerId), ["usr_root owner"]);
    assert.deepEqual(
      (await rowsNaming(store, principal.userId)).filter((row) => /tok/.test(row)),
      [],
    );
    assert.equal(await isUnderWay(store), false);
  }),
);

Deno.test(
  "erase_users takes the name from an organizer that was made while the person asked",
  onStore(async (store) => {
    const principal = await alice(store);
    await ask(store, principal);
    await runErasures(store, { now: NOW });
    const { organizerId } = await submitEvent(store, {
      content: { title: "Tea" },
      times: { startDate: "2026-12-06T17:30:00Z" },
      status: "DRAFT",
    }, { principal, now: NOW });
    assert.equal((await readOrganizer(store, organizerId))!.organizer.name, TRACES[0]);
    await runErasures(store);
    assert.equal((await readOrganizer(store, organizerId))!.organizer.name, FORMER_NAME);
    assert.deepEqual(await membersOf(store, organizerId), ["usr_root owner"]);
    assert.deepEqual(await tracesIn(store), []);
  }),
);

Deno.test(
  "erase_users in a dry run tells which events it would change, and writes nothing",
  onStore(async (store) => {
    const principal = await alice(store);
    const { own, hall } = await leaveEverywhere(store, principal);
    await ask(store, principal, "cancel_events");
    const before = await everything(store);
    const report = await runErasures(store, { dryRun: true });
    assert.deepEqual(
      report.planned.sort((a, b) => (a.id < b.id ? -1 : 1)),
      [
        { id: own.id, from: "CONFIRMED", to: "CANCELLED" },
        { id: hall.id, from: "CONFIRMED", to: "CONFIRMED" },
      ].sort((a, b) => (a.id < b.id ? -1 : 1)),
    );
    assert.deepEqual(await everything(store), before);
  }),
);

Deno.test(
  "erase_users does not end with an event that it cannot write, and names it",
  onStore(async (store) => {
    const principal = await alice(store);
    const { own, hall } = await leaveEverywhere(store, principal);
    await ask(store, principal, "cancel_events");
    const { value } = await store.kv.get<object>(eventKey(own.id));
    await store.kv.set(eventKey(own.id), { ...value, format: 99 });
    const report = await runErasures(store);
    assert.deepEqual([report.failed, report.failures.map(({ eventId }) => eventId)], [1, [own.id]]);
    assert.equal(await isUnderWay(store), true);
    assert.deepEqual(await membersOf(store, own.organizerId), [`${principal.userId} owner`]);
    assert.equal((await getEvent(store, hall.id))!.record.staff.length, 1, "the rest is done");
    assert.deepEqual(await tracesIn(store), []);
    await store.kv.set(eventKey(own.id), value);
    await runErasures(store);
    assert.equal(await isUnderWay(store), false);
  }),
);

Deno.test(
  "erase_users lets nobody wait for a person whose organizer it cannot write",
  onStore(async (store) => {
    const [ann, bob] = [await person(store, "Ann"), await person(store, "Bob")];
    await ownEvent(store, bob);
    const stuck = organizerId(1);
    await addMember(store, stuck, { userId: ann.userId, role: "owner" });
    const { value } = await store.kv.get<object>(["organizer", stuck]);
    await store.kv.set(["organizer", stuck], { ...value, format: 99 });
    await ask(store, ann);
    await ask(store, bob);
    assert.equal((await runErasures(store)).failed, 1);
    assert.deepEqual(await rowsNaming(store, ann.userId), [
      "audit",
      "audit_by_user",
      "erasure",
      "organizer_by_member",
      "organizer_member",
      "user",
    ]);
    assert.deepEqual(
      (await rowsNaming(store, bob.userId)).filter((row) => /user$|erasure|member/.test(row)),
      ["audit_by_user"],
    );
    assert.equal((await allRecords(store)).length, 1);
  }),
);
