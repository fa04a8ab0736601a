/** Cut off at random and back again, all the time: nothing is missing, doubled or out of order. */
import assert from "node:assert/strict";
import { ADMIN, scaled } from "../support/fixture.ts";
import { freshKv } from "../support/fresh_kv.ts";
import { create, soon } from "../support/http.ts";
import { random } from "../support/random.ts";
import { assertSame, journalIds, realtimeProcess, Watcher } from "../support/realtime_process.ts";
import { startRedisGateway } from "../support/redis_gateway.ts";
import { redisTest, startRedisServer } from "../support/redis_server.ts";

const SEED = 20_261_124;
const CLIENTS = scaled(60, 12);
const RECONNECTS = scaled(1_500, 100);
const EVERY_MS = 10;

redisTest("clients that are cut off at random miss nothing, get nothing twice", async () => {
  await using redis = await startRedisServer();
  await using gateway = await startRedisGateway(redis.url, { seed: SEED });
  using kv = await freshKv();
  // What is held is little, so that many come back to what only the journal has.
  const realtime = { entriesKept: 20, watchdogMs: [300, 600] as [number, number] };
  const processes = await Promise.all([
    realtimeProcess(kv, { gateway, realtime }),
    realtimeProcess(kv, { gateway, realtime }),
  ]);
  await using stack = new AsyncDisposableStack();
  for (const process of processes) stack.use(process);
  const [writer] = processes;
  const watchers = Array.from(
    { length: CLIENTS },
    (_, i) => stack.use(new Watcher(processes[i % 2]!.url)),
  );
  await soon(() => processes.every(({ realtime }) => realtime.size === CLIENTS / 2));
  gateway.switches.lostShare = 0.1;
  const next = random(SEED);
  const reconnects = () => watchers.reduce((sum, { client }) => sum + client.connections - 1, 0);
  let isWriting = true;
  const writing = (async () => {
    let id: string | null = null;
    while (isWriting) {
      const pause = new Promise((resolve) => setTimeout(resolve, EVERY_MS));
      if (id === null || next() < 0.5) id = (await create(writer!, ADMIN)).id;
      else {
        const body = { summary: `${next()}` };
        const headers = { ...ADMIN, "if-match": "*" };
        const response = await writer!.request("PATCH", `/v1/events/${id}`, { body, headers });
        assert.equal(response.status, 200, await response.text());
      }
      await pause;
    }
  })();
  while (reconnects() < RECONNECTS) {
    await watchers[Math.floor(next() * CLIENTS)]!.client.cut();
    if (next() < 0.05) gateway.cutSubscriptions(next() < 0.5 ? "break" : "end");
    await new Promise((resolve) => setTimeout(resolve, next() * 15));
  }
  isWriting = false;
  await writing;
  const ids = await journalIds(writer!.store);
  await soon(() => watchers.every((watcher) => watcher.ids.length >= ids.length));
  assertSame(watchers, ids);
});
