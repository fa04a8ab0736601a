/** Cookies and tokens as nobody sends them by accident: refused, and never a failure of ours. */
import assert from "node:assert/strict";
import type { Scope } from "../../lifecycle/scopes.ts";
import { isApiToken, newApiToken } from "../../lifecycle/secrets.ts";
import { authentication, tokenCheck } from "../../routes/authentication.ts";
import { TokenBuckets } from "../../routes/token_buckets.ts";
import { ADMIN, ADMIN_TOKEN, freshStore, NOW, testApp } from "../support/fixture.ts";
import { json, problem } from "../support/http.ts";
import { signedIn, tokenOf } from "../support/people.ts";
import { sendRaw, statusesOf } from "../support/raw_http.ts";
import { servedApp } from "../support/served_app.ts";

const ME = "/v1/me";

Deno.test("which cookies are a session, and which are none", async () => {
  await using t = await testApp();
  const { cookie } = await signedIn(t, "Ann");
  const secret = cookie.slice("session=".length);
  const other = (await signedIn(t, "Bob")).cookie.slice("session=".length);
  for (
    const [sent, status] of [
      [`session=${secret}`, 200],
      [`__Host-session=${secret}`, 200],
      [`theme=dark; session=${secret}; a=b`, 200],
      [`;;session=${secret};`, 200],
      [`=; session=${secret}; =x`, 200],
      [`xsession=1; session=${secret}`, 200],
      [`__Host-session=${secret}; session=nonsense`, 200],
      // Whoever can set the plain one cannot put it before the other.
      [`session=${secret}; __Host-session=${"x".repeat(43)}`, 401],
      [`session=${secret}; __Host-session=`, 401],
      // Two are none: somebody has set one of them.
      [`session=${secret}; session=${other}`, 401],
      [`session=${secret}; session=${secret}`, 401],
      [`session=; session=${secret}`, 401],
      [`__Host-session=${secret}; __Host-session=${other}`, 401],
      [`Session=${secret}`, 401],
      [`SESSION=${secret}`, 401],
      [`__host-session=${secret}`, 401],
      [`__HOST-SESSION=${secret}`, 401],
      [`__Secure-session=${secret}`, 401],
      [`session =${secret}`, 401],
      [`session="${secret}"`, 401],
      [`session=${secret} x`, 401],
      [`session=${secret}%00`, 401],
      [`session=%${secret}`, 401],
      [`session=${secret},session=${secret}`, 401],
      [`a=session=${secret}`, 401],
      [`session=${secret.slice(1)}`, 401],
      [`session=${secret}a`, 401],
      [`session=${secret.toLowerCase()}`, 401],
      ["session", 401],
      ["session=", 401],
      ["=", 401],
      [";", 401],
      ["", 401],
    ] as [string, number][]
  ) {
    const response = await t.request("GET", ME, { headers: { cookie: sent } });
    assert.equal(response.status, status, sent);
    await response.body?.cancel();
  }
});

Deno.test("the cookie without its prefix counts on the machine itself only", async () => {
  await using t = await testApp();
  const { cookie } = await signedIn(t, "Ann");
  const at = (origin: string, cookie: string) =>
    t.app.request(`${origin}${ME}`, { headers: { cookie } });
  for (
    const local of [
      "http://localhost:8000",
      "http://127.0.0.1:8000",
      "http://[::1]:8000",
      "http://a.localhost",
    ]
  ) await json<unknown>(await at(local, cookie));
  for (
    const away of [
      "http://events.example",
      "https://events.example",
      "http://localhost.events.example",
      "http://127.0.0.1.events.example",
      "http://10.0.0.1",
      "http://notlocalhost",
    ]
  ) {
    await problem(await at(away, cookie), 401, "unauthenticated");
    await json<unknown>(await at(away, `__Host-${cookie}`));
  }
});

