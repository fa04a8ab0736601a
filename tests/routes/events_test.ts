/** `POST /v1/events` and `GET /v1/events/{id}`. */
import assert from "node:assert/strict";
import type { EventView } from "../../lifecycle/event_view.ts";
import { ADMIN, HOUR, MINUTE, NOW, storeEvent, testApp } from "../support/fixture.ts";
import {
  as,
  assertWritesNothing,
  byName,
  create,
  json,
  pauseJobs,
  places,
  problem,
  TOMORROW,
} from "../support/http.ts";

const FULL = {
  external_id: "gala-2026",
  title: " Winter Gala ",
  summary: "Black tie.",
  description: "# Doors\n\n*seven* o'clock",
  url: "https://example.org/gala",
  image_url: "https://example.org/gala.jpg",
  status: "CONFIRMED",
  visibility: "UNLISTED",
  start_date: "2026-12-05T19:30",
  end_date: "2026-12-05T23:00",
  time_zone: "Europe/Lisbon",
  location: { city: "Lisbon", country: "Portugal", latitude: 38.7, longitude: -9.1 },
  online: true,
  tags: ["music", "gala", "music"],
  metadata: { ticket_system: "42" },
  staff: [{ user_id: "usr_bob", role: "editor" }],
};

Deno.test("POST /v1/events answers the whole event, as it is stored, and where it is", async () => {
  await using t = await testApp({ authenticate: byName });
  const response = await t.request("POST", "/v1/events", { body: FULL, headers: as("alice") });
  const location = response.headers.get("location");
  const event = await json(response, 201);
  const { id, organizer_id, ...fields } = event;
  assert.match(id, /^evt_[0-9A-HJKMNP-TV-Z]{26}$/);
  assert.match(organizer_id, /^org_[0-9A-HJKMNP-TV-Z]{26}$/);
  assert.equal(location, `/v1/events/${id}`);
  assert.deepEqual(fields, {
    ...FULL,
    title: "Winter Gala",
    all_day: false,
    start_date: "2026-12-05T19:30:00+00:00",
    end_date: "2026-12-05T23:00:00+00:00",
    starts_at: "2026-12-05T19:30:00Z",
    ends_at: "2026-12-05T23:00:00Z",
    location: { name: null, address: null, ...FULL.location },
    tags: ["music", "gala"],
    version: 1,
    listed_until: "2026-12-05T23:00:00Z",
    created_at: "2026-12-05T18:00:00Z",
    updated_at: "2026-12-05T18:00:00Z",
    completed_at: null,
  });
  assert.deepEqual(await json(await t.request("GET", location!, { headers: as("alice") })), event);
});

Deno.test("POST /v1/events takes little, makes a DRAFT, and answers every field", async () => {
  await using t = await testApp();
  const body = { title: "Summer Fair", start_date: "2027-06-19", time_zone: "America/New_York" };
  const response = await t.request("POST", "/v1/events", { body, headers: ADMIN });
  const { id: _, organizer_id: __, ...fields } = await json(response, 201);
  assert.deepEqual(fields, {
    external_id: null,
    title: "Summer Fair",
    summary: "",
    description: "",
    url: null,
    image_url: null,
    status: "DRAFT",
    visibility: "PUBLIC",
    all_day: true,
    start_date: "2027-06-19",
    end_date: null,
    time_zone: "America/New_York",
    starts_at: "2027-06-19T04:00:00Z",
    ends_at: null,
    location: {
      name: null,
      address: null,
      city: null,
      country: null,
      latitude: null,
      longitude: null,
    },
    online: false,
    tags: [],
    metadata: {},
    staff: [],
    version: 1,
    listed_until: "2027-06-20T04:00:00Z",
    created_at: "2026-12-05T18:00:00Z",
    updated_at: "2026-12-05T18:00:00Z",
    completed_at: null,
  });
});

