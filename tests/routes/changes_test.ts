/** `GET /v1/changes`: a copy that begins with lists and goes on with pages. */
import assert from "node:assert/strict";
import { BEGINNING, placeText, readPosition } from "../../kv/journal_places.ts";
import { trimJournal } from "../../kv/journal_trim.ts";
import type { ChangeMessage } from "../../lifecycle/realtime/message.ts";
import { addMember, organizerId } from "../lifecycle/lifecycle_fixture.ts";
import { ADMIN, NOW, type TestApp, testApp } from "../support/fixture.ts";
import { as, assertWritesNothing, byName, create, json, list, problem } from "../support/http.ts";

interface ChangeListView {
  items: ChangeMessage[];
  position: string;
  has_more: boolean;
}

async function page(
  t: TestApp,
  query = "",
  headers: Record<string, string> = {},
): Promise<ChangeListView> {
  return await json(await t.request("GET", `/v1/changes${query}`, { headers }));
}

const told = ({ items }: ChangeListView) => items.map(({ type }) => type.slice("event.".length));

/** A new event that is edited, hidden, shown, cancelled and deleted. */
async function liveThrough(t: TestApp): Promise<string> {
  const { id } = await create(t, ADMIN, { title: "a" });
  const edit = (body: object) => t.request("PATCH", `/v1/events/${id}`, { body, headers: ADMIN });
  await edit({ title: "b" });
  await edit({ title: "secret", visibility: "PRIVATE" });
  await edit({ title: "c", visibility: "PUBLIC" });
  const body = { to: "CANCELLED" };
  await t.request("POST", `/v1/events/${id}/transitions`, { body, headers: ADMIN });
  await t.request("DELETE", `/v1/events/${id}?reason=x`, { headers: ADMIN });
  return id;
}

Deno.test("changes are told with deletions and leavings, and nobody keeps the answer unasked", async () => {
  await using t = await testApp();
  const position = await readPosition(t.store);
  assert.deepEqual(await page(t), { items: [], position, has_more: false });
  const id = await liveThrough(t);
  const response = await t.request("GET", `/v1/changes?after=${position}`);
  assert.equal(response.headers.get("cache-control"), "no-cache");
  assert.equal(response.headers.get("vary"), "authorization, cookie");
  const changes = await json<ChangeListView>(response);
  assert.deepEqual(told(changes), [
    "created",
    "updated",
    "left",
    "updated",
    "transitioned",
    "deleted",
  ]);
  assert.ok(changes.items.every(({ subject }) => subject === id));
  assert.deepEqual(changes.items.map(({ sequence }) => Number(sequence)), [1, 2, 3, 4, 5, 6]);
  assert.ok(!JSON.stringify(changes).includes("secret"));
  assert.equal(changes.position, await readPosition(t.store));
});

Deno.test("a list and the changes after its position are everything there is", async () => {
  await using t = await testApp();
  const kept = await create(t, ADMIN, { title: "kept" });
  const { position, items } = await list(t);
  const added = await create(t, ADMIN, { title: "added" });
  const changes = await page(t, `?after=${position}`);
  assert.deepEqual([...items, ...changes.items.map(({ data }) => data!)].map(({ id }) => id), [
    kept.id,
    added.id,
  ]);
});

Deno.test("pages are of the size that is asked for, and each goes on where the last one ended", async () => {
  await using t = await testApp();
  for (let i = 0; i < 25; i++) await create(t, ADMIN, { title: `${i}` });
  assert.equal((await page(t)).items.length, 20);
  let after = placeText(t.store, BEGINNING);
  const titles: string[] = [];
  for (const [limit, length] of [[1, 1], [7, 7], [10, 10], [100, 7]] as const) {
    const { items, position, has_more } = await page(t, `?after=${after}&limit=${limit}`);
    assert.equal(items.length, length);
    titles.push(...items.map(({ data }) => data!.title));
    assert.equal(has_more, titles.length < 25);
    after = position;
  }
  assert.deepEqual(titles, Array.from({ length: 25 }, (_, i) => `${i}`));
  assert.deepEqual(await page(t, `?after=${after}`), {
    items: [],
    position: after,
    has_more: false,
  });
});

