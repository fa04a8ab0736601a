/** The job that withholds the events of suspended organizers: what it changes, tells, and leaves. */
import assert from "node:assert/strict";
import { EVENT_STATUSES, type EventRecord, VISIBILITIES } from "../../kv/event_record.ts";
import { getEvent } from "../../kv/events.ts";
import { beforeOf } from "../../kv/journal.ts";
import { eventKey, organizerKey } from "../../kv/keys.ts";
import { MAX_CARD_BYTES, MAX_RECORD_BYTES, sizeBound } from "../../kv/limits.ts";
import { readOrganizer } from "../../kv/organizers.ts";
import type { Store } from "../../kv/store.ts";
import { listEvents, listEventsByExternalId, listMyEvents } from "../../lifecycle/discovery.ts";
import { editEvent } from "../../lifecycle/edit_event.ts";
import type { EventQuery } from "../../lifecycle/event_filter.ts";
import { acceptInvitation, invite } from "../../lifecycle/invitations.ts";
import { COMPLETE_EVENTS } from "../../lifecycle/jobs/complete_events.ts";
import { START_EVENTS } from "../../lifecycle/jobs/start_events.ts";
import { SILENT } from "../../lifecycle/log.ts";
import { GUEST, type Principal, ROOT } from "../../lifecycle/policy.ts";
import { personOf } from "../../lifecycle/sessions.ts";
import { aUser } from "../kv/people_records.ts";
import { cardBytes, filled, recordBytes } from "../kv/filled_record.ts";
import {
  allChanges,
  allRecords,
  aRecord,
  assertIndexesRebuild,
  DAY,
  HOUR,
  NOW,
  storeAll,
  storeEvent,
  storeEvents,
} from "../support/fixture.ts";
import { addMember, aMember, onStore, organizerId } from "./lifecycle_fixture.ts";
import { assertJournalContiguous } from "./moves.ts";
import {
  ADMIN_ID,
  assertWithheld,
  isWaiting,
  reinstate,
  runWithholding,
  suspend,
} from "./suspensions.ts";

const HALL = organizerId(1);
const CLUB = organizerId(2);
const ANN = aMember("usr_ann");

/** A test on a store in which Ann owns the Hall. */
function ofAnn(body: (store: Store) => Promise<void>): () => Promise<void> {
  return onStore(async (store) => {
    await addMember(store, HALL, { userId: "usr_ann", role: "owner" });
    await body(store);
  });
}

/** An event of the Hall in every status and visibility. */
function ofEveryKind(): EventRecord[] {
  return EVENT_STATUSES.flatMap((status) =>
    VISIBILITIES.map((visibility) =>
      aRecord({
        status,
        visibility,
        title: `${status} ${visibility}`,
        organizerId: HALL,
        archivedFrom: status === "ARCHIVED" ? "CANCELLED" : null,
        externalId: `${status} ${visibility}`,
        tags: ["music"],
        staff: [{ userId: "usr_bob", role: "editor" }],
        startDate: NOW + 1,
        endDate: visibility === "PRIVATE" ? null : NOW + HOUR,
      })
    )
  );
}

const QUERIES: EventQuery[] = [
  {},
  { tag: "music" },
  { organizerId: HALL },
  { sort: "end_date" },
  { sort: "-end_date" },
  { statuses: [...EVENT_STATUSES].slice(1), sort: "-end_date" },
  { statuses: [...EVENT_STATUSES].slice(1), sort: "end_date" },
  { statuses: [...EVENT_STATUSES].slice(1), organizerId: HALL, sort: "start_date" },
  ...EVENT_STATUSES.slice(1).map((status) => ({ statuses: [status] })),
];

/** What each list shows the caller, by its titles. */
async function allLists(store: Store, principal: Principal): Promise<string[][]> {
  const options = { principal, now: NOW, openEndedMs: DAY, limit: 100 };
  const lists: string[][] = [];
  for (const query of QUERIES) {
    lists.push((await listEvents(store, query, options)).items.map((card) => card.title));
  }
  for (const { externalId } of ofEveryKind()) {
    const { items } = await listEventsByExternalId(store, externalId!, { principal });
    lists.push(items.map((card) => card.title));
  }
  return lists;
}

async function myEvents(store: Store, principal: Principal): Promise<string[]> {
  const options = { principal, now: NOW, limit: 100 };
  return (await listMyEvents(store, true, options)).items.map((card) => card.title).sort();
}

