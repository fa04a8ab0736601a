/** Redis may be down, wiped or lying: who watches ends with exactly what the journal holds. */
import assert from "node:assert/strict";
import { readPosition } from "../../kv/journal_places.ts";
import { create, soon } from "../support/http.ts";
import { ADMIN, scaled } from "../support/fixture.ts";
import { freshKv } from "../support/fresh_kv.ts";
import {
  assertSame,
  CHANNEL,
  journalIds,
  realtimeProcess,
  Watcher,
} from "../support/realtime_process.ts";
import { startRedisGateway } from "../support/redis_gateway.ts";
import { type RedisServer, redisTest, startRedisServer } from "../support/redis_server.ts";
import type { ServedApp } from "../support/served_app.ts";

/** Short, or each lost message would cost a test half a minute. */
const QUICK = { watchdogMs: [200, 400] as [number, number] };
const PER_PHASE = scaled(100, 15);

async function publish(t: ServedApp, count: number): Promise<void> {
  for (let i = 0; i < count; i++) await create(t, ADMIN, { title: `Event ${i}` });
}

const came = (watchers: Watcher[], count: number) =>
  soon(() => watchers.every(({ ids }) => ids.length >= count));

redisTest(
  "whatever becomes of Redis, everybody has the whole journal, in order, once",
  async () => {
    await using redis = await startRedisServer();
    await using gateway = await startRedisGateway(redis.url);
    using kv = await freshKv();
    await using writer = await realtimeProcess(kv, { gateway, realtime: QUICK });
    await using reader = await realtimeProcess(kv, { gateway, realtime: QUICK });
    await using near = new Watcher(writer.url);
    await using far = new Watcher(reader.url);
    await using filtered = new Watcher(reader.url, { query: "?status=CONFIRMED" });
    const watchers = [near, far, filtered];
    await soon(() => reader.realtime.size === 2 && writer.realtime.size === 1);
    await soon(() => gateway.openSubscriptions === 2);
    const phases: [name: string, before: () => unknown, during: () => unknown][] = [
      ["all is well", () => {}, () => {}],
      ["down", () => redis.kill(), () => {}],
      ["back", () => redis.start(), () => {}],
      ["flushed", () => {}, () => redis.flush()],
      ["restarted", () => {}, async () => {
        await redis.stop();
        await redis.start();
      }],
      ["subscriptions killed", () => {}, async () => {
        for (let i = 0; i < 5; i++) {
          await redis.killSubscribers();
          await new Promise((resolve) => setTimeout(resolve, 20));
        }
      }],
      ["streams cut", () => {}, async () => {
        for (const how of ["end", "half_line", "break"] as const) {
          gateway.cutSubscriptions(how);
          await new Promise((resolve) => setTimeout(resolve, 20));
        }
      }],
      ["half of the messages lost", () => gateway.switches.lostShare = 0.5, () => {}],
      ["silent", () => Object.assign(gateway.switches, { lostShare: 0, isSilent: true }), () => {}],
      [
        "HTML",
        () => Object.assign(gateway.switches, { isSilent: false, refuseCommands: "html" }),
        () => {},
      ],
      ["401", () => Object.assign(gateway.switches, { refuseCommands: 401 }), () => {}],
      ["half a line", () => {
        Object.assign(gateway.switches, { refuseCommands: null, refuseSubscriptions: "half_line" });
        gateway.cutSubscriptions();
      }, () => {}],
      [
        "answers lost",
        () => Object.assign(gateway.switches, { refuseSubscriptions: null, repliesToCut: 3 }),
        () => {},
      ],
    ];
    for (const [name, before, during] of phases) {
      await before();
      await Promise.all([publish(writer, PER_PHASE), during()]);
      const ids = await journalIds(writer.store);
      await came(watchers, ids.length).catch(() => {});
      for (const watcher of watchers) {
        assert.deepEqual(watcher.ids, ids, name);
      }
    }
    assertSame(watchers, await journalIds(writer.store));
  },
);

