/** `GET /v1/me/events`. */
import assert from "node:assert/strict";
import { pages } from "../../routes/client.ts";
import { guestOf } from "../support/client.ts";
import { ADMIN, NOW, SECOND, storeEvent, type TestApp, testApp } from "../support/fixture.ts";
import { as, byName, create, type EventListView, json, places, problem } from "../support/http.ts";

async function mine(t: TestApp, query: string, headers: Record<string, string>) {
  return await json<EventListView>(await t.request("GET", `/v1/me/events${query}`, { headers }));
}

async function titles(t: TestApp, query: string, name = "alice"): Promise<string[]> {
  return (await mine(t, query, as(name))).items.map((item) => item.title);
}

Deno.test("my events are those of my organizers and those I staff, newest first", async () => {
  await using t = await testApp({ authenticate: byName });
  const starts = (day: number) => ({
    start_date: `2026-12-${day}T12:00:00Z`,
    end_date: null,
  });
  const staff = [{ user_id: "usr_alice", role: "viewer" }];
  await create(t, as("alice"), { title: "mine", ...starts(12) });
  await create(t, as("alice"), { title: "a plan", status: "DRAFT", ...starts(14) });
  await create(t, as("bob"), { title: "helping", visibility: "PRIVATE", staff, ...starts(13) });
  await create(t, as("alice"), { title: "both", staff, ...starts(11) });
  await create(t, as("bob"), { title: "not mine", ...starts(15) });
  assert.deepEqual(await titles(t, ""), ["a plan", "helping", "mine", "both"]);
  assert.deepEqual(await titles(t, "", "bob"), ["not mine", "helping"]);
  assert.deepEqual(await titles(t, "", "nobody"), []);
  const [first] = (await mine(t, "?limit=1", as("alice"))).items;
  for (const hidden of ["staff", "description", "metadata"]) assert.ok(!(hidden in first!));
});

Deno.test("include_completed=false leaves out what is over, from the very millisecond", async () => {
  await using t = await testApp({ authenticate: byName });
  const event = (title: string, end_date: string) =>
    create(t, as("alice"), { title, start_date: "2026-12-05T17:00:00Z", end_date });
  await event("soon over", "2026-12-05T18:00:01Z");
  await event("going on", "2026-12-05T18:00:01.001Z");
  const cancelled = await event("called off", "2026-12-06T12:00:00Z");
  const body = { to: "CANCELLED" };
  await t.request("POST", `/v1/events/${cancelled.id}/transitions`, { body, headers: as("alice") });
  const all = ["called off", "going on", "soon over"];
  t.clock.now = NOW + SECOND - 1;
  assert.deepEqual((await titles(t, "?include_completed=false")).sort(), all);
  t.clock.now = NOW + SECOND;
  assert.deepEqual((await titles(t, "?include_completed=false")).sort(), all.slice(0, 2));
  assert.deepEqual((await titles(t, "?include_completed=true")).sort(), all);
  assert.deepEqual((await titles(t, "")).sort(), all, "the default");
  const { items } = await mine(t, "", as("alice"));
  assert.equal(items.find((item) => item.title === "soon over")!.status, "COMPLETED");
});

Deno.test("my events come page by page, each once, also those I own and staff", async () => {
  await using t = await testApp({ authenticate: byName });
  const staff = [{ user_id: "usr_alice", role: "editor" }];
  for (let i = 0; i < 9; i++) {
    await create(t, as(i % 3 ? "alice" : "bob"), { title: `${i}`, staff });
  }
  const whole = await titles(t, "?limit=100");
  assert.equal(whole.length, 9);
  const walked: string[] = [];
  const args = { header: as("alice"), query: { limit: 2 } };
  for await (const page of pages(guestOf(t).v1.me.events.$get, args)) {
    walked.push(...page.items.map((item) => item.title));
    const { next_cursor: cursor } = page;
    if (cursor === null) break;
    const stolen = await t.request("GET", `/v1/me/events?cursor=${cursor}`, { headers: as("bob") });
    await problem(stolen, 400, "invalid_cursor");
  }
  assert.deepEqual(walked, whole);
});

Deno.test("my events need to know who I am", async () => {
  await using t = await testApp();
  const answer = await t.request("GET", "/v1/me/events");
  assert.equal(answer.headers.get("www-authenticate"), 'Bearer realm="curtain"');
  await problem(answer, 401, "unauthenticated");
  await storeEvent(t.store);
  assert.deepEqual((await mine(t, "", ADMIN)).items, [], "the admin's own, which are none");
  const wrong = await t.request("GET", "/v1/me/events?include_completed=1&tag=x", {
    headers: ADMIN,
  });
  assert.deepEqual(places(await problem(wrong, 400, "invalid_query")).sort(), [
    "include_completed invalid_value",
    "tag unknown_parameter",
  ]);
});
