/** Sign-in with a real OpenID provider: what comes back, and what is asked for it. */
import assert from "node:assert/strict";
import { everything } from "../kv/test_store.ts";
import { CookieJar } from "../support/cookie_jar.ts";
import { ALICE } from "../support/openid_provider.ts";
import { begin, end, ORIGIN, refusal, signInSite } from "../support/sign_in_site.ts";

Deno.test("who signs in comes back as the provider knows them, and to where they were", async () => {
  await using t = await signInSite();
  const { location, jar } = await begin(t.signIn, "/organizers/org_1?past=true#list");
  const back = await t.provider.visit(location.href);
  assert.ok(back.startsWith(`${ORIGIN}/auth/callback/oidc?`));
  const { profile, returnTo } = await end(t.signIn, back, jar);
  assert.deepEqual(profile, {
    issuer: t.provider.issuer,
    subject: ALICE,
    name: "Alice Ångström",
    email: "alice@example.org",
    emailVerified: true,
  });
  assert.equal(returnTo, "/organizers/org_1?past=true#list");
  assert.deepEqual(jar.names, [], "the flow's cookie is gone");
});

Deno.test("an address counts as verified only where the provider says so", async () => {
  await using t = await signInSite();
  for (
    const [account, rest] of [
      ["bob", { name: "Bob", email: "bob@example.net" }],
      ["anonymous", {}],
    ] as const
  ) {
    const { location, jar } = await begin(t.signIn);
    const back = await t.provider.visit(location.href, { account });
    const { profile } = await end(t.signIn, back, jar);
    const { issuer } = t.provider;
    assert.deepEqual(profile, { issuer, subject: account, ...rest, emailVerified: false });
  }
});

Deno.test("userinfo is asked for only what the id_token leaves out", async () => {
  for (const claimsInIdToken of [true, false]) {
    await using t = await signInSite({ openId: { claimsInIdToken } });
    const { location, jar } = await begin(t.signIn);
    const { profile } = await end(t.signIn, await t.provider.visit(location.href), jar);
    assert.deepEqual([profile.name, profile.emailVerified], ["Alice Ångström", true]);
    assert.equal(t.provider.asked.includes("/me"), !claimsInIdToken);
  }
});

Deno.test("a public client signs people in without a secret", async () => {
  await using t = await signInSite({ openId: { clientSecret: null } });
  const { location, jar } = await begin(t.signIn);
  const { profile } = await end(t.signIn, await t.provider.visit(location.href), jar);
  assert.equal(profile.subject, ALICE);
});

Deno.test("the provider is sent a state, a nonce and a S256 challenge, new ones each time, and no more", async () => {
  await using t = await signInSite();
  const sent = await Promise.all(
    [1, 2].map(async () => (await begin(t.signIn, "/secret")).location),
  );
  const [first, second] = sent.map(({ searchParams }) => Object.fromEntries(searchParams));
  const { state, nonce, code_challenge, ...rest } = first!;
  assert.deepEqual(rest, {
    response_type: "code",
    client_id: t.provider.clientId,
    redirect_uri: `${ORIGIN}/auth/callback/oidc`,
    scope: "openid profile email",
    code_challenge_method: "S256",
  });
  for (const random of [state!, nonce!, code_challenge!]) assert.match(random, /^[\w-]{43}$/);
  const all = [first!, second!].flatMap((one) => [one.state, one.nonce, one.code_challenge]);
  assert.equal(new Set(all).size, 6);
});

