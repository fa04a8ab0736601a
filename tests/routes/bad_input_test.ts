/**
 * Bad input: a problem that names the field and says what is allowed; nothing written, no 500.
 * What a fuzzer finds beyond this is in `fuzz_test.ts`.
 */
import assert from "node:assert/strict";
import { ADMIN, testApp } from "../support/fixture.ts";
import { assertWritesNothing, create, json, places, problem, TOMORROW } from "../support/http.ts";

const JSON_BODY = { ...ADMIN, "content-type": "application/json" };
const LEAST = `"title": "Gala", "start_date": "2026-12-06T19:30:00Z"`;
const LOCAL = { title: "Gala", start_date: "2026-12-06T19:30" };
const NESTED = "[".repeat(100_000) + "]".repeat(100_000);
const DEEP_OBJECT = '{"a":'.repeat(40_000) + "1" + "}".repeat(40_000);

/** Members of a body, and the place and code they are refused with; on POST and on PATCH alike. */
const FIELDS: [members: string, place: string][] = [
  // Wrong types.
  [`"title": 7`, "/title invalid_type"],
  [`"title": null`, "/title invalid_type"],
  [`"title": ["Gala"]`, "/title invalid_type"],
  [`"online": "yes"`, "/online invalid_type"],
  [`"all_day": 1`, "/all_day invalid_type"],
  [`"tags": "music"`, "/tags invalid_type"],
  [`"tags": ["music", 7]`, "/tags/1 invalid_type"],
  [`"metadata": {"a/b~c": 7}`, "/metadata/a~1b~0c invalid_type"],
  [`"metadata": ["a"]`, "/metadata invalid_type"],
  [`"location": "London"`, "/location invalid_type"],
  [`"staff": [{"role": "editor"}]`, "/staff/0/user_id required"],
  [`"staff": [{"user_id": "usr_bob", "role": "boss"}]`, "/staff/0/role invalid_value"],
  [`"visibility": "SECRET"`, "/visibility invalid_value"],
  [`"disambiguation": "both"`, "/disambiguation invalid_value"],
  // Too long, too short, too many.
  [`"title": "${"x".repeat(201)}"`, "/title too_big"],
  [`"title": "  "`, "/title too_small"],
  [`"summary": "${"x".repeat(501)}"`, "/summary too_big"],
  [`"description": "${"x".repeat(20_001)}"`, "/description too_big"],
  [`"tags": ${JSON.stringify(Array(21).fill("x").map((x, i) => x + i))}`, "/tags too_big"],
  [`"tags": ["${"x".repeat(51)}"]`, "/tags/0 too_big"],
  [`"external_id": "${"é".repeat(101)}"`, "/external_id invalid_value"],
  [`"external_id": ""`, "/external_id too_small"],
  // Impossible dates and zones.
  [`"start_date": "2026-02-30"`, "/start_date invalid_date"],
  [`"start_date": "2026-13-01T00:00:00Z"`, "/start_date invalid_date"],
  [`"start_date": "2026-12-06T25:00:00Z"`, "/start_date invalid_date"],
  [`"start_date": "2026-12-06T19:30:00+25:00"`, "/start_date invalid_date"],
  [`"start_date": "tomorrow"`, "/start_date invalid_date"],
  [`"start_date": ""`, "/start_date invalid_date"],
  [`"start_date": 1796585400000`, "/start_date invalid_type"],
  [`"start_date": "9999-12-06T19:30:00Z"`, "/start_date date_out_of_range"],
  [`"start_date": "-000001-12-06T19:30:00Z"`, "/start_date invalid_date"],
  [`"time_zone": "Mars/Olympus"`, "/time_zone unknown_time_zone"],
  [`"time_zone": "+01:00"`, "/time_zone unknown_time_zone"],
  [
    `"start_date": "2026-12-06T19:30:00+05:00", "time_zone": "Europe/London"`,
    "/start_date offset_contradicts_zone",
  ],
  [
    `"start_date": "2027-03-28T01:30", "time_zone": "Europe/London"`,
    "/start_date local_time_skipped",
  ],
  [`"end_date": "2026-12-06T19:29:59.999Z"`, "/end_date end_before_start"],
  [`"end_date": "2026-12-06T19:30:00Z"`, "/end_date end_before_start"],
  [`"end_date": "2026-12-07"`, "/end_date all_day_mismatch"],
  // NaN and huge numbers.
  [`"location": {"latitude": 1e999}`, "/location/latitude invalid_type"],
  [`"location": {"latitude": -1e999}`, "/location/latitude invalid_type"],
  [`"location": {"latitude": ${2 ** 60}}`, "/location/latitude too_big"],
  [`"location": {"longitude": -180.5}`, "/location/longitude too_small"],
  [`"location": {"latitude": "NaN"}`, "/location/latitude invalid_type"],
  // Characters that are none.
  [`"title": "a\\ud800b"`, "/title invalid_value"],
  [`"title": "a\\u0000b"`, "/title invalid_value"],
  [`"title": "two\\nlines"`, "/title invalid_value"],
  [`"description": "a\\u0007b"`, "/description invalid_value"],
  [`"summary": "\\udc00"`, "/summary invalid_value"],
  [`"tags": ["a\\u0085\\u0000"]`, "/tags/0 invalid_value"],
  [`"metadata": {"a": "\\ud800"}`, "/metadata/a invalid_value"],
  [`"metadata": {"a\\u0000": "b"}`, "/metadata/a\u0000 invalid_key"],
  [`"url": "https://example.org/\\ud800"`, "/url invalid_value"],
  [`"url": "javascript:alert(1)"`, "/url invalid_format"],
  [`"image_url": "/gala.jpg"`, "/image_url invalid_format"],
  // Names that mean something to JavaScript.
  [`"__proto__": {"title": "Gala"}`, "/__proto__ unknown_field"],
  [`"constructor": {}`, "/constructor unknown_field"],
  [`"metadata": {"__proto__": "x"}`, "/metadata/__proto__ invalid_value"],
  [`"location": {"__proto__": {}}`, "/location/__proto__ unknown_field"],
  // Unknown fields, and those that the server sets.
  [`"titel": "Gala"`, "/titel unknown_field"],
  [`"location": {"planet": "Mars"}`, "/location/planet unknown_field"],
  [`"x/y~z": 1`, "/x~1y~0z unknown_field"],
  ...["id", "version", "listed_until", "created_at", "updated_at", "completed_at", "starts_at"]
    .map((name): [string, string] => [`"${name}": 1`, `/${name} not_writable`]),
  [`"ends_at": null`, "/ends_at not_writable"],
  // Nested beyond reason.
  [`"metadata": ${NESTED}`, "/metadata invalid_type"],
  [`"a": ${DEEP_OBJECT}`, "/a unknown_field"],
];

