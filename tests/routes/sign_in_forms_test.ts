/** `/auth/…` by its forms: where people go on, who may use which, and how often. */
import assert from "node:assert/strict";
import { listAudit } from "../../kv/audit.ts";
import type { SignInProvider } from "../../routes/sign_in/sign_in.ts";
import {
  ADMIN_TOKEN,
  HOUR,
  MINUTE,
  SECOND,
  type TestApp,
  testApp,
  type TestAppOptions,
} from "../support/fixture.ts";
import { json } from "../support/http.ts";
import { signedIn } from "../support/people.ts";
import { PROVIDER } from "../support/rights_world.ts";

const FORM = {
  "content-type": "application/x-www-form-urlencoded",
  "sec-fetch-site": "same-origin",
};

interface Sent {
  fields: Record<string, string>;
  headers?: Record<string, string>;
  from?: string;
  origin?: string;
}

function post(t: TestApp, { fields, headers = {}, from, origin = "" }: Sent): Promise<Response> {
  return t.request("POST", `${origin}/auth/sign-in`, {
    body: new URLSearchParams(fields).toString(),
    headers: { ...FORM, ...headers },
    ...(from === undefined ? {} : { from }),
  });
}

const asRoot = { method: "admin_token", token: ADMIN_TOKEN };
const asAnn = { method: "development", name: "Ann" };

const development = (options: TestAppOptions = {}) =>
  testApp({ signIn: { isDevelopment: true, ...options.signIn }, ...options });

/** The session's cookie of an answer, as a browser sends it back. */
function cookieOf(response: Response): string {
  return /^[^;]*/.exec(response.headers.get("set-cookie")!)![0]!;
}

const EVIL = [
  "https://evil.example/",
  "http:evil.example",
  "https:/evil.example",
  "//evil.example",
  "///evil.example",
  "/\\evil.example",
  "\\\\evil.example",
  "\\/evil.example",
  "/\t/evil.example",
  "/\n/evil.example",
  "\t//evil.example",
  " //evil.example",
  "/.//evil.example",
  "/..//evil.example",
  "/%2e%2e//evil.example",
  "/%2F/evil.example",
  "/%5Cevil.example",
  "/x/..//evil.example",
  "javascript:alert(1)",
  "JAVASCRIPT:alert(1)",
  "data:text/html,<script>alert(1)</script>",
  "evil.example",
  "@evil.example",
  ".evil.example",
  ":80@evil.example",
  "/\r\nSet-Cookie: session=x",
  "/\u0000",
  "/auth/sign-out",
  "/auth/sign-in?return_to=//evil.example",
  "/AUTH/sign-in",
  "/%61uth/sign-in",
  `/${"x".repeat(3_000)}`,
  '"><script>alert(1)</script>',
  "/%",
  "/%ff",
];

const HERE = "http://localhost";

/** What a browser makes of a `Location` or of a form's field, seen from here. */
function assertStays(path: string, what: string): void {
  assert.match(path, /^\/(?![/\\])[\x21-\x7e]*$/, what);
  const url = new URL(path, HERE);
  assert.equal(url.origin, HERE, what);
  assert.doesNotMatch(decodeURIComponent(url.pathname), /^\/(auth|\/|\\)/i, what);
}

/**
 * The paths to go on at which the page holds: in its links to providers and in its hidden fields. The
 * link in its head leads to this page again, where what it says is looked at.
 */
function returnPaths(html: string): string[] {
  const text = (attribute: string) =>
    attribute.replaceAll("&amp;", "&").replaceAll("&quot;", '"').replaceAll("&#39;", "'")
      .replaceAll("&lt;", "<").replaceAll("&gt;", ">");
  const fields = [...html.matchAll(/name="return_to" value="([^"]*)"/g)].map(([, value]) =>
    text(value!)
  );
  const links = [...html.matchAll(/class="button" href="(\/auth\/sign-in\?[^"]*)"/g)].flatMap((
    [, href],
  ) => new URL(text(href!), HERE).searchParams.getAll("return_to"));
  return [...fields, ...links];
}

