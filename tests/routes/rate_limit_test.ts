/** How many requests a client may send, what it is told of that, and who is a client. */
import assert from "node:assert/strict";
import { listAudit } from "../../kv/audit.ts";
import { DomainError } from "../../kv/errors.ts";
import { createLogger } from "../../lifecycle/log.ts";
import {
  ADMIN,
  ADMIN_TOKEN,
  MINUTE,
  NOW,
  SECOND,
  type TestApp,
  testApp,
} from "../support/fixture.ts";
import { TokenBuckets } from "../../routes/token_buckets.ts";
import { create, json, problem } from "../support/http.ts";
import { signedIn } from "../support/people.ts";

const LIST = "/v1/events";

/** What is left by the answer's header; null when it does not say. */
function left({ headers }: Response): number | null {
  const found = /^"default";r=(\d+);t=\d+$/.exec(headers.get("ratelimit") ?? "");
  return found && Number(found[1]);
}

/** Asks and answers what is left then. */
async function leftAfter(
  t: TestApp,
  options: { path?: string; method?: string; from?: string; headers?: Record<string, string> } = {},
): Promise<number | null> {
  const { path = LIST, method = "GET", ...rest } = options;
  const response = await t.request(method, path, rest);
  await response.body?.cancel();
  return left(response);
}

Deno.test("every answer of /v1 says what the limit is and what is left of it", async () => {
  await using t = await testApp({ requestsPerMinute: 60 });
  let expected = 60;
  for (
    const [method, path, status] of [
      ["GET", LIST, 200],
      ["HEAD", LIST, 200],
      ["GET", "/v1/events/evt_x", 404],
      ["GET", "/v1/nowhere", 404],
      ["PUT", LIST, 405],
      ["POST", LIST, 401],
      ["GET", "/v1/events?limit=no", 400],
    ] as const
  ) {
    const response = await t.request(method, path);
    assert.equal(response.status, status);
    assert.equal(response.headers.get("ratelimit-policy"), '"default";q=60;w=60');
    const seconds = 60 - --expected;
    assert.equal(response.headers.get("ratelimit"), `"default";r=${expected};t=${seconds}`);
    assert.equal(response.headers.get("retry-after"), null);
    await response.body?.cancel();
  }
});

Deno.test("an answer without a body says it as well", async () => {
  await using t = await testApp({ requestsPerMinute: 60 });
  const { id } = await create(t, ADMIN, { status: "DRAFT" });
  const response = await t.request("DELETE", `${LIST}/${id}`, { headers: ADMIN });
  assert.deepEqual([response.status, left(response)], [204, 58]);
});

Deno.test("a request too many is a 429 that says when to come back, and then is served", async () => {
  await using t = await testApp({ requestsPerMinute: 4 });
  for (const remaining of [3, 2, 1, 0]) assert.equal(await leftAfter(t), remaining);
  const refused = await t.request("GET", LIST);
  assert.equal(refused.headers.get("retry-after"), "15");
  assert.equal(refused.headers.get("ratelimit-policy"), '"default";q=4;w=60');
  assert.equal(refused.headers.get("ratelimit"), '"default";r=0;t=60');
  assert.equal(refused.headers.get("access-control-allow-origin"), "*");
  const { detail } = await problem(refused, 429, "rate_limited");
  assert.equal(detail, "4 requests a minute may come from one address; the next one may in 15 s.");
  t.clock.now += 14 * SECOND;
  await problem(await t.request("GET", LIST), 429, "rate_limited");
  t.clock.now += SECOND;
  await json<unknown>(await t.request("GET", LIST));
  t.clock.now += MINUTE;
  assert.equal(await leftAfter(t), 3);
});

