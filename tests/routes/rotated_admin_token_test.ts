/** What becomes of what was made with an `ADMIN_TOKEN` when the program starts with another. */
import assert from "node:assert/strict";
import { ADMIN, ADMIN_TOKEN, freshStore, testApp } from "../support/fixture.ts";
import { json, problem } from "../support/http.ts";
import { IN_A_MONTH } from "../support/people.ts";

const ANOTHER = "another-token-of-at-least-32-characters";

const FORM = {
  "content-type": "application/x-www-form-urlencoded",
  "sec-fetch-site": "same-origin",
};

/** A store in which the administrator has signed in by the form and has made a token. */
async function usedStore() {
  const store = await freshStore();
  const t = await testApp({ store });
  const body = new URLSearchParams({ method: "admin_token", token: ADMIN_TOKEN }).toString();
  const { status, headers } = await t.request("POST", "/auth/sign-in", { body, headers: FORM });
  assert.equal(status, 303);
  const cookie = /^session=[\w-]{43}/.exec(headers.get("set-cookie")!)![0];
  const input = { name: "Nightly", scopes: ["events:read", "admin"], expires_at: IN_A_MONTH };
  const session = { cookie, "sec-fetch-site": "same-origin" };
  const bearers: Record<string, string>[] = [];
  for (const by of [ADMIN, session]) {
    const making = await t.request("POST", "/v1/tokens", { body: input, headers: by });
    const { token } = await json<{ token: string }>(making, 201);
    bearers.push({ authorization: `Bearer ${token}` });
  }
  return { store, credentials: [session, ...bearers] };
}

Deno.test("sessions and tokens of an ADMIN_TOKEN are good after a restart with the same one", async () => {
  const { store, credentials } = await usedStore();
  await using t = await testApp({ store });
  for (const headers of credentials) {
    const { id } = await json<{ id: string }>(await t.request("GET", "/v1/me", { headers }));
    assert.equal(id, "usr_root");
  }
});

for (const adminToken of [ANOTHER, null]) {
  const now = adminToken === null ? "none is set" : "another is set";
  Deno.test(`sessions and tokens of an ADMIN_TOKEN are refused as ended once ${now}`, async () => {
    const { store, credentials } = await usedStore();
    await using t = await testApp({ store, adminToken });
    for (const headers of [ADMIN, ...credentials]) {
      await problem(await t.request("GET", "/v1/users", { headers }), 401, "unauthenticated");
      await problem(await t.request("GET", "/v1/me", { headers }), 401, "unauthenticated");
    }
  });
}

Deno.test("what was made with another ADMIN_TOKEN is in no list, and can be ended by its owner", async () => {
  const { store } = await usedStore();
  await using t = await testApp({ store, adminToken: ANOTHER });
  const headers = { authorization: `Bearer ${ANOTHER}` };
  for (const path of ["/v1/tokens", "/v1/me/sessions"]) {
    const { items } = await json<{ items: unknown[] }>(await t.request("GET", path, { headers }));
    assert.deepEqual(items, [], path);
  }
  const { sessions, tokens } = await json<{ sessions: unknown[]; tokens: unknown[] }>(
    await t.request("GET", "/v1/me/export", { headers }),
  );
  assert.deepEqual([sessions, tokens], [[], []]);
  assert.equal((await t.request("DELETE", "/v1/me/sessions", { headers })).status, 204);
  const rows = await Array.fromAsync(store.kv.list({ prefix: ["session"] }));
  assert.deepEqual(rows, []);
});