Deno.test("a sign-in leads on to paths of this site only, whatever it is asked for", async () => {
  const started: string[] = [];
  const finished = { returnTo: "" };
  const provider: SignInProvider = {
    id: "house",
    label: "the house",
    signIn: () =>
      Promise.resolve({
        start(returnTo) {
          started.push(returnTo);
          return Promise.resolve(Response.redirect("https://provider.example/"));
        },
        // Also what comes back may be somebody else's words.
        finish: () =>
          Promise.resolve({
            profile: { issuer: "https://provider.example", subject: "7", emailVerified: false },
            returnTo: finished.returnTo,
            setCookies: [],
          }),
      }),
  };
  for (const evil of EVIL) {
    // A new one each: a form is filled in ten times a minute at most.
    await using t = await development({ signIn: { isDevelopment: true, providers: [provider] } });
    const asked = `return_to=${encodeURIComponent(evil)}`;
    const page = await t.request("GET", `/auth/sign-in?${asked}`);
    const html = await page.text();
    assert.equal(page.status, 200);
    assert.ok(!html.includes("<script>alert"), evil);
    const paths = returnPaths(html);
    assert.equal(paths.length, 3, "a link and two forms");
    for (const path of paths) assertStays(path, evil);
    for (const fields of [asRoot, asAnn, { ...asRoot, token: "wrong" }, { ...asAnn, name: "" }]) {
      const response = await post(t, { fields: { ...fields, return_to: evil } });
      const location = response.headers.get("location");
      if (response.status === 303) assertStays(location!, evil);
      else for (const path of returnPaths(await response.text())) assertStays(path, evil);
      await response.body?.cancel().catch(() => {});
    }
    await t.request("GET", `/auth/sign-in?provider=house&${asked}`);
    assertStays(started.pop()!, evil);
    finished.returnTo = evil;
    const callback = await t.request("GET", "/auth/callback/house");
    assert.equal(callback.status, 303);
    assertStays(callback.headers.get("location")!, evil);
  }
});

Deno.test("a sign-in leads on to where it was asked for", async () => {
  await using t = await development();
  for (const path of ["/", "/events/evt_1?a=b#c", "/organizers/org_1/people"]) {
    const response = await post(t, { fields: { ...asAnn, return_to: path } });
    assert.deepEqual([response.status, response.headers.get("location")], [303, path]);
  }
});

Deno.test("a session's cookie is for this host, for HTTP and for this site only", async () => {
  await using t = await development();
  const plain = (await post(t, { fields: asAnn })).headers.getSetCookie();
  assert.equal(plain.length, 1);
  assert.match(
    plain[0]!,
    /^session=[\w-]{43}; Path=\/; Max-Age=2592000; HttpOnly; SameSite=Lax$/,
  );
  await using secure = await testApp({ publicOrigin: "https://events.example" });
  const [cookie] = (await post(secure, { fields: asRoot })).headers.getSetCookie();
  assert.match(
    cookie!,
    /^__Host-session=[\w-]{43}; Path=\/; Max-Age=28800; HttpOnly; SameSite=Lax; Secure$/,
  );
});

Deno.test("a sign-in ends the session that the browser had, whosever it was, and takes no given one", async () => {
  await using t = await development();
  const me = async (cookie: string) => {
    const response = await t.request("GET", "/v1/me", { headers: { cookie } });
    return response.status === 200 ? (await response.json()).name : response.status;
  };
  let cookie = `session=${"x".repeat(43)}`;
  for (
    const [fields, name] of [[asAnn, "Ann"], [asRoot, "Administrator"], [asAnn, "Ann"]] as const
  ) {
    const response = await post(t, { fields, headers: { cookie } });
    const next = cookieOf(response);
    assert.notEqual(next, cookie);
    assert.deepEqual([await me(cookie), await me(next)], [401, name]);
    cookie = next;
  }
  const bob = cookieOf(await post(t, { fields: { ...asAnn, name: "Bob" }, headers: { cookie } }));
  assert.deepEqual([await me(cookie), await me(bob)], [401, "Bob"]);
});

Deno.test("signing out ends the session and takes the cookie away", async () => {
  await using t = await testApp();
  const { id: _, ...headers } = await signedIn(t, "Ann");
  const other = await signedIn(t, "Ann");
  const response = await t.request("POST", "/auth/sign-out", { headers });
  assert.deepEqual([response.status, response.headers.get("location")], [303, "/"]);
  assert.match(response.headers.get("set-cookie")!, /^session=; Path=\/; Max-Age=0; HttpOnly/);
  assert.equal((await t.request("GET", "/v1/me", { headers })).status, 401);
  // The other browser's goes on.
  const { cookie } = other;
  await json<unknown>(await t.request("GET", "/v1/me", { headers: { cookie } }));
  // Nobody needs to be signed in for it, but on a page of ours.
  assert.equal((await t.request("POST", "/auth/sign-out", { headers })).status, 303);
  const elsewhere = { ...headers, "sec-fetch-site": "cross-site" };
  assert.equal((await t.request("POST", "/auth/sign-out", { headers: elsewhere })).status, 403);
  assert.equal((await t.request("GET", "/auth/sign-out", { headers })).status, 405);
});

