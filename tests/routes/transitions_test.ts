/** `/v1/events/{id}/transitions`. */
import assert from "node:assert/strict";
import {
  ADMIN,
  assertIndexesRebuild,
  MINUTE,
  NOW,
  storeEvent,
  type TestApp,
  testApp,
} from "../support/fixture.ts";
import { as, assertWritesNothing, byName, create, json, places, problem } from "../support/http.ts";

interface TransitionJson {
  name: string;
  from: string | null;
  to: string;
  at: string;
  by: string;
  reason: string | null;
  version: number;
}

function send(t: TestApp, id: string, body: unknown, headers: Record<string, string> = ADMIN) {
  return t.request("POST", `/v1/events/${id}/transitions`, { body, headers });
}

async function history(t: TestApp, id: string): Promise<TransitionJson[]> {
  const response = await t.request("GET", `/v1/events/${id}/transitions`);
  return (await json<{ items: TransitionJson[] }>(response)).items;
}

async function statusOf(t: TestApp, id: string): Promise<string> {
  return (await json(await t.request("GET", `/v1/events/${id}`, { headers: ADMIN }))).status;
}

Deno.test("a transition answers 201 and what was made of the event, by whom and why", async () => {
  await using t = await testApp({ authenticate: byName });
  const { id } = await create(t, as("alice"), { status: "DRAFT" });
  t.clock.now = NOW + 1;
  const body = { to: "CONFIRMED", reason: "All set.\nDoors at seven." };
  const made = await json<TransitionJson>(await send(t, id, body, as("alice")), 201);
  assert.deepEqual(made, {
    name: "publish",
    from: "DRAFT",
    to: "CONFIRMED",
    at: "2026-12-05T18:00:00.001Z",
    by: "usr_alice",
    reason: body.reason,
    version: 2,
  });
  const [newest, first] = await history(t, id);
  assert.deepEqual(newest, made);
  assert.deepEqual([first!.from, first!.to, first!.reason], [null, "DRAFT", null]);
});

Deno.test("an illegal transition is a 409 with the current status and the allowed ones", async () => {
  await using t = await testApp();
  const draft = await create(t, ADMIN, { status: "DRAFT" });
  const { record: over } = await storeEvent(t.store, { endDate: NOW });
  const { record: archived } = await storeEvent(t.store, {
    status: "ARCHIVED",
    archivedFrom: "CANCELLED",
  });
  await assertWritesNothing(t, async () => {
    for (
      const [id, to, status, allowed] of [
        [draft.id, "ONGOING", "DRAFT", ["CONFIRMED", "CANCELLED"]],
        [draft.id, "DRAFT", "DRAFT", ["CONFIRMED", "CANCELLED"]],
        [over.id, "CANCELLED", "COMPLETED", ["CONFIRMED", "ARCHIVED"]],
        [over.id, "CONFIRMED", "COMPLETED", ["CONFIRMED", "ARCHIVED"]],
        [archived.id, "COMPLETED", "ARCHIVED", ["CANCELLED"]],
      ] as const
    ) {
      const answer = await problem(await send(t, id, { to }), 409, "illegal_transition");
      assert.deepEqual([answer.current_status, answer.allowed], [status, allowed]);
    }
  });
});

Deno.test("reopening takes an end in the future, and the history misses nothing", async () => {
  await using t = await testApp();
  const { record: { id } } = await storeEvent(t.store, { endDate: NOW });
  const past = { to: "CONFIRMED", end_date: "2026-12-05T18:00:00Z" };
  await problem(await send(t, id, past), 409, "illegal_transition");
  const body = { to: "CONFIRMED", end_date: "2026-12-05T20:00:00Z", reason: "An encore" };
  const made = await json<TransitionJson>(await send(t, id, body), 201);
  assert.deepEqual([made.name, made.from, made.version], ["reopen", "COMPLETED", 3]);
  const event = await json(await t.request("GET", `/v1/events/${id}`));
  assert.deepEqual(
    [event.status, event.end_date, event.completed_at],
    ["ONGOING", "2026-12-05T20:00:00+00:00", null],
  );
  const [start, reopen, complete] = await history(t, id);
  assert.deepEqual(
    [start!.name, start!.by, start!.version],
    ["start", "clock", 4],
    "what the clock did counts before it is recorded",
  );
  assert.deepEqual([reopen!.by, reopen!.reason], ["usr_root", "An encore"]);
  assert.deepEqual([complete!.name, complete!.by], ["complete", "clock"]);
  await assertIndexesRebuild(t.store);
});

