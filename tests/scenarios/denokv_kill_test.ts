/** The KV Connect server killed again and again under writes and sweeps: nothing lost or doubled. */
import assert from "node:assert/strict";
import type { EventId } from "../../kv/event_record.ts";
import { openStore, type Store } from "../../kv/store.ts";
import { COMPLETE_EVENTS } from "../../lifecycle/jobs/complete_events.ts";
import { LEASE_MS } from "../../lifecycle/jobs/lease.ts";
import { type Denokv, denokvTest, startDenokv } from "../support/denokv.ts";
import {
  ADMIN,
  allChanges,
  allRecords,
  aRecord,
  assertIndexesRebuild,
  completionsByEvent,
  NOW,
  scaled,
  storeAll,
  type TestApp,
  testApp,
} from "../support/fixture.ts";
import { json, list, soon, TOMORROW } from "../support/http.ts";

/** At a time, each with events of its own. */
const WRITERS = 8;
/** Written by each, with four writes: at full scale more than 2,000 in all. */
const EVENTS_EACH = scaled(63, 16);
/** To be completed, a few by each sweep. */
const DUE = scaled(2_000, 300);
const DUE_BY_SWEEP = 8;
/** Short ones, as every outage lasts until they are over. */
const DEADLINES = { readDeadlineMs: 300, commitDeadlineMs: 500 };
/** Served between one outage and the next. */
const SERVED_BETWEEN = 100;

const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** What requests and sweeps met, on the way to being done. */
class Trouble {
  refused = { store_unavailable: 0, outcome_unknown: 0 };
  served = 0;
  /** How many sweeps ended as what. */
  sweeps = { failed: 0, succeeded: 0 };
}

/**
 * Kills and restarts the server until told to stop; answers how often it did. It stays away until a
 * request was refused and a sweep failed: both are told so, and neither waits until it is back.
 */
function outages(server: Denokv, trouble: Trouble): () => Promise<number> {
  let goesOn = true;
  const refusals = () => trouble.refused.store_unavailable + trouble.refused.outcome_unknown;
  const ended = (async () => {
    let kills = 0;
    while (goesOn) {
      const { served, sweeps: { succeeded } } = structuredClone(trouble);
      await soon(() =>
        !goesOn ||
        (trouble.served > served + SERVED_BETWEEN && trouble.sweeps.succeeded > succeeded)
      );
      await server.kill();
      kills++;
      const [refused, { failed }] = [refusals(), { ...trouble.sweeps }];
      await soon(() => !goesOn || (refusals() > refused && trouble.sweeps.failed > failed));
      await server.start();
    }
    return kills;
  })();
  return () => ((goesOn = false), ended);
}

/** Sends a request, and notes whether it was served. */
async function ask(
  t: TestApp,
  trouble: Trouble,
  [method, path, body]: [method: string, path: string, body?: unknown],
): Promise<{ status: number; answer: Record<string, string> }> {
  const response = await t.request(method, path, { body, headers: ADMIN });
  const { status, headers } = response;
  const answer = await response.json();
  if (status !== 503) {
    trouble.served++;
    return { status, answer };
  }
  assert.ok(answer.code in trouble.refused, answer.code);
  assert.match(headers.get("retry-after") ?? "none", /^\d+$/);
  trouble.refused[answer.code as keyof typeof trouble.refused]++;
  await wait(50);
  return { status, answer };
}

/**
 * Asks for a write until it is acknowledged. The refusal `done` is an acknowledgement too, but only
 * once an outcome was unknown: what was refused otherwise has changed nothing.
 */
async function write(
  t: TestApp,
  trouble: Trouble,
  { request, done }: { request: [string, string, unknown]; done?: string },
): Promise<Record<string, string>> {
  for (let mayBeDone = false;;) {
    const { status, answer } = await ask(t, trouble, request);
    if (status < 300 || (mayBeDone && answer.code === done)) return answer;
    assert.equal(status, 503, `${request.join(" ")}: ${JSON.stringify(answer)}`);
    mayBeDone ||= answer.code === "outcome_unknown";
  }
}

