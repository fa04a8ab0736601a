/** Streams and sockets of people whose right to watch ends: so does what they watch. */
import assert from "node:assert/strict";
import { changeMember, readOrganizer } from "../../kv/organizers.ts";
import { getUser } from "../../kv/users.ts";
import { ROOT } from "../../lifecycle/policy.ts";
import { changeUser, type UserChange } from "../../lifecycle/users.ts";
import { aLine } from "../kv/people_records.ts";
import { DAY, NOW, SECOND, storeEvents } from "../support/fixture.ts";
import { json, problem, soon, TOMORROW } from "../support/http.ts";
import { sendRaw, statusesOf } from "../support/raw_http.ts";
import {
  type Caller,
  CALLERS,
  type Credentials,
  type RightsWorld,
  rightsWorld,
} from "../support/rights_world.ts";
import { SseFrames } from "../support/sse.ts";

const TOKEN = { name: "Mine", scopes: ["events:read"], expires_at: "2026-12-07T18:00:00Z" };
const TOKEN_FORM = { action: "make_token", name: "Mine", scope: "events:read", days: "7" };

const changed = (world: RightsWorld, { userId }: Credentials, change: UserChange) =>
  changeUser(world.store, userId, change, { principal: ROOT, now: NOW, hasRoot: true });

const LOSSES: [
  what: string,
  caller: Caller,
  lose: (
    world: RightsWorld,
    by: Credentials,
  ) => unknown,
][] = [
  ["signs out elsewhere", "member", async (world, { headers }) => {
    const response = await world.request("DELETE", "/v1/me/sessions", { headers });
    assert.equal(response.status, 204);
  }],
  ["comes to the end of the session", "member", ({ clock }) => clock.now += 30 * DAY],
  ["has not been here for seven days", "member", ({ clock }) => clock.now += 7 * DAY],
  ["is suspended", "editor", (world, by) => changed(world, by, { isSuspended: true })],
  ["no longer administers", "admin", (world, by) => changed(world, by, { role: "member" })],
  ["is no colleague any more", "viewer", async ({ store, house }, { userId }) => {
    const read = (await readOrganizer(store, house))!;
    assert.ok(await changeMember(store, read, { userId, role: null, line: aLine(0) }));
  }],
];

const NO_EDITOR: typeof LOSSES[number] = [
  "edits for it no more",
  "editor",
  async ({ store, house }, { userId }) => {
    const read = (await readOrganizer(store, house))!;
    assert.ok(await changeMember(store, read, { userId, role: "viewer", line: aLine(0) }));
  },
];

for (const [what, caller, lose] of LOSSES) {
  Deno.test(`the stream of who ${what} ends at a heartbeat, and others' go on`, async () => {
    await using world = await rightsWorld({ heartbeatMs: 1 });
    const by = await world.as(caller, null);
    await using stranger = await watch(world, {});
    await using frames = await watch(world, by.headers);
    for (let i = 0; i < 3; i++) assert.equal((await frames.next()).done, false);
    await lose(world, by);
    let heartbeats = 0;
    for await (const { data } of frames) {
      assert.equal(data, null);
      assert.ok(heartbeats++ < 50, "it goes on");
    }
    await soon(() => world.realtime.size === 1);
    for (let i = 0; i < 3; i++) assert.equal((await stranger.next()).done, false);
  });
}

Deno.test("the stream of a program ends when its token is revoked, or has expired", async () => {
  await using world = await rightsWorld({ heartbeatMs: 1 });
  const { headers } = await world.as("owner", null);
  for (const end of ["revoked", "expired"] as const) {
    const body = { name: end, scopes: ["events:read"], expires_at: "2026-12-07T18:00:00Z" };
    const { id, token } = await json<{ id: string; token: string }>(
      await world.request("POST", "/v1/tokens", { body, headers }),
      201,
    );
    await using frames = await watch(world, { authorization: `Bearer ${token}` });
    for (let i = 0; i < 3; i++) assert.equal((await frames.next()).done, false);
    if (end === "expired") world.clock.now = Date.parse(body.expires_at);
    else {
      const response = await world.request("DELETE", `/v1/tokens/${id}`, { headers });
      assert.equal(response.status, 204);
    }
    let heartbeats = 0;
    for await (const _ of frames) assert.ok(heartbeats++ < 50, "it goes on");
  }
  await soon(() => world.realtime.size === 0);
});

for (const [what, caller, lose] of LOSSES.slice(0, 5)) {
  Deno.test(`an import of who ${what} stores no more lines`, async () => {
    await using world = await rightsWorld();
    const by = await world.as(caller, null);
    // The first sixteen are stored once the one after them is read.
    const before = lines("before", 17);
    let pieces = 0;
    const body = new ReadableStream({
      async pull(controller) {
        if (pieces++ === 0) return controller.enqueue(before);
        if (pieces > 2) return controller.close();
        for (let turns = 0; (await titles(world)).length < 16; turns++) {
          assert.ok(turns < 5_000, "they are not stored");
        }
        await lose(world, by);
        world.clock.now += SECOND;
        controller.enqueue(lines("after", 17));
      },
    });
    const response = await world.app.request("/v1/imports", {
      method: "POST",
      headers: { ...by.headers, "content-type": "application/x-ndjson" },
      body,
    });
    const isDemoted = what === "no longer administers";
    await (isDemoted
      ? problem(response, 403, "forbidden")
      : problem(response, 401, "unauthenticated"));
    assert.deepEqual(new Set(await titles(world)), new Set(["before"]));
  });
}

