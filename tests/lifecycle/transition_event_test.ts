import assert from "node:assert/strict";
import type { EventRecord, EventStatus } from "../../kv/event_record.ts";
import { getEvent } from "../../kv/events.ts";
import { GUEST, ROOT } from "../../lifecycle/policy.ts";
import {
  requestedStep,
  transitionEvent,
  type TransitionInput,
} from "../../lifecycle/transition_event.ts";
import {
  allChanges,
  aRecord,
  assertIndexesRebuild,
  HOUR,
  NOW,
  storeEvent,
} from "../support/fixture.ts";
import { aMember, onStore } from "./lifecycle_fixture.ts";

const LATER = NOW + 2 * HOUR;
const EDITOR = { now: NOW, by: "usr_ann", isAdmin: false } as const;

function to(status: EventStatus, more: Partial<TransitionInput> = {}): TransitionInput {
  return { to: status, reason: null, ...more };
}

function over(status: EventStatus): EventRecord {
  return aRecord({ status, endDate: NOW, endText: "2026-12-05T18:00:00+00:00", completedAt: NOW });
}

Deno.test("requestedStep() records who, why, and from where to where", () => {
  const step = requestedStep(aRecord(), to("CANCELLED", { reason: "Snow." }), EDITOR);
  assert.equal(step.next.status, "CANCELLED");
  assert.equal(step.type, "transitioned");
  assert.equal(step.by, "usr_ann");
  assert.deepEqual(step.entry, {
    transition: { name: "cancel", from: "CONFIRMED", to: "CANCELLED" },
    reason: "Snow.",
    fields: null,
  });
});

Deno.test("requestedStep() refuses with the status and the allowed ones", () => {
  const event = aRecord({ status: "ONGOING" });
  assert.throws(() => requestedStep(event, to("ARCHIVED"), EDITOR), {
    code: "illegal_transition",
    message: `Cannot take event "${event.id}" to ARCHIVED: its status is ONGOING, and there is ` +
      "no such transition. Allowed now: COMPLETED, CANCELLED.",
    extensions: { status: "ONGOING", allowed: ["COMPLETED", "CANCELLED"] },
  });
});

Deno.test("requestedStep() says so when nothing is allowed", () => {
  const event = aRecord({ status: "ARCHIVED", archivedFrom: "COMPLETED" });
  assert.throws(() => requestedStep(event, to("COMPLETED"), EDITOR), {
    message: /Allowed now: nothing\.$/,
    extensions: { status: "ARCHIVED", allowed: [] },
  });
});

Deno.test("requestedStep() reopens with a new end, which the history names", () => {
  const event = over("COMPLETED");
  const endDate = "2026-12-05T20:00:00Z";
  const step = requestedStep(event, to("CONFIRMED", { endDate }), EDITOR);
  assert.equal(step.next.status, "CONFIRMED");
  assert.equal(step.next.endDate, NOW + 2 * HOUR);
  assert.equal(step.next.completedAt, null);
  assert.equal(step.entry.transition!.name, "reopen");
  assert.deepEqual(step.entry.fields, {
    end_date: ["2026-12-05T18:00:00+00:00", "2026-12-05T20:00:00+00:00"],
  });
});

Deno.test("requestedStep() reopens as open-ended, but not to an end that has passed", () => {
  for (const status of ["DRAFT", "COMPLETED", "CANCELLED"] as const) {
    const open = requestedStep(over(status), to("CONFIRMED", { endDate: null }), EDITOR);
    assert.equal(open.next.endDate, null);
    for (const endDate of [undefined, "2026-12-05T18:00:00Z"]) {
      const input = to("CONFIRMED", { endDate });
      assert.throws(() => requestedStep(over(status), input, EDITOR), {
        code: "illegal_transition",
        message: /its end has passed/,
      });
    }
    const endDate = "2026-12-05T18:00:00.001Z";
    assert.equal(
      requestedStep(over(status), to("CONFIRMED", { endDate }), EDITOR).next.status,
      "CONFIRMED",
    );
  }
});

Deno.test("requestedStep() takes a new end only on the way to CONFIRMED", () => {
  const input = to("CANCELLED", { endDate: "2026-12-05T20:00:00Z" });
  assert.throws(() => requestedStep(aRecord(), input, EDITOR), {
    code: "invalid_body",
    message: /^\/end_date: .*"CANCELLED"/,
  });
});