/** Creates, edits twice and cancels, event after event; answers which event got each title. */
async function writeEvents(t: TestApp, trouble: Trouble, name: string) {
  const titles = new Map<string, EventId>();
  for (let i = 0; i < EVENTS_EACH; i++) {
    const title = `${name}, event ${i}`;
    const body = { ...TOMORROW, title, external_id: title };
    const { id, event_id } = await write(t, trouble, {
      request: ["POST", "/v1/events", body],
      done: "external_id_taken",
    });
    const path = `/v1/events/${id ?? event_id}`;
    const edits = [`${title}, edit 1`, `${title}, edit 2`];
    for (const title of edits) await write(t, trouble, { request: ["PATCH", path, { title }] });
    await write(t, trouble, {
      request: ["POST", `${path}/transitions`, { to: "CANCELLED" }],
      done: "illegal_transition",
    });
    for (const written of [title, ...edits]) titles.set(written, (id ?? event_id) as EventId);
  }
  return titles;
}

/** Sweeps and lists until `isOver`. */
async function sweepAndList(t: TestApp, trouble: Trouble, isOver: () => boolean) {
  while (!isOver()) {
    // More is due, and the lease of a run that could not release it has expired.
    t.clock.now += LEASE_MS;
    const run = await t.runner.run(COMPLETE_EVENTS.name, { trigger: "cron" });
    if (run.status === "failed" || run.status === "succeeded") trouble.sweeps[run.status]++;
    const { status } = await ask(t, trouble, ["GET", "/v1/events"]);
    assert.ok(status === 200 || status === 503, `${status}`);
    await wait(20);
  }
}

async function assertWrittenOnce(store: Store, titles: Map<string, EventId>): Promise<void> {
  const versions = new Map<EventId, number>();
  const written = new Map<string, number>();
  for (const { event, version, type } of await allChanges(store)) {
    assert.equal(version, (versions.get(event.id) ?? 0) + 1, `${event.id} skips a version`);
    versions.set(event.id, version);
    if (type !== "transitioned") written.set(event.title, (written.get(event.title) ?? 0) + 1);
  }
  for (const title of titles.keys()) assert.equal(written.get(title), 1, `"${title}"`);
  const records = (await allRecords(store)).filter(({ externalId }) => externalId !== null);
  assert.equal(records.length, WRITERS * EVENTS_EACH, "an event for each external id");
  for (const { id, title, version, status } of records) {
    assert.deepEqual([version, status], [4, "CANCELLED"], `four writes of ${id}`);
    assert.equal(titles.get(title), id);
  }
}

denokvTest(
  "denokv killed again and again under writes and sweeps: nothing lost, nothing doubled",
  async () => {
    await using server = await startDenokv();
    const due = Array.from(
      { length: DUE },
      (_, i) => aRecord({ endDate: NOW + Math.ceil(i / DUE_BY_SWEEP) * LEASE_MS }),
    );
    const patient = await openStore(server.url);
    await storeAll(patient, due);
    patient.close();
    await using t = await testApp({ store: await openStore(server.url, DEADLINES) });

    const trouble = new Trouble();
    const stop = outages(server, trouble);
    let isWritten = false;
    const writers = Array.from(
      { length: WRITERS },
      (_, i) => writeEvents(t, trouble, `writer ${i}`),
    );
    const writing = Promise.all(writers).finally(() => isWritten = true);
    const [titles] = await Promise.all([
      writing,
      sweepAndList(t, trouble, () => isWritten),
    ]).finally(stop);
    const kills = await stop();
    assert.ok(kills > 1 && trouble.refused.store_unavailable > 0, "the outages were felt");
    const { failed, succeeded } = trouble.sweeps;
    assert.ok(failed > 0 && succeeded > 0, "by the sweeps too");

    // It has recovered by itself: what is asked for next is done.
    await json(await t.request("POST", "/v1/events", { body: TOMORROW, headers: ADMIN }), 201);
    t.clock.now = Math.max(t.clock.now, due.at(-1)!.endDate!) + LEASE_MS;
    const { status } = await t.runner.run(COMPLETE_EVENTS.name, { trigger: "cron" });
    assert.equal(status, "succeeded");
    assert.equal((await list(t)).items.length, 1);

    await assertWrittenOnce(t.store, new Map(titles.flatMap((each) => [...each])));
    const completions = await completionsByEvent(t.store);
    assert.deepEqual([...completions.keys()].sort(), due.map(({ id }) => id).sort());
    assert.ok([...completions.values()].every((count) => count === 1), "each completed once");
    await assertIndexesRebuild(t.store);
  },
);
