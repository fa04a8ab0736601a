/**
 * Whoever has a copy of the store has nothing that opens it: no secret that was given out is in it,
 * in whatever dress, and nothing that is in it is taken for one.
 */
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { gunzipSync } from "node:zlib";
import type { Store } from "../../kv/store.ts";
import { createLogger } from "../../lifecycle/log.ts";
import { everything } from "../kv/test_store.ts";
import { ADMIN_TOKEN, type TestApp, testApp, type TestAppOptions } from "../support/fixture.ts";
import { json } from "../support/http.ts";
import { IN_A_MONTH } from "../support/people.ts";

const FORM = {
  "content-type": "application/x-www-form-urlencoded",
  "sec-fetch-site": "same-origin",
};

interface Secrets {
  /** Of a member's session and of the administrator's. */
  cookies: string[];
  token: string;
  /** One that is used, one that is open. */
  invitations: string[];
}

/** Everything by which somebody is given a secret, over HTTP; keys make answers to be kept, too. */
async function giveSecrets(t: TestApp): Promise<Secrets> {
  const ann = await signIn(t, { method: "development", name: "Ann" });
  const root = await signIn(t, { method: "admin_token", token: ADMIN_TOKEN });
  const bob = await signIn(t, { method: "development", name: "Bob" });
  const headers = { cookie: `session=${ann}`, "sec-fetch-site": "same-origin" };
  const keyed = (key: string) => ({ ...headers, "idempotency-key": key });
  const tokenInput = { name: "Shop", scopes: ["events:read"], expires_at: IN_A_MONTH };
  const { token } = await json<{ token: string }>(
    await t.request("POST", "/v1/tokens", { body: tokenInput, headers: keyed("token") }),
    201,
  );
  const { id } = await json<{ id: string }>(
    await t.request("POST", "/v1/organizers", { body: { name: "House" }, headers }),
    201,
  );
  const people = `/v1/organizers/${id}`;
  const invitations: string[] = [];
  for (const key of ["first", "second"]) {
    const { url } = await json<{ url: string }>(
      await t.request("POST", `${people}/invitations`, {
        body: { role: "editor" },
        headers: keyed(key),
      }),
      201,
    );
    invitations.push(url.slice(url.lastIndexOf("/") + 1));
  }
  const joining = {
    body: { invitation: invitations[0] },
    headers: { ...headers, cookie: `session=${bob}`, "idempotency-key": "join" },
  };
  await json(await t.request("POST", `${people}/members`, joining), 201);
  // All of them are used, so that whatever is written at a use is there as well.
  for (const cookie of [ann, root, bob]) {
    await json<unknown>(
      await t.request("GET", "/v1/me", { headers: { cookie: `session=${cookie}` } }),
    );
  }
  await json<unknown>(
    await t.request("GET", "/v1/me", { headers: { authorization: `Bearer ${token}` } }),
  );
  return { cookies: [ann, root, bob], token, invitations };
}

async function signIn(t: TestApp, fields: Record<string, string>): Promise<string> {
  const body = new URLSearchParams(fields).toString();
  const response = await t.request("POST", "/auth/sign-in", { body, headers: FORM });
  assert.equal(response.status, 303, await response.text());
  return /^session=([\w-]{43});/.exec(response.headers.get("set-cookie")!)![1]!;
}

const app = (options: TestAppOptions = {}) =>
  testApp({ signIn: { isDevelopment: true, signUp: { rule: "open" } }, ...options });

/** Every text and every row of bytes in the store: in keys and in values. */
async function dumped(store: Store): Promise<(string | Uint8Array)[]> {
  const found: (string | Uint8Array)[] = [];
  const collect = (value: unknown): void => {
    if (typeof value === "string" || value instanceof Uint8Array) found.push(value);
    else if (value instanceof Map || value instanceof Set) collectAll([...value]);
    else if (typeof value === "object" && value !== null) {
      collectAll([...Object.keys(value), ...Object.values(value)]);
    }
  };
  const collectAll = (values: readonly unknown[]) => values.forEach(collect);
  for (const { key, value } of await everything(store)) collectAll([...key, value]);
  return found;
}

/** As they are, and as whoever looks for a secret would read them. */
function readings(found: string | Uint8Array): string[] {
  const bytes = typeof found === "string" ? Buffer.from(found, "utf8") : Buffer.from(found);
  const texts = [typeof found === "string" ? found : "", ...dresses(bytes)];
  if (typeof found === "string") {
    for (const encoding of ["base64", "hex"] as const) {
      texts.push(Buffer.from(found, encoding).toString("latin1"));
    }
  } else if (bytes[0] === 0x1f && bytes[1] === 0x8b) texts.push(gunzipSync(bytes).toString("utf8"));
  return texts;
}

