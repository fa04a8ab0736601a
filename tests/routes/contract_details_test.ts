/** Details of the contract that no other file is the place for. */
import assert from "node:assert/strict";
import { newEventId } from "../../lifecycle/ids.ts";
import { ADMIN, NOW, storeEvent, testApp } from "../support/fixture.ts";
import { create, type EventListView, json, places, problem, TOMORROW } from "../support/http.ts";

Deno.test("a list of cancelled events reads the public ones only, and no records", async () => {
  await using t = await testApp();
  for (let i = 0; i < 30; i++) {
    const visibility = i % 10 === 0 ? "PUBLIC" : "PRIVATE";
    await storeEvent(t.store, { id: newEventId(NOW), status: "CANCELLED", visibility });
  }
  t.store.getMany = () => Promise.reject(new Error("a record was read"));
  for (const sort of ["end_date", "-end_date"]) {
    const page = await json<EventListView>(
      await t.request("GET", `/v1/events?status=CANCELLED&sort=${sort}`),
    );
    assert.deepEqual([page.items.length, page.next_cursor], [3, null]);
  }
});

Deno.test("an import line is the whole event: what its objects no longer name goes", async () => {
  await using t = await testApp();
  const line = { external_id: "x", title: "A", start_date: "2026-12-06T10:00:00Z" };
  const send = async (more: unknown) => {
    const body = JSON.stringify({ ...line, ...more as Record<string, unknown> });
    const headers = { ...ADMIN, "content-type": "application/x-ndjson" };
    return await json<{ updated: number; unchanged: number }>(
      await t.request("POST", "/v1/imports", { body, headers }),
    );
  };
  await send({ metadata: { a: "1", b: "2" }, location: { city: "Lisbon", country: "Portugal" } });
  const less = { metadata: { a: "1" }, location: { city: "Lisbon" } };
  assert.equal((await send(less)).updated, 1);
  assert.equal((await send(less)).unchanged, 1);
  assert.equal((await send({})).unchanged, 1, "what a line does not name stays");
  const found = await json<EventListView>(
    await t.request("GET", "/v1/events?external_id=x", {
      headers: ADMIN,
    }),
  );
  assert.equal(found.items[0]!.location.country, null);
});

Deno.test("what is refused is told what is allowed there", async () => {
  await using t = await testApp();
  for (
    const [members, allowed] of [
      [`"location": {"latitude": 1e999}`, "This must be a number from -90 to 90."],
      [`"location": {"longitude": "east"}`, "This must be a number from -180 to 180."],
      [`"metadata": {"": "x"}`, "A key is one line of 1 to 64 characters."],
      [`"metadata": {"${"k".repeat(65)}": "x"}`, "A key is one line of 1 to 64 characters."],
    ] as const
  ) {
    const body = `${JSON.stringify(TOMORROW).slice(0, -1)}, ${members}}`;
    const headers = { ...ADMIN, "content-type": "application/json" };
    const response = await t.request("POST", "/v1/events", { body, headers });
    const { errors } = await problem(response, 422, "invalid_body");
    assert.equal(errors![0]!.detail, allowed);
  }
  const { start_date: _, ...dateless } = TOMORROW;
  const response = await t.request("POST", "/v1/events", { body: dateless, headers: ADMIN });
  const told = await problem(response, 422, "invalid_body");
  assert.deepEqual(places(told), ["/start_date required"]);
  assert.equal(
    told.errors![0]!.detail,
    'This field is required: send a day "2026-12-05", a local time "2026-12-05T19:30" ' +
      'or an instant "2026-12-05T19:30:00+01:00".',
  );
});

Deno.test("an event too large to be stored is told its largest member", async () => {
  await using t = await testApp();
  const pairs = Array.from({ length: 50 }, (_, i) => [`key ${i}`, "雪".repeat(500)]);
  for (
    const [fields, place, detail] of [
      [
        { metadata: Object.fromEntries(pairs), description: "x" },
        "/metadata event_too_large",
        /49152 can be stored\. The largest member is metadata, with \d+\.$/,
      ],
      [
        { description: "雪".repeat(20_000), metadata: Object.fromEntries(pairs.slice(0, 15)) },
        "/description event_too_large",
        /49152 can be stored\. The largest member is description, with 40006\.$/,
      ],
      [
        {
          image_url: `https://example.org/${"雪".repeat(1_900)}`,
          url: `https://example.org/${"雪".repeat(1_800)}`,
          tags: Array.from({ length: 20 }, (_, i) => `${i}`.padEnd(50, "雪")),
          location: { name: "雪".repeat(200), address: "雪".repeat(500) },
          summary: "雪".repeat(500),
        },
        "/image_url event_too_large",
        /12288 can be stored\. The largest member is image_url, with \d+\.$/,
      ],
    ] as const
  ) {
    const body = { ...TOMORROW, ...fields };
    const response = await t.request("POST", "/v1/events", { body, headers: ADMIN });
    const told = await problem(response, 422, "event_too_large");
    assert.deepEqual(places(told), [place]);
    assert.match(told.errors![0]!.detail, detail);
  }
});

Deno.test("nobody stands in the staff twice", async () => {
  await using t = await testApp();
  const staff = [{ user_id: "usr_a", role: "editor" }, { user_id: "usr_a", role: "viewer" }];
  const refused = await t.request("POST", "/v1/events", {
    body: { ...TOMORROW, staff },
    headers: ADMIN,
  });
  assert.deepEqual(places(await problem(refused, 422, "invalid_body")), ["/staff invalid_value"]);
});

Deno.test("a parameter that is not there is answered with those that are", async () => {
  await using t = await testApp();
  const refused = await problem(await t.request("GET", "/v1/events?q=x"), 400, "invalid_query");
  assert.match(refused.detail, /There is no "q"; there are limit, cursor, status, sort/);
});

Deno.test("a refused reopening names the way out", async () => {
  await using t = await testApp();
  const { id } = await create(t, ADMIN, TOMORROW);
  t.clock.now = Date.parse("2026-12-08T00:00:00Z");
  const body = { to: "CONFIRMED" };
  const refused = await problem(
    await t.request("POST", `/v1/events/${id}/transitions`, { body, headers: ADMIN }),
    409,
    "illegal_transition",
  );
  assert.match(refused.detail, /give an `end_date` in the future/);
  assert.deepEqual(refused.allowed, ["CONFIRMED", "ARCHIVED"]);
});

Deno.test("a character is one, also where JavaScript stores it as two", async () => {
  await using t = await testApp();
  const mask = "🎭";
  const fits = { title: mask.repeat(200), tags: [mask.repeat(50)], summary: mask.repeat(500) };
  const { tags: [tag] } = await create(t, ADMIN, fits);
  const query = `tag=${encodeURIComponent(tag!)}`;
  const found = await json<EventListView>(await t.request("GET", `/v1/events?${query}`));
  assert.equal(found.items.length, 1);
  assert.match(await (await t.request("GET", `/?${query}`)).text(), /<h[23][^>]*>.*🎭/);
  for (
    const [field, value, place] of [
      ["title", mask.repeat(201), "/title too_big"],
      ["tags", [mask.repeat(51)], "/tags/0 too_big"],
      ["summary", mask.repeat(501), "/summary too_big"],
    ] as const
  ) {
    const body = { ...TOMORROW, [field]: value };
    const refused = await t.request("POST", "/v1/events", { body, headers: ADMIN });
    assert.deepEqual(places(await problem(refused, 422, "invalid_body")), [place]);
  }
});
