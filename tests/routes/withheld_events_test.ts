/** What everybody is shown of a suspended user's events, over HTTP. */
import assert from "node:assert/strict";
import { createUser } from "../../kv/users.ts";
import { listWithholdings } from "../../kv/withholdings.ts";
import { WITHHOLD_EVENTS } from "../../lifecycle/jobs/withhold_events.ts";
import type { ChangeMessage } from "../../lifecycle/realtime/message.ts";
import { aUser } from "../kv/people_records.ts";
import { reinstate, suspend } from "../lifecycle/suspensions.ts";
import { MINUTE, type TestApp, testApp } from "../support/fixture.ts";
import { as, byName, create, json, list } from "../support/http.ts";
import { SseFrames } from "../support/sse.ts";

async function watch(t: TestApp, query: string, headers: Record<string, string> = {}) {
  const response = await t.request("GET", `/v1/events/stream${query}`, { headers });
  assert.equal(response.status, 200);
  return new SseFrames(response);
}

async function told(frames: SseFrames): Promise<string> {
  const { type, data }: ChangeMessage = JSON.parse((await frames.message()).data!);
  return [type, data?.visibility].join(" ").trim();
}

async function text(t: TestApp, path: string, headers: Record<string, string> = {}) {
  const response = await t.request("GET", path, { headers });
  assert.equal(response.status, 200);
  return await response.text();
}

async function carryOut({ runner }: TestApp) {
  const { status, changed } = await runner.run(WITHHOLD_EVENTS.name, { trigger: "manual" });
  assert.equal(status, "succeeded");
  return changed;
}

Deno.test("a suspended user's events are in no list, page or stream, but where they were by address", async () => {
  await using t = await testApp({ authenticate: byName });
  const { id, organizer_id } = await create(t, as("ann"), { external_id: "gala", tags: ["music"] });
  const organizer = `/organizers/${organizer_id}`;
  const lists = [
    "",
    "?tag=music",
    `?organizer=${organizer_id}`,
    "?sort=end_date",
    "?external_id=gala",
  ];
  const before = await Promise.all(lists.map(async (query) => (await list(t, query)).items));
  assert.deepEqual(before.map((items) => items.length), [1, 1, 1, 1, 1]);
  const pages = ["/", organizer];
  for (const path of pages) assert.match(await text(t, path), /Winter Gala/);
  const { position } = await list(t);
  await using guest = await watch(t, "?tag=music");
  await using named = await watch(t, `?event=${id}`);
  await using owner = await watch(t, "", as("ann"));

  await suspend(t.store, "usr_ann");
  assert.equal(await carryOut(t), 1);
  for (const query of lists) assert.deepEqual((await list(t, query)).items, [], query);
  assert.deepEqual((await list(t, "", as("root"))).items, []);
  for (const path of pages) assert.doesNotMatch(await text(t, path), /Winter Gala/);
  const shown = await json(await t.request("GET", `/v1/events/${id}`));
  assert.deepEqual([shown.visibility, shown.status, shown.version], ["PUBLIC", "CONFIRMED", 2]);
  const page = await text(t, `/events/${id}`);
  assert.match(page, /Winter Gala/);
  assert.match(page, /no list shows this event/);
  assert.match(page, /noindex/);
  const mine = await t.request("GET", "/v1/me/events", { headers: as("ann") });
  assert.equal((await json<{ items: { id: string }[] }>(mine)).items[0]!.id, id);
  assert.equal(await told(guest), "event.left");
  assert.equal(await told(named), "event.updated PUBLIC");
  assert.equal(await told(owner), "event.updated PUBLIC");

  await reinstate(t.store, "usr_ann");
  assert.equal(await carryOut(t), 1);
  assert.equal(await told(guest), "event.updated PUBLIC");
  const after = await Promise.all(lists.map(async (query) => (await list(t, query)).items));
  const unversioned = (items: typeof before) =>
    items.flat().map(({ version: _, updated_at: __, ...rest }) => rest);
  assert.deepEqual(unversioned(after), unversioned(before));
  for (const path of pages) assert.match(await text(t, path), /Winter Gala/);
  assert.doesNotMatch(await text(t, `/events/${id}`), /noindex|no list shows/);

  const changes = await t.request("GET", `/v1/changes?after=${position}`);
  const { items } = await json<{ items: ChangeMessage[] }>(changes);
  assert.deepEqual(items.map(({ type }) => type), ["event.left", "event.updated"]);
});

