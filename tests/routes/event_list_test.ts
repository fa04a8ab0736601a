/** `GET /v1/events`: what is listed, in which order, page by page. */
import assert from "node:assert/strict";
import { readPosition } from "../../kv/journal_places.ts";
import { ADMIN, DAY, HOUR, NOW, storeEvent, type TestApp, testApp } from "../support/fixture.ts";
import { as, byName, create, list, problem } from "../support/http.ts";

async function titles(t: TestApp, query: string, headers = {}): Promise<string[]> {
  return (await list(t, query, headers)).items.map((item) => item.title);
}

/** Titles tell what they are: the stored status, and when they start from now, in hours. */
async function storeVaried(t: TestApp): Promise<void> {
  const at = (startDate: number, endDate: number | null) => ({ startDate, endDate });
  const one = (title: string, fields: object) => storeEvent(t.store, { title, ...fields });
  await one("next week", at(NOW + 7 * DAY, NOW + 8 * DAY));
  await one("on now", at(NOW - HOUR, NOW + 3 * HOUR));
  await one("tonight", { ...at(NOW + 2 * HOUR, NOW + 4 * HOUR), online: true });
  await one("open", at(NOW - DAY + 1, null));
  await one("open for too long", at(NOW - DAY, null));
  await one("over, unrecorded", at(NOW - 2 * HOUR, NOW));
  await one("over", { ...at(NOW - 9 * HOUR, NOW - 5 * HOUR), status: "COMPLETED" });
  await one("called off", { ...at(NOW + HOUR, NOW + 5 * HOUR), status: "CANCELLED" });
  await one("put away", { ...at(NOW - 9 * DAY, NOW - 8 * DAY), status: "ARCHIVED" });
  await one("a plan", { ...at(NOW + HOUR, NOW + 2 * HOUR), status: "DRAFT" });
  await one("not for all", { ...at(NOW + HOUR, NOW + 2 * HOUR), visibility: "PRIVATE" });
}

Deno.test("GET /v1/events lists what is live, by start, as cards and nothing more", async () => {
  await using t = await testApp({ authenticate: byName });
  const staff = [{ user_id: "usr_bob", role: "editor" }];
  const event = await create(t, as("alice"), { description: "Long.", metadata: { a: "1" }, staff });
  const { description: _, metadata: __, staff: ___, ...card } = event;
  for (const query of ["", "?sort=end_date", `?organizer=${event.organizer_id}`]) {
    const page = await list(t, query, as("alice"));
    const position = await readPosition(t.store);
    assert.deepEqual(page, { items: [card], next_cursor: null, position });
  }
});

for (
  const [query, ...expected] of [
    ["", "open", "on now", "tonight", "next week"],
    ["?sort=-start_date", "next week", "tonight", "on now", "open"],
    ["?sort=end_date", "on now", "tonight", "next week", "open"],
    ["?sort=-end_date", "open", "next week", "tonight", "on now"],
    ["?status=ONGOING", "open", "on now"],
    ["?status=CONFIRMED", "tonight", "next week"],
    ["?status=COMPLETED", "over, unrecorded", "over"],
    ["?status=COMPLETED&sort=end_date", "over", "over, unrecorded"],
    ["?status=CANCELLED,ARCHIVED", "called off", "put away"],
    ["?status=CONFIRMED&status=CANCELLED", "next week", "called off", "tonight"],
    ["?online=true", "tonight"],
    ["?starts_after=2026-12-05T17:00:00Z", "tonight", "next week"],
    ["?starts_after=2026-12-05T16:59:59.999Z", "on now", "tonight", "next week"],
    ["?starts_before=2026-12-05T20:00:00Z", "open", "on now"],
    ["?starts_before=2026-12-05T20:00:00.001Z", "open", "on now", "tonight"],
    ["?ends_after=2026-12-05T21:00:00Z", "open", "tonight", "next week"],
    ["?starts_after=2026-12-05T17:59:59%2B01:00", "on now", "tonight", "next week"],
    ["?starts_after=2026-12-05T17:59:59+01:00", "on now", "tonight", "next week"],
    ["?tag=music&status=ONGOING", "open", "on now"],
    ["?tag=nothing"],
  ]
) {
  Deno.test(`GET /v1/events${query} lists ${expected.length === 0 ? "nothing" : expected}`, async () => {
    await using t = await testApp();
    await storeVaried(t);
    assert.deepEqual(await titles(t, query!), expected);
  });
}

Deno.test("places are compared without regard to case", async () => {
  await using t = await testApp();
  await create(t, ADMIN, { title: "Here", location: { city: "London", country: "U.K." } });
  await create(t, ADMIN, { title: "There", location: { city: "Lisbon", country: "Portugal" } });
  assert.deepEqual(await titles(t, "?city=london"), ["Here"]);
  assert.deepEqual(await titles(t, "?country=portugal"), ["There"]);
  assert.deepEqual(await titles(t, "?city=london&country=portugal"), []);
});

Deno.test("an open-ended event is listed for OPEN_ENDED_HOURS and goes on by its URL", async () => {
  await using t = await testApp();
  const { record: { id } } = await storeEvent(t.store, { endDate: null, startDate: NOW - HOUR });
  for (const [now, listed] of [[NOW + 23 * HOUR - 1, 1], [NOW + 23 * HOUR, 0]] as const) {
    t.clock.now = now;
    for (const query of ["", "?tag=music", "?sort=end_date", "?status=ONGOING"]) {
      assert.equal((await list(t, query)).items.length, listed, query);
    }
    const response = await t.request("GET", `/v1/events/${id}`);
    assert.equal((await response.json()).status, "ONGOING");
  }
});

Deno.test("drafts are listed for admins only", async () => {
  await using t = await testApp({ authenticate: byName });
  await storeVaried(t);
  assert.deepEqual(await titles(t, "?status=DRAFT", as("root")), ["a plan"]);
  await problem(await t.request("GET", "/v1/events?status=DRAFT"), 401, "unauthenticated");
  const member = await t.request("GET", "/v1/events?status=DRAFT", { headers: as("alice") });
  await problem(member, 403, "forbidden");
});

Deno.test("external_id finds an event whatever its status, for those who may see it", async () => {
  await using t = await testApp({ authenticate: byName });
  const mine = await create(t, as("alice"), { external_id: "7", status: "DRAFT" });
  const other = await create(t, as("bob"), { external_id: "7" });
  const ids = async (query: string, headers = {}) =>
    (await list(t, query, headers)).items.map((item) => item.id).sort();
  assert.deepEqual(await ids("?external_id=7"), [other.id]);
  assert.deepEqual(await ids("?external_id=7", as("alice")), [mine.id, other.id].sort());
  const narrowed = `?external_id=7&organizer=${mine.organizer_id}`;
  assert.deepEqual(await ids(narrowed, as("alice")), [mine.id]);
  assert.deepEqual(await ids(narrowed), []);
  assert.deepEqual(await ids("?external_id=8"), []);
});