for (const [what, caller, lose] of [...LOSSES.slice(0, 5), NO_EDITOR]) {
  Deno.test(`an export of who ${what} goes no further`, async () => {
    await using world = await rightsWorld();
    // A member of the site only has nothing to export.
    const by = await world.as(caller === "member" ? "owner" : caller, null);
    // More than a body that nobody reads holds back.
    await storeEvents(world.store, 200, {
      organizerId: world.house,
      description: "x".repeat(4_000),
    });
    const path = caller === "admin" ? "/v1/exports" : `/v1/exports?organizer=${world.house}`;
    const response = await world.request("GET", path, { headers: by.headers });
    assert.equal(response.status, 200);
    const reader = response.body!.getReader();
    assert.equal((await reader.read()).done, false);
    await lose(world, by);
    world.clock.now += SECOND;
    let chunks = 0;
    await assert.rejects(async () => {
      while (!(await reader.read()).done) chunks++;
    });
    // What was made ready before is on its way.
    assert.ok(chunks <= 2, `${chunks} chunks more`);
  });
}

Deno.test("an export of a program goes no further when its token is revoked", async () => {
  await using world = await rightsWorld();
  const { headers } = await world.as("owner", null);
  await storeEvents(world.store, 200, { organizerId: world.house, description: "x".repeat(4_000) });
  const { id, token } = await json<{ id: string; token: string }>(
    await world.request("POST", "/v1/tokens", { body: TOKEN, headers }),
    201,
  );
  const response = await world.request("GET", `/v1/exports?organizer=${world.house}`, {
    headers: { authorization: `Bearer ${token}` },
  });
  const reader = response.body!.getReader();
  assert.equal((await reader.read()).done, false);
  assert.equal((await world.request("DELETE", `/v1/tokens/${id}`, { headers })).status, 204);
  world.clock.now += SECOND;
  await assert.rejects(async () => {
    while (!(await reader.read()).done);
  });
});

for (const [what, caller, lose] of LOSSES.slice(0, 5)) {
  Deno.test(`what is sent slowly by who ${what} meanwhile is refused`, async () => {
    for (
      const [method, path, type, text] of [
        ["POST", "/v1/events", "application/json", JSON.stringify(TOMORROW)],
        ["PATCH", "/v1/users/", "application/merge-patch+json", '{"role":"admin"}'],
        ["POST", "/v1/tokens", "application/json", JSON.stringify(TOKEN)],
        [
          "POST",
          "/me",
          "application/x-www-form-urlencoded",
          String(new URLSearchParams(TOKEN_FORM)),
        ],
        ["POST", "/me/users", "application/x-www-form-urlencoded", "action=role&role=admin&user="],
      ] as const
    ) {
      const isAdmins = path.includes("users");
      if (isAdmins !== (caller === "admin")) continue;
      await using world = await rightsWorld();
      const { headers } = await world.as(caller, null);
      const by = { ...await world.as(caller, null), headers };
      const body = new ReadableStream({
        async pull(controller) {
          await lose(world, by);
          world.clock.now += SECOND;
          controller.enqueue(
            new TextEncoder().encode(path === "/me/users" ? text + world.dora : text),
          );
          controller.close();
        },
      }, { highWaterMark: 0 });
      const response = await world.app.request(path === "/v1/users/" ? path + world.dora : path, {
        method,
        headers: { ...headers, "content-type": type },
        body,
      });
      await response.body?.cancel();
      assert.equal(response.status, isAdmins ? 403 : 401, path);
      assert.equal((await getUser(world.store, world.dora))!.role, "member");
    }
  });
}

const lines = (title: string, count: number) =>
  new TextEncoder().encode(`${JSON.stringify({ ...TOMORROW, title })}\n`.repeat(count));

/** Of all events that were imported. */
async function titles({ store }: RightsWorld): Promise<string[]> {
  const all: string[] = [];
  for await (const { value } of store.kv.list<{ title: string }>({ prefix: ["event"] })) {
    if (/^(before|after)$/.test(value.title)) all.push(value.title);
  }
  return all;
}

Deno.test("sockets are opened to everybody but those whose token is none, or not made for it", async () => {
  await using world = await rightsWorld();
  const server = Deno.serve(
    { port: 0, hostname: "127.0.0.1", onListen: () => {} },
    world.app.fetch,
  );
  try {
    const url = `http://127.0.0.1:${server.addr.port}`;
    const statuses: string[] = [];
    for (const caller of CALLERS) {
      const { headers } = await world.as(caller, "events:read");
      statuses.push(`${caller} ${await upgrade(url, headers)}`);
    }
    assert.deepEqual(statuses, [
      "nobody 101",
      "expired 101",
      "wrong-scope token 403",
      "powerless token 101",
      "revoked token 401",
      "guest 101",
      "suspended 101",
      "member 101",
      "viewer 101",
      "editor 101",
      "owner 101",
      "staff 101",
      "admin 101",
    ]);
  } finally {
    await world.realtime.stop();
    await server.shutdown();
  }
});

async function watch(
  world: RightsWorld,
  headers: Record<string, string>,
): Promise<SseFrames> {
  const response = await world.request("GET", "/v1/events/stream", { headers });
  if (response.status !== 200) assert.fail(await response.text());
  return new SseFrames(response);
}

async function upgrade(url: string, headers: Record<string, string>): Promise<string> {
  const lines = Object.entries({
    host: new URL(url).host,
    upgrade: "websocket",
    connection: "upgrade",
    "sec-websocket-version": "13",
    "sec-websocket-key": "AAAAAAAAAAAAAAAAAAAAAA==",
    ...headers,
  }).map(([name, value]) => `${name}: ${value}\r\n`).join("");
  const answer = await sendRaw({ url }, [`GET /v1/events/socket HTTP/1.1\r\n${lines}\r\n`], {
    until: /\r\n\r\n/,
  });
  return statusesOf(answer)[0]!;
}
