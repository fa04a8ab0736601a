/** `/v1/organizers/{id}/moves`: asking for it, watching it, and who may. */
import assert from "node:assert/strict";
import type { OrganizerId } from "../../kv/event_record.ts";
import { createMove } from "../../kv/organizer_moves.ts";
import { MOVE_EVENTS } from "../../lifecycle/jobs/move_events.ts";
import {
  aRecord,
  assertIndexesRebuild,
  MINUTE,
  NOW,
  storeEvent,
  type TestApp,
  testApp,
} from "../support/fixture.ts";
import { as, assertWritesNothing, byName, create, json, places, problem } from "../support/http.ts";

type Json = Record<string, unknown>;
const NOBODY = `org_${"0".repeat(26)}`;
const ROOT_HEADERS = as("root");

async function makeOrganizer(t: TestApp, name: string): Promise<OrganizerId> {
  const response = await t.request("POST", "/v1/organizers", {
    body: { name },
    headers: ROOT_HEADERS,
  });
  return (await json<{ id: OrganizerId }>(response, 201)).id;
}

function post(t: TestApp, from: string, body: unknown, headers: Record<string, string>) {
  return t.request("POST", `/v1/organizers/${from}/moves`, { body, headers });
}

async function movesOf(t: TestApp, id: string): Promise<Json[]> {
  const response = await t.request("GET", `/v1/organizers/${id}/moves`, { headers: ROOT_HEADERS });
  return (await json<{ items: Json[] }>(response)).items;
}

/** As if asked for by a process that was killed then. */
async function leaveMove(t: TestApp, from: OrganizerId, to: OrganizerId): Promise<void> {
  assert.ok(
    await createMove(t.store, from, { format: 1, to, by: "usr_ann", at: NOW, reason: null }),
  );
}

Deno.test("POST …/moves moves all of an organizer's events, in a run that can be watched", async () => {
  await using t = await testApp({ authenticate: byName });
  const event = await create(t, as("alice"), { external_id: "one" });
  await create(t, as("alice"), { status: "DRAFT", visibility: "PRIVATE" });
  const from = event.organizer_id;
  const to = await makeOrganizer(t, "The Hall");
  assert.deepEqual(await movesOf(t, from), []);
  const response = await post(t, from, { to, reason: "Merged" }, ROOT_HEADERS);
  const location = response.headers.get("location")!;
  const asked = { from, to, by: "usr_root", at: "2026-12-05T18:00:00Z", reason: "Merged" };
  assert.deepEqual(await json<Json>(response, 202), asked);
  await t.runner.idle();
  const run = await json<Json>(await t.request("GET", location, { headers: ROOT_HEADERS }));
  assert.deepEqual([run.job, run.trigger, run.status, run.changed, run.failed], [
    "move_events",
    "manual",
    "succeeded",
    2,
    0,
  ]);
  assert.deepEqual(await movesOf(t, from), []);
  const moved = await json(await t.request("GET", `/v1/events/${event.id}`));
  assert.deepEqual([moved.organizer_id, moved.version], [to, 2]);
  const { items: [entry] } = await json<{ items: Json[] }>(
    await t.request("GET", `/v1/events/${event.id}/history`, { headers: ROOT_HEADERS }),
  );
  assert.deepEqual([entry!.by, entry!.reason], ["usr_root", "Merged"]);
  assert.deepEqual(entry!.fields, [{ field: "organizer_id", before: from, after: to }]);
  await assertIndexesRebuild(t.store);
});

Deno.test("a move is for administrators", async () => {
  await using t = await testApp({ authenticate: byName });
  const { organizer_id: from } = await create(t, as("alice"));
  const to = await makeOrganizer(t, "The Hall");
  await assertWritesNothing(t, async () => {
    await problem(await post(t, from, { to }, {}), 401, "unauthenticated");
    await problem(await post(t, from, { to }, as("alice")), 403, "forbidden");
  });
  const path = `/v1/organizers/${from}/moves`;
  await problem(await t.request("GET", path), 401, "unauthenticated");
  await problem(await t.request("GET", path, { headers: as("alice") }), 403, "forbidden");
  assert.deepEqual(await movesOf(t, from), []);
});

