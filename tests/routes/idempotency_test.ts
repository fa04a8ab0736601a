/** Idempotency-Key: sent again, answered as the first time, done once. */
import assert from "node:assert/strict";
import { aMember } from "../lifecycle/lifecycle_fixture.ts";
import { testStore } from "../kv/test_store.ts";
import {
  ADMIN,
  allChanges,
  allRecords,
  assertIndexesRebuild,
  DAY,
  NOW,
  storeEvent,
  type TestApp,
  testApp,
} from "../support/fixture.ts";
import { as, byName, create, json, problem, TOMORROW } from "../support/http.ts";

const key = (value: string) => ({ "idempotency-key": value });

function post(t: TestApp, path: string, body: unknown, headers: Record<string, string>) {
  return t.request("POST", path, { body, headers: { ...ADMIN, ...headers } });
}

Deno.test("a POST that is sent again is answered as the first time, and makes one event", async () => {
  await using t = await testApp();
  const first = await post(t, "/v1/events", TOMORROW, key("a"));
  assert.equal(first.headers.get("idempotency-replayed"), null);
  const made = await json(first, 201);
  // However long ago it was, and whatever became of the event since.
  await json(
    await t.request("PATCH", `/v1/events/${made.id}`, { body: { title: "New" }, headers: ADMIN }),
  );
  t.clock.now += DAY - 1;
  const again = await post(t, "/v1/events", TOMORROW, key("a"));
  assert.equal(again.headers.get("idempotency-replayed"), "true");
  for (const name of ["location", "etag", "cache-control", "content-type"]) {
    assert.equal(again.headers.get(name), first.headers.get(name), name);
  }
  assert.deepEqual(await json(again, 201), made);
  assert.equal((await allRecords(t.store)).length, 1);
});

Deno.test("a key is forgotten after a day", async () => {
  await using t = await testApp();
  const { id } = await json(await post(t, "/v1/events", TOMORROW, key("a")), 201);
  t.clock.now += DAY;
  const later = { ...TOMORROW, end_date: "2026-12-24T23:00:00Z" };
  const again = await json(await post(t, "/v1/events", later, key("a")), 201);
  assert.notEqual(again.id, id);
});

Deno.test("every request that writes can be sent again", async () => {
  await using t = await testApp();
  const { id } = await create(t, ADMIN, { status: "DRAFT" });
  const { organizer_id } = await json(
    await t.request("GET", `/v1/events/${id}`, { headers: ADMIN }),
  );
  const requests: [string, string, unknown][] = [
    ["PATCH", `/v1/events/${id}`, { title: "New" }],
    ["POST", `/v1/events/${id}/transitions`, { to: "CONFIRMED" }],
    ["POST", "/v1/organizers", { name: "Hall" }],
    ["PATCH", `/v1/organizers/${organizer_id}`, { name: "House" }],
    ["PATCH", "/v1/jobs/start_events", { interval_seconds: 120 }],
  ];
  for (const [i, [method, path, body]] of requests.entries()) {
    const send = () => t.request(method, path, { body, headers: { ...ADMIN, ...key(`k${i}`) } });
    const first = await send();
    const text = await first.text();
    assert.ok(first.ok, `${method} ${path} ${text}`);
    const changes = (await allChanges(t.store)).length;
    const again = await send();
    assert.equal(again.headers.get("idempotency-replayed"), "true", path);
    assert.deepEqual([again.status, await again.text()], [first.status, text]);
    assert.equal((await allChanges(t.store)).length, changes);
  }
});

Deno.test("a job that is run again with its key is told where to watch the run there was", async () => {
  await using t = await testApp();
  await storeEvent(t.store, { endDate: NOW });
  const path = "/v1/jobs/complete_events/runs";
  const run = await json<{ id: string; changed: number }>(await post(t, path, undefined, key("a")));
  assert.equal(run.changed, 1);
  const again = await post(t, path, undefined, key("a"));
  assert.equal(again.headers.get("location"), `${path}/${run.id}`);
  assert.equal((await json<{ id: string }>(again, 202)).id, run.id);
});

Deno.test("an edit that changes nothing is answered again with its tag", async () => {
  await using t = await testApp();
  const { id } = await create(t, ADMIN);
  const ask = () =>
    t.request("PATCH", `/v1/events/${id}`, {
      body: {},
      headers: { ...ADMIN, ...key("a"), "if-match": "*" },
    });
  const [first, again] = [await ask(), await ask()];
  assert.equal(again.headers.get("idempotency-replayed"), "true");
  for (const name of ["etag", "cache-control", "vary"]) {
    assert.ok(first.headers.get(name));
    assert.equal(again.headers.get(name), first.headers.get(name), name);
  }
  assert.deepEqual(await json(again), await json(first));
});

Deno.test("a move that is asked for again with its key is told where to watch the run", async () => {
  await using t = await testApp();
  const { organizer_id: from } = await create(t, ADMIN);
  const { id: to } = await json(await post(t, "/v1/organizers", { name: "Hall" }, {}), 201);
  const ask = () => post(t, `/v1/organizers/${from}/moves`, { to }, key("a"));
  const first = await ask();
  const again = await ask();
  assert.equal(again.headers.get("idempotency-replayed"), "true");
  assert.match(again.headers.get("location") ?? "", /^\/v1\/jobs\/move_events\/runs\/run_/);
  assert.equal(again.headers.get("location"), first.headers.get("location"));
  assert.deepEqual(await json<unknown>(again, 202), await json<unknown>(first, 202));
});

