import assert from "node:assert/strict";
import { cardOf } from "../../kv/event_record.ts";
import { cardView, eventView } from "../../lifecycle/event_view.ts";
import { aRecord, DAY, HOUR, NOW } from "../support/fixture.ts";

const AT_NOW = { now: NOW, openEndedMs: DAY };
const END = NOW + HOUR;

Deno.test("cardView() shows the names and times that clients know", () => {
  const record = aRecord({ externalId: "gala-26", timeZone: "Europe/London" });
  assert.deepEqual(cardView(cardOf(record), AT_NOW), {
    id: record.id,
    external_id: "gala-26",
    title: "Winter Gala",
    summary: "",
    url: null,
    image_url: null,
    status: "ONGOING",
    visibility: "PUBLIC",
    all_day: false,
    start_date: "2026-12-05T17:00:00+00:00",
    end_date: "2026-12-05T19:00:00+00:00",
    time_zone: "Europe/London",
    starts_at: "2026-12-05T17:00:00Z",
    ends_at: "2026-12-05T19:00:00Z",
    location: record.location,
    online: false,
    tags: ["music"],
    organizer_id: record.organizerId,
    version: 1,
    listed_until: "2026-12-05T19:00:00Z",
    created_at: "2026-12-04T18:00:00Z",
    updated_at: "2026-12-04T18:00:00Z",
    completed_at: null,
  });
});

Deno.test("cardView() shows the status of the very millisecond, whatever is stored", () => {
  const card = cardOf(aRecord({ startDate: NOW }));
  const view = (now: number) => {
    const { status, completed_at } = cardView(card, { now, openEndedMs: DAY });
    return [status, completed_at];
  };
  assert.deepEqual(view(NOW - 1), ["CONFIRMED", null]);
  assert.deepEqual(view(NOW), ["ONGOING", null]);
  assert.deepEqual(view(END - 1), ["ONGOING", null]);
  assert.deepEqual(view(END), ["COMPLETED", "2026-12-05T19:00:00Z"]);
  assert.deepEqual(view(END + 7 * DAY), ["COMPLETED", "2026-12-05T19:00:00Z"]);
});

Deno.test("cardView() shows when an event finished early, and that no other is over", () => {
  const early = cardOf(aRecord({ status: "COMPLETED", completedAt: NOW + 1 }));
  assert.equal(cardView(early, AT_NOW).completed_at, "2026-12-05T18:00:00.001Z");
  const cancelled = cardOf(aRecord({ status: "CANCELLED" }));
  assert.equal(cardView(cancelled, { now: END, openEndedMs: DAY }).completed_at, null);
});

Deno.test("cardView() lists an open-ended event until some hours after its start", () => {
  const card = cardOf(aRecord({ startDate: NOW, endDate: null, endText: null }));
  const view = cardView(card, { now: NOW + 7 * DAY, openEndedMs: 6 * HOUR });
  assert.equal(view.status, "ONGOING");
  assert.equal(view.end_date, null);
  assert.equal(view.ends_at, null);
  assert.equal(view.listed_until, "2026-12-06T00:00:00Z");
});

Deno.test("eventView() adds what lists leave out, and the staff only for the event's people", () => {
  const record = aRecord({
    description: "An evening in black tie.",
    metadata: { room: "7" },
    staff: [{ userId: "usr_ed", role: "editor" }],
  });
  const shown = eventView(record, { ...AT_NOW, showStaff: true });
  assert.deepEqual(shown, {
    ...cardView(cardOf(record), AT_NOW),
    description: "An evening in black tie.",
    metadata: { room: "7" },
    staff: [{ user_id: "usr_ed", role: "editor" }],
  });
  assert.deepEqual(eventView(record, { ...AT_NOW, showStaff: false }), { ...shown, staff: [] });
  assert.ok(!JSON.stringify(cardView(cardOf(record), AT_NOW)).includes("usr_ed"));
});