redisTest("what a lying Redis tells is not believed for long", async () => {
  await using redis = await startRedisServer();
  await using gateway = await startRedisGateway(redis.url);
  using kv = await freshKv();
  await using t = await realtimeProcess(kv, { gateway, realtime: QUICK });
  await using watcher = new Watcher(t.url);
  await soon(() => gateway.openSubscriptions === 1 && t.realtime.size === 1);
  await publish(t, 1);
  await came([watcher], 1);
  const position = await readPosition(t.store);
  const ahead = position.replace(/\.[0-9a-f]{20}-/, `.${"f".repeat(20)}-`);
  const [{ id: _, ...event }] = [await create(t, ADMIN)];
  const change = {
    id: ahead,
    type: "created",
    at: 0,
    version: 1,
    was: null,
    event: {
      id: "evt_01KBQW5E80QH7Z5T9Y3M2N4P6R",
      status: "CONFIRMED",
      visibility: "PUBLIC",
      organizerId: event.organizer_id,
      startDate: 0,
      endDate: null,
      tags: [],
      staffIds: [],
      location: {},
    },
  };
  for (
    const lie of [
      "<html>",
      "{}",
      "null",
      JSON.stringify({ prev: position, position: ahead, changes: [] }),
      JSON.stringify({ prev: ahead, position: ahead, changes: [change] }),
      JSON.stringify({ prev: position, position: ahead, changes: [change] }),
    ]
  ) {
    await redis.command("PUBLISH", CHANNEL, lie);
  }
  // Told beyond the journal's end, it finds out, says so, and goes on with what is true.
  await soon(() => watcher.resets === 1);
  const { id } = await create(t, ADMIN, { title: "True" });
  const last = (await journalIds(t.store)).at(-1)!;
  await soon(() => watcher.ids.at(-1) === last);
  assert.match(id, /^evt_/);
});

redisTest(
  "an id that another process gave, and this one has not met, is caught up from",
  async () => {
    await using redis = await startRedisServer();
    await using gateway = await startRedisGateway(redis.url);
    using kv = await freshKv();
    await using writer = await realtimeProcess(kv, { gateway });
    // Its Redis says nothing, and its watchdog sleeps: it knows of nothing.
    await using reader = await realtimeProcess(kv, { gateway });
    await using idle = new Watcher(reader.url);
    await soon(() => gateway.openSubscriptions === 1);
    gateway.switches.isSilent = true;
    await publish(writer, 3);
    const [, second, third] = await journalIds(writer.store);
    await using watcher = new Watcher(reader.url, { lastId: second! });
    await came([watcher], 1);
    assertSame([watcher], [third!]);
    assert.equal(idle.resets, 0);
  },
);

redisTest("two namespaces on one Redis never see each other's messages", async () => {
  await using redis = await startRedisServer();
  await using gateway = await startRedisGateway(redis.url);
  using kv = await freshKv();
  using previewKv = await freshKv();
  await using production = await realtimeProcess(kv, {
    gateway,
    channel: "curtain:main:rt:changes",
  });
  await using preview = await realtimeProcess(previewKv, {
    gateway,
    channel: "curtain:git-branch-0a1b2c3d:rt:changes",
  });
  // And even one that was given production's namespace by mistake.
  using strayKv = await freshKv();
  await using stray = await realtimeProcess(strayKv, {
    gateway,
    channel: "curtain:main:rt:changes",
  });
  const apps = [production, preview, stray];
  await using one = new Watcher(production.url);
  await using two = new Watcher(preview.url);
  await using three = new Watcher(stray.url);
  const watchers = [one, two, three];
  await soon(() => gateway.openSubscriptions === 3);
  for (let i = 0; i < 5; i++) for (const app of apps) await publish(app, 1);
  await came(watchers, 5);
  for (const [i, app] of apps.entries()) {
    assertSame([watchers[i]!], await journalIds(app.store));
  }
});

/** How often each command was called, by Redis' own count; looking does not count. */
async function commandCalls(redis: RedisServer): Promise<Record<string, number>> {
  const text = String(await redis.command("INFO", "commandstats"));
  const lines = text.matchAll(/^cmdstat_([^:]+):calls=(\d+)/gm);
  const ours = [...lines].filter(([, name]) => !/^(info|hello|client)/.test(name!));
  return Object.fromEntries(ours.map(([, name, calls]) => [name, Number(calls)]));
}

redisTest(
  "a commit is published once, and when nothing happens Redis is asked nothing",
  async () => {
    await using redis = await startRedisServer();
    await using gateway = await startRedisGateway(redis.url);
    using kv = await freshKv();
    await using t = await realtimeProcess(kv, { gateway });
    await using watcher = new Watcher(t.url);
    await soon(() => gateway.openSubscriptions === 1);
    for (let i = 0; i < 20; i++) {
      await publish(t, 1);
      await soon(() => gateway.counts.publishes === i + 1);
    }
    await came([watcher], 20);
    const busy = await commandCalls(redis);
    assert.deepEqual(busy, { publish: 20, subscribe: 1 });
    for (let i = 0; i < 5; i++) await t.runner.tick();
    assert.deepEqual(await commandCalls(redis), busy);
  },
);
