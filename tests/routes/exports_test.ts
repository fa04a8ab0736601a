/** `GET /v1/exports`. */
import assert from "node:assert/strict";
import { addMember, organizerId } from "../lifecycle/lifecycle_fixture.ts";
import { ADMIN, scaled, storeEvent, testApp } from "../support/fixture.ts";
import type { TestApp } from "../support/fixture.ts";
import { generatedLines } from "../support/generated_events.ts";
import {
  as,
  assertWritesNothing,
  byName,
  create,
  json,
  places,
  problem,
  soon,
} from "../support/http.ts";

async function load(t: TestApp, lines: string): Promise<void> {
  const headers = { ...ADMIN, "content-type": "application/x-ndjson" };
  const response = await t.request("POST", "/v1/imports", { body: lines, headers });
  assert.equal((await json<{ failed: number }>(response)).failed, 0);
}

const ask = (t: TestApp, query = "", headers: Record<string, string> = ADMIN) =>
  t.request("GET", `/v1/exports${query}`, { headers });

/** How many reads of ranges the store was asked for. */
function countLists(t: TestApp): { lists: number } {
  const counted = { lists: 0 };
  const { list } = t.store;
  t.store.list = function (...args: Parameters<typeof list>) {
    counted.lists++;
    return list.apply(t.store, args);
  } as typeof list;
  return counted;
}

/** Waits until the store is asked nothing more. */
async function restOf(counted: { lists: number }): Promise<void> {
  let seen = -1;
  let turns = 0;
  await soon(() => {
    turns = counted.lists === seen ? turns + 1 : 0;
    seen = counted.lists;
    return turns > 20;
  });
}

Deno.test("an export streams lines, with where the journal stood and how many events", async () => {
  await using t = await testApp();
  const { id } = await create(t, ADMIN);
  const { position } = await json<{ position: string }>(await t.request("GET", "/v1/events"));
  await assertWritesNothing(t, async () => {
    const response = await ask(t);
    assert.equal(response.status, 200);
    assert.equal(response.headers.get("content-type"), "application/x-ndjson");
    assert.equal(response.headers.get("journal-position"), position);
    assert.equal(response.headers.get("export-events"), "1");
    assert.equal(
      response.headers.get("content-disposition"),
      'attachment; filename="curtain.ndjson"',
    );
    const text = await response.text();
    assert.ok(text.endsWith("}\n"));
    const [organizer, event, ...rest] = text.trimEnd().split("\n").map((line) => JSON.parse(line));
    assert.deepEqual([organizer.type, event.type, event.id, rest], ["organizer", "event", id, []]);
    const after = await ask(t, `?since=${position}`);
    assert.deepEqual([after.headers.get("export-events"), await after.text()], [null, ""]);
  });
});

Deno.test("an export of an empty store is empty", async () => {
  await using t = await testApp();
  const response = await ask(t);
  assert.deepEqual([response.status, await response.text()], [200, ""]);
  const position = response.headers.get("journal-position");
  assert.equal(await (await ask(t, `?since=${position}`)).text(), "");
});

Deno.test("exports say what is wrong with the request", async () => {
  await using t = await testApp();
  await create(t, ADMIN);
  const whole = await ask(t);
  // What is left unread would go on reading while the app closes.
  await whole.body!.cancel();
  const position = whole.headers.get("journal-position")!;
  for (const since of ["x", "0", `${position}x`, encodeURIComponent("\u0000"), "%F0%9F%8E%AD"]) {
    const body = await problem(await ask(t, `?since=${since}`), 400, "invalid_query");
    assert.deepEqual(places(body), ["since invalid_query"]);
  }
  const elsewhere = `00000000${position.slice(position.indexOf("."))}`;
  const ahead = `${position.slice(0, position.indexOf(".") + 1)}${"f".repeat(20)}-0`;
  for (const since of [elsewhere, ahead]) {
    const body = await problem(await ask(t, `?since=${since}`), 410, "position_gone");
    assert.equal(body.errors![0]!.parameter, "since");
  }
  for (
    const query of [
      "?since=",
      "?organizer=x",
      "?dry_run=true",
      `?since=${position}&since=${position}`,
    ]
  ) {
    await problem(await ask(t, query), 400, "invalid_query");
  }
  await problem(await ask(t, `?organizer=${organizerId(9)}`), 404, "not_found");
});

