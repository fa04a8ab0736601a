/** The kv-oauth adapter with the real package and a real provider, where the package can be had. */
import assert from "node:assert/strict";
import {
  presetVariables,
  SIGN_IN_PRESETS,
  type SignInPreset,
} from "../../lifecycle/sign_in_presets.ts";
import { openIdSource } from "../../routes/sign_in/kv_oauth_profiles.ts";
import { everything } from "../kv/test_store.ts";
import { CookieJar } from "../support/cookie_jar.ts";
import { MINUTE } from "../support/fixture.ts";
import { loadKvOAuth } from "../support/kv_oauth.ts";
import { ALICE, type OpenIdSwitches } from "../support/openid_provider.ts";
import {
  begin,
  end,
  ORIGIN,
  refusal,
  type SignInSite,
  signInSite,
  type SiteOptions,
} from "../support/sign_in_site.ts";

const module = await loadKvOAuth();
const ignore = module === null && Deno.env.get("REQUIRE_KV_OAUTH") !== "1";

/** The adapter for a provider without a preset. */
const make: SiteOptions["make"] = (given, { issuer, clientId, clientSecret }) => {
  const config = {
    clientId,
    ...(clientSecret === null ? {} : { clientSecret }),
    authorizationEndpointUri: `${issuer}/auth`,
    tokenUri: `${issuer}/token`,
  };
  const source = openIdSource(issuer, `${issuer}/me`);
  return module!.kvOAuthSignIn({
    ...given,
    get deadlineMs() {
      return given.deadlineMs;
    },
    id: "custom",
    provider: { config, source },
  });
};

async function atTheCallback(t: SignInSite, what: { account?: string; cancel?: boolean } = {}) {
  const { location, jar } = await begin(t.signIn);
  return { back: new URL(await t.provider.visit(location.href, what)), jar };
}

const failed = (reason: string) => ({ code: "sign_in_failed", reason }) as const;
const PROVIDER_FAILED = { code: "sign_in_provider_failed" } as const;

/** Where the presets' own are none that tell who signs in. */
const OWN_ENDPOINTS: Partial<Record<SignInPreset, string>> = {
  auth0: "https://id.example/authorize",
  slack: "https://slack.com/openid/connect/authorize",
};