Deno.test("a token has a limit of its own, wherever it is used and however it is spelled", async () => {
  await using t = await testApp({ requestsPerMinute: 4 });
  const spelled = ["Bearer ", "bearer ", "BEARER    ", "Bearer  "];
  for (const [i, word] of spelled.entries()) {
    const headers = { authorization: word + ADMIN_TOKEN };
    assert.equal(await leftAfter(t, { headers, from: `192.0.2.${i}` }), 3 - i);
  }
  const refused = await t.request("GET", LIST, { headers: ADMIN });
  assert.match((await problem(refused, 429, "rate_limited")).detail, /from one token/);
  assert.equal(await leftAfter(t), 3, "its address has its own");
});

Deno.test("tokens that are refused count for the address, on every path", async () => {
  await using t = await testApp({ requestsPerMinute: 4 });
  for (const [i, path] of [LIST, "/readyz", "/", LIST].entries()) {
    const headers = { authorization: `Bearer guess-${i}` };
    const response = await t.request("GET", path, { headers });
    assert.equal(left(response), 3 - i);
    await problem(response, 401, "unauthenticated");
  }
  for (const path of [LIST, "/readyz"]) {
    const response = await t.request("GET", path, { headers: { authorization: "Bearer again" } });
    await problem(response, 429, "rate_limited");
  }
  await problem(await t.request("GET", LIST), 429, "rate_limited");
  assert.equal(await leftAfter(t, { headers: ADMIN }), 3, "the right token is served");
});

Deno.test("health, pages and preflights are free, and say nothing of limits but the last", async () => {
  await using t = await testApp({ requestsPerMinute: 2 });
  for (let i = 0; i < 3; i++) {
    for (const path of ["/healthz", "/readyz", "/", "/assets/live.js"]) {
      const response = await t.request("GET", path);
      assert.deepEqual([response.status, left(response)], [200, null], path);
      await response.body?.cancel();
    }
    assert.equal(await leftAfter(t, { method: "OPTIONS" }), 2);
  }
  assert.equal(await leftAfter(t), 1);
  assert.equal(await leftAfter(t), 0);
  const preflight = await t.request("OPTIONS", LIST);
  assert.deepEqual([preflight.status, left(preflight)], [204, 0]);
});

Deno.test("forms count like what programs send, whatever becomes of them", async () => {
  await using t = await testApp({ requestsPerMinute: 4 });
  const ann = await signedIn(t, "Ann");
  const form = { "content-type": "application/x-www-form-urlencoded" };
  const post = async (headers: Record<string, string>) => {
    const response = await t.request("POST", "/me", {
      headers: { ...form, ...headers },
      body: "a=b",
    });
    await response.body?.cancel();
    return response.status;
  };
  const otherSites = { ...ann, "sec-fetch-site": "cross-site" };
  for (let i = 0; i < 4; i++) assert.equal(await post(otherSites), 403);
  for (const headers of [otherSites, ann]) assert.equal(await post(headers), 429);
  assert.equal(
    (await listAudit(t.store, { before: null, limit: 99 }))
      .filter(({ action }) => action === "grant.refused").length,
    4,
  );
  assert.equal((await t.request("GET", "/me", { headers: ann })).status, 200);
});

Deno.test("nobody fills the audit log with what they are refused", async () => {
  await using t = await testApp();
  const guest = await signedIn(t, "Eve", { role: "guest" });
  const admin = await signedIn(t, "Ada", { role: "admin" });
  const refused = async () => {
    const lines = await listAudit(t.store, { before: null, limit: 500 });
    return lines.filter(({ action }) => action === "grant.refused").length;
  };
  const ask = async (headers: Record<string, string>, times: number) => {
    const options = { body: { role: "admin" }, headers: { ...headers, "sec-fetch-site": "none" } };
    for (let i = 0; i < times; i++) {
      const response = await t.request("PATCH", `/v1/users/${guest.id}`, options);
      await problem(response, 403, "cross_site");
    }
  };
  await ask(guest, 100);
  assert.equal(await refused(), 30);
  await ask(admin, 1);
  assert.equal(await refused(), 31);
  t.clock.now += MINUTE;
  await ask(guest, 1);
  assert.equal(await refused(), 32);
});