Deno.test("the id of any change is a place to go on from, also within a commit of several", async () => {
  // No job is there to complete the event before the edit does.
  await using t = await testApp({ jobs: [] });
  const { id } = await create(t, ADMIN);
  // The clock's transition is committed together with the edit.
  t.clock.now += 2 * 86_400_000;
  const body = { title: "late" };
  await t.request("PATCH", `/v1/events/${id}`, { body, headers: ADMIN });
  const { items } = await page(t);
  const stamps = new Set(items.map((item) => item.id.slice(0, item.id.lastIndexOf("-"))));
  assert.ok(stamps.size < items.length);
  for (const [i, item] of items.entries()) {
    assert.deepEqual((await page(t, `?after=${item.id}`)).items, items.slice(i + 1));
  }
});

Deno.test("everybody is told of what they may see", async () => {
  await using t = await testApp({ authenticate: byName });
  for (const [name, role] of [["alice", "owner"], ["viewer", "viewer"]] as const) {
    await addMember(t.store, organizerId(1), { userId: `usr_${name}`, role });
  }
  await create(t, as("alice"), { status: "DRAFT" });
  await create(t, as("alice"), { visibility: "PRIVATE" });
  await create(t, as("alice"), { visibility: "UNLISTED" });
  await create(t, as("alice"));
  const counts = {
    guest: {},
    eve: as("eve"),
    alice: as("alice"),
    viewer: as("viewer"),
    root: as("root"),
  };
  for (const [name, headers] of Object.entries(counts)) {
    const response = await t.request("GET", "/v1/changes", { headers });
    const cached = response.headers.get("cache-control");
    assert.equal(cached, name === "guest" ? "no-cache" : "private, no-cache");
    const { items } = await json<ChangeListView>(response);
    assert.equal(items.length, name === "guest" || name === "eve" ? 1 : 4, name);
  }
});

Deno.test("a place that cannot be gone on from is gone, and the problem says why", async () => {
  await using t = await testApp();
  await using other = await testApp();
  for (const one of [t, other]) for (let i = 0; i < 3; i++) await create(one, ADMIN);
  const old = placeText(t.store, BEGINNING);
  await trimJournal(t.store, NOW + 1);
  const cases = {
    malformed: ["x", "0", encodeURIComponent("\u0000"), `${old}.left`],
    other_store: [await readPosition(other.store)],
    ahead: [`${t.store.epoch}.${"f".repeat(20)}-1`],
    too_old: [old],
  };
  await assertWritesNothing(t, async () => {
    for (const [reason, positions] of Object.entries(cases)) {
      for (const after of positions) {
        const response = await t.request("GET", `/v1/changes?after=${after}`);
        const body = await problem(response, 410, "position_gone");
        assert.equal(body.reason, reason, after);
        assert.equal(body.errors![0]!.parameter, "after");
      }
    }
  });
  assert.equal((await page(t)).items.length, 1, "without a place, from the oldest that is kept");
});

Deno.test("parameters that are none are refused", async () => {
  await using t = await testApp();
  const wrong = [
    "?limit=0",
    "?limit=101",
    "?limit=x",
    "?after=",
    `?after=${"x".repeat(201)}`,
    "?since=x",
    "?status=CONFIRMED",
    "?tag=a",
    "?after=x&after=y",
  ];
  for (const query of wrong) {
    await problem(await t.request("GET", `/v1/changes${query}`), 400, "invalid_query");
  }
  const headers = { authorization: "Bearer x" };
  await problem(await t.request("GET", "/v1/changes", { headers }), 401, "unauthenticated");
  await problem(
    await t.request("GET", "/v1/changes", { headers: { accept: "text/event-stream" } }),
    406,
    "not_acceptable",
  );
});

Deno.test("HEAD and OPTIONS of changes are what they are of lists", async () => {
  await using t = await testApp();
  await create(t, ADMIN);
  const head = await t.request("HEAD", "/v1/changes");
  assert.deepEqual([head.status, await head.text()], [200, ""]);
  assert.ok(Number(head.headers.get("content-length")) > 100);
  const post = await t.request("POST", "/v1/changes", { headers: ADMIN });
  assert.equal(post.headers.get("allow"), "GET, HEAD, OPTIONS");
  await problem(post, 405, "method_not_allowed");
});