Deno.test("POST and PATCH refuse a wrong field by its JSON pointer, and write nothing", async () => {
  await using t = await testApp();
  const { id } = await create(t, ADMIN, { status: "DRAFT", end_date: null });
  await assertWritesNothing(t, async () => {
    for (const [members, place] of FIELDS) {
      for (
        const [method, path, body] of [
          ["POST", "/v1/events", `{${LEAST}, ${members}}`],
          ["PATCH", `/v1/events/${id}`, `{${members}}`],
        ] as const
      ) {
        const response = await t.request(method, path, { body, headers: JSON_BODY });
        const told = await problem(response, 422, "invalid_body");
        assert.deepEqual(places(told), [place], `${method} ${members.slice(0, 80)}`);
        const { pointer, detail } = told.errors![0]!;
        assert.ok(detail.length > 15 && told.detail.startsWith(pointer!), detail);
      }
    }
  });
});

Deno.test("what only one of the routes refuses", async () => {
  await using t = await testApp();
  const { id } = await create(t, ADMIN);
  const path = `/v1/events/${id}`;
  await assertWritesNothing(t, async () => {
    for (
      const [method, at, body, ...expected] of [
        ["POST", "/v1/events", {}, "/title required", "/start_date required"],
        ["POST", "/v1/events", LOCAL, "/start_date time_zone_required"],
        ["POST", "/v1/events", { ...TOMORROW, status: "COMPLETED" }, "/status invalid_value"],
        ["POST", "/v1/events", { ...TOMORROW, organizer_id: id }, "/organizer_id invalid_format"],
        ["PATCH", path, { status: "CONFIRMED" }, "/status not_writable"],
        [
          "PATCH",
          path,
          { title: "", tags: [1], no: 1 },
          "/title too_small",
          "/tags/0 invalid_type",
          "/no unknown_field",
        ],
        ["PATCH", path, [{ op: "replace", path: "/title", value: "x" }], " invalid_type"],
        ["PATCH", path, null, " invalid_type"],
      ] as const
    ) {
      const headers = JSON_BODY;
      const response = await t.request(method, at, { body: JSON.stringify(body), headers });
      assert.deepEqual(places(await problem(response, 422, "invalid_body")), expected);
    }
  });
});

Deno.test("a body of nothing but wrong fields is told the first few, shortened", async () => {
  await using t = await testApp();
  const names = Array.from(
    { length: 5_000 },
    (_, i) => [`${i}${"x".repeat(i === 7 ? 500 : 1)}`, i],
  );
  const response = await t.request("POST", "/v1/events", {
    body: { ...TOMORROW, ...Object.fromEntries(names) },
    headers: ADMIN,
  });
  const { errors } = await problem(response, 422, "invalid_body");
  assert.equal(errors!.length, 50);
  assert.ok(errors!.every(({ pointer, detail }) => pointer!.length < 150 && detail.length < 150));
});