Deno.test("exports are for administrators, an organizer's for its owners and editors", async () => {
  await using t = await testApp({ authenticate: byName });
  const id = organizerId(1);
  for (const role of ["owner", "editor", "viewer"] as const) {
    await addMember(t.store, id, { userId: `usr_${role}`, role });
  }
  await storeEvent(t.store, { organizerId: id });
  await problem(await ask(t, "", {}), 401, "unauthenticated");
  await problem(await ask(t, "", as("owner")), 403, "forbidden");
  const all = await ask(t, "", as("root"));
  assert.notEqual(await all.text(), "");
  const ours = `?organizer=${id}`;
  await problem(await ask(t, ours, {}), 401, "unauthenticated");
  for (const name of ["viewer", "nobody"]) {
    await problem(await ask(t, ours, as(name)), 403, "forbidden");
    await problem(await ask(t, `${ours}&since=x`, as(name)), 403, "forbidden");
  }
  for (const name of ["owner", "editor", "root"]) {
    const text = await (await ask(t, ours, as(name))).text();
    assert.equal(text.trimEnd().split("\n").length, 2, name);
  }
  await problem(await ask(t, `?organizer=${organizerId(9)}`, as("owner")), 404, "not_found");
});

Deno.test("the body is read only as fast as it is taken, and no further when it is not wanted", async () => {
  await using t = await testApp();
  await load(t, [...generatedLines(scaled(2_000, 600))].join(""));
  const counted = countLists(t);
  const response = await ask(t);
  const reader = response.body!.getReader();
  const { value } = await reader.read();
  assert.ok(value!.length >= 60 * 1024);
  // Whatever it reads ahead, it comes to rest.
  await restOf(counted);
  const atRest = counted.lists;
  await reader.read();
  await soon(() => counted.lists > atRest);
  await reader.cancel();
  const atCancel = counted.lists;
  for (let i = 0; i < 50; i++) await new Promise((resolve) => setTimeout(resolve));
  assert.ok(counted.lists <= atCancel + 1, "what was under way at most");
});

Deno.test("a client that hangs up in the middle of an export leaves a server that serves", async () => {
  await using t = await testApp();
  await load(t, [...generatedLines(600)].join(""));
  const counted = countLists(t);
  await using server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, t.app.fetch);
  const url = `http://127.0.0.1:${server.addr.port}`;
  for (let i = 0; i < 5; i++) {
    const response = await fetch(`${url}/v1/exports`, { headers: ADMIN });
    await response.body!.cancel();
  }
  const head = await fetch(`${url}/v1/exports`, { method: "HEAD", headers: ADMIN });
  assert.deepEqual([head.status, await head.text()], [200, ""]);
  assert.deepEqual(await json<unknown>(await fetch(`${url}/readyz`)), { status: "ready" });
  await restOf(counted);
});

Deno.test("a store that fails in the middle breaks the body off: no short export that looks whole", async () => {
  await using t = await testApp();
  await load(t, [...generatedLines(600)].join(""));
  const { list } = t.store;
  let lists = 0;
  t.store.list = function (...args: Parameters<typeof list>) {
    if (++lists > 15) throw new Error("the disk is gone");
    return list.apply(t.store, args);
  } as typeof list;
  const response = await ask(t);
  assert.equal(response.status, 200);
  await assert.rejects(response.text());

  lists = 0;
  await using server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, t.app.fetch);
  const url = `http://127.0.0.1:${server.addr.port}/v1/exports`;
  const over = await fetch(url, { headers: ADMIN });
  assert.equal(over.status, 200);
  await assert.rejects(over.text());
});
