/** Organizers over HTTP: made, changed, listed; their events; events moved between them. */
import assert from "node:assert/strict";
import type { OrganizerId } from "../../kv/event_record.ts";
import { items } from "../../routes/client.ts";
import { guestOf } from "../support/client.ts";
import { ADMIN, aRecord, DAY, HOUR, NOW, storeEvent, testApp } from "../support/fixture.ts";
import { as, byName, create, type EventListView, json, problem } from "../support/http.ts";

interface OrganizerView {
  id: OrganizerId;
  name: string;
  updated_at: string;
}

interface OrganizerPage {
  items: OrganizerView[];
  next_after: string | null;
}

Deno.test("an organizer's page says how many events it shows, and of how many pages it is one", async () => {
  await using t = await testApp();
  const { organizer_id: id } = await create(t, ADMIN);
  const page = async (query = "") => {
    const html = await (await t.request("GET", `/organizers/${id}${query}`)).text();
    const words = html.replace(/<[^>]+>/g, "").replace(/\s+/g, " ");
    return { words, next: /\?cursor=[^"&]+/.exec(html)?.[0] };
  };
  assert.match((await page()).words, /1 event on(?! this page)/);
  for (let i = 0; i < 30; i++) await create(t, ADMIN);
  const first = await page();
  assert.match(first.words, /30 events on this page/);
  assert.match((await page(first.next)).words, /1 event on this page/);
});

Deno.test("POST /v1/organizers makes one with the caller as its owner", async () => {
  await using t = await testApp({ authenticate: byName });
  const body = { name: "Royal Hall", url: "https://example.org/", external_id: "hall:1" };
  const response = await t.request("POST", "/v1/organizers", { body, headers: as("alice") });
  assert.equal(response.status, 201);
  const made = await response.json();
  assert.equal(response.headers.get("location"), `/v1/organizers/${made.id}`);
  assert.deepEqual({ ...made, id: "" }, {
    id: "",
    ...body,
    created_at: "2026-12-05T18:00:00Z",
    updated_at: "2026-12-05T18:00:00Z",
  });
  const event = await create(t, as("alice"), { organizer_id: made.id });
  assert.equal(event.organizer_id, made.id);
  assert.deepEqual(await json(await t.request("GET", `/v1/organizers/${made.id}`)), made);
});

Deno.test("an organizer's external id is taken once, also by ten at the same time", async () => {
  await using t = await testApp({ authenticate: byName });
  const answers = await Promise.all(
    Array.from({ length: 10 }, () =>
      t.request("POST", "/v1/organizers", {
        body: { name: "Hall", external_id: "hall:1" },
        headers: as("alice"),
      })),
  );
  const statuses = answers.map((answer) => answer.status).sort();
  assert.deepEqual(statuses, [201, ...Array(9).fill(409)]);
  const winner = await answers.find((answer) => answer.status === 201)!.json();
  const loser = await answers.find((answer) => answer.status === 409)!.json();
  assert.equal(loser.organizer_id, winner.id);
  const found = await json<OrganizerPage>(
    await t.request("GET", "/v1/organizers?external_id=hall:1"),
  );
  assert.deepEqual(found.items, [winner]);
});

Deno.test("an organizer is changed by its owners and administrators only", async () => {
  await using t = await testApp({ authenticate: byName });
  const headers = as("alice");
  const made = await json<OrganizerView>(
    await t.request("POST", "/v1/organizers", {
      body: { name: "Hall", external_id: "a" },
      headers,
    }),
    201,
  );
  const path = `/v1/organizers/${made.id}`;
  const patch = (body: unknown, who: Record<string, string>) =>
    t.request("PATCH", path, { body, headers: who });
  await problem(await patch({ name: "Mine" }, as("mallory")), 403, "forbidden");
  await problem(await patch({ name: "Mine" }, {}), 401, "unauthenticated");
  await problem(await patch({ name: "" }, headers), 422, "invalid_body");
  t.clock.now += HOUR;
  const changed = await json<OrganizerView>(
    await patch({ name: "Grand Hall", external_id: "b" }, headers),
  );
  assert.equal(changed.name, "Grand Hall");
  assert.equal(changed.updated_at, "2026-12-05T19:00:00Z");
  const old = await json<OrganizerPage>(await t.request("GET", "/v1/organizers?external_id=a"));
  assert.deepEqual(old.items, [], "the old external id is free again");
  t.clock.now += HOUR;
  assert.deepEqual(await json(await patch({ name: "Grand Hall" }, headers)), changed);
});

Deno.test("GET /v1/organizers pages through all of them once", async () => {
  await using t = await testApp({ authenticate: byName });
  const ids: string[] = [];
  for (const name of ["A", "B", "C", "D", "E"]) {
    const answer = await t.request("POST", "/v1/organizers", {
      body: { name },
      headers: as("alice"),
    });
    ids.push((await answer.json()).id);
  }
  const list = guestOf(t).v1.organizers.$get;
  const found = await Array.fromAsync(items(list, { query: { limit: 2 } }));
  assert.deepEqual(found.map((organizer) => organizer.id), ids.sort());
});

Deno.test("an organizer's events are what is live, or with past=true what is over", async () => {
  await using t = await testApp();
  const made = await json<OrganizerView>(
    await t.request("POST", "/v1/organizers", { body: { name: "Hall" }, headers: ADMIN }),
    201,
  );
  const organizerId = made.id;
  // More than one page may look at stands before what is on.
  for (let i = 0; i < 30; i++) {
    const startDate = NOW - 40 * DAY + i * DAY;
    await storeEvent(t.store, {
      ...aRecord(),
      id: `evt_${String(i).padStart(26, "0")}`,
      organizerId,
      title: `Past ${i}`,
      status: "COMPLETED",
      startDate,
      endDate: startDate + HOUR,
    });
  }
  const live = await storeEvent(t.store, { organizerId, title: "On" });
  await storeEvent(t.store, { title: "Another organizer's" });
  const path = `/v1/organizers/${organizerId}/events`;
  const on = await json<EventListView>(await t.request("GET", `${path}?limit=5`));
  assert.deepEqual(on.items.map((item) => item.id), [live.record.id]);
  assert.equal(on.next_cursor, null);
  const past = await json<EventListView>(await t.request("GET", `${path}?past=true&limit=2`));
  const titles = past.items.map((item) => item.title);
  assert.deepEqual(titles, ["Past 29", "Past 28"]);
  t.clock.now = live.record.endDate!;
  assert.deepEqual((await json<EventListView>(await t.request("GET", path))).items, []);
  const page = await t.request("GET", `/organizers/${organizerId}`);
  assert.equal(page.status, 200);
  const html = await page.text();
  assert.match(html, /Hall/);
  assert.match(html, /Past 29/);
  assert.match(html, /The stage is empty/);
  await problem(await t.request("GET", "/v1/organizers/org_nobody/events"), 404, "not_found");
  assert.equal((await t.request("GET", "/organizers/org_nobody")).status, 404);
});

Deno.test("an administrator moves an event to another organizer, nobody else does", async () => {
  await using t = await testApp({ authenticate: byName });
  const event = await create(t, as("alice"), { external_id: "one" });
  const other = await create(t, as("bob"), { external_id: "two" });
  const path = `/v1/events/${event.id}`;
  const to = { organizer_id: other.organizer_id };
  await problem(
    await t.request("PATCH", path, { body: to, headers: as("alice") }),
    403,
    "forbidden",
  );
  const nowhere = { organizer_id: `org_${"0".repeat(26)}` };
  await problem(
    await t.request("PATCH", path, { body: nowhere, headers: as("root") }),
    422,
    "invalid_body",
  );
  const moved = await json(await t.request("PATCH", path, { body: to, headers: as("root") }));
  assert.equal(moved.organizer_id, other.organizer_id);
  const mine = await json<EventListView>(
    await t.request("GET", "/v1/me/events", { headers: as("bob") }),
  );
  assert.equal(mine.items.length, 2);
  const taken = { external_id: "two" };
  await problem(
    await t.request("PATCH", path, { body: taken, headers: as("bob") }),
    409,
    "external_id_taken",
  );
});
