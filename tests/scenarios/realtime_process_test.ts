/** Realtime of the program as a process: killed, stopped, and beside another one. */
import assert from "node:assert/strict";
import { ADMIN, ADMIN_TOKEN, SECOND } from "../support/fixture.ts";
import { denokvTest, findDenokv, NO_DENOKV, startDenokv } from "../support/denokv.ts";
import { json, LATER, soon } from "../support/http.ts";
import { startRedisGateway } from "../support/redis_gateway.ts";
import { findRedisServer, redisTest, startRedisServer } from "../support/redis_server.ts";
import { type Server, startServer } from "../support/server.ts";
import { SseFrames } from "../support/sse.ts";
import { withFolder } from "../support/temp_folder.ts";

interface Created {
  id: string;
}

async function publish({ url }: Server, event: Record<string, unknown> = LATER): Promise<Created> {
  const headers = { ...ADMIN, "content-type": "application/json" };
  const body = JSON.stringify(event);
  return await json(await fetch(`${url}/v1/events`, { method: "POST", headers, body }), 201);
}

async function watch({ url }: Server, query = ""): Promise<SseFrames> {
  const response = await fetch(`${url}/v1/events/stream${query}`);
  assert.equal(response.status, 200);
  const frames = new SseFrames(response);
  // From the first id on nothing is missed.
  await frames.next();
  return frames;
}

const subjectOf = ({ data }: { data: string | null }): string => JSON.parse(data!).subject;

redisTest("a process killed between commit and publish: the next one publishes it", async () => {
  await withFolder(async (folder) => {
    await using redis = await startRedisServer();
    await using gateway = await startRedisGateway(redis.url);
    const env = {
      KV_PATH: `${folder}/events.sqlite3`,
      ADMIN_TOKEN,
      UPSTASH_REDIS_REST_URL: gateway.url,
      UPSTASH_REDIS_REST_TOKEN: gateway.token,
      REDIS_NAMESPACE: "curtain:test",
    };
    const headers = { authorization: `Bearer ${gateway.token}` };
    const listening = await fetch(`${gateway.url}/subscribe/curtain:test:rt:changes`, { headers });
    await using channel = new SseFrames(listening);
    await channel.next();
    let id: string;
    {
      await using server = await startServer({ env });
      gateway.switches.refuseCommands = "broken";
      ({ id } = await publish(server));
      await soon(() => gateway.counts.refused > 0);
      server.kill("SIGKILL");
      await server.status;
    }
    gateway.switches.refuseCommands = null;
    await using server = await startServer({ env });
    const { data } = await channel.message();
    const message = JSON.parse(data!.slice("message,curtain:test:rt:changes,".length));
    assert.deepEqual(Object.keys(message), ["prev", "position", "changes"]);
    assert.deepEqual(message.changes.map((change: { event: Created }) => change.event.id), [id]);
    server.kill("SIGTERM");
    assert.equal((await server.status).code, 0);
  });
});

Deno.test("SIGTERM ends streams cleanly, and their clients come back spread out", async () => {
  await withFolder(async (folder) => {
    const env = { KV_PATH: `${folder}/events.sqlite3`, ADMIN_TOKEN };
    await using server = await startServer({ env });
    const streams = await Promise.all(Array.from({ length: 30 }, async () => {
      const frames = new SseFrames(await fetch(`${server.url}/v1/events/stream`));
      const { value } = await frames.next();
      return { frames, retry: value!.retry! };
    }));
    const socket = new WebSocket(`${server.url.replace("http", "ws")}/v1/events/socket`);
    const closed = new Promise<CloseEvent>((resolve) => socket.onclose = resolve);
    const greeted = new Promise((resolve) => socket.onmessage = resolve);
    socket.onopen = () => socket.send("{}");
    await greeted;
    const { id } = await publish(server);
    for (const { frames } of streams) assert.equal(subjectOf(await frames.message()), id);
    server.kill("SIGTERM");
    for (const { frames } of streams) assert.equal((await frames.next()).done, true);
    assert.equal((await closed).wasClean, true);
    assert.equal((await server.status).code, 0, server.lines.join("\n"));
    const retries = streams.map(({ retry }) => retry);
    assert.ok(retries.every((ms) => ms >= 1_000 && ms < 5_000), `${retries}`);
    assert.ok(new Set(retries).size > 20, `${retries}`);
    assert.ok(!server.lines.some((line) => /error/i.test(line)), server.lines.join("\n"));
  });
});

