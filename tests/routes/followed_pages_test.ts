/** What the pages tell their script to follow: the right changes, from the right place on. */
import assert from "node:assert/strict";
import type { ChangeMessage } from "../../lifecycle/realtime/message.ts";
import type { Store } from "../../kv/store.ts";
import { readPosition } from "../../kv/journal_places.ts";
import { ADMIN, HOUR, NOW, type TestApp, testApp } from "../support/fixture.ts";
import { create, json } from "../support/http.ts";

/** The address of the stream that the page follows, from where it begins; null: it follows none. */
async function streamOf(
  t: TestApp,
  path: string,
): Promise<{ text: string; stream: string | null }> {
  const text = await (await t.request("GET", path)).text();
  const read = (name: string) => new RegExp(` data-${name}="([^"]*)"`).exec(text)?.[1];
  const [stream, position] = [read("stream"), read("position")];
  if (stream === undefined || position === undefined) return { text, stream: null };
  const separator = stream.includes("?") ? "&" : "?";
  return { text, stream: `${stream}${separator}last_event_id=${position}` };
}

/** Does something right after the events of a page were read, once. */
function afterReading(store: Store, act: () => Promise<unknown>): void {
  let isDone = false;
  const { get, list } = store;
  const then = async <T>(key: Deno.KvKey, result: T): Promise<T> => {
    if (isDone || !/^(event|live_events.*)$/.test(String(key[0]))) return result;
    isDone = true;
    await act();
    return result;
  };
  store.get = async (key) => await then(key, await get.call(store, key) as never);
  store.list = async (selector, options) => {
    const key = "prefix" in selector ? selector.prefix : selector.start;
    return await then(key, await list.call(store, selector, options) as never);
  };
}

const onDay = (day: number) => ({
  start_date: `2027-01-${String(day).padStart(2, "0")}T00:00:00Z`,
  end_date: null,
});

const BEGUN = { start_date: new Date(NOW - HOUR).toISOString() };

interface Case {
  name: string;
  /** Of the page that shows the event. */
  pathOf: (t: TestApp, event: { id: string; organizer_id: string }) => string | Promise<string>;
}

const NEXT_PAGE = /class="next" rel="next" href="([^"]+)"/;

const CASES: Case[] = [
  { name: "the list", pathOf: () => "/" },
  { name: "a tag's list", pathOf: () => "/?tag=r%26d%20music" },
  {
    name: "a later page of the list",
    async pathOf(t, { id }) {
      for (let i = 0; i < 30; i++) await create(t, ADMIN);
      const { text } = await streamOf(t, "/");
      assert.ok(!text.includes(id));
      return NEXT_PAGE.exec(text)![1]!;
    },
  },
  { name: "an organizer's page", pathOf: (_, { organizer_id }) => `/organizers/${organizer_id}` },
  { name: "an event's page", pathOf: (_, { id }) => `/events/${id}` },
];

for (const { name, pathOf } of CASES) {
  Deno.test(`what changes while ${name} is read is told from where it says on`, async () => {
    await using t = await testApp();
    const fields = { title: "Old title", tags: ["r&d music"], ...onDay(31) };
    const event = await create(t, ADMIN, fields);
    const path = await pathOf(t, event);
    afterReading(t.store, async () => {
      const [body, headers] = [{ title: "New title" }, ADMIN];
      await json(await t.request("PATCH", `/v1/events/${event.id}`, { body, headers }));
    });
    const { text, stream } = await streamOf(t, path);
    assert.ok(text.includes("Old title"), "it was read before the change");
    assert.ok(text.includes(`data-id="${event.id}" data-version="1"`));
    const response = await t.request("GET", stream!);
    assert.equal(response.status, 200);
    await response.body!.cancel();
    // The same, but with an end.
    const { searchParams } = new URL(stream!, "http://curtain.test");
    const changes = `/v1/changes?after=${searchParams.get("last_event_id")}`;
    const { items } = await json<{ items: ChangeMessage[] }>(await t.request("GET", changes));
    assert.deepEqual(items.map(({ data }) => data?.title), ["New title"]);
  });
}

Deno.test("a page that nothing can change follows nothing", async () => {
  await using t = await testApp();
  for (const path of ["/docs", "/problems", "/events/nothing", `/?tag=${"x".repeat(51)}`]) {
    assert.equal((await streamOf(t, path)).stream, null, path);
  }
});

Deno.test("a page of a list says which part of it it shows, and follows from when it was read", async () => {
  await using t = await testApp();
  const partOf = async (path: string) => {
    const { text, stream } = await streamOf(t, path);
    const [from, to] = ["from", "to"].map((name) =>
      new RegExp(`data-${name}="(\\d+)"`).exec(text)?.[1]
    );
    assert.ok(stream!.endsWith(`last_event_id=${await readPosition(t.store)}`));
    return { part: [from, to], next: NEXT_PAGE.exec(text)?.[1] };
  };
  const startOf = (day: number) => String(Date.parse(onDay(day).start_date));
  for (let day = 1; day <= 30; day++) await create(t, ADMIN, onDay(day));
  assert.deepEqual(await partOf("/"), { part: [undefined, undefined], next: undefined });
  await create(t, ADMIN, onDay(31));
  const { part, next } = await partOf("/");
  assert.deepEqual(part, [undefined, startOf(30)]);
  // The cursor holds the position of the first page, which is older now.
  await create(t, ADMIN, { status: "DRAFT" });
  assert.deepEqual((await partOf(next!)).part, [startOf(31), undefined]);
});

Deno.test("asked again by scripts, a page is rendered once until something changes", async () => {
  await using t = await testApp();
  const { id } = await create(t, ADMIN, { end_date: new Date(NOW + HOUR).toISOString(), ...BEGUN });
  const madeAt = async (path: string, headers = {}) => {
    const response = await t.request("GET", path, { headers });
    const isTheirs = Object.keys(headers).length > 0;
    const kept = isTheirs ? "no-store" : "private, no-cache";
    assert.equal(response.headers.get("cache-control"), kept);
    assert.match(response.headers.get("content-security-policy")!, /^default-src 'none'/);
    return Number(/data-now="(\d+)"/.exec(await response.text())?.[1]);
  };
  for (const path of ["/", `/events/${id}`]) {
    t.clock.now = NOW;
    const again = `${path}?fresh=`;
    for (const address of [again, path]) assert.equal(await madeAt(address), NOW);
    t.clock.now = NOW + 1_999;
    assert.equal(await madeAt(again), NOW);
    assert.equal(await madeAt(path), NOW + 1_999, "a visitor's own page tells the time");
    assert.equal(await madeAt(again, ADMIN), NOW + 1_999, "and so does that of who is signed in");
    t.clock.now = NOW + 2_000;
    assert.equal(await madeAt(again), NOW + 2_000);
    t.clock.now++;
    await create(t, ADMIN);
    assert.equal(await madeAt(again), NOW + 2_001);
    // Its end comes sooner than the page is old.
    t.clock.now = NOW + HOUR - 1;
    assert.equal(await madeAt(again), NOW + HOUR - 1);
    t.clock.now = NOW + HOUR;
    assert.equal(await madeAt(again), NOW + HOUR);
  }
});