Deno.test("a body that is no JSON, or not all of it, is a 400", async () => {
  await using t = await testApp();
  const { id } = await create(t, ADMIN);
  const whole = JSON.stringify(TOMORROW);
  const bodies = ["", " ", "{", "NaN", "undefined", "{'title': 1}", `{"title": NaN}`, `${whole},`];
  bodies.push(whole.slice(0, -1), whole.slice(0, 30), NESTED.slice(0, 100_000), "\u0000");
  const routes = [
    ["POST", "/v1/events"],
    ["PATCH", `/v1/events/${id}`],
    ["POST", `/v1/events/${id}/transitions`],
    ["PATCH", "/v1/jobs/complete_events"],
  ] as const;
  await assertWritesNothing(t, async () => {
    for (const [method, path] of routes) {
      for (const body of bodies) {
        const response = await t.request(method, path, { body, headers: JSON_BODY });
        const told = await problem(response, 400, "malformed_json");
        assert.deepEqual(told.errors!.map((error) => error.pointer), [""]);
      }
    }
  });
});

Deno.test("a body that is not UTF-8 is a 400, not stored as something else", async () => {
  await using t = await testApp();
  const { id } = await create(t, ADMIN);
  // "Café" in Latin-1, half of a character, and a surrogate by itself.
  for (const wrong of [[0x43, 0xe9], [0xf0, 0x9f], [0xed, 0xa0, 0x80]]) {
    const [before, after] = [`{"start_date": "2026-12-06", "title": "a`, `"}`]
      .map((part) => new TextEncoder().encode(part));
    const body = await new Blob([before!, new Uint8Array(wrong), after!]).bytes();
    await assertWritesNothing(t, async () => {
      for (const [method, path] of [["POST", "/v1/events"], ["PATCH", `/v1/events/${id}`]]) {
        const stream = new Response(body).body;
        const response = await t.request(method!, path!, { body: stream, headers: JSON_BODY });
        const told = await problem(response, 400, "malformed_json");
        assert.match(told.detail, /not UTF-8/);
        assert.deepEqual(places(told), [" malformed_json"]);
      }
    });
  }
  const headers = JSON_BODY;
  const body = new Response(`\ufeff{"title": "Café 雪 😀"}`).body;
  const patched = await t.request("PATCH", `/v1/events/${id}`, { body, headers });
  assert.equal((await json(patched)).title, "Café 雪 😀", "a byte order mark is passed over");
});

Deno.test("a body that is too large is a 413, whatever it holds", async () => {
  await using t = await testApp();
  const { id } = await create(t, ADMIN);
  const body = JSON.stringify({ ...TOMORROW, title: "x".repeat(10_000_000) });
  const counted = { ...JSON_BODY, "content-length": String(body.length) };
  await assertWritesNothing(t, async () => {
    for (const headers of [JSON_BODY, counted]) {
      const post = await t.request("POST", "/v1/events", { body, headers });
      const told = await problem(post, 413, "payload_too_large");
      assert.match(told.detail, /256 KiB/);
      assert.deepEqual(places(told), [" payload_too_large"]);
      const patch = await t.request("PATCH", `/v1/events/${id}`, { body, headers });
      await problem(patch, 413, "payload_too_large");
    }
  });
});

Deno.test("a body of another media type is a 415", async () => {
  await using t = await testApp();
  const { id } = await create(t, ADMIN);
  const path = `/v1/events/${id}`;
  const body = JSON.stringify({ title: "Anew" });
  const wrong = ["text/plain", "application/x-www-form-urlencoded", "application/jsonp", "json"];
  wrong.push("application/xml", "multipart/form-data; boundary=x", "text/json", "*/*");
  // Nothing to be read as JSON for certain: refused rather than passed over.
  wrong.push("application/json;", "application/json ; charset=utf-8");
  await assertWritesNothing(t, async () => {
    for (const type of wrong) {
      const headers = { ...ADMIN, "content-type": type };
      const response = await t.request("PATCH", path, { body, headers });
      await problem(response, 415, "unsupported_media_type");
    }
  });
  for (const type of ["Application/JSON", "application/json; charset=utf-8"]) {
    const headers = { ...ADMIN, "content-type": type };
    const response = await t.request("PATCH", path, { body, headers });
    assert.equal((await json(response)).title, "Anew");
  }
});

Deno.test("ids of other kinds are nobody's, on every route that takes one", async () => {
  await using t = await testApp();
  const { id, organizer_id } = await create(t, ADMIN);
  const ulid = id.slice("evt_".length);
  const ids = [organizer_id, `run_${ulid}`, ulid, `evt_${ulid.toLowerCase()}`, `evt_${ulid}0`];
  ids.push("evt_", "%00", "..%2f..", "%E0%A4%A", `${id}%20`, "null", "x".repeat(3_000));
  await assertWritesNothing(t, async () => {
    for (const wrong of ids) {
      const path = `/v1/events/${wrong}`;
      const ask = (method: string, at: string, body?: unknown) =>
        t.request(method, at, { body, headers: ADMIN });
      await problem(await ask("GET", path), 404, "not_found");
      await problem(await ask("PATCH", path, { title: "Anew" }), 404, "not_found");
      await problem(await ask("DELETE", path), 404, "not_found");
      await problem(await ask("GET", `${path}/transitions`), 404, "not_found");
      const body = { to: "CANCELLED" };
      await problem(await ask("POST", `${path}/transitions`, body), 404, "not_found");
    }
  });
});
