/** Realtime put together: what wakes what, what runs while somebody watches, and how it ends. */
import assert from "node:assert/strict";
import { getEvent } from "../../../kv/events.ts";
import { readPosition } from "../../../kv/journal_places.ts";
import type { Store } from "../../../kv/store.ts";
import { JobRunner } from "../../../lifecycle/jobs/runner.ts";
import { SILENT } from "../../../lifecycle/log.ts";
import { GUEST, type Principal } from "../../../lifecycle/policy.ts";
import { Realtime, type RealtimeOptions } from "../../../lifecycle/realtime/realtime.ts";
import { testStore } from "../../kv/test_store.ts";
import { DAY, HOUR, NOW, storeEvent, storeEvents } from "../../support/fixture.ts";
import { addMember, aMember, organizerId } from "../lifecycle_fixture.ts";
import { soon } from "../../support/http.ts";
import { aLog, HandUpstream, nextIds } from "./realtime_fixture.ts";

const NEVER_SWEPT = () => Promise.resolve({ status: "skipped_paused" as const });

function aRealtime(store: Store, options: Partial<RealtimeOptions> = {}): Realtime {
  return new Realtime(store, {
    clock: () => NOW,
    openEndedMs: DAY,
    log: SILENT,
    sweep: NEVER_SWEPT,
    ...options,
  });
}

async function follow(
  realtime: Realtime,
  { lastId, principal = GUEST, drop = () => {} }: {
    lastId?: string;
    principal?: Principal;
    drop?: () => void;
  } = {},
) {
  const follower = await realtime.follow({ query: {} }, {
    lastId,
    principal: () => Promise.resolve(principal),
    drop,
  });
  assert.ok(follower !== null);
  return follower;
}

/** A channel that keeps what is published. */
function aChannel(fail: () => boolean = () => false) {
  const published: string[] = [];
  return {
    published,
    name: "curtain:test:rt:changes",
    publish: (message: string) => {
      if (fail()) return Promise.reject(new Error("Redis is down"));
      published.push(message);
      return Promise.resolve();
    },
  };
}

const changesIn = (messages: string[]) =>
  messages.flatMap((message) => JSON.parse(message).changes as { id: string }[]).map(({ id }) =>
    id
  );

Deno.test("a commit of this process is told to those who watch, and published", async () => {
  using store = await testStore();
  const channel = aChannel();
  const realtime = aRealtime(store, { channel });
  await realtime.prepare();
  const follower = await follow(realtime);
  await storeEvent(store);
  const ids = await nextIds(follower, 1);
  assert.deepEqual(ids, [await readPosition(store)]);
  await soon(() => channel.published.length > 0);
  assert.deepEqual(changesIn(channel.published), ids);
  await realtime.stop();
});

Deno.test("what a process committed and did not live to publish is published by the next one", async () => {
  using store = await testStore();
  const down = aChannel(() => true);
  const first = aRealtime(store, { channel: down });
  await first.prepare();
  await storeEvents(store, 3);
  await first.stop();
  const channel = aChannel();
  const second = aRealtime(store, { channel });
  await second.prepare();
  await soon(() => changesIn(channel.published).length === 3);
  await second.stop();
});

Deno.test("the job publishes what is left over, and says how much; a failure of Redis is its own", async () => {
  using store = await testStore();
  let isDown = true;
  const channel = aChannel(() => isDown);
  const realtime = aRealtime(store, { channel });
  assert.deepEqual(aRealtime(store).jobs(), [], "without a channel there is none");
  const [job] = realtime.jobs();
  const runner = new JobRunner(store, { clock: () => NOW, log: SILENT, jobs: [job!] });
  await realtime.prepare();
  await storeEvents(store, 2);
  const failed = await runner.run(job!.name, { trigger: "cron" });
  assert.equal(failed.status, "failed");
  const dry = await runner.run(job!.name, { trigger: "manual", dryRun: true });
  assert.deepEqual([dry.status, channel.published.length], ["succeeded", 0]);
  isDown = false;
  const run = await runner.run(job!.name, { trigger: "cron" });
  assert.equal(run.status, "succeeded");
  assert.equal(changesIn(channel.published).length >= 2, true);
  await realtime.stop();
});