Deno.test(
  "withheld events are in no list, and afterwards in each exactly as before",
  ofAnn(async (store) => {
    await storeAll(store, ofEveryKind());
    const people = [GUEST, ANN, aMember("usr_bob"), ROOT];
    const before = await Promise.all(people.map((person) => allLists(store, person)));
    const mine = await myEvents(store, ANN);
    assert.equal(before[0]!.flat().length, 5 * 2 + 3 * 5 + 5 + 5, "the lists show something");
    const records = await allRecords(store);
    await suspend(store, "usr_ann");
    const report = await runWithholding(store);
    assert.deepEqual(report, {
      examined: 18 + 18,
      changed: 18,
      conflicts: 0,
      failed: 0,
      lateByMs: null,
      moreLeft: false,
      failures: [],
      planned: [],
    });
    await assertWithheld(store, HALL, true);
    const [ofGuests, ...ofPeople] = await Promise.all(people.map((one) => allLists(store, one)));
    assert.deepEqual(ofGuests!.flat(), []);
    // By an external id its people find it, as they find what is unlisted; discovery is the same for all.
    for (const [i, lists] of ofPeople.entries()) {
      assert.deepEqual(lists.slice(0, QUERIES.length).flat(), []);
      assert.deepEqual(lists.slice(QUERIES.length), before[i + 1]!.slice(QUERIES.length));
    }
    for (const person of [ANN, aMember("usr_bob")]) {
      assert.deepEqual(await myEvents(store, person), mine);
    }
    for (const { history, version, updatedAt, ...record } of records) {
      const { history: told, ...now } = (await getEvent(store, record.id))!.record;
      const changed = { version: version + 1, updatedAt: NOW, isWithheld: true };
      assert.deepEqual(now, { ...record, ...changed });
      assert.deepEqual(told, [...history, {
        version: 2,
        at: NOW,
        by: ADMIN_ID,
        transition: null,
        reason: null,
        fields: { withheld: ["false", "true"] },
      }]);
      assert.ok(updatedAt < NOW);
    }

    await reinstate(store, "usr_ann");
    assert.equal((await runWithholding(store)).changed, 18);
    await assertWithheld(store, HALL, false);
    const after = await Promise.all(people.map((person) => allLists(store, person)));
    assert.deepEqual(after, before);
    await assertJournalContiguous(store);
  }),
);

Deno.test(
  "withhold_events journals who suspended, its run, and how the event was shown before",
  ofAnn(async (store) => {
    const { record } = await storeEvent(store, { organizerId: HALL });
    await suspend(store, "usr_ann");
    await runWithholding(store);
    await reinstate(store, "usr_ann");
    await runWithholding(store, { runId: "run_2" });
    const [away, back] = (await allChanges(store)).slice(-2);
    for (const change of [away!, back!]) {
      assert.deepEqual([change.type, change.by, change.at], ["updated", ADMIN_ID, NOW]);
      assert.deepEqual([change.event.id, change.event.visibility], [record.id, "PUBLIC"]);
    }
    assert.deepEqual([away!.run, away!.event.isWithheld, away!.was!.isWithheld], [
      "run_1",
      true,
      undefined,
    ]);
    assert.deepEqual([back!.run, back!.event.isWithheld, back!.was!.isWithheld], [
      "run_2",
      undefined,
      true,
    ]);
  }),
);

Deno.test(
  "an organizer is withheld while it has owners and all of them are suspended",
  onStore(async (store) => {
    const bob = { userId: "usr_bob", role: "owner" } as const;
    await addMember(store, HALL, { userId: "usr_ann", role: "owner" });
    await addMember(store, HALL, bob);
    await addMember(store, HALL, { userId: "usr_carol", role: "editor" });
    await storeEvent(store, { organizerId: HALL });
    const afterwards = async (change: Promise<void>, isWithheld: boolean) => {
      await change;
      await runWithholding(store);
      await assertWithheld(store, HALL, isWithheld);
    };
    await afterwards(suspend(store, "usr_carol"), false);
    // Bob has never signed in here: there is nobody to be suspended.
    await afterwards(suspend(store, "usr_ann"), false);
    await afterwards(reinstate(store, "usr_bob"), false);
    await afterwards(suspend(store, "usr_bob"), true);
    await afterwards(reinstate(store, "usr_carol"), true);
    await afterwards(reinstate(store, "usr_ann"), false);
    await afterwards(suspend(store, "usr_ann"), true);
    await addMember(store, CLUB, { userId: "usr_ann", role: "editor" });
    await storeEvent(store, { organizerId: CLUB });
    await suspend(store, "usr_ann");
    await runWithholding(store);
    await assertWithheld(store, CLUB, false);
  }),
);

