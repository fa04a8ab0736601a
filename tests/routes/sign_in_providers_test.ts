import assert from "node:assert/strict";
import { SILENT } from "../../lifecycle/log.ts";
import { signInProviders } from "../../routes/sign_in/providers.ts";
import { testStore } from "../kv/test_store.ts";
import { openIdProvider } from "../support/openid_provider.ts";

const OIDC = { issuer: "https://id.example:8443/tenant", clientId: "curtain", clientSecret: null };

Deno.test("what is configured is what is offered, each under the name of its callback", async () => {
  using store = await testStore();
  const origin = () => assert.fail("nobody signs in");
  const deps = { store, clock: Date.now, log: SILENT, origin, exposeKvPath: origin };
  const offered = (signIn: Parameters<typeof signInProviders>[0]["signIn"]) =>
    signInProviders({ signIn }, deps).map(({ id, label }) => [id, label]);
  assert.deepEqual(offered({ oidc: null, preset: null }), []);
  assert.deepEqual(offered({ oidc: OIDC, preset: null }), [["oidc", "id.example:8443"]]);
  assert.deepEqual(offered({ oidc: OIDC, preset: "azure_ad" }), [
    ["azure_ad", "Microsoft"],
    ["oidc", "id.example:8443"],
  ]);
});

Deno.test("the origin is asked for when somebody signs in, and the adapter is made once", async () => {
  using store = await testStore();
  await using provider = await openIdProvider();
  let asked = 0;
  const origin = () => {
    asked++;
    return "http://127.0.0.1:8123";
  };
  const deps = { store, clock: Date.now, log: SILENT, origin, exposeKvPath: () => {} };
  const [offered] = signInProviders({ signIn: { oidc: provider, preset: null } }, deps);
  assert.equal(asked, 0);
  const [first, second] = await Promise.all([offered!.signIn(), offered!.signIn()]);
  assert.equal(first, second);
  const response = await first.start("/");
  const location = new URL(response.headers.get("location")!);
  assert.equal(
    location.searchParams.get("redirect_uri"),
    "http://127.0.0.1:8123/auth/callback/oidc",
  );
  assert.equal(asked, 1);
});