Deno.test("while somebody watches, what is due is recorded; when nobody does, not", async () => {
  using store = await testStore();
  const clock = { now: NOW };
  const runner = new JobRunner(store, { clock: () => clock.now, log: SILENT });
  const realtime = aRealtime(store, {
    clock: () => clock.now,
    sweep: (job) => runner.run(job, { trigger: "traffic" }),
  });
  const due = { startDate: NOW - HOUR, endDate: NOW, status: "ONGOING" as const };
  const { record: { id } } = await storeEvent(store, due);
  const statusNow = async () => (await getEvent(store, id))!.record.status;
  assert.equal(await statusNow(), "ONGOING");
  const follower = await follow(realtime);
  await soon(async () => await statusNow() === "COMPLETED");
  assert.equal((await nextIds(follower, 1)).length, 1);
  follower.close();
  await follower.ended;
  const later = await storeEvent(store, due);
  for (let i = 0; i < 20; i++) await new Promise((resolve) => setTimeout(resolve));
  assert.equal((await getEvent(store, later.record.id))!.record.status, "ONGOING");
  await realtime.stop();
  await runner.stop();
});

Deno.test("who does not read is dropped, whoever waits for changes is not", async () => {
  using store = await testStore();
  const { log, lines } = aLog();
  const realtime = aRealtime(store, { stallMs: 12, log });
  let dropped = 0;
  const reader = await follow(realtime, { drop: () => assert.fail("it reads") });
  const reading = reader.next();
  const stalled = await follow(realtime, { drop: () => dropped++ });
  await stalled.ended;
  assert.deepEqual([dropped, realtime.size], [1, 1]);
  assert.equal(lines.length, 1);
  await storeEvent(store);
  assert.equal((await reading)!.type, "messages");
  await realtime.stop();
});

Deno.test("rights that are gained count from the next heartbeat on, rights that are lost end it", async () => {
  using store = await testStore();
  const realtime = aRealtime(store, { heartbeatMs: 1 });
  const mine = { organizerId: organizerId(1), visibility: "PRIVATE" as const };
  const follower = await follow(realtime, { principal: aMember("usr_alice") });
  await storeEvent(store, mine);
  const start = follower.position;
  while ((await follower.next())!.position === start);
  await addMember(store, organizerId(1), { userId: "usr_alice", role: "viewer" });
  // Two, because the first may have been asked for before.
  for (let i = 0; i < 2; i++) assert.equal((await follower.next())!.type, "heartbeat");
  await storeEvent(store, mine);
  assert.equal((await nextIds(follower, 1)).length, 1);
  await store.kv.delete(["organizer_by_member", "usr_alice", organizerId(1)]);
  let heartbeats = 0;
  while (await follower.next() !== null) assert.ok(heartbeats++ < 50, "it goes on");
  await follower.ended;
  assert.equal(realtime.size, 0);
  await realtime.stop();
});

Deno.test("stop() ends every stream, closes the upstream, and nothing is committed after it unseen", async () => {
  using store = await testStore();
  const upstream = new HandUpstream();
  const channel = aChannel();
  const realtime = aRealtime(store, { upstream, channel });
  await realtime.prepare();
  const followers = [await follow(realtime), await follow(realtime)];
  const ends = followers.map((follower) => follower.next());
  await realtime.stop();
  assert.deepEqual(await Promise.all(ends), [null, null]);
  assert.deepEqual([upstream.opened, upstream.closed, realtime.size], [1, 1, 0]);
  await storeEvent(store);
  for (let i = 0; i < 20; i++) await new Promise((resolve) => setTimeout(resolve));
  assert.deepEqual(channel.published, [], "the next process does that");
  const late = await realtime.follow({ query: {} }, {
    lastId: undefined,
    principal: () => Promise.resolve(GUEST),
    drop: () => {},
  });
  assert.equal(late, null);
});