Deno.test("POST /v1/events takes an end that has passed for a DRAFT only", async () => {
  await using t = await testApp();
  const dates = { start_date: "2026-12-05T16:00:00Z", end_date: "2026-12-05T18:00:00Z" };
  await assertWritesNothing(t, async () => {
    const body = { ...TOMORROW, ...dates };
    const response = await t.request("POST", "/v1/events", { body, headers: ADMIN });
    assert.deepEqual(places(await problem(response, 422, "invalid_body")), [
      "/end_date end_in_past",
    ]);
  });
  assert.equal((await create(t, ADMIN, { ...dates, status: "DRAFT" })).status, "DRAFT");
  // One millisecond later it has an end in the future.
  const event = await create(t, ADMIN, { ...dates, end_date: "2026-12-05T18:00:00.001Z" });
  assert.equal(event.status, "ONGOING");
});

Deno.test("a user's first event makes their organizer, once, and the next ones belong to it", async () => {
  await using t = await testApp({ authenticate: byName });
  const events = await Promise.all([1, 2, 3].map(() => create(t, as("alice"))));
  events.push(await create(t, as("alice")));
  assert.equal(new Set(events.map((event) => event.organizer_id)).size, 1);
  const other = await create(t, as("bob"));
  assert.notEqual(other.organizer_id, events[0]!.organizer_id);
});

Deno.test("POST /v1/events is for members, and for organizers they write for", async () => {
  await using t = await testApp({ authenticate: byName });
  const { organizer_id } = await create(t, as("alice"), { external_id: "a" });
  await assertWritesNothing(t, async () => {
    const post = (headers: Record<string, string>, fields: object) =>
      t.request("POST", "/v1/events", { body: { ...TOMORROW, ...fields }, headers });
    await problem(await post({}, {}), 401, "unauthenticated");
    await problem(await post(as("bob"), { organizer_id }), 403, "forbidden");
    const unknown = organizer_id.slice(0, -4) + "0000";
    const nowhere = await problem(
      await post(as("bob"), { organizer_id: unknown }),
      422,
      "invalid_body",
    );
    assert.deepEqual(places(nowhere), ["/organizer_id not_found"]);
    const taken = await post(as("alice"), { external_id: "a" });
    const { event_id } = await problem(taken, 409, "external_id_taken");
    assert.match(event_id as string, /^evt_/);
  });
  const { organizer_id: own } = await create(t, as("bob"), { external_id: "a" });
  assert.notEqual(own, organizer_id, "external ids are an organizer's own");
  assert.equal((await create(t, as("root"), { organizer_id })).organizer_id, organizer_id);
});

Deno.test("what a reader sees of an ended event is the same before and after the job recorded it", async () => {
  await using t = await testApp();
  await pauseJobs(t);
  const { record: { id } } = await storeEvent(t.store);
  t.clock.now = NOW + HOUR + 3 * MINUTE;
  const read = async () => {
    const event = await json(await t.request("GET", `/v1/events/${id}`));
    const { version, updated_at, ...rest } = event;
    return { version, updated_at, rest };
  };
  const before = await read();
  assert.equal(before.rest.status, "COMPLETED");
  assert.equal(before.rest.completed_at, before.rest.ends_at);
  await t.runner.run("complete_events", { trigger: "manual" });
  const after = await read();
  assert.deepEqual(after.rest, before.rest);
  assert.deepEqual([before.version, after.version], [1, 2]);
  assert.notEqual(after.updated_at, before.updated_at);
});

Deno.test("GET /v1/events/{id} answers any status by direct URL, and 404 for what is not there", async () => {
  await using t = await testApp();
  for (const status of ["CONFIRMED", "COMPLETED", "CANCELLED", "ARCHIVED"] as const) {
    const { record: { id } } = await storeEvent(t.store, { status });
    const event: EventView = await json(await t.request("GET", `/v1/events/${id}`));
    assert.equal(event.status, status === "CONFIRMED" ? "ONGOING" : status);
  }
  const nobody = "evt_00000000000000000000000000";
  const { detail } = await problem(
    await t.request("GET", `/v1/events/${nobody}`),
    404,
    "not_found",
  );
  assert.match(detail, new RegExp(nobody));
});