Deno.test("a flow's cookie is for this site's callbacks, for ten minutes, and cannot be read", async () => {
  await using t = await signInSite();
  const setCookie = async (origin: string) => {
    const response = await t.other({ origin }).start("/secret");
    assert.equal(response.headers.get("cache-control"), "no-store");
    const state = new URL(response.headers.get("location")!).searchParams.get("state")!;
    const [cookie, ...more] = response.headers.getSetCookie();
    assert.deepEqual(more, []);
    const [, name, value, attributes] = /^([^=]+)=([\w-]+); (.*)$/.exec(cookie!)!;
    for (const shown of [value!, atob(value!.replace(/-/g, "+").replace(/_/g, "/"))]) {
      assert.ok(!shown.includes("secret") && !shown.includes(state));
    }
    return [name!.replace(state.slice(0, 8), "STATE"), attributes];
  };
  const common = "HttpOnly; SameSite=Lax; Max-Age=600";
  assert.deepEqual(await setCookie("https://events.example"), [
    "__Host-sign-in-STATE",
    `Path=/; Secure; ${common}`,
  ]);
  assert.deepEqual(await setCookie(ORIGIN), ["sign-in-STATE", `Path=/auth/callback; ${common}`]);
});

Deno.test("behind a TLS proxy the public origin decides, not the address of the request", async () => {
  await using t = await signInSite({ origin: "https://events.example" });
  const { location, jar } = await begin(t.signIn);
  const back = new URL(await t.provider.visit(location.href));
  assert.equal(back.origin, "https://events.example");
  const { profile, setCookies } = await end(t.signIn, `${ORIGIN}/x${back.search}`, jar);
  assert.equal(profile.subject, ALICE);
  assert.match(setCookies[0]!, /^__Host-sign-in-[^=]+=; Path=\/; Secure; .*Max-Age=0$/);
});

Deno.test("two tabs of one browser are both signed in, whichever ends first", async () => {
  await using t = await signInSite();
  const first = await begin(t.signIn, "/first");
  const second = await t.signIn.start("/second");
  first.jar.keep(second);
  assert.equal(first.jar.names.length, 2);
  const secondBack = await t.provider.visit(second.headers.get("location")!);
  const firstBack = await t.provider.visit(first.location.href);
  assert.equal((await end(t.signIn, secondBack, first.jar)).returnTo, "/second");
  assert.equal((await end(t.signIn, firstBack, first.jar)).returnTo, "/first");
});

Deno.test("a person the provider still knows signs in again without the form", async () => {
  await using t = await signInSite();
  const known = new CookieJar();
  for (let i = 0; i < 2; i++) {
    const { location, jar } = await begin(t.signIn);
    await end(t.signIn, await t.provider.visit(location.href, { jar: known }), jar);
  }
  const forms = t.provider.asked.filter((path) => path.startsWith("/interaction/"));
  assert.equal(forms.length, 1);
});

Deno.test("the provider's configuration is asked for once, and again after it failed", async () => {
  await using t = await signInSite();
  const asked = () => t.provider.asked.filter((path) => path.startsWith("/.well-known/")).length;
  t.provider.switches.instead = (_, response) => !!response.writeHead(503).end();
  await refusal(t, t.signIn.start("/"), { code: "sign_in_provider_failed" });
  await refusal(t, t.signIn.start("/"), { code: "sign_in_provider_failed" });
  assert.equal(asked(), 2);
  delete t.provider.switches.instead;
  await Promise.all([1, 2, 3].map(() => begin(t.signIn)));
  await begin(t.signIn);
  assert.equal(asked(), 3);
});

Deno.test("what is stored of a sign-in helps nobody to sign in", async () => {
  await using t = await signInSite();
  const before = (await everything(t.store)).length;
  const { location, jar } = await begin(t.signIn);
  assert.equal((await everything(t.store)).length, before, "a start stores nothing");
  const back = new URL(await t.provider.visit(location.href));
  await end(t.signIn, back.href, jar);
  const dump = Deno.inspect(await everything(t.store), { depth: 9, strAbbreviateSize: Infinity });
  for (const name of ["state", "nonce", "code_challenge"]) {
    assert.ok(!dump.includes(location.searchParams.get(name)!), name);
  }
  assert.ok(!dump.includes(back.searchParams.get("code")!));
  assert.match(dump, /"sign_in_flow"/);
});
