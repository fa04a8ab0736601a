/** Entity tags: telling versions apart, sending nothing twice, overwriting nothing unseen. */
import assert from "node:assert/strict";
import { describeApi } from "../../routes/openapi.ts";
import { ADMIN, assertIndexesRebuild, type TestApp, testApp } from "../support/fixture.ts";
import {
  as,
  assertWritesNothing,
  byName,
  create,
  json,
  places,
  problem,
  TOMORROW,
} from "../support/http.ts";

const ROOT = as("root");
const END = Date.parse(TOMORROW.end_date);
const START = Date.parse(TOMORROW.start_date);

async function tagOf(t: TestApp, path: string, headers: Record<string, string> = {}) {
  const response = await t.request("GET", path, { headers });
  await response.text();
  assert.equal(response.status, 200);
  return response.headers.get("etag")!;
}

Deno.test("an event's tag changes with every write, and when the clock changes its status", async () => {
  await using t = await testApp({ authenticate: byName });
  const { id } = await create(t, as("alice"));
  const path = `/v1/events/${id}`;
  assert.equal(await tagOf(t, path), '"1"');
  t.clock.now = START - 1;
  assert.equal(await tagOf(t, path), '"1"');
  t.clock.now = START;
  assert.equal(await tagOf(t, path), '"1.ONGOING"');
  t.clock.now = END;
  assert.equal(await tagOf(t, path), '"1.COMPLETED"');
  await t.runner.idle();
  await t.runner.run("complete_events", { trigger: "manual" });
  assert.equal(await tagOf(t, path), '"2"', "once it is recorded");
});

Deno.test("what only the event's people see has a tag of its own", async () => {
  await using t = await testApp({ authenticate: byName });
  const { id } = await create(t, as("alice"));
  const path = `/v1/events/${id}`;
  assert.deepEqual(
    [await tagOf(t, path), await tagOf(t, path, as("bob")), await tagOf(t, path, as("alice"))],
    ['"1"', '"1"', '"1.p"'],
  );
});

Deno.test("a POST and a PATCH answer the tag that a GET by the same caller would", async () => {
  await using t = await testApp({ authenticate: byName });
  const posted = await t.request("POST", "/v1/events", { body: TOMORROW, headers: as("alice") });
  assert.equal(posted.headers.get("etag"), '"1.p"');
  const { id } = await json(posted, 201);
  const path = `/v1/events/${id}`;
  const body = { title: "Gala" };
  const patched = await t.request("PATCH", path, { body, headers: as("alice") });
  assert.equal(patched.headers.get("etag"), '"2.p"');
  await json(patched);
  assert.equal(await tagOf(t, path, as("alice")), '"2.p"');
});

Deno.test("who has it already is answered 304, with the headers that caches need and no body", async () => {
  await using t = await testApp({ authenticate: byName });
  const { id } = await create(t, as("alice"));
  for (const path of [`/v1/events/${id}`, "/v1/events", `/v1/events?status=COMPLETED`]) {
    const first = await t.request("GET", path);
    await first.text();
    const etag = first.headers.get("etag")!;
    for (const header of [etag, `"other", ${etag}`, "*", etag.replace(/^(W\/)?/, "W/")]) {
      const again = await t.request("GET", path, { headers: { "if-none-match": header } });
      assert.equal(again.status, 304, `${path} ${header}`);
      assert.equal(await again.text(), "");
      for (const name of ["etag", "cache-control", "vary"]) {
        assert.equal(again.headers.get(name), first.headers.get(name), name);
      }
      assert.ok(again.headers.get("x-request-id"));
    }
    for (const header of ['"other"', "nonsense", ""]) {
      const again = await t.request("GET", path, { headers: { "if-none-match": header } });
      assert.equal(again.status, 200, header);
      await again.text();
    }
  }
});