Deno.test("an end is told when it comes, with the five-minute job not yet due", async () => {
  await using server = await startServer({ env: { KV_PATH: ":memory:", ADMIN_TOKEN } });
  await using frames = await watch(server);
  const began = Date.now();
  const first = await publish(server);
  assert.equal(subjectOf(await frames.message()), first.id);
  // So long that on a machine as busy as this one it is told of before it ends.
  const leadMs = Math.max(2 * SECOND, 20 * (Date.now() - began));
  const now = Date.now();
  const { id } = await publish(server, {
    ...LATER,
    start_date: new Date(now - 60 * SECOND).toISOString(),
    end_date: new Date(now + leadMs).toISOString(),
  });
  assert.equal(JSON.parse((await frames.message()).data!).type, "event.created");
  for (;;) {
    const { type, subject } = JSON.parse((await frames.message()).data!);
    assert.equal(subject, id);
    // Its start is recorded first, unless both are at once.
    if (type === "event.left") break;
    assert.equal(type, "event.transitioned");
  }
  // Far from the job's five minutes: it was no cron's run. How far from the end itself is in the
  // benchmark. The end is told when it is committed; the run that did it is recorded at its own end.
  let items: { trigger: string; changed: number }[] = [];
  await soon(async () => {
    const runs = await fetch(`${server.url}/v1/jobs/complete_events/runs`, { headers: ADMIN });
    ({ items } = await json<{ items: typeof items }>(runs));
    return items.length > 0;
  });
  assert.deepEqual(items.map(({ trigger, changed }) => [trigger, changed]), [["traffic", 1]]);
});

denokvTest("two processes on one KV Connect server hear of each other by kv.watch", async () => {
  await using kv = await startDenokv();
  const env = { KV_PATH: kv.url, ADMIN_TOKEN };
  const servers = await Promise.all([startServer({ env }), startServer({ env })]);
  await using one = servers[0];
  await using two = servers[1];
  await using frames = await watch(two);
  const before = await publish(one);
  assert.equal(subjectOf(await frames.message()), before.id);
  // It goes on by itself when the server was away.
  await kv.kill();
  await kv.start();
  const after = await publish(one);
  assert.equal(subjectOf(await frames.message()), after.id);
});

denokvTest("two processes on one KV Connect server hear of each other through Redis", async () => {
  assert.ok(findRedisServer() !== null && findDenokv() !== null, NO_DENOKV);
  await using kv = await startDenokv();
  await using redis = await startRedisServer();
  await using gateway = await startRedisGateway(redis.url);
  const env = {
    KV_PATH: kv.url,
    ADMIN_TOKEN,
    UPSTASH_REDIS_REST_URL: gateway.url,
    UPSTASH_REDIS_REST_TOKEN: gateway.token,
  };
  const servers = await Promise.all([startServer({ env }), startServer({ env })]);
  await using one = servers[0];
  await using two = servers[1];
  await using atOne = await watch(one);
  await using atTwo = await watch(two);
  await soon(() => gateway.openSubscriptions === 2);
  const { id } = await publish(one);
  for (const frames of [atOne, atTwo]) assert.equal(subjectOf(await frames.message()), id);
  const back = await publish(two);
  for (const frames of [atOne, atTwo]) assert.equal(subjectOf(await frames.message()), back.id);
});