/** How bytes may be written down. */
function dresses(bytes: Buffer): string[] {
  return [
    bytes.toString("latin1"),
    bytes.toString("base64").replaceAll("=", ""),
    bytes.toString("base64url"),
    bytes.toString("hex"),
    bytes.toString("hex").toUpperCase(),
    [...bytes].join(","),
    bytes.toReversed().toString().replaceAll("\u0000", ""),
  ];
}

/** The secret as it was told, and the random bytes that it stands for. */
function needles(secret: string): string[] {
  const random = secret.startsWith("curtain_")
    ? Buffer.from(secret.slice("curtain_".length, -6), "hex")
    : Buffer.from(secret, "base64url");
  const told = Buffer.from(secret, "utf8");
  const texts = [...dresses(told), ...dresses(random), encodeURIComponent(secret)];
  return [...texts, JSON.stringify(secret), secret.toUpperCase(), secret.toLowerCase()];
}

Deno.test("no secret that was given out is in the store, in whatever encoding", async () => {
  await using t = await app();
  const { cookies, token, invitations } = await giveSecrets(t);
  const haystack = (await dumped(t.store)).flatMap(readings).join("\n");
  for (const secret of [...cookies, token, ...invitations, ADMIN_TOKEN]) {
    for (const needle of needles(secret)) {
      assert.ok(!haystack.includes(needle), `${secret} is in the store as ${needle}`);
    }
  }
  // What is looked for would be found.
  await t.store.kv.set(["leak"], { bytes: new TextEncoder().encode(`x${token}y`) });
  const leaking = (await dumped(t.store)).flatMap(readings).join("\n");
  assert.ok(needles(token).some((needle) => leaking.includes(needle)));
});

Deno.test("nothing that is in the store is taken for a session, a token or an invitation", async () => {
  await using t = await app();
  const { cookies: [cookie] } = await giveSecrets(t);
  const signedIn = { cookie: `session=${cookie}`, "sec-fetch-site": "same-origin" };
  const found = (await dumped(t.store)).flatMap(readings)
    .filter((text) => /^[\x21-\x7e]{1,300}$/.test(text) && !text.includes(";"));
  const texts = [...new Set(found)];
  assert.ok(texts.length > 100);
  for (const text of texts) {
    const ask = async (headers: Record<string, string>) => {
      const response = await t.request("GET", "/v1/me", { headers });
      assert.equal(response.status, 401, text);
      await response.body?.cancel();
    };
    await ask({ authorization: `Bearer ${text}` });
    await ask({ cookie: `session=${text}` });
    await ask({ cookie: `__Host-session=${text}` });
    if (text.length > 100) continue;
    const organizer = "org_00000000000000000000000000";
    const joining = { body: { invitation: text }, headers: signedIn };
    const response = await t.request("POST", `/v1/organizers/${organizer}/members`, joining);
    assert.equal(response.status, 410, text);
    await response.body?.cancel();
  }
});

Deno.test("an invitation's request that is sent again makes one invitation, and tells no link", async () => {
  await using t = await app();
  const cookie = await signIn(t, { method: "development", name: "Ann" });
  const headers = { cookie: `session=${cookie}`, "sec-fetch-site": "same-origin" };
  const { id } = await json<{ id: string }>(
    await t.request("POST", "/v1/organizers", { body: { name: "House" }, headers }),
    201,
  );
  const path = `/v1/organizers/${id}/invitations`;
  const ask = () =>
    t.request("POST", path, {
      body: { role: "viewer" },
      headers: { ...headers, "idempotency-key": "k" },
    });
  const first = await json<{ url: string | null }>(await ask(), 201);
  assert.match(first.url!, /^http:\/\/localhost\/invitations\/[\w-]{43}$/);
  const replay = await ask();
  assert.equal(replay.headers.get("idempotency-replayed"), "true");
  assert.deepEqual(await json<unknown>(replay, 201), { ...first, url: null });
  const { items } = await json<{ items: unknown[] }>(await t.request("GET", path, { headers }));
  const { url: _, ...listed } = first;
  assert.deepEqual(items, [listed]);
});