Deno.test("a list's tag changes with what it shows, and not with writes elsewhere", async () => {
  await using t = await testApp({ authenticate: byName });
  const { id } = await create(t, as("alice"), { tags: ["music"] });
  const list = () => tagOf(t, "/v1/events?tag=music");
  const before = await list();
  assert.match(before, /^W\//, "weak: the position it answers moves on");
  await create(t, as("alice"), { tags: ["film"] });
  assert.equal(await list(), before);
  await json(await t.request("PATCH", `/v1/events/${id}`, { body: { title: "B" }, headers: ROOT }));
  const edited = await list();
  assert.notEqual(edited, before);
  t.clock.now = START;
  const started = await list();
  assert.notEqual(started, edited, "the clock, before any job");
  t.clock.now = END;
  assert.notEqual(await list(), started);
});

Deno.test("a write that names the version it has seen is made, another is told what differs", async () => {
  await using t = await testApp({ authenticate: byName });
  const { id } = await create(t, as("alice"), { title: "Gala", summary: "Black tie." });
  const path = `/v1/events/${id}`;
  const patch = (body: object, tag: string) =>
    t.request("PATCH", path, { body, headers: { ...as("alice"), "if-match": tag } });
  assert.equal((await json(await patch({ title: "Winter Gala" }, '"1.p"'))).version, 2);

  const stale = await patch({ title: "Summer Gala", summary: "Black tie." }, '"1.p"');
  assert.equal(stale.headers.get("etag"), '"2.p"');
  const told = await problem(stale, 412, "precondition_failed");
  assert.equal(told.current_etag, '"2.p"');
  assert.deepEqual(told.differences, [{ field: "title", current: "Winter Gala" }]);
  assert.equal((await json(await t.request("GET", path))).title, "Winter Gala");

  assert.equal((await json(await patch({ summary: "White tie." }, "*"))).version, 3);
  const oneOf = await patch({ summary: "No tie." }, '"1.p", "3.p"');
  assert.equal((await json(oneOf)).version, 4);
});

Deno.test("tags that the clock, weakness or another view changed do not match", async () => {
  await using t = await testApp({ authenticate: byName });
  const { id } = await create(t, as("alice"));
  const patch = (tag: string) =>
    t.request("PATCH", `/v1/events/${id}`, {
      body: { title: "Gala" },
      headers: { ...as("alice"), "if-match": tag },
    });
  for (const tag of ['"1"', 'W/"1.p"', '"1.p.p"', '""', '"2.p"']) {
    await problem(await patch(tag), 412, "precondition_failed");
  }
  t.clock.now = START;
  await problem(await patch('"1.p"'), 412, "precondition_failed");
  await json(await patch('"1.ONGOING.p"'));
});

Deno.test("an If-Match that is none is refused, whatever else is right", async () => {
  await using t = await testApp({ authenticate: byName });
  const { id } = await create(t, as("alice"));
  const many = Array.from({ length: 60 }, (_, i) => `"${i}"`).join(",");
  for (const tag of ["1.p", '"1.p', "", " , ", "W/1", `"a" "b`, many, "x".repeat(10_000)]) {
    const headers = { ...as("alice"), "if-match": tag };
    const body = { title: "Gala" };
    const refused = await t.request("PATCH", `/v1/events/${id}`, { body, headers });
    const told = await problem(refused, 400, "invalid_header");
    assert.match(told.detail, /If-Match/);
    assert.deepEqual(places(told), []);
  }
});

/** The requests that change an event, each with a body that its route takes. */
const CHANGES = [
  ["PATCH", "", { title: "Gala" }],
  ["DELETE", "", { reason: "Entered twice" }],
  ["POST", "/transitions", { to: "CANCELLED" }],
] as const;

Deno.test("a change that does not say which version it is made from is not made", async () => {
  await using t = await testApp({ authenticate: byName });
  const { id } = await create(t, as("alice"));
  await assertWritesNothing(t, async () => {
    for (const [method, rest, body] of CHANGES) {
      const path = `/v1/events/${id}${rest}`;
      const refused = await t.request(method, path, { body, headers: ROOT, ifMatch: null });
      assert.equal(refused.headers.get("etag"), null, "the event was not looked at");
      const told = await problem(refused, 428, "precondition_required");
      assert.match(told.detail, /^Send If-Match with the ETag of the event as it was read/);
      await problem(
        await t.request(method, path, { body, headers: ROOT, ifMatch: "" }),
        400,
        "invalid_header",
      );
    }
  });
  for (const [method, rest, body] of CHANGES) {
    const { id: other } = await create(t, as("alice"));
    const path = `/v1/events/${other}${rest}`;
    const made = await t.request(method, path, { body, headers: ROOT, ifMatch: "*" });
    assert.ok(made.ok, await made.text());
  }
});

Deno.test("that a change needs If-Match tells nobody which events there are", async () => {
  await using t = await testApp({ authenticate: byName });
  const hidden = await create(t, as("alice"), { visibility: "PRIVATE" });
  const { id: open } = await create(t, as("alice"));
  for (const [method, rest, body] of CHANGES) {
    const answers = new Set<string>();
    for (const id of [hidden.id, open, "evt_00000000000000000000000000"]) {
      const send = (who: Record<string, string>) =>
        t.request(method, `/v1/events/${id}${rest}`, {
          body,
          headers: { ...who, "x-request-id": "1" },
          ifMatch: null,
        });
      const refused = await send(as("bob"));
      answers.add(JSON.stringify(await problem(refused, 428, "precondition_required")));
      await problem(await send({}), 401, "unauthenticated");
    }
    assert.equal(answers.size, 1, [...answers].join("\n"));
  }
});

Deno.test("a body that cannot be is told of first, and what was done is answered without If-Match", async () => {
  await using t = await testApp({ authenticate: byName });
  const { id } = await create(t, as("alice"));
  for (const [method, rest] of CHANGES) {
    const path = `/v1/events/${id}${rest}`;
    const options = { body: { no_such: 1 }, headers: ROOT, ifMatch: null };
    await problem(await t.request(method, path, options), 422, "invalid_body");
  }
  const edit = { body: { title: "Gala" }, headers: { ...as("alice"), "idempotency-key": "a" } };
  const path = `/v1/events/${id}`;
  const first = await json(await t.request("PATCH", path, { ...edit, ifMatch: '"1.p"' }));
  const again = await t.request("PATCH", path, { ...edit, ifMatch: null });
  assert.equal(again.headers.get("idempotency-replayed"), "true");
  assert.deepEqual(await json(again), first);
});

Deno.test("no other operation asks for If-Match, and the contract says of these that they do", async () => {
  await using t = await testApp();
  const { id, organizer_id } = await create(t, ADMIN);
  const asking: string[] = [];
  for (const [path, operations] of Object.entries(describeApi(t.app).paths)) {
    const address = path.replace("/events/{id}", `/events/${id}`)
      .replace("/organizers/{id}", `/organizers/${organizer_id}`)
      .replace("{name}", "complete_events");
    for (
      const [method, { parameters = [], requestBody, responses }] of Object.entries(operations)
    ) {
      const [type, media] = Object.entries(requestBody?.content ?? {})[0] ?? [];
      const response = await t.request(method.toUpperCase(), address, {
        headers: { ...ADMIN, ...(type === undefined ? {} : { "content-type": type }) },
        body: media?.example,
        ifMatch: null,
      });
      await response.body?.cancel();
      const name = `${method} ${path}`;
      const asked = parameters.some((one) => one.name === "If-Match" && one.required);
      assert.equal(asked, response.status === 428, name);
      assert.equal("428" in responses, asked, name);
      if (asked) asking.push(name);
    }
  }
  assert.deepEqual(asking.toSorted(), [
    "delete /v1/events/{id}",
    "patch /v1/events/{id}",
    "post /v1/events/{id}/transitions",
  ]);
});

Deno.test("transitions and deletions hold to the version as well", async () => {
  await using t = await testApp({ authenticate: byName });
  const { id } = await create(t, as("alice"), { status: "DRAFT" });
  const path = `/v1/events/${id}`;
  const send = (method: string, where: string, tag: string, body?: object) =>
    t.request(method, where, {
      ...(body === undefined ? {} : { body }),
      headers: { ...as("alice"), "if-match": tag },
    });
  const to = { to: "CONFIRMED" };
  const told = await problem(
    await send("POST", `${path}/transitions`, '"7.p"', to),
    412,
    "precondition_failed",
  );
  assert.deepEqual(told.differences, [{ field: "status", current: "DRAFT" }]);
  const gone = await problem(await send("DELETE", path, '"7.p"'), 412, "precondition_failed");
  assert.deepEqual(gone.differences, []);
  const made = await send("POST", `${path}/transitions`, '"1.p"', to);
  assert.equal(made.status, 201);
  await made.text();
  // Deleting is no longer allowed, but that it changed is what the client has to know first.
  await problem(await send("DELETE", path, '"1.p"'), 412, "precondition_failed");
  await problem(await send("DELETE", path, '"2.p"'), 409, "illegal_transition");
});

Deno.test("of twenty edits that saw the same version, one is made", async () => {
  await using t = await testApp();
  const { id } = await create(t, ADMIN);
  const statuses = await Promise.all(Array.from({ length: 20 }, async (_, i) => {
    const response = await t.request("PATCH", `/v1/events/${id}`, {
      body: { title: `Edit ${i}` },
      headers: { ...ADMIN, "if-match": '"1.p"' },
    });
    await response.text();
    return response.status;
  }));
  assert.deepEqual(statuses.toSorted(), [200, ...Array(19).fill(412)]);
  await assertIndexesRebuild(t.store);
});
