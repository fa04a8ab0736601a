import assert from "node:assert/strict";
import type { EventRecord } from "../../kv/event_record.ts";
import { getEvent } from "../../kv/events.ts";
import type { EventContent } from "../../lifecycle/event_content.ts";
import { editEvent, editSteps } from "../../lifecycle/edit_event.ts";
import { GUEST, ROOT } from "../../lifecycle/policy.ts";
import type { TimeInput } from "../../lifecycle/time_input.ts";
import { allChanges, aRecord, HOUR, NOW, storeEvent } from "../support/fixture.ts";
import { aMember, onStore } from "./lifecycle_fixture.ts";

const BY_ANN = { now: NOW, by: "usr_ann" } as const;

function steps(event: EventRecord, times: TimeInput, content: EventContent = {}) {
  return editSteps(event, { content, times }, BY_ANN);
}

/** Over since an hour before `NOW`, completed by the clock at its end. */
function aCompleted(overrides: Partial<EventRecord> = {}): EventRecord {
  return aRecord({
    status: "COMPLETED",
    startDate: NOW - 3 * HOUR,
    startText: "2026-12-05T15:00:00+00:00",
    endDate: NOW - HOUR,
    endText: "2026-12-05T17:00:00+00:00",
    completedAt: NOW - HOUR,
    ...overrides,
  });
}

Deno.test("editSteps() makes one step that names the fields, before and after", () => {
  const event = aRecord();
  const [step, ...more] = steps(event, {}, { title: "Spring Gala", tags: ["music", "spring"] });
  assert.deepEqual(more, []);
  assert.equal(step!.type, "updated");
  assert.equal(step!.by, "usr_ann");
  assert.deepEqual(step!.next, { ...event, title: "Spring Gala", tags: ["music", "spring"] });
  assert.deepEqual(step!.entry, {
    transition: null,
    reason: null,
    fields: { title: ["Winter Gala", "Spring Gala"], tags: ['["music"]', '["music","spring"]'] },
  });
});

Deno.test("editSteps() makes no step of what changes nothing", () => {
  const event = aRecord({ metadata: { room: "7" } });
  assert.deepEqual(steps(event, {}), []);
  const same = {
    title: event.title,
    tags: ["music", "music"],
    metadata: { room: "7", gone: null },
  };
  assert.deepEqual(steps(event, {}, same), []);
  // The same instants, written otherwise.
  const times = { startDate: "2026-12-05T17:00Z", endDate: "2026-12-05T19:00:00.000Z" };
  assert.deepEqual(steps(event, times), []);
  assert.deepEqual(steps(aRecord({ status: "ARCHIVED" }), {}, { title: "Winter Gala" }), []);
});

Deno.test("editSteps() moves the times of an event that is still to come", () => {
  const event = aRecord({ status: "CONFIRMED" });
  const [step] = steps(event, { endDate: "2026-12-05T20:00:00Z" });
  assert.equal(step!.next.endDate, NOW + 2 * HOUR);
  assert.equal(step!.next.startDate, event.startDate);
  assert.deepEqual(Object.keys(step!.entry.fields!), ["end_date"]);
});

Deno.test("editSteps() takes an ONGOING event back when its start moves after now", () => {
  const event = aRecord({ status: "ONGOING" });
  assert.equal(steps(event, { startDate: "2026-12-05T18:00:00Z" }).length, 1, "starts now");
  const [edit, postponed] = steps(event, { startDate: "2026-12-05T18:00:00.001Z" });
  assert.equal(edit!.next.status, "ONGOING");
  assert.equal(edit!.type, "updated");
  assert.equal(postponed!.next.status, "CONFIRMED");
  assert.equal(postponed!.next.startDate, NOW + 1);
  assert.equal(postponed!.type, "transitioned");
  assert.deepEqual(postponed!.entry.transition, {
    name: "postpone",
    from: "ONGOING",
    to: "CONFIRMED",
  });
});

Deno.test("editSteps() leaves an event that began early ONGOING when other fields change", () => {
  const event = aRecord({
    status: "ONGOING",
    startDate: NOW + HOUR / 2,
    startText: "2026-12-05T18:30:00+00:00",
  });
  const edited = steps(event, { endDate: "2026-12-05T21:00:00Z" }, { title: "Spring Gala" });
  assert.deepEqual(edited.map((step) => step.next.status), ["ONGOING"]);
});

Deno.test("editSteps() refuses to move the end of a COMPLETED event into the future", () => {
  const event = aCompleted();
  for (const endDate of ["2026-12-05T18:00:00.001Z", null]) {
    assert.throws(() => steps(event, { endDate }), {
      code: "reopen_required",
      message: new RegExp(`event "${event.id}".*COMPLETED`),
      extensions: { status: "COMPLETED", transition: { to: "CONFIRMED" } },
    });
  }
  assert.equal(steps(event, { endDate: "2026-12-05T18:00:00Z" }).length, 1, "ended just now");
});

