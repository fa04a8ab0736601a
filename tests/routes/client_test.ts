/** The typed client against the app itself: its types, its answers, its errors, its lists. */
import assert from "node:assert/strict";
import {
  bodyOf,
  type Client,
  type ClientOptions,
  createClient,
  etagOf,
  items,
  pages,
} from "../../routes/client.ts";
import { clientOf, fetchOf, problemOf, testClient } from "../support/client.ts";
import { ADMIN, MINUTE, NOW, storeEvent, testApp } from "../support/fixture.ts";
import { create, list, TOMORROW } from "../support/http.ts";

Deno.test("an event is made, read, changed and deleted with its types from end to end", async () => {
  await using t = await testApp();
  const client = clientOf(t);
  const event = client.v1.events[":id"];
  const json = { ...TOMORROW, status: "DRAFT", metadata: { door: "left" } } as const;
  const { id, title } = await bodyOf(client.v1.events.$post({ json }));
  assert.equal(title satisfies string, TOMORROW.title);
  const param = { id };
  const read = await event.$get({ param });
  const known = await event.$get({ param, header: { "If-None-Match": etagOf(read) } });
  assert.deepEqual([known.status, await known.text()], [304, ""]);
  const changed = await event.$patch({
    param,
    header: { "If-Match": etagOf(read) },
    json: { title: "Ball" },
  });
  assert.deepEqual((await changed.json()).title, "Ball");
  const made = await bodyOf(event.transitions.$post({
    param,
    header: { "If-Match": etagOf(changed) },
    json: { to: "CONFIRMED" },
  }));
  assert.deepEqual([made.from, made.to], ["DRAFT", "CONFIRMED"]);
  assert.equal((await bodyOf(event.history.$get({ param }))).items.length, 3);
  const header = { "If-Match": "*" };
  const gone = await event.$delete({ param, header, query: { reason: "Entered twice" } });
  assert.equal(gone.status satisfies 204, 204);
  assert.equal((await problemOf(event.$get({ param }))).code, "not_found");
});

Deno.test("filters are written as what they are, and statuses as many as there are", async () => {
  await using t = await testApp();
  const client = clientOf(t);
  await create(t, ADMIN, { online: true, title: "Here" });
  await create(t, ADMIN, { title: "There" });
  const titles = async (query: Parameters<typeof client.v1.events.$get>[0]) =>
    (await bodyOf(client.v1.events.$get(query))).items.map((item) => item.title);
  assert.deepEqual(await titles({ query: { online: true, limit: 5 } }), ["Here"]);
  assert.deepEqual(
    await titles({ query: { status: ["CONFIRMED", "CANCELLED"] } }).then((found) => found.sort()),
    ["Here", "There"],
  );
  assert.equal((await titles(undefined)).length, 2);
});

/** Never run: the compiler reads it, and complains of a line here that it does not complain of. */
export function mistakes(client: Client) {
  const event = client.v1.events[":id"];
  const param = { id: "evt_x" };
  const header = { "If-Match": "*" };
  // @ts-expect-error there is no such status
  event.transitions.$post({ param, header, json: { to: "CANCELED" } });
  // @ts-expect-error nor is there in a filter
  client.v1.events.$get({ query: { status: "OVER" } });
  // @ts-expect-error a change says which version it is made from
  event.$patch({ param, json: { title: "Ball" } });
  // @ts-expect-error so does a deletion
  event.$delete({ param });
  // @ts-expect-error a PATCH has a body
  event.$patch({ param, header });
  // @ts-expect-error there is no such member
  client.v1.events.$post({ json: { ...TOMORROW, name: "Gala" } });
  // @ts-expect-error there is no such route
  client.v1.tickets.$get();
  // @ts-expect-error one event is no list
  items(event.$get, { param });
  // @ts-expect-error a history is some event's
  items(event.history.$get);
}

Deno.test("what is not served is thrown, with everything the answer says", async () => {
  await using t = await testApp();
  const client = clientOf(t);
  const { id } = await create(t, ADMIN);
  const param = { id };
  const change = (tag: string, title: string) =>
    client.v1.events[":id"].$patch({ param, header: { "If-Match": tag }, json: { title } });
  await change('"1.p"', "Ball");
  const stale = await problemOf(change('"1.p"', "Gala"));
  assert.deepEqual(
    [stale.name, stale.status, stale.code, stale.currentEtag, stale.errors, stale.retryAfterMs],
    ["ProblemError", 412, "precondition_failed", '"2.p"', [], null],
  );
  assert.match(stale.message, /^412 precondition_failed: Event "evt_\w+" is at "2\.p" now/);
  assert.ok(stale.message.endsWith(stale.detail));
  assert.match(stale.requestId!, /^req_/);
  assert.match(stale.remedy!, /^Read the event again/);
  assert.deepEqual(stale.problem.differences, [{ field: "title", current: "Ball" }]);
  const invalid = await problemOf(change("*", ""));
  assert.deepEqual([invalid.status, invalid.errors.map((one) => one.pointer)], [422, ["/title"]]);
  const guest = clientOf(t, { token: "not-the-token" });
  assert.equal((await problemOf(guest.v1.events.$get())).code, "unauthenticated");
});