Deno.test("malformed and huge credentials are answered, never with a failure, and the server goes on", async () => {
  await using t = await servedApp();
  const ann = await signedIn(t, "Ann");
  const { authorization } = await tokenOf(t, ann, ["events:read"]);
  const { host } = new URL(t.url);
  const long = "x".repeat(8 * 1024);
  const raw = (headers: string) =>
    sendRaw(t, [`GET ${ME} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n${headers}\r\n`]);
  for (
    const headers of [
      `Cookie: ${long}\r\n`,
      `Cookie: session=${long}\r\n`,
      `Cookie: ${ann.cookie}; a=${long}\r\n`,
      `Cookie: ${"session=x; ".repeat(700)}\r\n`,
      `Cookie: ${";".repeat(8_000)}\r\n`,
      `Cookie: ${"=".repeat(8_000)}\r\n`,
      `Cookie: session=\u00ff\u00fe\r\n`,
      "Cookie: session=%FF%FE%00; __Host-session=%\r\n",
      `Cookie: ${ann.cookie}\r\nCookie: ${ann.cookie}\r\n`,
      "Cookie:\r\n",
      "Cookie: \t \r\n",
      `Authorization: Bearer ${long}\r\n`,
      `Authorization: ${long}\r\n`,
      `Authorization: Bearer ${"curtain_".repeat(1_000)}\r\n`,
      `Authorization: ${authorization}\r\nAuthorization: ${authorization}\r\n`,
      `Authorization: ${authorization}\u00e9\r\n`,
      "Authorization: Bearer \u00ff\r\n",
      "Authorization:\r\n",
      "Authorization: Bearer\r\n",
      "Authorization: Bearer \t\r\n",
      'Authorization: Digest username="a\r\n',
      `Authorization: ${"Bearer ".repeat(1_000)}\r\n`,
      `X-Forwarded-For: ${long}\r\nCookie: ${ann.cookie}\r\n`,
      `Origin: ${long}\r\nCookie: ${ann.cookie}\r\n`,
      "Sec-Fetch-Site: \u00ff\r\n",
    ]
  ) {
    const [status] = statusesOf(await raw(headers));
    // 431 is the runtime's own.
    assert.match(status ?? "none", /^(200|400|401|431)$/, headers.slice(0, 60));
    assert.equal(
      statusesOf(await raw(`Cookie: ${ann.cookie}\r\n`))[0],
      "200",
      headers.slice(0, 60),
    );
  }
});

Deno.test("forms of the Authorization header that are a token, and those that are none", async () => {
  await using t = await testApp();
  const { authorization } = await tokenOf(t, await signedIn(t, "Ann"), ["events:read"]);
  const token = authorization.slice("Bearer ".length);
  for (
    const [sent, status] of [
      [`Bearer ${token}`, 200],
      [`bearer ${token}`, 200],
      [`BEARER  ${token} `, 200],
      [`Bearer ${ADMIN_TOKEN}`, 200],
      [token, 401],
      [`Bearer${token}`, 401],
      [`Bearer\t${token}`, 401],
      [`Bearer ${token},${token}`, 401],
      [`Bearer ${token}, Bearer ${token}`, 401],
      [`Bearer ${token} x`, 401],
      [`Bearer "${token}"`, 401],
      [`Token ${token}`, 401],
      [`Basic ${btoa(`:${token}`)}`, 401],
      [`Bearer ${token.toUpperCase()}`, 401],
      [`Bearer ${ADMIN_TOKEN}x`, 401],
      [`Bearer ${ADMIN_TOKEN.slice(1)}`, 401],
      [`Bearer ${ADMIN_TOKEN.toUpperCase()}`, 401],
    ] as [string, number][]
  ) {
    const response = await t.request("GET", ME, { headers: { authorization: sent } });
    assert.equal(response.status, status, sent);
    await response.body?.cancel();
  }
});

Deno.test("a token with any one character wrong is refused without a look into the store", async () => {
  const store = await freshStore();
  try {
    const authenticate = authentication(store, { clock: () => NOW, adminToken: ADMIN_TOKEN });
    let reads = 0;
    const { get } = store;
    store.get = (...args) => (reads++, get.apply(store, args)) as never;
    const ask = async (token: string) => {
      const headers = { authorization: `Bearer ${token}` };
      await assert.rejects(
        async () => await authenticate(new Request("http://localhost/", { headers })),
        { code: "unauthenticated" },
      );
    };
    const token = newApiToken();
    for (let i = 0; i < token.length; i++) {
      const wrong = token[i] === "0" ? "1" : "0";
      const mistyped = token.slice(0, i) + wrong + token.slice(i + 1);
      assert.ok(!isApiToken(mistyped), mistyped);
      await ask(mistyped);
    }
    assert.equal(reads, 0);
    await ask(token);
    assert.equal(reads, 1);
  } finally {
    store.close();
  }
});