Deno.test("a move that names what is not there is refused, and nothing is stored", async () => {
  await using t = await testApp({ authenticate: byName });
  const from = await makeOrganizer(t, "The Club");
  const to = await makeOrganizer(t, "The Hall");
  const refused = async (body: unknown) =>
    places(await problem(await post(t, from, body, ROOT_HEADERS), 422, "invalid_body"));
  assert.deepEqual(await refused({ to: NOBODY }), ["/to not_found"]);
  assert.deepEqual(await refused({ to: from }), ["/to same_organizer"]);
  assert.deepEqual(await refused({ to: "hall" }), ["/to invalid_format"]);
  assert.deepEqual(await refused({}), ["/to required"]);
  assert.deepEqual(await refused({ to, reason: "x".repeat(501) }), ["/reason too_big"]);
  assert.deepEqual(await refused({ to, reason: " " }), ["/reason too_small"]);
  assert.deepEqual(await refused({ to, by: "usr_ann" }), ["/by unknown_field"]);
  await problem(await post(t, NOBODY, { to }, ROOT_HEADERS), 404, "not_found");
  await problem(await post(t, "org_nobody", { to }, ROOT_HEADERS), 404, "not_found");
  const nowhere = await t.request("GET", `/v1/organizers/${NOBODY}/moves`, {
    headers: ROOT_HEADERS,
  });
  await problem(nowhere, 404, "not_found");
  assert.deepEqual(await movesOf(t, from), []);
});

Deno.test("a move under way is told as it was asked for, and asked for again it goes on", async () => {
  await using t = await testApp({ authenticate: byName });
  const from = await makeOrganizer(t, "The Club");
  const to = await makeOrganizer(t, "The Hall");
  const { record } = await storeEvent(t.store, { organizerId: from });
  await leaveMove(t, from, to);
  const first = { from, to, by: "usr_ann", at: "2026-12-05T18:00:00Z", reason: null };
  assert.deepEqual(await movesOf(t, from), [first]);
  t.clock.now += MINUTE;
  const again = await post(t, from, { to, reason: "Again" }, ROOT_HEADERS);
  assert.deepEqual(await json<Json>(again, 202), first);
  await t.runner.idle();
  assert.deepEqual(await movesOf(t, from), []);
  const moved = await json(await t.request("GET", `/v1/events/${record.id}`));
  assert.equal(moved.organizer_id, to);
});

Deno.test("a move is refused while one of its organizers is being moved elsewhere", async () => {
  await using t = await testApp({ authenticate: byName });
  const [club, hall, arena] = [
    await makeOrganizer(t, "The Club"),
    await makeOrganizer(t, "The Hall"),
    await makeOrganizer(t, "The Arena"),
  ];
  await leaveMove(t, club, hall);
  const under = { from: club, to: hall };
  for (const [from, to] of [[club, arena], [arena, club], [hall, club]] as const) {
    const refused = await problem(await post(t, from, { to }, ROOT_HEADERS), 409, "move_under_way");
    assert.deepEqual([refused.from, refused.to], [under.from, under.to]);
  }
  assert.deepEqual((await movesOf(t, club)).map((move) => move.to), [hall]);
  assert.deepEqual(await movesOf(t, arena), []);
});