Deno.test("one person makes twenty tokens a minute, though each is revoked at once", async () => {
  await using t = await testApp();
  const [eve, ann] = [await signedIn(t, "Eve", { role: "guest" }), await signedIn(t, "Ann")];
  const body = { name: "x", scopes: ["events:read"], expires_at: "2026-12-07T18:00:00Z" };
  const make = (headers: Record<string, string>) =>
    t.request("POST", "/v1/tokens", { body, headers });
  const form = { "content-type": "application/x-www-form-urlencoded" };
  const fill = async () => {
    const fields = "action=make_token&name=x&scope=events:read&days=1";
    const response = await t.request("POST", "/me", { headers: { ...form, ...eve }, body: fields });
    await response.body?.cancel();
    return response.status;
  };
  for (let i = 0; i < 20; i++) {
    const { id } = await json<{ id: string }>(await make(eve), 201);
    const revoked = await t.request("DELETE", `/v1/tokens/${id}`, { headers: eve });
    assert.equal(revoked.status, 204);
  }
  await problem(await make(eve), 429, "rate_limited");
  for (let i = 0; i < 20; i++) assert.equal(await fill(), 200);
  assert.equal(await fill(), 429);
  await json(await make(ann), 201);
});

Deno.test("a store that does not answer makes nobody's credentials wrong", async () => {
  const clock = () => NOW;
  await using t = await testApp({
    attempts: new TokenBuckets({ perMinute: 2, clock }),
    authenticate: () => Promise.reject(new DomainError("store_unavailable")),
  });
  for (let i = 0; i < 5; i++) {
    await problem(await t.request("GET", LIST), 503, "store_unavailable");
  }
});

Deno.test("an address is the socket's, and IPv6 ones of one network are one", async () => {
  await using t = await testApp({ requestsPerMinute: 10 });
  const headers = { "x-forwarded-for": "203.0.113.1" };
  assert.equal(await leftAfter(t, { from: "192.0.2.1" }), 9);
  assert.equal(await leftAfter(t, { from: "192.0.2.2" }), 9);
  assert.equal(await leftAfter(t, { from: "192.0.2.2", headers }), 8);
  assert.equal(await leftAfter(t, { from: "2001:db8::1" }), 9);
  assert.equal(await leftAfter(t, { from: "2001:db8::2" }), 8);
  assert.equal(await leftAfter(t, { from: "2001:db8:0:1::2" }), 9);
});

Deno.test("a trusted proxy says who asks; anybody else's word is not taken", async () => {
  await using t = await testApp({ requestsPerMinute: 10, trustedProxies: ["10.0.0.0/8"] });
  const ask = (from: string, forwardedFor: string) =>
    leftAfter(t, { from, headers: { "x-forwarded-for": forwardedFor } });
  assert.equal(await ask("10.0.0.1", "203.0.113.1"), 9);
  assert.equal(await ask("10.0.0.2", "203.0.113.1"), 8);
  assert.equal(await ask("10.0.0.1", "198.51.100.7, 203.0.113.1"), 7);
  assert.equal(await ask("10.0.0.1", "203.0.113.2"), 9);
  for (let i = 0; i < 5; i++) assert.equal(await ask("192.0.2.9", `203.0.113.${i + 10}`), 9 - i);
  assert.equal(await ask("10.0.0.1", `${"198.51.100.7, ".repeat(700)}203.0.113.1`), 6, "10 kB");
});

Deno.test("who asks too often does not fill the log", async () => {
  const lines: string[] = [];
  const write = (line: string) => lines.push(line);
  const log = createLogger({ level: "info", readable: false, timeZone: "UTC", write });
  await using t = await testApp({ requestsPerMinute: 1, log });
  await leftAfter(t);
  await problem(await t.request("GET", LIST), 429, "rate_limited");
  assert.deepEqual(lines, []);
});

Deno.test("without a limit nothing is said of one", async () => {
  await using t = await testApp();
  const response = await t.request("GET", LIST);
  assert.equal(response.headers.get("ratelimit"), null);
  assert.equal(response.headers.get("ratelimit-policy"), null);
  await json<unknown>(response);
});
