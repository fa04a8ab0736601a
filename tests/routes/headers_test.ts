/** Headers that every answer has, and those that are sent in bad faith. */
import assert from "node:assert/strict";
import { ADMIN, type TestApp, testApp } from "../support/fixture.ts";
import { assertWritesNothing, create, json, problem, TOMORROW } from "../support/http.ts";

const HSTS = "max-age=31536000";

/** An answer of every kind: of the API, of the health routes, pages, their parts, and refusals. */
async function everyKind(t: TestApp): Promise<[what: string, response: Response][]> {
  const { id, organizer_id } = await create(t, ADMIN, { status: "DRAFT", end_date: null });
  const asked = [
    ["GET", "/v1/events"],
    ["HEAD", "/v1/events"],
    ["OPTIONS", "/v1/events"],
    ["GET", `/v1/events/${id}`],
    ["PATCH", `/v1/events/${id}`, { title: "Anew" }],
    ["DELETE", `/v1/events/${id}`],
    ["GET", "/v1/exports"],
    ["GET", "/v1/jobs"],
    ["POST", "/v1/events", { title: 7 }],
    ["PUT", "/v1/events"],
    ["GET", "/v1/nowhere"],
    ["GET", "/nowhere"],
    ["GET", "/healthz"],
    ["GET", "/readyz"],
    ["GET", "/"],
    ["HEAD", "/"],
    ["OPTIONS", "/"],
    ["POST", "/"],
    ["GET", "/events/evt_x"],
    ["GET", `/organizers/${organizer_id}`],
    ["GET", "/assets/curtain.css"],
    ["GET", "/assets/live.js"],
  ] as const;
  const answers: [string, Response][] = [];
  for (const [method, path, body] of asked) {
    const response = await t.request(method, path, { body, headers: ADMIN });
    await response.body?.cancel();
    answers.push([`${method} ${path} ${response.status}`, response]);
  }
  return answers;
}

Deno.test("every answer has its id and the headers that keep browsers careful", async () => {
  await using t = await testApp();
  const ids = new Set<string>();
  for (const [what, { headers }] of await everyKind(t)) {
    const id = headers.get("x-request-id");
    assert.match(id ?? "", /^req_[0-9a-f]{8}_[0-9a-z]+$/, what);
    assert.ok(!ids.has(id!), what);
    ids.add(id!);
    assert.equal(headers.get("x-content-type-options"), "nosniff", what);
    const isOpen = headers.has("access-control-allow-origin");
    const policy = isOpen ? "cross-origin" : "same-origin";
    assert.equal(headers.get("cross-origin-resource-policy"), policy, what);
    const referrer = isOpen ? "no-referrer" : "strict-origin-when-cross-origin";
    assert.equal(headers.get("referrer-policy"), referrer, what);
    assert.equal(headers.get("strict-transport-security"), null, what);
    if (headers.get("content-type")?.startsWith("text/html")) {
      assert.match(headers.get("content-security-policy") ?? "", /frame-ancestors 'none'/, what);
    }
  }
});

Deno.test("over https browsers are told to stay there, also behind a proxy that is trusted", async () => {
  await using t = await testApp({ trustedProxies: ["10.0.0.0/8"] });
  const told = async (path: string, from: string, proto?: string) => {
    const headers: Record<string, string> = proto === undefined
      ? {}
      : { "x-forwarded-proto": proto };
    const response = await t.request("GET", path, { from, headers });
    await response.body?.cancel();
    return response.headers.get("strict-transport-security");
  };
  for (const path of ["/v1/events", "/v1/nowhere", "/", "/assets/live.js", "/readyz"]) {
    assert.equal(await told(`https://events.example${path}`, "192.0.2.1"), HSTS);
    assert.equal(await told(path, "10.0.0.1", "https"), HSTS);
    assert.equal(await told(path, "10.0.0.1", "http, HTTPS"), HSTS);
    assert.equal(await told(path, "10.0.0.1", "https, http"), null);
    assert.equal(await told(path, "10.0.0.1"), null);
    assert.equal(await told(path, "192.0.2.1", "https"), null);
  }
});

