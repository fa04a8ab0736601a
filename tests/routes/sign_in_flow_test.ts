/** Signing in through the program's own routes, with a real OpenID provider: as a browser does it. */
import assert from "node:assert/strict";
import { signInProviders } from "../../routes/sign_in/providers.ts";
import { SILENT } from "../../lifecycle/log.ts";
import { CookieJar } from "../support/cookie_jar.ts";
import { ADMIN, freshStore, MINUTE, NOW, type TestApp, testApp } from "../support/fixture.ts";
import { json } from "../support/http.ts";
import { ALICE, type OpenIdProvider, openIdProvider } from "../support/openid_provider.ts";
import { ORIGIN } from "../support/sign_in_site.ts";

interface Site extends TestApp {
  provider: OpenIdProvider;
}

/** The app, where people sign in with the provider and nobody needs an invitation. */
async function site(): Promise<Site> {
  const provider = await openIdProvider();
  const store = await freshStore();
  const clock = { now: NOW };
  const deps = { store, clock: () => clock.now, log: SILENT, origin: () => ORIGIN };
  const config = { signIn: { oidc: provider, preset: null } };
  const providers = signInProviders(config, { ...deps, exposeKvPath: () => {} });
  const signIn = { providers, signUp: { rule: "open" } as const };
  const t = await testApp({ store, clock: () => clock.now, publicOrigin: ORIGIN, signIn });
  return {
    ...t,
    provider,
    clock,
    async [Symbol.asyncDispose]() {
      await t[Symbol.asyncDispose]();
      await provider[Symbol.asyncDispose]();
    },
  };
}

/** What a browser asks for; it keeps the cookies. */
async function browse(t: TestApp, path: string, jar: CookieJar): Promise<Response> {
  const response = await t.request("GET", path, {
    headers: { accept: "text/html", "sec-fetch-site": "cross-site", ...jar.headers() },
  });
  jar.keep(response);
  return response;
}

/** The callback's path, as the provider sends a browser to it. */
async function toTheCallback(
  t: Site,
  jar: CookieJar,
  { returnTo = "/", ...what }: { returnTo?: string; account?: string; cancel?: boolean } = {},
): Promise<string> {
  const query = new URLSearchParams({ provider: "oidc", return_to: returnTo });
  const started = await browse(t, `/auth/sign-in?${query}`, jar);
  assert.equal(started.status, 302, await started.text());
  const { pathname, search } = new URL(
    await t.provider.visit(started.headers.get("location")!, what),
  );
  assert.equal(pathname, "/auth/callback/oidc");
  return pathname + search;
}

async function signIn(t: Site, jar: CookieJar, what = {}): Promise<string> {
  const finished = await browse(t, await toTheCallback(t, jar, what), jar);
  assert.equal(finished.status, 303, await finished.text());
  return finished.headers.get("location")!;
}

const whoAmI = (t: TestApp, jar: CookieJar) =>
  t.request("GET", "/v1/me", { headers: jar.headers() });

Deno.test("who signs in with the provider has a session, until they sign out", async () => {
  await using t = await site();
  const jar = new CookieJar();
  assert.equal(await signIn(t, jar, { returnTo: "/?tag=music" }), "/?tag=music");
  assert.deepEqual(jar.names, ["session"], "and the flow's cookie is gone");
  const before = new CookieJar();
  before.set(jar.headers().cookie!);
  const me = await json<{ name: string; role: string }>(await whoAmI(t, jar));
  assert.deepEqual([me.name, me.role], ["Alice Ångström", "member"]);
  const headers = { ...jar.headers(), "sec-fetch-site": "same-origin" };
  const out = await t.request("POST", "/auth/sign-out", { headers });
  assert.equal(out.status, 303);
  jar.keep(out);
  assert.deepEqual(jar.names, []);
  assert.equal(
    (await whoAmI(t, before)).status,
    401,
    "the cookie that somebody kept is worth nothing",
  );
});