const STEPS: Record<string, (t: SignInSite) => Promise<void>> = {
  async "who signs in comes back as the provider knows them, and to where they were"(t) {
    const { location, jar } = await begin(t.signIn, "/organizers/org_1?past=true");
    assert.equal(location.searchParams.get("redirect_uri"), `${ORIGIN}/auth/callback/custom`);
    assert.equal(location.searchParams.get("code_challenge_method"), "S256");
    assert.deepEqual(jar.names.map((name) => name.replace(/-[^-]*$/, "")), ["sign-in"]);
    const { profile, returnTo } = await end(t.signIn, await t.provider.visit(location.href), jar);
    assert.deepEqual(profile, {
      issuer: t.provider.issuer,
      subject: ALICE,
      name: "Alice Ångström",
      email: "alice@example.org",
      emailVerified: true,
    });
    assert.equal(returnTo, "/organizers/org_1?past=true");
    assert.deepEqual(jar.names, [], "the flow's cookie is gone, and kv-oauth's never was");
  },
  async "two tabs of one browser are both signed in"(t) {
    const first = await begin(t.signIn, "/first");
    const second = await t.signIn.start("/second");
    first.jar.keep(second);
    const backs = await Promise.all(
      [first.location.href, second.headers.get("location")!].map((url) => t.provider.visit(url)),
    );
    assert.equal((await end(t.signIn, backs[1]!, first.jar)).returnTo, "/second");
    assert.equal((await end(t.signIn, backs[0]!, first.jar)).returnTo, "/first");
  },
  async "what comes again, late, cancelled, or in another browser is refused"(t) {
    const { back, jar } = await atTheCallback(t);
    await refusal(t, end(t.signIn, back.href, new CookieJar()), failed("other_browser"));
    const { cookie } = jar.headers();
    await end(t.signIn, back.href, jar);
    const again = t.signIn.finish(new Request(back, { headers: { cookie: cookie! } }));
    await refusal(t, again, failed("replayed"));
    const cancelled = await atTheCallback(t, { cancel: true });
    await refusal(t, end(t.signIn, cancelled.back.href, cancelled.jar), failed("denied"));
    const late = await atTheCallback(t);
    t.clock.now += 10 * MINUTE;
    await refusal(t, end(t.signIn, late.back.href, late.jar), failed("expired"));
  },
  async "another provider's iss, and a code that is none, are not believed"(t) {
    const { back, jar } = await atTheCallback(t);
    back.searchParams.set("iss", "https://evil.example");
    await refusal(t, end(t.signIn, back.href, jar), failed("not_genuine"));
    const other = await atTheCallback(t);
    other.back.searchParams.set("code", "made-up");
    const expected = { ...failed("not_genuine"), secrets: ["made-up"] };
    await refusal(t, end(t.signIn, other.back.href, other.jar), expected);
  },
  async "a provider that is down, slow, or talks nonsense is a failure"(t) {
    const never = () => true;
    const ways: OpenIdSwitches["instead"][] = [
      (_, response) => !!response.writeHead(500).end("down"),
      (_, response) => !!response.writeHead(403).end('{"sub":"alice"}'),
      (_, response) => !!response.destroy(),
      (_, response) => !!response.writeHead(200).end("<p>"),
      (_, response) =>
        !!response.writeHead(200, { "content-type": "application/json" }).end("null"),
      never,
    ];
    for (const path of ["/token", "/me"]) {
      for (const way of ways) {
        const { back, jar } = await atTheCallback(t);
        const code = back.searchParams.get("code")!;
        // A deadline is taken when its request is made.
        const shorten = () => t.deadline.ms = way === never ? 50 : t.deadline.ms;
        if (path === "/token") shorten();
        t.provider.switches.instead = (asked, response) => {
          if (asked === "/token") shorten();
          return asked === path && way!(asked, response);
        };
        await refusal(t, end(t.signIn, back.href, jar), { ...PROVIDER_FAILED, secrets: [code] });
        delete t.provider.switches.instead;
        t.deadline.ms = 60_000;
      }
    }
  },
  async "our store holds nothing of kv-oauth's"(t) {
    const { back, jar } = await atTheCallback(t);
    await end(t.signIn, back.href, jar);
    const kinds = new Set((await everything(t.store)).map(({ key }) => key[0]));
    assert.deepEqual([...kinds].sort(), ["sign_in_flow", "store"]);
  },
  async "every preset sends people to its provider and back to us"(t) {
    const { store, clock } = t;
    for (const preset of SIGN_IN_PRESETS) {
      for (const name of presetVariables(preset)) {
        Deno.env.set(name, name === "LOGTO_DOMAIN" ? "https://id.example/oidc" : "id.example");
      }
      const site = { store, clock: () => clock.now, origin: "https://events.example", id: preset };
      const { location, jar } = await begin(module!.kvOAuthSignIn({ ...site, provider: preset }));
      assert.equal(location.protocol, "https:");
      const params = Object.fromEntries(location.searchParams);
      const own = OWN_ENDPOINTS[preset];
      if (own !== undefined) assert.equal(location.origin + location.pathname, own);
      assert.equal(params.owner, preset === "notion" ? "user" : undefined);
      assert.equal(params.redirect_uri, `https://events.example/auth/callback/${preset}`);
      assert.equal(params.client_id, "id.example");
      assert.ok(params.scope !== undefined || preset === "notion", preset);
      assert.equal(params.code_challenge_method, "S256");
      assert.match(jar.names[0]!, /^__Host-sign-in-/);
      for (const name of presetVariables(preset)) Deno.env.delete(name);
    }
  },
};

Deno.test({
  name: `people sign in through kv-oauth${ignore ? " (ignored: jsr.io cannot be reached)" : ""}`,
  ignore,
  // It cannot be told to give up a request.
  sanitizeOps: false,
  sanitizeResources: false,
  async fn(test) {
    assert.ok(module !== null, "REQUIRE_KV_OAUTH=1, but @deno/kv-oauth cannot be loaded");
    for (const [name, step] of Object.entries(STEPS)) {
      await test.step(name, async () => {
        await using t = await signInSite({ make });
        await step(t);
      });
    }
  },
});