Deno.test("somebody with more sessions than one commit takes can sign out, here and everywhere", async () => {
  await using t = await testApp();
  const cookies: string[] = [];
  for (let i = 0; i < 520; i++) cookies.push((await signedIn(t, "Ann")).cookie);
  const status = async (cookie: string) =>
    (await t.request("GET", "/v1/me", { headers: { cookie } })).status;
  // The digests' order is nobody's, so of these at least one is beyond the first 500.
  for (const cookie of cookies.slice(0, 60)) {
    const headers = { cookie, "sec-fetch-site": "same-origin" };
    assert.equal((await t.request("POST", "/auth/sign-out", { headers })).status, 303);
    assert.equal(await status(cookie), 401);
  }
  for (let i = 0; i < 520; i++) cookies.push((await signedIn(t, "Ann")).cookie);
  const headers = { cookie: cookies.at(-1)!, "sec-fetch-site": "same-origin" };
  assert.equal((await t.request("DELETE", "/v1/me/sessions", { headers })).status, 204);
  for (const cookie of cookies) assert.equal(await status(cookie), 401);
});

Deno.test("the administrator's session lasts eight hours, to the millisecond", async () => {
  await using t = await testApp();
  const cookie = cookieOf(await post(t, { fields: asRoot }));
  t.clock.now += 8 * HOUR - 1;
  const me = await json<{ id: string; role: string }>(
    await t.request("GET", "/v1/me", { headers: { cookie } }),
  );
  assert.deepEqual([me.id, me.role], ["usr_root", "admin"]);
  t.clock.now += 1;
  assert.equal((await t.request("GET", "/v1/me", { headers: { cookie } })).status, 401);
});

Deno.test("the administrator's session is none once ADMIN_TOKEN is no longer set", async () => {
  await using t = await testApp();
  const cookie = cookieOf(await post(t, { fields: asRoot }));
  const { authentication } = await import("../../routes/authentication.ts");
  const authenticate = authentication(t.store, { clock: () => t.clock.now, adminToken: null });
  const request = new Request("http://localhost/", { headers: { cookie } });
  assert.equal((await authenticate(request)).userId, null);
});

Deno.test("ten tries of the administrator's token a minute come from one address, and then none", async () => {
  await using t = await testApp();
  const fill = (token: string, from: string) => post(t, { fields: { ...asRoot, token }, from });
  for (let i = 0; i < 10; i++) {
    const response = await fill("x".repeat(40), "192.0.2.7");
    assert.equal(response.status, 401);
    assert.match(await response.text(), /This is not the administrator’s token/);
    assert.equal(response.headers.get("set-cookie"), null);
  }
  // Also the right one: who guesses must not learn it then.
  for (const token of [ADMIN_TOKEN, "wrong"]) {
    const response = await fill(token, "192.0.2.7");
    assert.equal(response.status, 429);
    assert.equal(response.headers.get("retry-after"), "6");
    assert.equal(response.headers.get("set-cookie"), null);
  }
  assert.equal((await fill(ADMIN_TOKEN, "192.0.2.8")).status, 303);
  t.clock.now += 6 * SECOND - 100;
  assert.equal((await fill(ADMIN_TOKEN, "192.0.2.7")).status, 429);
  t.clock.now += 100;
  assert.equal((await fill(ADMIN_TOKEN, "192.0.2.7")).status, 303);
  t.clock.now += MINUTE;
  for (let i = 0; i < 10; i++) assert.equal((await fill("wrong", "192.0.2.7")).status, 401);
});

Deno.test("tries of the administrator's token from many addresses do not fill the audit log", async () => {
  await using t = await testApp();
  const refused = async () => {
    const lines = await listAudit(t.store, { before: null, limit: 500 });
    return lines.filter(({ action }) => action === "session.refused").length;
  };
  for (const count of [10, 20]) {
    for (let i = 0; i < 100; i++) {
      const from = `192.0.2.${i}`;
      const response = await post(t, { fields: { ...asRoot, token: "x".repeat(40) }, from });
      assert.equal(response.status, 401);
    }
    assert.equal(await refused(), count);
    t.clock.now += MINUTE;
  }
});

Deno.test("sign-ins with a provider are begun and ended so often a minute from one address", async () => {
  await using t = await testApp({ signIn: { providers: [PROVIDER] } });
  const step = (path: string, from: string) => t.request("GET", path, { from });
  const begin = "/auth/sign-in?provider=house";
  const end = "/auth/callback/house?code=x&state=y";
  for (let i = 0; i < 120; i++) {
    assert.equal((await step(begin, "192.0.2.7")).status, 302);
    assert.equal((await step(end, "192.0.2.7")).status, 303);
  }
  for (const path of [begin, end]) {
    const response = await step(path, "192.0.2.7");
    assert.equal(response.status, 429);
    assert.equal(response.headers.get("retry-after"), "1");
  }
  assert.equal((await step("/auth/sign-in", "192.0.2.7")).status, 200);
  assert.equal((await step(begin, "192.0.2.8")).status, 302);
});

