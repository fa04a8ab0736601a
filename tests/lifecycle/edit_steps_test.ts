import assert from "node:assert/strict";
import type { EventRecord } from "../../kv/event_record.ts";
import type { EventContent } from "../../lifecycle/event_content.ts";
import { editSteps } from "../../lifecycle/edit_event.ts";
import type { TimeInput } from "../../lifecycle/time_input.ts";
import { aRecord, HOUR, NOW } from "../support/fixture.ts";

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
