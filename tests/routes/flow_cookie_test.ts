import assert from "node:assert/strict";
import { finishFlow, type FlowSite, flowStarted } from "../../routes/sign_in/flow_cookie.ts";
import { testStore } from "../kv/test_store.ts";
import { CookieJar } from "../support/cookie_jar.ts";
import { NOW } from "../support/fixture.ts";

Deno.test("a sign-in that one provider's adapter began no other one finishes", async () => {
  using store = await testStore();
  const base = { store, clock: () => NOW, origin: "http://127.0.0.1:8000" };
  const [first, second]: FlowSite[] = [{ ...base, id: "first" }, { ...base, id: "second" }];
  const flow = { state: crypto.randomUUID(), returnTo: "/", kept: { verifier: "v" } };
  const jar = new CookieJar();
  jar.keep(flowStarted(first!, flow, "https://id.example"));
  const url = `http://127.0.0.1:8000/auth/callback/x?code=c&state=${flow.state}`;
  const request = new Request(url, { headers: jar.headers() });
  const refused = { code: "sign_in_failed", extensions: { reason: "not_genuine" } };
  await assert.rejects(finishFlow(second!, request), refused);
  assert.deepEqual((await finishFlow(first!, request)).flow, flow);
});

Deno.test("a cookie of the longest return path is one that browsers keep", async () => {
  using store = await testStore();
  const site = { store, clock: () => NOW, origin: "https://events.example", id: "azure_adb2c" };
  const kept = { verifier: "v".repeat(43), nonce: "n".repeat(43) };
  const flow = { state: "s".repeat(43), returnTo: `/${"x".repeat(1_999)}`, kept };
  const cookie = flowStarted(site, flow, "https://id.example").headers.get("set-cookie")!;
  assert.ok(cookie.length <= 4_096, `${cookie.length} bytes`);
});