Deno.test("a token's request that is sent again makes one token, and tells no secret", async () => {
  await using t = await app();
  const cookie = await signIn(t, { method: "development", name: "Ann" });
  const headers = { cookie: `session=${cookie}`, "sec-fetch-site": "same-origin" };
  const body = { name: "Shop", scopes: ["events:read"], expires_at: IN_A_MONTH };
  const ask = () =>
    t.request("POST", "/v1/tokens", { body, headers: { ...headers, "idempotency-key": "k" } });
  const first = await json<{ token: string | null }>(await ask(), 201);
  assert.match(first.token!, /^curtain_[0-9a-f]{70}$/);
  const replay = await ask();
  assert.equal(replay.headers.get("idempotency-replayed"), "true");
  assert.deepEqual(await json<unknown>(replay, 201), { ...first, token: null });
  const { items } = await json<{ items: unknown[] }>(
    await t.request("GET", "/v1/tokens", { headers }),
  );
  assert.equal(items.length, 1);
});

Deno.test("changes of members that are sent again are answered as the first time, and done once", async () => {
  await using t = await app();
  const as = async (name: string) => {
    const cookie = `session=${await signIn(t, { method: "development", name })}`;
    const headers = { cookie, "sec-fetch-site": "same-origin" };
    const { id } = await json<{ id: string }>(await t.request("GET", "/v1/me", { headers }));
    return { id, headers };
  };
  const ann = await as("Ann");
  const bob = await as("Bob");
  const { id } = await json<{ id: string }>(
    await t.request("POST", "/v1/organizers", { body: { name: "House" }, headers: ann.headers }),
    201,
  );
  const members = `/v1/organizers/${id}/members`;
  let commits = 0;
  const { commit } = t.store;
  t.store.commit = (operation) => (commits++, commit.call(t.store, operation));
  const { url } = await json<{ url: string }>(
    await t.request("POST", `/v1/organizers/${id}/invitations`, {
      body: { role: "owner" },
      headers: ann.headers,
    }),
    201,
  );
  const invitation = url.slice(url.lastIndexOf("/") + 1);
  for (
    const [method, path, body, { headers }, status] of [
      ["POST", members, { user_id: bob.id, role: "viewer" }, ann, 201],
      ["PATCH", `${members}/${bob.id}`, { role: "editor" }, ann, 200],
      ["POST", members, { user_id: bob.id, role: "viewer" }, ann, 200],
      ["POST", members, { invitation }, bob, 201],
    ] as const
  ) {
    const key = { "idempotency-key": crypto.randomUUID() };
    const ask = () => t.request(method, path, { body, headers: { ...headers, ...key } });
    const before = commits;
    const told = await json<unknown>(await ask(), status);
    assert.equal(commits, before + 1, "the answer is kept in the commit of the change");
    const lines = (await everything(t.store)).filter(({ key }) => key[0] === "audit").length;
    const replay = await ask();
    assert.equal(replay.headers.get("idempotency-replayed"), "true", `${method} ${path}`);
    assert.deepEqual(await json<unknown>(replay, status), told);
    const after = (await everything(t.store)).filter(({ key }) => key[0] === "audit").length;
    assert.equal(after, lines);
  }
});

Deno.test("no secret is in the log, at whatever level, failures included", async () => {
  const lines: string[] = [];
  const log = createLogger({
    level: "debug",
    readable: false,
    timeZone: "UTC",
    write: (line) => lines.push(line),
  });
  await using t = await app({ log });
  const { cookies, token, invitations } = await giveSecrets(t);
  const all = [...cookies, token, ...invitations, ADMIN_TOKEN];
  const headers = (secret: string): Record<string, string>[] => [
    { authorization: `Bearer ${secret}` },
    { cookie: `session=${secret}`, "sec-fetch-site": "cross-site" },
  ];
  for (const secret of all) {
    for (const method of ["GET", "POST"]) {
      await t.request(method, `/invitations/${secret}`);
      await t.request(method, `/invitations/${secret}/`);
      await t.request(method, "/v1/organizers", { headers: headers(secret)[0]! });
      await t.request(method, "/v1/organizers", { headers: headers(secret)[1]! });
    }
  }
  // A bug is logged whole.
  t.store.get = () => Promise.reject(new Error("a bug"));
  for (const secret of all) {
    for (const by of headers(secret)) await t.request("GET", "/v1/me", { headers: by });
    await t.request("GET", `/invitations/${secret}`, {
      headers: { cookie: `session=${cookies[0]}` },
    });
  }
  assert.ok(lines.length > 50 && lines.some((line) => line.includes("a bug")));
  const text = lines.join("\n");
  for (const secret of all) assert.ok(!text.includes(secret), `the log says ${secret}`);
});
