/** `/healthz` for alarms, `/readyz` for load balancers. */
import assert from "node:assert/strict";
import { isDeepStrictEqual } from "node:util";
import { DomainError } from "../../kv/errors.ts";
import { adoptIndexes } from "../../kv/index_state.ts";
import { COMPLETE_EVENTS } from "../../lifecycle/jobs/complete_events.ts";
import { testStore } from "../kv/test_store.ts";
import { ADMIN, HOUR, MINUTE, NOW, storeEvent, testApp } from "../support/fixture.ts";
import { json, list, problem, soon } from "../support/http.ts";
import { NEXT_GENERATION } from "../support/versions.ts";

interface Health {
  status: string;
  reasons: string[];
  jobs: Record<string, unknown>;
}

/** A completion job that fails for as long as it is told to. */
function failingJob() {
  const job = {
    ...COMPLETE_EVENTS,
    broken: true,
    run: (...args: Parameters<typeof COMPLETE_EVENTS.run>) =>
      job.broken ? Promise.reject(new Error("broken")) : COMPLETE_EVENTS.run(...args),
  };
  return job;
}

Deno.test("GET /healthz says what runs here", async () => {
  await using t = await testApp();
  await t.runner.run("complete_events", { trigger: "cron" });
  assert.deepEqual(await json<unknown>(await t.request("GET", "/healthz")), {
    status: "ok",
    reasons: [],
    version: "0.0.0-test",
    deno: Deno.version.deno,
    deployment: null,
    jobs: {
      complete_events: { last_success_at: "2026-12-05T18:00:00Z", consecutive_failures: 0 },
      start_events: { last_success_at: null, consecutive_failures: 0 },
      move_events: { last_success_at: null, consecutive_failures: 0 },
      withhold_events: { last_success_at: null, consecutive_failures: 0 },
      erase_users: { last_success_at: null, consecutive_failures: 0 },
      reindex_events: { last_success_at: null, consecutive_failures: 0 },
    },
  });
});

Deno.test("GET /healthz says which indexes are being rebuilt, and lists that need them wait", async () => {
  using store = await testStore();
  await storeEvent(store);
  using next = await testStore({ kv: store.kv, schema: NEXT_GENERATION });
  await adoptIndexes(next);
  await using t = await testApp({ store: next });
  const { status, reasons } = await json<Health>(await t.request("GET", "/healthz"));
  assert.deepEqual([status, reasons], ["ok", [
    "being rebuilt: live_events_by_tag, events_by_city",
  ]]);
  const refused = await t.request("GET", "/v1/events?tag=music");
  assert.equal(refused.headers.get("retry-after"), "30");
  await problem(refused, 503, "index_incomplete");
  assert.equal((await list(t)).items.length, 1, "others are answered");
  await t.runner.run("reindex_events", { trigger: "cron" });
  assert.deepEqual((await json<Health>(await t.request("GET", "/healthz"))).reasons, []);
});

Deno.test("GET /healthz is 503 with the reason once completion is silent for two intervals", async () => {
  const job = failingJob();
  await using t = await testApp({ jobs: [job] });
  const health = async (status: number) =>
    await json<Health>(await t.request("GET", "/healthz"), status);
  t.clock.now = NOW + 10 * MINUTE;
  await health(200);
  t.clock.now += 1;
  const silent = await health(503);
  assert.equal(silent.status, "failing");
  assert.match(silent.reasons.join(), /complete_events has not succeeded for 600 s.*every 300 s/);
  // Traffic, which looks once a minute, tries to help, in vain.
  t.clock.now += MINUTE;
  const tried = { complete_events: { last_success_at: null, consecutive_failures: 1 } };
  await soon(async () => isDeepStrictEqual((await health(503)).jobs, tried));
  job.broken = false;
  await t.runner.run("complete_events", { trigger: "cron" });
  assert.equal((await health(200)).status, "ok");
});

Deno.test("when completion is silent, traffic sets off a sweep", async () => {
  await using t = await testApp();
  t.clock.now = NOW + HOUR;
  await t.request("GET", "/nowhere");
  await soon(async () => await t.runner.silence() === null);
  const { jobs } = await json<Health>(await t.request("GET", "/healthz"));
  const last_success_at = "2026-12-05T19:00:00Z";
  assert.deepEqual(jobs.complete_events, { last_success_at, consecutive_failures: 0 });
});

Deno.test("GET /healthz is 200 with the reason while completion is paused, until the pause ends", async () => {
  const job = failingJob();
  await using t = await testApp({ jobs: [job] });
  const body = { paused: { reason: "Moving house", until: "2026-12-05T20:00:00Z" } };
  await t.request("PATCH", "/v1/jobs/complete_events", { body, headers: ADMIN });
  t.clock.now = NOW + 2 * HOUR - 1;
  const paused = await json<Health>(await t.request("GET", "/healthz"));
  assert.deepEqual([paused.status, paused.reasons], ["ok", [
    "complete_events is paused until 2026-12-05T20:00:00Z: Moving house",
  ]]);
  t.clock.now += 1;
  assert.equal((await t.request("GET", "/healthz")).status, 503);
});

Deno.test("a store that does not answer is an alarm, and no place to send requests", async () => {
  await using t = await testApp();
  assert.deepEqual(await json<unknown>(await t.request("GET", "/readyz")), { status: "ready" });
  t.store.get = () => Promise.reject(new DomainError("store_unavailable"));
  const health = await json<Health>(await t.request("GET", "/healthz"), 503);
  assert.deepEqual([health.status, health.reasons], ["failing", ["the store does not answer"]]);
  const ready = await t.request("GET", "/readyz");
  assert.deepEqual(await json<unknown>(ready, 503), { status: "not_ready" });
});