Deno.test(
  "who accepts an invitation to own an organizer brings its events back",
  ofAnn(async (store) => {
    await storeEvent(store, { organizerId: HALL });
    await suspend(store, "usr_ann");
    await runWithholding(store);
    for (const role of ["editor", "owner"] as const) {
      const invitation = { role, email: null, principal: ROOT, now: NOW };
      const { secret } = await invite(store, HALL, invitation);
      const principal = personOf(aUser("usr_carol"));
      await acceptInvitation(store, secret, { principal, now: NOW });
      assert.equal(await isWaiting(store), role === "owner");
    }
    await runWithholding(store);
    await assertWithheld(store, HALL, false);
  }),
);

Deno.test(
  "withhold_events leaves what the organizer says and when that changed, and others alone",
  ofAnn(async (store) => {
    const before = (await readOrganizer(store, HALL))!.organizer;
    await addMember(store, CLUB, { userId: "usr_bob", role: "owner" });
    const { record: other } = await storeEvent(store, { organizerId: CLUB });
    await suspend(store, "usr_ann");
    await runWithholding(store);
    const after = (await readOrganizer(store, HALL))!.organizer;
    assert.deepEqual(after, { ...before, isWithheld: true });
    assert.deepEqual((await getEvent(store, other.id))!.record, other);
    assert.equal((await readOrganizer(store, CLUB))!.organizer.isWithheld, false);
  }),
);

Deno.test(
  "an event keeps its flag when it is edited, and the clock goes on with it",
  ofAnn(async (store) => {
    const dates = { startDate: NOW + HOUR, endDate: NOW + 2 * HOUR };
    const { record: { id } } = await storeEvent(store, { organizerId: HALL, ...dates });
    await suspend(store, "usr_ann");
    await runWithholding(store);
    const edit = { content: { title: "Gala", visibility: "PUBLIC" as const }, times: {} };
    await editEvent(store, id, { edit, principal: ROOT, now: NOW });
    const context = {
      dryRun: false,
      shouldStop: () => false,
      log: SILENT,
      trigger: "cron",
    } as const;
    const statuses: string[] = [];
    for (const now of [NOW + HOUR, NOW + 2 * HOUR]) {
      await START_EVENTS.run(store, { ...context, runId: "run_2", now });
      await COMPLETE_EVENTS.run(store, { ...context, runId: "run_3", now });
      const { record } = (await getEvent(store, id))!;
      assert.deepEqual([record.title, record.isWithheld], ["Gala", true]);
      statuses.push(record.status);
      await assertWithheld(store, HALL, true);
    }
    assert.deepEqual(statuses, ["ONGOING", "COMPLETED"]);
    await reinstate(store, "usr_ann");
    await runWithholding(store, { now: NOW + 3 * HOUR });
    const past = { statuses: ["COMPLETED" as const] };
    const options = { principal: GUEST, now: NOW + 3 * HOUR, openEndedMs: DAY, limit: 10 };
    assert.equal((await listEvents(store, past, options)).items[0]!.title, "Gala");
  }),
);

Deno.test(
  "withhold_events commits the clock's transition as a step of its own before",
  ofAnn(async (store) => {
    const { record: { id } } = await storeEvent(store, { organizerId: HALL });
    await suspend(store, "usr_ann");
    assert.equal((await runWithholding(store, { now: NOW + 2 * HOUR })).changed, 1);
    const { record } = (await getEvent(store, id))!;
    assert.deepEqual([record.status, record.isWithheld, record.version], ["COMPLETED", true, 3]);
    const [clock, withheld] = (await allChanges(store)).slice(-2);
    assert.deepEqual([clock!.by, clock!.run, clock!.event.isWithheld], [
      "clock",
      undefined,
      undefined,
    ]);
    assert.deepEqual([withheld!.by, withheld!.run], [ADMIN_ID, "run_1"]);
    await assertJournalContiguous(store);
  }),
);

