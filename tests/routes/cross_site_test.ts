/** What pages of other sites can make a signed-in browser send: it changes nothing here. */
import assert from "node:assert/strict";
import type { Store } from "../../kv/store.ts";
import { OPERATIONS } from "../../routes/operations.ts";
import { everything } from "../kv/test_store.ts";
import { ADMIN_TOKEN, testApp } from "../support/fixture.ts";
import { json, problem, TOMORROW } from "../support/http.ts";
import { signedIn, tokenOf } from "../support/people.ts";
import { type RightsWorld, rightsWorld, RUN_ID } from "../support/rights_world.ts";

/** What a browser says of a request that no page of ours makes. */
const FROM_ELSEWHERE: Record<string, string>[] = [
  { "sec-fetch-site": "cross-site", origin: "https://evil.example" },
  { "sec-fetch-site": "same-site", origin: "https://other.localhost" },
  { "sec-fetch-site": "none" },
  // A browser's word counts, whatever else is there.
  { "sec-fetch-site": "cross-site", origin: "http://localhost" },
  { "sec-fetch-site": "SAME-ORIGIN" },
  { "sec-fetch-site": "same-origin, cross-site" },
  { "sec-fetch-site": "" },
  // Browsers without Fetch Metadata.
  {},
  { origin: "https://evil.example" },
  { origin: "null" },
  { origin: "" },
  { origin: "http://localhost:8000" },
  { origin: "https://localhost" },
  { origin: "http://localhost.evil.example" },
  { origin: "http://localhost/" },
  { referer: "http://localhost/me" },
];

const BODIES: [type: string | null, body: string | null][] = [
  [null, null],
  ["application/json", "{}"],
  ["application/merge-patch+json", '{"role":"admin"}'],
  ["application/x-www-form-urlencoded", `method=admin_token&token=${ADMIN_TOKEN}`],
  [
    "multipart/form-data; boundary=x",
    '--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n--x--',
  ],
  ["text/plain", '{"role":"admin"}'],
  ["application/x-ndjson", `${JSON.stringify(TOMORROW)}\n`],
  ["application/csp-report", "{}"],
];

const PAGES = [
  "/",
  "/me",
  "/me/erase",
  "/me/users",
  "/organizers/{id}",
  "/organizers/{id}/people",
  "/invitations/{secret}",
  "/auth/sign-in",
  "/auth/sign-out",
];

function pathsOf({ house, shown, dora, invitation }: RightsWorld): string[] {
  const contract = Object.keys(OPERATIONS).map((name) => name.split(" ")[1]!);
  const paths = [...new Set([...contract, ...PAGES, "/v1/nothing"])];
  return paths.map((path) =>
    path.replace("{id}", /organizers/.test(path) ? house : /users/.test(path) ? dora : shown)
      .replace("{user_id}", dora).replace("{invitation_id}", invitation.id)
      .replace("{secret}", invitation.secret)
      .replace("{name}", "complete_events").replace("{run_id}", RUN_ID)
      .replace("{session_id}", `ses_${"0".repeat(16)}`)
  );
}

/** All but the audit log, in which refused grants stand. */
async function contents(store: Store): Promise<Deno.KvEntry<unknown>[]> {
  return (await everything(store)).filter(({ key }) => !String(key[0]).startsWith("audit"));
}

for (const method of ["POST", "PUT", "PATCH", "DELETE"]) {
  Deno.test(`a ${method} from another site is refused whatever it carries, and writes nothing`, async () => {
    await using world = await rightsWorld();
    const { headers: { cookie } } = await world.as("admin", null);
    const before = await contents(world.store);
    for (const path of pathsOf(world)) {
      for (const [i, site] of FROM_ELSEWHERE.entries()) {
        // Each with each would be ten times as many, and no other code.
        const [type, body] = BODIES[(i + path.length) % BODIES.length]!;
        const response = await world.app.request(path, {
          method,
          headers: { cookie: cookie!, ...(type === null ? {} : { "content-type": type }), ...site },
          body,
        });
        const what = `${method} ${path} ${JSON.stringify(site)} ${type}: ${response.status}`;
        assert.equal(response.status, 403, what);
        if (path.startsWith("/v1/")) await problem(response, 403, "cross_site");
        else await response.body?.cancel();
        assert.equal(response.headers.get("set-cookie"), null, what);
      }
    }
    assert.deepEqual(await contents(world.store), before);
  });
}