Deno.test("editSteps() lets a corrected end correct the completion that the clock made", () => {
  const [step] = steps(aCompleted(), { endDate: "2026-12-05T16:30:00Z" });
  assert.equal(step!.next.status, "COMPLETED");
  assert.equal(step!.next.endDate, NOW - 1.5 * HOUR);
  assert.equal(step!.next.completedAt, NOW - 1.5 * HOUR);
});

Deno.test("editSteps() leaves the completion of an event that finished early", () => {
  const early = aCompleted({ completedAt: NOW - 2 * HOUR });
  const [step] = steps(early, { endDate: "2026-12-05T16:30:00Z" });
  assert.equal(step!.next.completedAt, NOW - 2 * HOUR);
});

Deno.test("editSteps() changes the title of an event that finished before its end", () => {
  const early = aRecord({ status: "COMPLETED", completedAt: NOW - HOUR / 2 });
  assert.ok(early.endDate! > NOW);
  const [step] = steps(early, {}, { title: "Spring Gala" });
  assert.equal(step!.next.status, "COMPLETED");
});

Deno.test("editSteps() refuses to change an ARCHIVED event", () => {
  const event = aCompleted({ status: "ARCHIVED", archivedFrom: "COMPLETED" });
  assert.throws(() => steps(event, {}, { title: "Spring Gala" }), {
    code: "event_archived",
    message: `Cannot change event "${event.id}": it is ARCHIVED.`,
  });
});

Deno.test("editSteps() names each field whose time is wrong", () => {
  const wrong = { startDate: "soon", endDate: "2026-13-01" };
  assert.throws(() => steps(aRecord(), wrong), (error: Error) => {
    const { errors } =
      (error as Error & { extensions: { errors: { pointer: string }[] } }).extensions;
    assert.deepEqual(errors.map(({ pointer }) => pointer), ["/start_date", "/end_date"]);
    return true;
  });
});

Deno.test(
  "editEvent() completes what is over, together with the edit, and refuses a later end",
  onStore(async (store) => {
    const { record: { id } } = await storeEvent(store);
    const now = NOW + HOUR;
    const later = { content: {}, times: { endDate: "2026-12-05T23:00:00Z" } };
    const extension = editEvent(store, id, { edit: later, principal: ROOT, now });
    await assert.rejects(extension, { code: "reopen_required" });
    assert.equal((await getEvent(store, id))!.record.version, 1);

    const edit = { content: { summary: "It was grand." }, times: {} };
    const { record } = await editEvent(store, id, { edit, principal: ROOT, now });
    assert.equal(record.status, "COMPLETED");
    assert.deepEqual((await allChanges(store)).map(({ type, by }) => [type, by]), [
      ["created", "usr_root"],
      ["transitioned", "clock"],
      ["updated", "usr_root"],
    ]);
    // One millisecond before the end it would have been in time.
    const { record: { id: other } } = await storeEvent(store);
    const intime = await editEvent(store, other, { edit: later, principal: ROOT, now: now - 1 });
    assert.equal(intime.record.endDate, NOW + 5 * HOUR);
  }),
);

Deno.test(
  "editEvent() writes nothing when nothing changes",
  onStore(async (store) => {
    const read = await storeEvent(store);
    const edit = { content: { title: "Winter Gala" }, times: {} };
    const { steps } = await editEvent(store, read.record.id, { edit, principal: ROOT, now: NOW });
    assert.equal(steps, 0);
    assert.deepEqual(await getEvent(store, read.record.id), read);
  }),
);

Deno.test(
  "editEvent() refuses an external id that another event of the organizer has",
  onStore(async (store) => {
    const { record: first } = await storeEvent(store, { externalId: "gala-26" });
    const { record: second } = await storeEvent(store, { externalId: "gala-27" });
    const take = (externalId: string | null) =>
      editEvent(store, second.id, {
        edit: { content: { externalId }, times: {} },
        principal: ROOT,
        now: NOW,
      });
    await assert.rejects(take("gala-26"), {
      code: "external_id_taken",
      extensions: { event_id: first.id },
    });
    assert.equal((await take("gala-28")).record.externalId, "gala-28");
    assert.equal((await take(null)).record.externalId, null);
    assert.equal((await take("gala-27")).record.externalId, "gala-27", "free again");
  }),
);

Deno.test(
  "editEvent() is for the event's editors",
  onStore(async (store) => {
    const { record: { id } } = await storeEvent(store, {
      visibility: "UNLISTED",
      staff: [{ userId: "usr_ed", role: "editor" }, { userId: "usr_vic", role: "viewer" }],
    });
    const edit = { content: { title: "Spring Gala" }, times: {} };
    const as = (principal: typeof GUEST) => editEvent(store, id, { edit, principal, now: NOW });
    await assert.rejects(as(GUEST), { code: "unauthenticated" });
    await assert.rejects(as(aMember("usr_ann")), { code: "forbidden" });
    await assert.rejects(as(aMember("usr_vic")), { code: "forbidden" });
    assert.equal((await as(aMember("usr_ed"))).record.title, "Spring Gala");
  }),
);
