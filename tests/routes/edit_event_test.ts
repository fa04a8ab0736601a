/** `PATCH` and `DELETE /v1/events/{id}`. */
import assert from "node:assert/strict";
import type { EventView } from "../../lifecycle/event_view.ts";
import {
  ADMIN,
  allRecords,
  assertIndexesRebuild,
  NOW,
  storeEvent,
  type TestApp,
  testApp,
} from "../support/fixture.ts";
import { as, assertWritesNothing, byName, create, json, places, problem } from "../support/http.ts";

function patch(t: TestApp, { id }: Pick<EventView, "id">, body: unknown) {
  return t.request("PATCH", `/v1/events/${id}`, {
    body: JSON.stringify(body),
    headers: { ...ADMIN, "content-type": "application/merge-patch+json" },
  });
}

Deno.test("PATCH changes what it names, merges what is nested, and leaves the rest", async () => {
  await using t = await testApp();
  const event = await create(t, ADMIN, {
    summary: "Black tie.",
    tags: ["music"],
    metadata: { a: "1", b: "2" },
    location: { city: "London", country: "U.K." },
  });
  t.clock.now = NOW + 1;
  const changed = await json(
    await patch(t, event, {
      title: "Spring Gala",
      summary: null,
      tags: null,
      metadata: { a: null, c: "3" },
      location: { city: "Leeds" },
    }),
  );
  assert.deepEqual(changed, {
    ...event,
    title: "Spring Gala",
    summary: "",
    tags: [],
    metadata: { b: "2", c: "3" },
    location: { ...event.location, city: "Leeds" },
    version: 2,
    updated_at: "2026-12-05T18:00:00.001Z",
  });
  const emptied = await json(await patch(t, event, { metadata: null, location: null }));
  assert.deepEqual(emptied.metadata, {});
  assert.deepEqual(new Set(Object.values(emptied.location)), new Set([null]));
});

Deno.test("PATCH adds metadata up to fifty pairs with those that stay, as an import takes", async () => {
  await using t = await testApp();
  const pairs = (first: number, count: number) =>
    Object.fromEntries(Array.from({ length: count }, (_, i) => [`key ${first + i}`, "x"]));
  const event = await create(t, ADMIN, { metadata: pairs(0, 49) });
  await assertWritesNothing(t, async () => {
    const refused = await patch(t, event, { metadata: pairs(49, 2) });
    const told = await problem(refused, 422, "invalid_body");
    assert.deepEqual(places(told), ["/metadata too_big"]);
    assert.match(told.detail, /51 pairs.* at most 50/);
  });
  const full = await json(await patch(t, event, { metadata: pairs(49, 1) }));
  assert.equal(Object.keys(full.metadata).length, 50);
  const swapped = { "key 0": null, ...pairs(50, 1) };
  await json(await patch(t, event, { metadata: swapped }));
});

Deno.test("PATCH that changes nothing writes nothing", async () => {
  await using t = await testApp();
  const event = await create(t, ADMIN, {
    tags: ["music"],
    metadata: { a: "1" },
    start_date: "2026-12-06T19:30",
    end_date: "2026-12-06T23:00",
    time_zone: "Europe/London",
  });
  const { title, start_date, end_date, time_zone } = event;
  await assertWritesNothing(t, async () => {
    for (
      const body of [
        {},
        { title, start_date, end_date, time_zone },
        { title: ` ${title} `, tags: ["music", "music"], metadata: { a: "1", b: null } },
        { start_date: "2026-12-06T19:30:00Z", all_day: false, disambiguation: "later" },
        { location: {}, staff: [], external_id: null },
      ]
    ) assert.deepEqual(await json(await patch(t, event, body)), event, JSON.stringify(body));
  });
  const { record } = await storeEvent(t.store, { endDate: NOW });
  await assertWritesNothing(t, async () => {
    const over = await json(await patch(t, record, { title: record.title }));
    assert.deepEqual([over.status, over.version], ["COMPLETED", 1], "nor what the clock did");
  });
});

Deno.test("PATCH of the zone alone keeps the wall times and moves the instants", async () => {
  await using t = await testApp();
  const event = await create(t, ADMIN, { time_zone: "Europe/London" });
  const moved = await json(await patch(t, event, { time_zone: "America/New_York" }));
  assert.equal(moved.start_date, "2026-12-06T19:30:00-05:00");
  assert.equal(moved.starts_at, "2026-12-07T00:30:00Z");
  assert.equal(moved.ends_at, "2026-12-07T04:00:00Z");
});

Deno.test("PATCH takes an ONGOING event back when its start moves after now", async () => {
  await using t = await testApp();
  const { record } = await storeEvent(t.store);
  const event = await json(await patch(t, record, { start_date: "2026-12-05T18:30:00Z" }));
  assert.equal(event.status, "CONFIRMED");
  await assertIndexesRebuild(t.store);
});

Deno.test("PATCH refuses what the status forbids, and says what to do", async () => {
  await using t = await testApp();
  const { record: over } = await storeEvent(t.store, { endDate: NOW });
  const { record: archived } = await storeEvent(t.store, { status: "ARCHIVED" });
  const event = await create(t, ADMIN, { external_id: "taken" });
  const other = await create(t, ADMIN);
  await assertWritesNothing(t, async () => {
    const reopening = await patch(t, over, { end_date: "2026-12-06T00:00:00Z" });
    const told = await problem(reopening, 409, "reopen_required");
    assert.deepEqual([told.current_status, told.transition], ["COMPLETED", { to: "CONFIRMED" }]);
    assert.match(told.detail, /"to": "CONFIRMED"/);
    await problem(await patch(t, archived, { title: "Anew" }), 409, "event_archived");
    const taken = await problem(
      await patch(t, other, { external_id: "taken" }),
      409,
      "external_id_taken",
    );
    assert.equal(taken.event_id, event.id);
    const backwards = await patch(t, event, { end_date: event.start_date });
    const wrong = places(await problem(backwards, 422, "invalid_body"));
    assert.deepEqual(wrong, ["/end_date end_before_start"]);
  });
  // What is over may still be corrected, within the past.
  const corrected = await json(await patch(t, over, { end_date: "2026-12-05T17:30:00Z" }));
  assert.deepEqual([corrected.status, corrected.completed_at], [
    "COMPLETED",
    "2026-12-05T17:30:00Z",
  ]);
});

Deno.test("DELETE removes a DRAFT with all its entries; its editors can delete nothing else", async () => {
  await using t = await testApp({ authenticate: byName });
  const headers = as("alice");
  const draft = await create(t, headers, { status: "DRAFT", external_id: "x", tags: ["music"] });
  const path = `/v1/events/${draft.id}`;
  await json(await t.request("PATCH", path, { body: { title: "Anew" }, headers }));
  const gone = await t.request("DELETE", path, { headers });
  assert.deepEqual([gone.status, await gone.text()], [204, ""]);
  await problem(await t.request("DELETE", path, { headers }), 404, "not_found");
  await problem(await t.request("GET", path, { headers }), 404, "not_found");
  assert.deepEqual(await allRecords(t.store), []);
  await assertIndexesRebuild(t.store);
  const event = await create(t, headers, { external_id: "x" });
  await assertWritesNothing(t, async () => {
    const response = await t.request("DELETE", `/v1/events/${event.id}`, { headers });
    const told = await problem(response, 409, "illegal_transition");
    assert.deepEqual([told.current_status, told.allowed], ["CONFIRMED", []]);
    assert.match(told.detail, /only a DRAFT/);
  });
});