Deno.test("a grant that another site asked for stands in the audit log as refused", async () => {
  await using world = await rightsWorld();
  const { headers: { cookie }, userId } = await world.as("owner", null);
  const path = `/v1/organizers/${world.house}/invitations`;
  const headers = { cookie: cookie!, "sec-fetch-site": "cross-site" };
  await problem(
    await world.request("POST", path, { body: { role: "owner" }, headers }),
    403,
    "cross_site",
  );
  const rows = await everything(world.store);
  const lines = rows.filter(({ key }) => key[0] === "audit").map(({ value }) =>
    value as Record<string, unknown>
  );
  const { action, by, detail } = lines.at(-1)!;
  assert.deepEqual([action, by, detail], ["grant.refused", userId, `POST ${path} cross_site`]);
});

Deno.test("one's own pages are taken at the browser's word, or by their origin", async () => {
  await using t = await testApp();
  const { cookie } = await signedIn(t, "Ann");
  for (
    const own of [
      { "sec-fetch-site": "same-origin" },
      { "sec-fetch-site": "same-origin", origin: "http://localhost" },
      { origin: "http://localhost" },
    ] as Record<string, string>[]
  ) {
    const headers = { cookie, ...own };
    await json(await t.request("POST", "/v1/events", { body: TOMORROW, headers }), 201);
  }
});

Deno.test("an origin is compared with the one that is configured, not with the Host", async () => {
  await using t = await testApp({ publicOrigin: "https://events.example" });
  const { cookie } = await signedIn(t, "Ann");
  const post = (headers: Record<string, string>) =>
    t.request("POST", "/v1/events", { body: TOMORROW, headers: { cookie, ...headers } });
  await json(await post({ origin: "https://events.example" }), 201);
  await problem(await post({ origin: "http://localhost" }), 403, "cross_site");
  await problem(await post({ origin: "https://events.example.evil" }), 403, "cross_site");
});

Deno.test("no GET changes anything, whoever sends it from wherever", async () => {
  await using world = await rightsWorld();
  for (const caller of ["owner", "admin"] as const) {
    const { headers } = await world.as(caller, null);
    const before = await contents(world.store);
    for (const path of [...pathsOf(world), "/openapi.json", "/docs", "/problems"]) {
      for (const method of ["GET", "HEAD", "OPTIONS"]) {
        for (const site of [{}, { "sec-fetch-site": "cross-site" }] as Record<string, string>[]) {
          const response = await world.request(method, path, { headers: { ...headers, ...site } });
          assert.ok(response.status < 500, `${method} ${path} ${response.status}`);
          await response.body?.cancel();
        }
      }
    }
    assert.deepEqual(await contents(world.store), before);
  }
});

Deno.test("a program's token needs no origin: no browser adds it by itself", async () => {
  await using t = await testApp();
  const ann = await signedIn(t, "Ann");
  const token = await tokenOf(t, ann, ["events:write"]);
  for (const site of FROM_ELSEWHERE) {
    const headers = { ...token, ...site };
    await json(await t.request("POST", "/v1/events", { body: TOMORROW, headers }), 201);
  }
  // Not even beside a cookie.
  const headers = { ...token, cookie: ann.cookie, "sec-fetch-site": "cross-site" };
  await json(await t.request("POST", "/v1/events", { body: TOMORROW, headers }), 201);
});

Deno.test("a token that is none is not made up for by the cookie beside it", async () => {
  await using t = await testApp();
  const ann = await signedIn(t, "Ann");
  const { authorization } = await tokenOf(t, ann, ["events:read"]);
  const { id: _, ...headers } = ann;
  await json<unknown>(await t.request("GET", "/v1/me", { headers }));
  for (
    const bad of [
      "Bearer x",
      `Bearer curtain_${"0".repeat(70)}`,
      authorization.slice(0, -1),
      `${authorization}0`,
      "Basic dXNyOnB3",
      "Bearer",
      "",
    ]
  ) {
    const response = await t.request("GET", "/v1/me", {
      headers: { ...headers, authorization: bad },
    });
    await problem(response, 401, "unauthenticated");
  }
});

Deno.test("a page of another site opens no socket with somebody's cookie", async () => {
  await using t = await testApp();
  const { cookie } = await signedIn(t, "Ann");
  for (const site of FROM_ELSEWHERE) {
    const headers = { cookie, upgrade: "websocket", ...site };
    await problem(await t.request("GET", "/v1/events/socket", { headers }), 403, "cross_site");
  }
});