Deno.test("the administrator's form takes the whole token only, and none where none is set", async () => {
  await using t = await testApp();
  for (
    const token of ["", " ", ADMIN_TOKEN.slice(1), `${ADMIN_TOKEN}x`, ADMIN_TOKEN.toUpperCase()]
  ) {
    assert.equal((await post(t, { fields: { ...asRoot, token } })).status, 401);
  }
  await using without = await testApp({ signIn: { isAdminToken: null } });
  for (const token of ["", "null", ADMIN_TOKEN]) {
    const response = await post(without, { fields: { ...asRoot, token } });
    assert.equal(response.status, 401);
  }
  const page = await (await without.request("GET", "/auth/sign-in")).text();
  assert.ok(!page.includes('value="admin_token"'));
});

Deno.test("the development sign-in is there on the developer's own machine only", async () => {
  const offers = async (t: TestApp, origin: string, headers: Record<string, string> = {}) => {
    const page = await t.request("GET", `${origin}/auth/sign-in`, { headers });
    const isOffered = (await page.text()).includes('value="development"');
    const response = await post(t, { fields: asAnn, headers, origin });
    await response.body?.cancel();
    assert.equal(response.headers.has("set-cookie"), isOffered);
    assert.equal(response.status === 303, isOffered, `${origin} ${response.status}`);
    return isOffered;
  };
  const proxied: Record<string, string>[] = [
    { "x-forwarded-for": "203.0.113.9" },
    { "x-forwarded-for": "127.0.0.1" },
    { "x-forwarded-for": "" },
    { "x-forwarded-host": "localhost" },
    { "x-forwarded-proto": "https" },
    { "x-real-ip": "203.0.113.9" },
    { forwarded: "for=203.0.113.9" },
    { via: "1.1 proxy" },
  ];
  {
    await using t = await development();
    for (const origin of ["http://localhost", "http://127.0.0.1:8000", "http://[::1]:8000"]) {
      assert.ok(await offers(t, origin));
    }
    for (
      const origin of [
        "https://events.example",
        // A name that was made to lead to this machine.
        "https://127.0.0.1.evil.example",
        "https://localhost.evil.example",
        "https://evil.example:8000",
      ]
    ) assert.ok(!await offers(t, origin), origin);
    assert.equal((await post(t, { fields: asAnn, origin: "http://evil.example" })).status, 403);
  }
  for (const headers of proxied) {
    await using t = await development();
    assert.ok(!await offers(t, "http://localhost", headers));
  }
  {
    // Whoever names proxies has one, though it may say nothing.
    await using t = await development({ trustedProxies: ["127.0.0.1"] });
    assert.ok(!await offers(t, "http://localhost"));
  }
  {
    await using t = await testApp({ signIn: { isDevelopment: false } });
    assert.ok(!await offers(t, "http://localhost"));
  }
  {
    // What is configured does not speak for how a request came.
    await using t = await development({ publicOrigin: "http://localhost:8000" });
    assert.ok(await offers(t, "http://localhost:8000"));
    assert.ok(!await offers(t, "https://evil.example"));
  }
  {
    await using t = await development({ publicOrigin: "https://events.example" });
    assert.ok(!await offers(t, "http://localhost"));
  }
});

Deno.test("nobody signs in where others could read along", async () => {
  await using t = await development();
  const response = await post(t, { fields: asRoot, origin: "http://events.example" });
  assert.equal(response.status, 403);
  assert.equal(response.headers.get("set-cookie"), null);
  await response.body?.cancel();
  assert.equal((await post(t, { fields: asRoot, origin: "https://events.example" })).status, 303);
});

Deno.test("forms that are none are refused, and never with a failure", async () => {
  await using t = await development();
  const send = (body: string, type = FORM["content-type"], from = "192.0.2.1") =>
    t.request("POST", "/auth/sign-in", { body, headers: { ...FORM, "content-type": type }, from });
  const statuses: number[] = [];
  for (
    const [i, [body, type]] of ([
      [""],
      ["method=development"],
      ["method=development&name=%00%00"],
      [`method=development&name=${encodeURIComponent("\u200b\u3164")}`],
      [`method=development&name=${"x".repeat(61)}`],
      ["method=magic"],
      ["method[]=development&name=Ann"],
      ["%%%=%%%&&&&=;"],
      ["x".repeat(20_000)],
      ['{"method":"development"}', "application/json"],
      ["method=development&name=Ann", "text/plain"],
    ] as [string, string?][]).entries()
  ) {
    const response = await send(body, type, `192.0.2.${i}`);
    statuses.push(response.status);
    assert.equal(response.headers.get("set-cookie"), null);
    await response.body?.cancel();
  }
  assert.deepEqual(statuses, [404, 422, 422, 422, 422, 404, 404, 404, 413, 415, 415]);
});
