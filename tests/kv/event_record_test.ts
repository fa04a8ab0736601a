import assert from "node:assert/strict";
import { cardOf, instantText } from "../../kv/event_record.ts";
import { aRecord, NOW } from "../support/fixture.ts";

Deno.test("instantText() renders UTC, with milliseconds only when there are some", () => {
  assert.equal(instantText(NOW), "2026-12-05T18:00:00Z");
  assert.equal(instantText(NOW + 1), "2026-12-05T18:00:00.001Z");
  assert.equal(instantText(NOW + 120), "2026-12-05T18:00:00.120Z");
  assert.equal(instantText(0), "1970-01-01T00:00:00Z");
  assert.equal(instantText(-1), "1969-12-31T23:59:59.999Z");
});

Deno.test("instantText() renders the same after more instants than it keeps", () => {
  for (let i = 0; i < 10_050; i++) instantText(i * 1_000);
  assert.equal(instantText(1_000), "1970-01-01T00:00:01Z");
  assert.equal(instantText(NOW), "2026-12-05T18:00:00Z");
});

Deno.test("a card names the staff's ids and holds no description, metadata or history", () => {
  const card = cardOf(aRecord({
    description: "Long",
    metadata: { a: "b" },
    staff: [{ userId: "usr_a", role: "editor" }, { userId: "usr_b", role: "viewer" }],
  }));
  assert.deepEqual(card.staffIds, ["usr_a", "usr_b"]);
  for (const field of ["description", "metadata", "staff", "history"]) {
    assert.ok(!Object.hasOwn(card, field), field);
  }
});

Deno.test("a card renders its instants, and null where there is none", () => {
  const open = cardOf(aRecord({ endDate: null, endText: null }));
  assert.deepEqual([open.startsAt, open.endsAt], ["2026-12-05T17:00:00Z", null]);
  assert.deepEqual([open.createdAt, open.completedAt], ["2026-12-04T18:00:00Z", null]);
  const over = cardOf(aRecord({ status: "COMPLETED", completedAt: NOW }));
  assert.deepEqual([over.endsAt, over.completedAt], [
    "2026-12-05T19:00:00Z",
    "2026-12-05T18:00:00Z",
  ]);
});