Deno.test("of moves to ten organizers asked for at once one is begun", async () => {
  await using t = await testApp({ authenticate: byName, jobs: [idleJob()] });
  const from = await makeOrganizer(t, "The Club");
  const targets: string[] = [];
  for (let i = 0; i < 10; i++) targets.push(await makeOrganizer(t, `Hall ${i}`));
  const answers = await Promise.all(targets.map((to) => post(t, from, { to }, ROOT_HEADERS)));
  assert.deepEqual(answers.map((answer) => answer.status).sort(), [202, ...Array(9).fill(409)]);
  const winner = targets[answers.findIndex((answer) => answer.status === 202)];
  assert.deepEqual((await movesOf(t, from)).map((move) => move.to), [winner]);
});

Deno.test("of moves around a circle asked for at once one is not begun", async () => {
  await using t = await testApp({ authenticate: byName, jobs: [idleJob()] });
  const circle: string[] = [];
  for (let i = 0; i < 4; i++) circle.push(await makeOrganizer(t, `Hall ${i}`));
  const answers = await Promise.all(
    circle.map((from, i) => post(t, from, { to: circle[(i + 1) % 4] }, ROOT_HEADERS)),
  );
  assert.ok(answers.some((answer) => answer.status === 409));
});

/** Moves that nobody carries out. */
function idleJob() {
  const nothing = { examined: 0, changed: 0, conflicts: 0, failed: 0, lateByMs: null };
  const report = { ...nothing, moreLeft: false, failures: [], planned: [] };
  return { ...MOVE_EVENTS, run: () => Promise.resolve(report) };
}

Deno.test("the tick goes on with a move whose process was killed", async () => {
  await using t = await testApp({ authenticate: byName });
  const from = await makeOrganizer(t, "The Club");
  const to = await makeOrganizer(t, "The Hall");
  const { record } = await storeEvent(t.store, { organizerId: from });
  await leaveMove(t, from, to);
  await t.runner.tick();
  const moved = await json(await t.request("GET", `/v1/events/${record.id}`));
  assert.equal(moved.organizer_id, to);
  assert.deepEqual(await movesOf(t, from), []);
  t.clock.now += MINUTE;
  await t.runner.tick();
  const runs = await t.request("GET", "/v1/jobs/move_events/runs", { headers: ROOT_HEADERS });
  const { items } = await json<{ items: Json[] }>(runs);
  assert.deepEqual(items.map((run) => run.changed), [1], "a run without a request leaves no row");
});

Deno.test("a run that set an event aside is partial and names it", async () => {
  await using t = await testApp({ authenticate: byName });
  const from = await makeOrganizer(t, "The Club");
  const to = await makeOrganizer(t, "The Hall");
  const { record } = await storeEvent(t.store, { organizerId: from, externalId: "one" });
  await storeEvent(t.store, { ...aRecord(), organizerId: to, externalId: "one" });
  await json(await post(t, from, { to }, ROOT_HEADERS), 202);
  await t.runner.idle();
  const runs = await t.request("GET", "/v1/jobs/move_events/runs", { headers: ROOT_HEADERS });
  const { items: [run] } = await json<
    { items: (Json & { failures: { event_id: string; error: string }[] })[] }
  >(runs);
  assert.deepEqual([run!.status, run!.failed, run!.more_left], ["partial", 1, false]);
  assert.equal(run!.failures[0]!.event_id, record.id);
  assert.match(run!.failures[0]!.error, /^external_id_taken: /);
  assert.deepEqual(await movesOf(t, from), []);
});

Deno.test("a dry run of move_events tells from which organizer to which each event would go", async () => {
  await using t = await testApp({ authenticate: byName });
  const from = await makeOrganizer(t, "The Club");
  const to = await makeOrganizer(t, "The Hall");
  const { record } = await storeEvent(t.store, { organizerId: from });
  await leaveMove(t, from, to);
  await assertWritesNothing(t, async () => {
    const path = "/v1/jobs/move_events/runs?dry_run=true";
    const run = await json<Json>(await t.request("POST", path, { headers: ROOT_HEADERS }));
    assert.deepEqual(run.would_change, [{ id: record.id, from, to }]);
  });
  assert.equal((await movesOf(t, from)).length, 1);
});