Deno.test("a completion by the job reads as the clock's, and an early one as its maker's", async () => {
  await using t = await testApp();
  const { record: late } = await storeEvent(t.store, { endDate: NOW - MINUTE });
  const { record: early } = await storeEvent(t.store);
  await t.runner.run("complete_events", { trigger: "cron" });
  await json(await send(t, early.id, { to: "COMPLETED" }), 201);
  assert.equal((await history(t, late.id))[0]!.by, "clock");
  assert.equal((await history(t, early.id))[0]!.by, "usr_root");
  const event = await json(await t.request("GET", `/v1/events/${early.id}`));
  assert.deepEqual(
    [event.completed_at, event.ends_at],
    ["2026-12-05T18:00:00Z", "2026-12-05T19:00:00Z"],
    "the dates stay as they were",
  );
});

Deno.test("cancelling can be undone; archiving is the admin's, and so is undoing it", async () => {
  await using t = await testApp({ authenticate: byName });
  const { id } = await create(t, as("alice"));
  const mine = as("alice");
  await json(await send(t, id, { to: "CANCELLED", reason: "Rain" }, mine), 201);
  await json(await send(t, id, { to: "CONFIRMED" }, mine), 201);
  await json(await send(t, id, { to: "CANCELLED" }, mine), 201);
  const refused = await send(t, id, { to: "ARCHIVED" }, mine);
  assert.deepEqual((await problem(refused, 409, "illegal_transition")).allowed, ["CONFIRMED"]);
  await json(await send(t, id, { to: "ARCHIVED" }, as("root")), 201);
  await json(await send(t, id, { to: "CANCELLED" }, as("root")), 201);
  assert.equal((await history(t, id))[0]!.name, "unarchive");
});

Deno.test("of many transitions at once one is made, and the others are told what is now", async () => {
  await using t = await testApp();
  const { id } = await create(t, ADMIN);
  const answers = await Promise.all(
    Array.from({ length: 8 }, () => send(t, id, { to: "CANCELLED" })),
  );
  const statuses = answers.map((answer) => answer.status).sort();
  assert.deepEqual(statuses, [201, ...Array(7).fill(409)]);
  assert.equal(await statusOf(t, id), "CANCELLED");
  assert.equal((await history(t, id)).length, 2);
});

Deno.test("a transition that cannot be read names the field", async () => {
  await using t = await testApp();
  const { id } = await create(t, ADMIN);
  await assertWritesNothing(t, async () => {
    for (
      const [body, place] of [
        [{}, "/to invalid_value"],
        [{ to: "OVER" }, "/to invalid_value"],
        [{ to: "CANCELLED", reason: "x".repeat(501) }, "/reason too_big"],
        [{ to: "CANCELLED", end_date: "2027-01-01T00:00:00Z" }, "/end_date not_applicable"],
        [{ to: "CANCELLED", status: "CANCELLED" }, "/status not_writable"],
        [{ to: "CONFIRMED", end_date: "soon" }, "/end_date invalid_date"],
      ] as const
    ) {
      const answer = await problem(await send(t, id, body), 422, "invalid_body");
      assert.deepEqual(places(answer), [place]);
    }
    const nobody = "evt_00000000000000000000000000";
    await problem(await send(t, nobody, { to: "CANCELLED" }), 404, "not_found");
  });
});

Deno.test("the transitions read the same before and after a job has recorded them", async () => {
  await using t = await testApp();
  const { record } = await storeEvent(t.store);
  t.clock.now = record.endDate! + 7 * MINUTE;
  const before = await history(t, record.id);
  assert.deepEqual([before[0]!.name, before[0]!.at], ["complete", "2026-12-05T19:00:00Z"]);
  await t.runner.run("complete_events", { trigger: "cron" });
  assert.deepEqual(await history(t, record.id), before);
});

Deno.test("transitions stay in sight behind hundreds of edits", async () => {
  await using t = await testApp();
  const { id } = await create(t, ADMIN);
  for (let i = 0; i < 520; i++) {
    await t.request("PATCH", `/v1/events/${id}`, { body: { title: `No. ${i}` }, headers: ADMIN });
  }
  assert.deepEqual((await history(t, id)).map((item) => item.name), ["create"]);
});
