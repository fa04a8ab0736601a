/** The history over HTTP, and deleting what is more than a draft. */
import assert from "node:assert/strict";
import { items } from "../../routes/client.ts";
import { clientOf } from "../support/client.ts";
import { ADMIN, HOUR, testApp } from "../support/fixture.ts";
import { as, byName, create, json, problem } from "../support/http.ts";

interface HistoryPage {
  items: { version: number; by: string; transition: unknown }[];
  next_before_version: number | null;
}

Deno.test("GET /v1/events/{id}/history says who did what, newest first", async () => {
  await using t = await testApp();
  const event = await create(t, ADMIN, {
    start_date: "2026-12-05T18:30:00Z",
    end_date: "2026-12-05T19:30:00Z",
    status: "CONFIRMED",
  });
  const path = `/v1/events/${event.id}`;
  t.clock.now += HOUR;
  await t.request("PATCH", path, { body: { title: "Renamed" }, headers: ADMIN });
  const { items, next_before_version } = await json<HistoryPage>(
    await t.request("GET", `${path}/history`, { headers: ADMIN }),
  );
  assert.equal(next_before_version, null);
  assert.deepEqual(items.map((item) => item.version), [3, 2, 1]);
  assert.deepEqual(items[0], {
    version: 3,
    at: "2026-12-05T19:00:00Z",
    by: "usr_root",
    transition: null,
    reason: null,
    fields: [{ field: "title", before: event.title, after: "Renamed" }],
  });
  assert.equal(items[1]!.by, "clock");
  assert.deepEqual(items[1]!.transition, { name: "start", from: "CONFIRMED", to: "ONGOING" });
});

Deno.test("the history goes on in what has left the record, page by page", async () => {
  await using t = await testApp();
  const { id } = await create(t, ADMIN);
  for (let i = 0; i < 70; i++) {
    await t.request("PATCH", `/v1/events/${id}`, { body: { title: `No. ${i}` }, headers: ADMIN });
  }
  const list = clientOf(t).v1.events[":id"].history.$get;
  const query = { limit: 9, before_version: 1_000 };
  const entries = await Array.fromAsync(items(list, { param: { id }, query }));
  const versions = entries.map((entry) => entry.version);
  assert.deepEqual(versions, Array.from({ length: 71 }, (_, i) => 71 - i));
});

Deno.test("the history is for the event's people", async () => {
  await using t = await testApp({ authenticate: byName });
  const { id } = await create(t, as("alice"), { status: "CONFIRMED" });
  const get = (headers: Record<string, string>, query = "") =>
    t.request("GET", `/v1/events/${id}/history${query}`, { headers });
  assert.equal((await get(as("alice"))).status, 200);
  await problem(await get(as("mallory")), 403, "forbidden");
  await problem(await get({}), 401, "unauthenticated");
  await problem(await get(as("alice"), "?before_version=0"), 400, "invalid_query");
});

Deno.test("an administrator deletes any event with a reason, which stays in the journal", async () => {
  await using t = await testApp();
  const { id } = await create(t, ADMIN, { status: "CONFIRMED", external_id: "x" });
  const path = `/v1/events/${id}`;
  await problem(await t.request("DELETE", path, { headers: ADMIN }), 422, "invalid_body");
  const reason = encodeURIComponent("a duplicate");
  const gone = await t.request("DELETE", `${path}?reason=${reason}`, { headers: ADMIN });
  assert.equal(gone.status, 204);
  await problem(await t.request("GET", path), 404, "not_found");
  const entries = await Array.fromAsync(
    t.store.kv.list<{ changes: { type: string; reason?: string }[] }>({ prefix: ["journal"] }),
  );
  const last = entries.at(-1)!.value.changes[0]!;
  assert.deepEqual([last.type, last.reason], ["deleted", "a duplicate"]);
  await create(t, ADMIN, { external_id: "x" });
});