Deno.test("four first sign-ins of one person at once make one user, with four sessions", async () => {
  await using t = await site();
  const jars = Array.from({ length: 4 }, () => new CookieJar());
  const callbacks = await Promise.all(jars.map((jar) => toTheCallback(t, jar)));
  const ends = await Promise.all(callbacks.map((path, i) => browse(t, path, jars[i]!)));
  assert.deepEqual(ends.map(({ status }) => status), [303, 303, 303, 303]);
  const mine = await Promise.all(
    jars.map(async (jar) => (await json<{ id: string }>(await whoAmI(t, jar))).id),
  );
  assert.equal(new Set(mine).size, 1);
  const { items } = await json<{ items: { name: string }[] }>(
    await t.request("GET", "/v1/users", { headers: ADMIN }),
  );
  assert.deepEqual(items.map(({ name }) => name), ["Alice Ångström"]);
});

Deno.test("signing in again ends the session before it", async () => {
  await using t = await site();
  const jar = new CookieJar();
  await signIn(t, jar);
  const before = new CookieJar();
  before.set(jar.headers().cookie!);
  await signIn(t, jar, { account: "bob" });
  assert.equal((await json<{ name: string }>(await whoAmI(t, jar))).name, "Bob");
  assert.equal((await whoAmI(t, before)).status, 401);
});

Deno.test("nobody is led elsewhere after signing in", async () => {
  await using t = await site();
  const evil = [
    "https://evil.example",
    "//evil.example",
    "/\\evil.example",
    "/auth/sign-out",
    "/.//x",
  ];
  for (const returnTo of evil) assert.equal(await signIn(t, new CookieJar(), { returnTo }), "/");
});

/** Sign-ins that fail: what a browser comes back with, and the status that it is told. */
const FAILURES: Record<string, (t: Site, jar: CookieJar) => Promise<[string, CookieJar, number]>> =
  {
    "that was cancelled": async (
      t,
      jar,
    ) => [await toTheCallback(t, jar, { cancel: true }), jar, 400],
    "of another browser": async (t, jar) => [await toTheCallback(t, jar), new CookieJar(), 400],
    "that is over": async (t, jar) => {
      const path = await toTheCallback(t, jar);
      await browse(t, path, jar);
      return [path, new CookieJar(), 400];
    },
    "that took ten minutes": async (t, jar) => {
      const path = await toTheCallback(t, jar);
      t.clock.now += 10 * MINUTE;
      return [path, jar, 400];
    },
    "with another provider's iss": async (t, jar) => {
      t.provider.switches.iss = "https://evil.example";
      return [await toTheCallback(t, jar), jar, 400];
    },
    "with another sign-in's nonce": async (t, jar) => {
      t.provider.switches.nonce = "other";
      return [await toTheCallback(t, jar), jar, 400];
    },
    "without anything": (_, jar) => Promise.resolve(["/auth/callback/oidc", jar, 400]),
    "whose provider is down at the end": async (t, jar) => {
      const path = await toTheCallback(t, jar);
      t.provider.switches.instead = (_, response) => !!response.writeHead(500).end();
      return [path, jar, 502];
    },
    "whose provider is down at the start": (t, jar) => {
      t.provider.switches.instead = (_, response) => !!response.writeHead(500).end();
      return Promise.resolve(["/auth/sign-in?provider=oidc", jar, 502]);
    },
  };

for (const [which, fail] of Object.entries(FAILURES)) {
  Deno.test(`a sign-in ${which} ends on a page that says so, from where to start again`, async () => {
    await using t = await site();
    const [path, jar, status] = await fail(t, new CookieJar());
    const answer = await browse(t, path, jar);
    const page = await answer.text();
    assert.equal(answer.status, status, page);
    assert.match(answer.headers.get("content-type")!, /^text\/html/);
    assert.match(page, /href="\/auth\/sign-in[?"]/);
    assert.ok(!jar.names.includes("session"), "and nobody is signed in");
  });
}

Deno.test("a sign-in that failed is no hindrance to the next", async () => {
  await using t = await site();
  const jar = new CookieJar();
  await browse(t, await toTheCallback(t, jar, { cancel: true }), jar);
  await signIn(t, jar, { account: ALICE });
  assert.equal((await json<{ name: string }>(await whoAmI(t, jar))).name, "Alice Ångström");
});
