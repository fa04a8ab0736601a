/** The message: CloudEvents 1.0, with exactly the fields that were promised. */
import assert from "node:assert/strict";
import { cardView } from "../../../lifecycle/event_view.ts";
import { messageOf } from "../../../lifecycle/realtime/message.ts";
import { DAY, HOUR, NOW } from "../../support/fixture.ts";
import { aRecord, changeTo, nextOf } from "./realtime_fixture.ts";

const ID = "0a1b2c3d.00000000000000050000-3";
const TIME = { now: NOW, openEndedMs: DAY };
const record = aRecord({
  version: 12,
  staff: [{ userId: "usr_bob", role: "viewer" }],
  description: "Long.",
  metadata: { secret: "x" },
});
const change = changeTo(nextOf(record, { title: "Gala" }), record, { at: NOW - 1, by: "clock" });

Deno.test("a change is a CloudEvent with the card as lists show it", () => {
  for (const telling of ["created", "updated", "transitioned"] as const) {
    assert.deepEqual(messageOf(ID, change, { telling, ...TIME }), {
      specversion: "1.0",
      id: ID,
      source: "/v1/events",
      type: `event.${telling}`,
      subject: record.id,
      time: "2026-12-05T17:59:59.999Z",
      sequence: "0000000013",
      datacontenttype: "application/json",
      data: cardView(change.event, TIME),
    });
  }
  const text = JSON.stringify(messageOf(ID, change, { telling: "updated", ...TIME }));
  for (const hidden of ["usr_", "secret", "Long.", "staff", "\n"]) {
    assert.ok(!text.includes(hidden), hidden);
  }
});

Deno.test("a leaving has an id of its own, and beside it the event's id and version only", () => {
  assert.deepEqual(messageOf(ID, change, { telling: "left", ...TIME }), {
    specversion: "1.0",
    id: `${ID}.left`,
    source: "/v1/events",
    type: "event.left",
    subject: record.id,
    time: "2026-12-05T17:59:59.999Z",
    sequence: "0000000013",
  });
});

Deno.test("a deletion has no data", () => {
  assert.deepEqual(messageOf(ID, change, { telling: "deleted", ...TIME }), {
    specversion: "1.0",
    id: ID,
    source: "/v1/events",
    type: "event.deleted",
    subject: record.id,
    time: "2026-12-05T17:59:59.999Z",
    sequence: "0000000013",
  });
});

Deno.test("the status is that at sending, to the millisecond, and with it until when it is listed", () => {
  const dataAt = (now: number) =>
    messageOf(ID, change, { telling: "updated", now, openEndedMs: DAY }).data!;
  const end = NOW + HOUR;
  assert.deepEqual([dataAt(end - 1).status, dataAt(end - 1).completed_at], ["ONGOING", null]);
  assert.deepEqual(
    [dataAt(end).status, dataAt(end).completed_at],
    ["COMPLETED", "2026-12-05T19:00:00Z"],
  );
  assert.equal(dataAt(end).listed_until, "2026-12-05T19:00:00Z");
});

Deno.test("sequences sort as texts as versions do as numbers", () => {
  const sequences = [1, 2, 9, 10, 99, 100, 1_000_000_000].map((version) =>
    messageOf(ID, { ...change, version }, { telling: "left", ...TIME }).sequence
  );
  assert.deepEqual(sequences.toSorted(), sequences);
});
