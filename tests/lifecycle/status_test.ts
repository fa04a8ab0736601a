import assert from "node:assert/strict";
import type { EventRecord, EventStatus } from "../../kv/event_record.ts";
import { listedUntil, settle, statusAt } from "../../lifecycle/status.ts";
import { aRecord, DAY, HOUR } from "../support/fixture.ts";

const START = Date.parse("2026-12-05T19:00:00Z");
const END = Date.parse("2026-12-05T22:00:00Z");

function anEvent(overrides: Partial<EventRecord> = {}): EventRecord {
  return aRecord({ startDate: START, endDate: END, ...overrides });
}

Deno.test("statusAt() starts a confirmed event at its start and not one millisecond before", () => {
  assert.equal(statusAt(anEvent(), START - 1), "CONFIRMED");
  assert.equal(statusAt(anEvent(), START), "ONGOING");
});

Deno.test("statusAt() completes an event at its end and not one millisecond before", () => {
  for (const status of ["CONFIRMED", "ONGOING"] as const) {
    assert.equal(statusAt(anEvent({ status }), END - 1), "ONGOING", status);
    assert.equal(statusAt(anEvent({ status }), END), "COMPLETED", status);
    assert.equal(statusAt(anEvent({ status }), END + 7 * DAY), "COMPLETED", status);
  }
});

Deno.test("statusAt() leaves an event that began early ONGOING before its start", () => {
  assert.equal(statusAt(anEvent({ status: "ONGOING" }), START - DAY), "ONGOING");
});

Deno.test("statusAt() never completes an open-ended event", () => {
  const event = anEvent({ endDate: null, endText: null });
  assert.equal(statusAt(event, START - 1), "CONFIRMED");
  assert.equal(statusAt(event, START + 100 * 365 * DAY), "ONGOING");
});

Deno.test("statusAt() leaves alone what the clock does not move", () => {
  for (const status of ["DRAFT", "COMPLETED", "CANCELLED", "ARCHIVED"] as EventStatus[]) {
    for (const now of [START - 1, START, END - 1, END, END + DAY]) {
      assert.equal(statusAt(anEvent({ status }), now), status);
    }
  }
});

Deno.test("settle() answers the very event when the clock did nothing to it", () => {
  const event = anEvent();
  assert.equal(settle(event, START - 1), event);
  const ongoing = anEvent({ status: "ONGOING" });
  assert.equal(settle(ongoing, END - 1), ongoing);
});

Deno.test("settle() changes the status and nothing else when an event starts", () => {
  const event = anEvent();
  assert.deepEqual(settle(event, START), { ...event, status: "ONGOING" });
});

Deno.test("settle() dates a completion at the event's end, however late it is noticed", () => {
  const event = anEvent();
  const expected = { ...event, status: "COMPLETED", completedAt: END };
  assert.deepEqual(settle(event, END), expected);
  assert.deepEqual(settle(event, END + 7 * DAY), expected);
});

Deno.test("listedUntil() is the end, or some hours after the start of an open-ended event", () => {
  assert.equal(listedUntil({ startDate: START, endDate: END }, 24 * HOUR), END);
  assert.equal(listedUntil({ startDate: START, endDate: null }, 6 * HOUR), START + 6 * HOUR);
});