Deno.test(
  "transitionEvent() starts and finishes early without touching the dates",
  onStore(async (store) => {
    const { record: before } = await storeEvent(store, {
      startDate: NOW + HOUR,
      startText: "2026-12-05T19:00:00+00:00",
      endDate: NOW + 3 * HOUR,
    });
    const as = { principal: ROOT, now: NOW };
    const started = await transitionEvent(store, before.id, { input: to("ONGOING"), ...as });
    assert.equal(started.record.status, "ONGOING");
    const ended = await transitionEvent(store, before.id, { input: to("COMPLETED"), ...as });
    assert.equal(ended.record.status, "COMPLETED");
    assert.equal(ended.record.completedAt, NOW);
    assert.equal(ended.record.startDate, before.startDate);
    assert.equal(ended.record.endDate, before.endDate);
    await assertIndexesRebuild(store);
  }),
);

Deno.test(
  "transitionEvent() decides from what the clock made of the event",
  onStore(async (store) => {
    const { record: { id } } = await storeEvent(store);
    const cancel = { input: to("CANCELLED"), principal: ROOT };
    await assert.rejects(transitionEvent(store, id, { ...cancel, now: NOW + HOUR }), {
      code: "illegal_transition",
      extensions: { status: "COMPLETED", allowed: ["CONFIRMED", "ARCHIVED"] },
    });
    assert.equal((await getEvent(store, id))!.record.version, 1, "a refusal writes nothing");
    const { record, steps } = await transitionEvent(store, id, { ...cancel, now: NOW + HOUR - 1 });
    assert.equal(steps, 2, "the start by the clock, and the cancellation");
    assert.equal(record.status, "CANCELLED");
    assert.deepEqual((await allChanges(store)).map(({ by, event }) => [by, event.status]), [
      ["usr_root", "CONFIRMED"],
      ["clock", "ONGOING"],
      ["usr_root", "CANCELLED"],
    ]);
  }),
);

Deno.test(
  "transitionEvent() archives what is over and unarchives it to what it was, for admins",
  onStore(async (store) => {
    const { record: { id, endDate } } = await storeEvent(store);
    const as = (principal: typeof GUEST, status: EventStatus) =>
      transitionEvent(store, id, { input: to(status), principal, now: LATER });
    const archived = await as(ROOT, "ARCHIVED");
    assert.equal(archived.steps, 2);
    assert.equal(archived.record.archivedFrom, "COMPLETED");
    await assert.rejects(as(ROOT, "CANCELLED"), { code: "illegal_transition" });
    const back = await as(ROOT, "COMPLETED");
    assert.equal(back.record.status, "COMPLETED");
    assert.equal(back.record.completedAt, endDate);
    assert.equal(back.record.archivedFrom, null);
  }),
);

Deno.test(
  "transitionEvent() is for the event's editors; others do not learn of what they may not see",
  onStore(async (store) => {
    const staff = [{ userId: "usr_ed", role: "editor" }] as EventRecord["staff"];
    const { record: draft } = await storeEvent(store, { status: "DRAFT", staff });
    const { record: shown } = await storeEvent(store, { staff });
    const as = (principal: typeof GUEST, { id }: EventRecord) =>
      transitionEvent(store, id, { input: to("CANCELLED"), principal, now: NOW });
    await assert.rejects(as(GUEST, draft), { code: "not_found" });
    await assert.rejects(as(aMember("usr_ann"), draft), { code: "not_found" });
    await assert.rejects(as(GUEST, shown), { code: "unauthenticated" });
    await assert.rejects(as(aMember("usr_ann"), shown), { code: "forbidden" });
    assert.equal((await as(aMember("usr_ed"), draft)).record.status, "CANCELLED");
  }),
);

Deno.test(
  "of two editors who complete and cancel at once, one is refused by what the other did",
  onStore(async (store) => {
    const { record: { id } } = await storeEvent(store, { status: "ONGOING" });
    const results = await Promise.allSettled(
      (["COMPLETED", "CANCELLED"] as const).map((status) =>
        transitionEvent(store, id, { input: to(status), principal: ROOT, now: NOW })
      ),
    );
    const refused = results.filter((result) => result.status === "rejected");
    assert.equal(refused.length, 1);
    const { status } = (await getEvent(store, id))!.record;
    assert.equal(refused[0]!.reason.extensions.status, status);
    assert.equal((await allChanges(store)).length, 2);
  }),
);
