import assert from "node:assert/strict";
import { changedFields, NO_LOCATION, withContent } from "../../lifecycle/event_content.ts";
import { aRecord } from "../support/fixture.ts";

const HALL = { ...NO_LOCATION, name: "Hall 1", city: "London", latitude: 51.5 };

Deno.test("withContent() sets what is named and leaves the rest", () => {
  const record = aRecord({ summary: "An evening", url: "https://gala.example" });
  const next = withContent(record, {
    title: "Spring Gala",
    summary: undefined,
    url: null,
    visibility: "UNLISTED",
    online: true,
    staff: [{ userId: "usr_ed", role: "editor" }],
  });
  assert.deepEqual(next, {
    ...record,
    title: "Spring Gala",
    url: null,
    visibility: "UNLISTED",
    online: true,
    staff: [{ userId: "usr_ed", role: "editor" }],
  });
});

Deno.test("withContent() leaves the record it was given alone", () => {
  const record = aRecord({ metadata: { room: "7" }, location: HALL });
  const before = structuredClone(record);
  withContent(record, { tags: ["x"], metadata: { room: null }, location: { city: "Leeds" } });
  assert.deepEqual(record, before);
});

Deno.test("withContent() keeps each tag once, in its first place", () => {
  assert.deepEqual(withContent(aRecord(), { tags: ["b", "a", "b"] }).tags, ["b", "a"]);
});

Deno.test("withContent() merges a location; null empties a field, or all of it", () => {
  const record = aRecord({ location: HALL });
  const merged = withContent(record, {
    location: { city: "Leeds", name: null, country: undefined },
  });
  assert.deepEqual(merged.location, { ...HALL, city: "Leeds", name: null });
  assert.deepEqual(withContent(record, { location: {} }).location, HALL);
  assert.deepEqual(withContent(record, { location: null }).location, NO_LOCATION);
});

Deno.test("withContent() merges metadata; null removes a key, or all of them", () => {
  const record = aRecord({ metadata: { room: "7", sponsor: "ACME" } });
  const merged = withContent(record, { metadata: { room: null, track: "B", absent: null } });
  assert.deepEqual(merged.metadata, { sponsor: "ACME", track: "B" });
  assert.deepEqual(withContent(record, { metadata: {} }).metadata, record.metadata);
  assert.deepEqual(withContent(record, { metadata: null }).metadata, {});
});

Deno.test("withContent() of a whole event keeps nothing of the location and metadata before", () => {
  const record = aRecord({ summary: "An evening", location: HALL, metadata: { room: "7" } });
  const whole = { location: { city: "Leeds" }, metadata: { track: "B" } };
  const next = withContent(record, whole, { isWhole: true });
  assert.deepEqual(next.location, { ...NO_LOCATION, city: "Leeds" });
  assert.deepEqual(next.metadata, { track: "B" });
  assert.equal(next.summary, "An evening");
  assert.deepEqual(withContent(record, {}, { isWhole: true }), record);
});

Deno.test("changedFields() is null when nothing differs, however the keys are ordered", () => {
  const record = aRecord({ metadata: { a: "1", b: "2" }, location: HALL });
  assert.equal(changedFields(record, record), null);
  const reordered = { ...record, metadata: { b: "2", a: "1" } };
  assert.equal(changedFields(record, reordered), null);
});

Deno.test("changedFields() calls the fields as clients do and ignores what is not edited", () => {
  const record = aRecord();
  const next = {
    ...record,
    version: 9,
    externalId: "gala-26",
    imageUrl: "https://gala.example/x.png",
    endText: null,
    endDate: null,
    location: HALL,
    staff: [{ userId: "usr_ed", role: "editor" } as const],
  };
  assert.deepEqual(Object.keys(changedFields(record, next)!).sort(), [
    "end_date",
    "external_id",
    "image_url",
    "location",
    "staff",
  ]);
  assert.deepEqual(changedFields(record, next)!.end_date, ["2026-12-05T19:00:00+00:00", null]);
});

Deno.test("changedFields() shortens long values to 60 characters", () => {
  const record = aRecord({ description: "a".repeat(60) });
  const fields = changedFields(record, { ...record, description: "b".repeat(61) })!;
  assert.deepEqual(fields.description, ["a".repeat(60), `${"b".repeat(59)}…`]);
});