Deno.test("an answer that the program did not make is a problem of unknown code", async () => {
  for (
    const [type, text] of [
      ["text/html", "<h1>Bad Gateway</h1>"],
      ["application/problem+json", '{"type": "/prob'],
    ] as const
  ) {
    const fetch = () =>
      Promise.resolve(new Response(text, { status: 500, headers: { "content-type": type } }));
    const { client } = testClient({ fetch });
    const told = await problemOf(client.v1.events.$get());
    assert.deepEqual(
      [told.status, told.code, told.detail, told.remedy, told.requestId],
      [500, "unknown", text, null, null],
    );
  }
});

Deno.test("an iterator goes through all pages of a list, whatever they call the next", async () => {
  await using t = await testApp();
  const client = clientOf(t);
  const { id } = await create(t, ADMIN);
  const param = { id };
  for (let i = 0; i < 6; i++) {
    await create(t, ADMIN, { title: `${i}` });
    const header = { "If-Match": "*" };
    await client.v1.events[":id"].$patch({ param, header, json: { title: `No. ${i}` } });
    await storeEvent(t.store, { endDate: NOW - MINUTE });
    await t.runner.run("complete_events", { trigger: "manual" });
  }
  for (let i = 0; i < 6; i++) await client.v1.organizers.$post({ json: { name: `${i}` } });
  const query = { limit: 3 };
  const job = { name: "complete_events" };
  const all = {
    events: await Array.fromAsync(items(client.v1.events.$get, { query })),
    mine: await Array.fromAsync(items(client.v1.me.events.$get, { query })),
    organizers: await Array.fromAsync(items(client.v1.organizers.$get, { query })),
    history: await Array.fromAsync(items(client.v1.events[":id"].history.$get, { param, query })),
    runs: await Array.fromAsync(items(client.v1.jobs[":name"].runs.$get, { param: job, query })),
    transitions: await Array.fromAsync(items(client.v1.events[":id"].transitions.$get, { param })),
  };
  assert.deepEqual(all.events, (await list(t, "?limit=100")).items);
  assert.equal(all.events.length, 7);
  assert.deepEqual(all.history.map(({ version }) => version), [7, 6, 5, 4, 3, 2, 1]);
  assert.deepEqual([all.mine.length, all.transitions.length], [7, 1]);
  const names = all.organizers.map(({ name }) => name).sort();
  assert.deepEqual(names, ["0", "1", "2", "3", "4", "5", "Administrator"]);
  assert.equal(all.runs.length, 6);
  for (const found of [all.organizers, all.runs]) {
    assert.equal(new Set(found.map((one) => one.id)).size, found.length);
  }
});

Deno.test("a page is asked for when the one before is done with, and keeps what it was called with", async () => {
  await using t = await testApp();
  for (let i = 0; i < 5; i++) await create(t, ADMIN, { tags: ["music"] });
  await create(t, ADMIN);
  const asked: string[] = [];
  const { signal } = new AbortController();
  const fetch: ClientOptions["fetch"] = (input, init) => {
    asked.push(new URL(String(input)).search.replace(/cursor=[^&]+/, "cursor=…"));
    assert.equal(init?.signal, signal);
    return fetchOf(t)(input, init);
  };
  const client = clientOf(t, { fetch });
  const query = { tag: "music", limit: 2 };
  const walk = pages(client.v1.events.$get, { query }, { init: { signal } });
  const first = (await walk.next()).value!;
  assert.equal(first.items.length, 2);
  assert.deepEqual(asked, ["?tag=music&limit=2"]);
  const rest = await Array.fromAsync(walk);
  assert.deepEqual(rest.map((page) => page.items.length), [2, 1]);
  for (const page of rest) assert.equal(page.position, first.position);
  assert.deepEqual(asked.slice(1), Array(2).fill("?tag=music&limit=2&cursor=…"));
  for await (const _ of items(client.v1.events.$get, { query }, { init: { signal } })) break;
  assert.equal(asked.length, 4, "who stops asks for no more");
});

Deno.test("lines stream in and out", async () => {
  await using t = await testApp();
  const client = clientOf(t);
  const lines = JSON.stringify({ ...TOMORROW, external_id: "a" }) + "\n";
  const report = await bodyOf(client.v1.imports.$post(
    { header: { "Content-Type": "application/x-ndjson" } },
    { init: { body: new Response(lines).body } },
  ));
  assert.deepEqual([report.created, report.failed], [1, 0]);
  const exported = await client.v1.exports.$get();
  assert.equal(exported.headers.get("export-events"), "1");
  const out = await Array.fromAsync(exported.body!.pipeThrough(new TextDecoderStream()));
  assert.match(out.join(""), /"external_id":"a"/);
});

Deno.test("that something is wrong is an answer of the health route, and asked for once", async () => {
  await using t = await testApp();
  const { client, waits } = testClient({ fetch: fetchOf(t) });
  assert.equal((await bodyOf(client.healthz.$get())).status, "ok");
  t.store.get = () => Promise.reject(new Error("the store is away"));
  const failing = await client.healthz.$get();
  assert.deepEqual([failing.status, (await failing.json()).status], [503, "failing"]);
  assert.deepEqual(waits, []);
  const wrong = testClient({ fetch: fetchOf(t), token: "wrong" }).client;
  assert.equal((await problemOf(wrong.healthz.$get())).code, "unauthenticated");
});

Deno.test("what has no address or no tag is said to be so", async () => {
  assert.throws(() => createClient("events.example.org"), TypeError);
  await using t = await testApp();
  const answer = await clientOf(t).v1.organizers.$get();
  assert.throws(() => etagOf(answer), /carries no ETag/);
});
