/** Many who watch one process: what they cost it, and what becomes of those who do not read. */
import assert from "node:assert/strict";
import { ADMIN, HOUR, MINUTE, NOW, scaled, storeEvents } from "../support/fixture.ts";
import { freshKv } from "../support/fresh_kv.ts";
import { create, soon } from "../support/http.ts";
import {
  assertSame,
  CHANNEL,
  journalIds,
  realtimeProcess,
  Watcher,
} from "../support/realtime_process.ts";
import { startRedisGateway } from "../support/redis_gateway.ts";
import { redisTest, startRedisServer } from "../support/redis_server.ts";
import { COMPLETE_EVENTS } from "../../lifecycle/jobs/complete_events.ts";

const CLIENTS = scaled(2_000, 100);
const DUE = scaled(10_000, 600);
const HEALTHY = scaled(100, 10);
const STALLED = scaled(20, 5);

redisTest(
  "however many watch, there is one upstream subscription, and none after the last",
  async () => {
    await using redis = await startRedisServer();
    await using gateway = await startRedisGateway(redis.url);
    using kv = await freshKv();
    await using t = await realtimeProcess(kv, { gateway });
    {
      await using crowd = new AsyncDisposableStack();
      const watchers = Array.from({ length: CLIENTS }, () => crowd.use(new Watcher(t.url)));
      await soon(() => t.realtime.size === CLIENTS);
      await soon(() => gateway.openSubscriptions === 1);
      assert.equal(await redis.subscribers(CHANNEL), 1);
      for (let i = 0; i < 3; i++) await create(t, ADMIN);
      await soon(() => watchers.every(({ ids }) => ids.length === 3));
      assertSame(watchers, await journalIds(t.store));
      assert.equal(gateway.counts.subscribed, 1);
    }
    await soon(() => t.realtime.size === 0 && t.realtime.hub.size === 0);
    await soon(() => gateway.openSubscriptions === 0);
    while (await redis.subscribers(CHANNEL) > 0) {
      await new Promise((resolve) => setTimeout(resolve));
    }
  },
);

/** A client that asks, and then never reads. */
async function stalled(url: string): Promise<Deno.TcpConn> {
  const { hostname, port, host } = new URL(url);
  const connection = await Deno.connect({ hostname, port: Number(port) });
  const request = `GET /v1/events/stream?status=COMPLETED HTTP/1.1\r\nhost: ${host}\r\n\r\n`;
  await connection.write(new TextEncoder().encode(request));
  return connection;
}

redisTest("a great sweep reaches all who read, and who does not read harms nobody", async () => {
  await using redis = await startRedisServer();
  await using gateway = await startRedisGateway(redis.url);
  using kv = await freshKv();
  await using t = await realtimeProcess(kv, { gateway, realtime: { stallMs: 2_000 } });
  await storeEvents(t.store, DUE, {
    startDate: NOW + HOUR,
    endDate: NOW + 2 * HOUR,
    // More in all than the machine's sockets hold for who does not read.
    summary: "An evening in black tie, with an orchestra. ".repeat(scaled(2, 200)),
  });
  await using crowd = new AsyncDisposableStack();
  const sockets = await Promise.all(Array.from({ length: STALLED }, () => stalled(t.url)));
  for (const socket of sockets) crowd.defer(() => socket.close());
  const query = "?status=COMPLETED";
  const watchers = Array.from({ length: HEALTHY }, () => crowd.use(new Watcher(t.url, { query })));
  await soon(() => t.realtime.size === HEALTHY + STALLED);
  const before = (await journalIds(t.store)).length;
  t.clock.now = NOW + 2 * HOUR + MINUTE;
  const run = await t.runner.run(COMPLETE_EVENTS.name, { trigger: "manual" });
  assert.deepEqual([run.status, run.changed], ["succeeded", DUE]);
  await soon(() => watchers.every(({ ids }) => ids.length >= DUE));
  assertSame(watchers, (await journalIds(t.store)).slice(before));
  // Nothing is kept for who does not read, and after a while they are let go.
  await soon(() => t.realtime.size === HEALTHY);
  await create(t, ADMIN, { status: "CONFIRMED" });
  assert.equal(t.realtime.size, HEALTHY);
});