Deno.test("pages carry the caller's request id, and no id that is more than one", async () => {
  await using t = await testApp();
  const ask = async (path: string, id: string) => {
    const response = await t.request("GET", path, { headers: { "x-request-id": id } });
    await response.body?.cancel();
    return response.headers.get("x-request-id");
  };
  for (const path of ["/", "/events/evt_x", "/assets/live.js", "/v1/events", "/healthz"]) {
    assert.equal(await ask(path, "trace-1:2.3_4"), "trace-1:2.3_4");
    const wrong = ["a%0d%0aSet-Cookie: x=1", "a\tb", "é", "x".repeat(10_000), "a, b", "../x", "{}"];
    for (const id of wrong) assert.match((await ask(path, id))!, /^req_/);
  }
});

Deno.test("a Host that is none is refused on every path, since it would be part of the address", async () => {
  await using t = await testApp();
  const ask = (path: string, host: string) => t.request("GET", path, { headers: { host } });
  for (const path of ["/v1/events", "/docs", "/", "/healthz", "/nowhere"]) {
    const wrong = [
      "x/v1/jobs?a=",
      "x#y",
      "u:p@x",
      "a b",
      'x"',
      "x\\y",
      "x:99999",
      "1.2.3.999",
      ":80",
    ];
    for (const host of [...wrong, "", "[::1", "é", "x".repeat(10_000) + "/"]) {
      const { detail } = await problem(await ask(path, host), 400, "invalid_header");
      assert.match(detail, /^Host must be/);
    }
  }
  for (const host of ["localhost:8000", "events.example", "[::1]:8000", "10.0.0.1", "a_b-c.D:1"]) {
    await json<unknown>(await ask("/v1/events", host));
  }
});

Deno.test("header values of 10 kB are answered as shorter ones would be", async () => {
  await using t = await testApp();
  const long = "x".repeat(10_000);
  const names = ["accept-language", "user-agent", "cookie", "referer", "origin", "prefer"];
  names.push("x-forwarded-for", "x-forwarded-proto", "x-request-id", "traceparent");
  for (const name of names) {
    const response = await t.request("GET", "/v1/events", { headers: { [name]: long } });
    for (const [, value] of response.headers) assert.ok(value.length < 500, name);
    await json<unknown>(response);
  }
  await assertWritesNothing(t, async () => {
    for (
      const [headers, status, code] of [
        [{ authorization: `Bearer ${long}` }, 401, "unauthenticated"],
        [{ authorization: long }, 401, "unauthenticated"],
        [{ ...ADMIN, accept: long }, 406, "not_acceptable"],
        [{ ...ADMIN, "content-type": long }, 415, "unsupported_media_type"],
        [{ ...ADMIN, "content-encoding": long }, 415, "unsupported_media_type"],
      ] as const
    ) {
      const body = JSON.stringify(TOMORROW);
      const response = await t.request("POST", "/v1/events", { body, headers });
      const { detail } = await problem(response, status, code);
      assert.ok(detail.length < 250, detail);
    }
  });
});

Deno.test("ids that try to leave their place are nobody's, on every route", async () => {
  await using t = await testApp();
  const ids = ["..%2f", "..%2f..%2fjobs", "%2e%2e%2fx", "..%5c..%5cx", "%252e%252e%252f", "%00"];
  ids.push("a%0d%0aSet-Cookie:%20x=1", "evt_%2f", "x".repeat(10_000));
  const places = ["/v1/events/ID", "/v1/events/ID/transitions", "/v1/events/ID/history"];
  places.push("/v1/organizers/ID", "/v1/organizers/ID/events", "/v1/organizers/ID/moves");
  for (const place of places) {
    for (const id of ids) {
      const response = await t.request("GET", place.replace("ID", id), { headers: ADMIN });
      for (const [name, value] of response.headers) {
        assert.ok(name !== "set-cookie" && value.length < 500, `${name}: ${value}`);
      }
      await problem(response, 404, "not_found");
    }
  }
  for (const id of ids) {
    const path = `/v1/jobs/${id}/runs`;
    const response = await t.request("GET", path, { headers: ADMIN });
    assert.equal(response.status, 404, path);
    await response.body?.cancel();
  }
});