Deno.test(
  "withhold_events changes events at the limit of what can be stored, which can be edited still",
  ofAnn(async (store) => {
    const tags = Array.from({ length: 20 }, (_, i) => `${i}`.padStart(50, "t"));
    const base = aRecord({ tags, organizerId: HALL });
    const card = filled(base, {
      field: "summary",
      // Beside what a change says of before.
      bytes: MAX_CARD_BYTES - sizeBound(beforeOf(base, base)),
      letter: "é",
      measure: cardBytes,
    });
    const measure = recordBytes;
    const edge = { field: "description", bytes: MAX_RECORD_BYTES, letter: "é", measure } as const;
    const { record } = await storeEvent(store, filled(card, edge));
    await suspend(store, "usr_ann");
    assert.deepEqual((await runWithholding(store)).failures, []);
    const title = record.title.replace("W", "w");
    const edit = { content: { title }, times: {} };
    await editEvent(store, record.id, { edit, principal: ROOT, now: NOW });
    await reinstate(store, "usr_ann");
    assert.deepEqual((await runWithholding(store)).failures, []);
    await assertWithheld(store, HALL, false);
  }),
);

Deno.test(
  "an event that cannot be changed is set aside, and tried again by every run until it can be",
  ofAnn(async (store) => {
    const stored = await storeEvents(store, 12, { organizerId: HALL });
    const broken = stored[3]!.record;
    const { tags: _, ...corrupt } = broken;
    await store.kv.set(eventKey(broken.id), corrupt);
    await suspend(store, "usr_ann");
    const first = await runWithholding(store);
    assert.deepEqual([first.changed, first.failed, first.moreLeft], [11, 1, false]);
    assert.equal(first.failures[0]!.eventId, broken.id);
    assert.ok(await isWaiting(store));
    const second = await runWithholding(store);
    assert.deepEqual([second.changed, second.failed], [0, 1]);
    await store.kv.set(eventKey(broken.id), broken);
    const third = await runWithholding(store);
    assert.deepEqual([third.changed, third.failed], [1, 0]);
    await assertWithheld(store, HALL, true);
  }),
);

Deno.test(
  "an organizer of a newer format is left to the program that knows it, and holds up no other",
  ofAnn(async (store) => {
    await addMember(store, CLUB, { userId: "usr_ann", role: "owner" });
    await storeEvent(store, { organizerId: CLUB });
    const { organizer } = (await readOrganizer(store, HALL))!;
    await store.kv.set(organizerKey(HALL), { ...organizer, format: 99 });
    await suspend(store, "usr_ann");
    await assert.rejects(runWithholding(store), { code: "newer_format" });
    assert.equal((await readOrganizer(store, CLUB))!.organizer.isWithheld, true);
    await store.kv.set(organizerKey(HALL), organizer);
    await runWithholding(store);
    for (const id of [HALL, CLUB]) await assertWithheld(store, id, true);
  }),
);

Deno.test(
  "a dry run of withhold_events plans exactly what a run then does, and writes nothing",
  ofAnn(async (store) => {
    const ids = (await storeEvents(store, 11, { organizerId: HALL })).map(({ record }) =>
      record.id
    );
    await suspend(store, "usr_ann");
    const before = await allRecords(store);
    const dry = await runWithholding(store, { dryRun: true });
    assert.deepEqual(await allRecords(store), before);
    assert.equal((await readOrganizer(store, HALL))!.organizer.isWithheld, false);
    assert.ok(await isWaiting(store));
    assert.deepEqual(
      dry.planned.toSorted((a, b) => (a.id < b.id ? -1 : 1)),
      ids.toSorted().map((id) => ({ id, from: "listed", to: "withheld" })),
    );
    assert.equal((await runWithholding(store)).changed, 11);
    await assertWithheld(store, HALL, true);
  }),
);

Deno.test(
  "withhold_events without a request, and for an organizer there is not, changes nothing",
  onStore(async (store) => {
    const { record } = await storeEvent(store);
    assert.deepEqual((await runWithholding(store)).examined, 0);
    await store.kv.set(["withholding", record.organizerId], { format: 1, by: ADMIN_ID, at: NOW });
    const { examined, changed } = await runWithholding(store);
    assert.deepEqual([examined, changed], [1, 0]);
    assert.equal(await isWaiting(store), false);
    await assertIndexesRebuild(store);
  }),
);