Deno.test("PATCH /v1/users withholds and releases at once, and says nothing of the organizer", async () => {
  await using t = await testApp({ authenticate: byName });
  assert.ok(await createUser(t.store, aUser("usr_ann"), () => {}));
  const { id, organizer_id } = await create(t, as("ann"));
  for (const suspended of [true, false, true]) {
    const body = { suspended };
    const patch = await t.request("PATCH", "/v1/users/usr_ann", { body, headers: as("root") });
    assert.equal((await json<{ suspended: boolean }>(patch)).suspended, suspended);
    await t.runner.idle();
    assert.equal((await list(t)).items.length, suspended ? 0 : 1);
  }
  const organizer = await t.request("GET", `/v1/organizers/${organizer_id}`);
  assert.equal((await json<{ name: string }>(organizer)).name, "ann");
  const history = await t.request("GET", `/v1/events/${id}/history`, { headers: as("root") });
  const { items } = await json<{ items: { by: string }[] }>(history);
  assert.deepEqual(items.map(({ by }) => by), ["usr_root", "usr_root", "usr_root", "usr_ann"]);
});

Deno.test("owners who come and go are looked at, editors are not", async () => {
  await using t = await testApp({ authenticate: byName });
  for (const name of ["ann", "bob", "cid"] as const) {
    assert.ok(await createUser(t.store, aUser(`usr_${name}`), () => {}));
  }
  const { organizer_id } = await create(t, as("ann"));
  const people = `/v1/organizers/${organizer_id}/members`;
  const headers = as("root");
  const member = (name: string, role: string) =>
    t.request("POST", people, { body: { user_id: `usr_${name}`, role }, headers });
  await suspend(t.store, "usr_ann");
  await carryOut(t);
  const steps: [act: () => Response | Promise<Response>, isAsked: boolean, shown: number][] = [
    [() => member("bob", "editor"), false, 0],
    [() => member("bob", "owner"), true, 1],
    [() => member("cid", "owner"), true, 1],
    [() => member("bob", "editor"), true, 1],
    [() => member("bob", "owner"), true, 1],
    [() => t.request("DELETE", `${people}/usr_bob`, { headers }), true, 1],
  ];
  for (const [i, [act, isAsked, shown]] of steps.entries()) {
    const response = await act();
    assert.ok(response.status < 300, `${i}: ${await response.clone().text()}`);
    await response.body?.cancel();
    assert.equal((await listWithholdings(t.store)).length, isAsked ? 1 : 0, `${i}`);
    await carryOut(t);
    assert.equal((await list(t)).items.length, shown, `${i}`);
  }
});

Deno.test("the history says that an event was withheld and by whom, and its answers nothing of it", async () => {
  await using t = await testApp({ authenticate: byName });
  const { id } = await create(t, as("ann"));
  await suspend(t.store, "usr_ann");
  await carryOut(t);
  const history = await t.request("GET", `/v1/events/${id}/history`, { headers: as("root") });
  const { items } = await json<{ items: Record<string, unknown>[] }>(history);
  const entry = items.find(({ version }) => version === 2)!;
  assert.equal(entry.by, "usr_admin");
  assert.deepEqual(entry.fields, [{ field: "withheld", before: "false", after: "true" }]);
  for (const path of [`/v1/events/${id}`, "/v1/me/events"]) {
    assert.doesNotMatch(await text(t, path, as("ann")), /withheld/i);
  }
});

Deno.test("a second owner keeps an organizer's events listed", async () => {
  await using t = await testApp({ authenticate: byName });
  const { id, organizer_id } = await create(t, as("ann"));
  const owner = { user_id: "usr_ann", role: "owner" };
  const members = [owner, { user_id: "usr_bob", role: "owner" }];
  const line = { type: "organizer", id: organizer_id, name: "ann", members };
  await t.request("POST", "/v1/imports", {
    body: JSON.stringify(line) + "\n",
    headers: { ...as("root"), "content-type": "application/x-ndjson" },
  });
  await suspend(t.store, "usr_ann");
  assert.equal(await carryOut(t), 0);
  assert.deepEqual((await list(t)).items.map((item) => item.id), [id]);
});

Deno.test("the tick takes up what nobody began, and leaves no run where nothing waits", async () => {
  await using t = await testApp({ authenticate: byName });
  const { id, organizer_id } = await create(t, as("ann"));
  // As it is stored by a process that was killed before it could begin.
  await suspend(t.store, "usr_ann");
  for (let i = 0; i < 3; i++) {
    await t.runner.tick();
    t.clock.now += MINUTE;
  }
  assert.deepEqual((await list(t, `?organizer=${organizer_id}`)).items, []);
  assert.equal((await json(await t.request("GET", `/v1/events/${id}`))).version, 2);
  const path = `/v1/jobs/${WITHHOLD_EVENTS.name}/runs`;
  const runs = await t.request("GET", path, { headers: as("root") });
  const { items } = await json<{ items: { changed: number }[] }>(runs);
  assert.deepEqual(items.map(({ changed }) => changed), [1]);
});