Deno.test("a secret is compared by digests of one length, in constant time", async () => {
  // No time is measured: on shared cores a difference of nanoseconds is noise, so such a test would
  // either fail by chance or find nothing. What is held to is how it is done: digests go into
  // timingSafeEqual, which throws for two lengths, so no guess is compared as it came.
  const isRoot = tokenCheck(ADMIN_TOKEN);
  assert.ok(isRoot(ADMIN_TOKEN));
  for (let length = 0; length <= 2 * ADMIN_TOKEN.length; length++) {
    assert.equal(isRoot("x".repeat(length)), false);
    if (length !== ADMIN_TOKEN.length) {
      assert.equal(isRoot((ADMIN_TOKEN + ADMIN_TOKEN).slice(0, length)), false);
    }
  }
  const source = await Deno.readTextFile(
    new URL("../../routes/authentication.ts", import.meta.url),
  );
  assert.match(source, /timingSafeEqual\(sha256\(text\), expected\)/);
  assert.doesNotMatch(source, /adminToken [!=]==? (?!null)|[!=]==? adminToken/);
  // Without a token nobody has it, least of all with an empty one.
  assert.ok(!tokenCheck(null)("") && !tokenCheck(null)("null"));
});

Deno.test("who guesses tokens is stopped after sixty a minute, and good ones from there are served", async () => {
  let now = NOW;
  const clock = () => now;
  await using t = await testApp({ attempts: new TokenBuckets({ perMinute: 60, clock }) });
  const { authorization } = await tokenOf(t, await signedIn(t, "Ann"), ["events:read"]);
  const guess = (from: string, path = ME) =>
    t.request("GET", path, { headers: { authorization: `Bearer ${newApiToken()}` }, from });
  for (let i = 0; i < 60; i++) await problem(await guess("192.0.2.7"), 401, "unauthenticated");
  // On every path, pages included.
  const response = await guess("192.0.2.7");
  assert.equal(response.headers.get("retry-after"), "1");
  await problem(response, 429, "rate_limited");
  assert.equal((await guess("192.0.2.7", "/")).status, 429);
  await json<unknown>(
    await t.request("GET", ME, { headers: { authorization }, from: "192.0.2.7" }),
  );
  await json<unknown>(await t.request("GET", ME, { headers: ADMIN, from: "192.0.2.7" }));
  await problem(await guess("192.0.2.8"), 401, "unauthenticated");
  now += 1_000;
  await problem(await guess("192.0.2.7"), 401, "unauthenticated");
});

Deno.test("a token that is made to import events imports no organizer, nor makes anybody its owner", async () => {
  await using t = await testApp();
  const root = await signedIn(t, "Ann", { role: "admin" });
  const organizer = {
    type: "organizer",
    id: "org_01KBQW5E80QH7Z5T9Y3M2N4P6R",
    name: "House",
    members: [{ user_id: root.id, role: "owner" }],
  };
  const send = async (scopes: Scope[]) => {
    const headers = {
      ...await tokenOf(t, root, scopes),
      "content-type": "application/x-ndjson",
    };
    const body = `${JSON.stringify(organizer)}\n`;
    const report = await json<{ created: number; failures: { code: string }[] }>(
      await t.request("POST", "/v1/imports", { body, headers }),
    );
    return [report.created, ...report.failures.map(({ code }) => code)];
  };
  assert.deepEqual(await send(["events:write"]), [0, "insufficient_scope"]);
  // Whose members they are is an administrator's to say.
  assert.deepEqual(await send(["events:write", "organizers:write"]), [0, "invalid_body"]);
  assert.deepEqual(await send(["events:write", "organizers:write", "admin"]), [1]);
});