Deno.test("the same key with another payload, path or method is a mistake, and told as one", async () => {
  await using t = await testApp();
  await json(await post(t, "/v1/events", TOMORROW, key("a")), 201);
  const other = { ...TOMORROW, title: "Other" };
  await problem(await post(t, "/v1/events", other, key("a")), 422, "idempotency_key_reused");
  const organizer = await post(t, "/v1/organizers", { name: "Hall" }, key("a"));
  await problem(organizer, 422, "idempotency_key_reused");
  assert.equal((await allRecords(t.store)).length, 1);
});

Deno.test("keys are everybody's own", async () => {
  await using t = await testApp({ authenticate: byName });
  for (const name of ["alice", "bob"]) {
    const headers = { ...as(name), ...key("a") };
    const response = await t.request("POST", "/v1/events", { body: TOMORROW, headers });
    assert.equal(response.headers.get("idempotency-replayed"), null);
    await json(response, 201);
  }
  assert.equal((await allRecords(t.store)).length, 2);
  const guest = await t.request("POST", "/v1/events", { body: TOMORROW, headers: key("a") });
  await problem(guest, 401, "unauthenticated");
});

Deno.test("what was refused can be mended and sent with the same key", async () => {
  await using t = await testApp();
  const wrong = { ...TOMORROW, title: "" };
  await problem(await post(t, "/v1/events", wrong, key("a")), 422, "invalid_body");
  await json(await post(t, "/v1/events", TOMORROW, key("a")), 201);
});

Deno.test("50 posts at once with one key make one event; who comes too early is told to wait", async () => {
  await using t = await testApp();
  const answers = await Promise.all(
    Array.from({ length: 50 }, () => post(t, "/v1/events", TOMORROW, key("a"))),
  );
  const statuses = answers.map(({ status }) => status).toSorted();
  for (const answer of answers) {
    if (answer.status === 409) {
      assert.equal(answer.headers.get("retry-after"), "1");
      await problem(answer, 409, "request_in_flight");
    } else await json(answer, 201);
  }
  assert.ok(statuses.includes(201));
  assert.equal((await allRecords(t.store)).length, 1);
  await json(await post(t, "/v1/events", TOMORROW, key("a")), 201);
  assert.equal((await allRecords(t.store)).length, 1);
});

Deno.test("two programs that get the same request at once make one event and answer the same", async () => {
  using store = await testStore();
  const apps: TestApp[] = [];
  for (let i = 0; i < 4; i++) {
    apps.push(await testApp({ store: await testStore({ kv: store.kv }) }));
  }
  try {
    const organizers = { ...TOMORROW, external_id: "x" };
    for (const body of [TOMORROW, organizers]) {
      const answers = await Promise.all(
        apps.map((t) => post(t, "/v1/events", body, key(JSON.stringify(body).length.toString()))),
      );
      const bodies = await Promise.all(answers.map((answer) => json(answer, 201)));
      assert.equal(new Set(bodies.map(({ id }) => id)).size, 1);
    }
    assert.equal((await allRecords(store)).length, 2);
    await assertIndexesRebuild(store);
  } finally {
    for (const t of apps) await t[Symbol.asyncDispose]();
  }
});

Deno.test("a commit that fails leaves no outcome, and one whose answer is lost leaves it", async () => {
  using store = await testStore();
  const t = await testApp({ store });
  store.faults.commit = () => Promise.reject(new Error("the disk is full"));
  await problem(await post(t, "/v1/events", TOMORROW, key("a")), 500, "internal");
  // Sent again by the runtime, because its answer was lost, it is refused by itself.
  store.faults.commit = async (send) => {
    await send();
    return { ok: false };
  };
  const made = await json(await post(t, "/v1/events", TOMORROW, key("a")), 201);
  store.faults.commit = undefined;
  assert.deepEqual(await json(await post(t, "/v1/events", TOMORROW, key("a")), 201), made);
  assert.equal((await allRecords(store)).length, 1);
  await t.runner.stop();
});

Deno.test("a key is 1 to 255 visible characters", async () => {
  await using t = await testApp();
  for (const wrong of ["", "a b", "x".repeat(256), "x".repeat(10_000), "ä"]) {
    const refused = await post(t, "/v1/events", TOMORROW, key(wrong));
    assert.match((await problem(refused, 400, "invalid_header")).detail, /Idempotency-Key/);
  }
  await json(await post(t, "/v1/events", TOMORROW, key("x".repeat(255))), 201);
});

Deno.test("the largest answer can be kept", async () => {
  await using t = await testApp({ authenticate: () => aMember("usr_alice") });
  let seed = 1;
  const letter = () => {
    seed = (seed * 48271) % 2147483647;
    return String.fromCharCode(0x4e00 + (seed % 20_000));
  };
  const description = Array.from({ length: 19_000 }, letter).join("");
  const body = { ...TOMORROW, description };
  const headers = key("a");
  const made = await json(await t.request("POST", "/v1/events", { body, headers }), 201);
  const again = await t.request("POST", "/v1/events", { body, headers });
  assert.deepEqual(await json(again, 201), made);
});
