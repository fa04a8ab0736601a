/** Subscriptions over the gateway: what their streams say, and how they begin and end. */
import assert from "node:assert/strict";
import { json } from "../support/http.ts";
import { connectRedis } from "../support/redis_connection.ts";
import { gatewayTest } from "./gateway_fixture.ts";
import { soon } from "../support/http.ts";

gatewayTest("a subscription says so, and then every message in its order", async (t) => {
  const { listen, post } = t;
  const listener = await listen("/subscribe/ch");
  const { response } = listener;
  assert.deepEqual([response.status, response.headers.get("content-type")], [
    200,
    "text/event-stream",
  ]);
  assert.equal(await listener.line(), "data: subscribe,ch,1");
  for (let i = 0; i < 100; i++) {
    assert.deepEqual(await post("/", ["PUBLISH", "ch", `{"n":${i},"é":"🎭"}`]), { result: 1 });
  }
  for (let i = 0; i < 100; i++) {
    assert.equal(await listener.line(), `data: message,ch,{"n":${i},"é":"🎭"}`);
  }
  await listener.leave();
});

gatewayTest("messages are for their channel only, whose name is percent-decoded", async (t) => {
  const listener = await t.listen(`/subscribe/${encodeURIComponent("a/b c?d#é")}`);
  assert.equal(await listener.line(), "data: subscribe,a/b c?d#é,1");
  await t.post("/", ["PUBLISH", "a/b c", "other"]);
  await t.post("/", ["PUBLISH", "a/b c?d#é", "ours"]);
  assert.equal(await listener.line(), "data: message,a/b c?d#é,ours");
  await listener.leave();
});

gatewayTest("a stream begins with its subscription, also amid a flood of messages", async (t) => {
  const flood = await connectRedis(t.redis.url);
  let isOver = false;
  const flooding = (async () => {
    while (!isOver) await Promise.all(Array.from({ length: 100 }, () => flood.publish("ch", "x")));
  })();
  try {
    for (let i = 0; i < 20; i++) {
      const listener = await t.listen("/subscribe/ch");
      assert.equal(await listener.line(), "data: subscribe,ch,1");
      assert.equal(await listener.line(), "data: message,ch,x");
      await listener.leave();
    }
  } finally {
    isOver = true;
    await flooding;
    flood.destroy();
  }
});

gatewayTest("one stream may have several channels, or patterns", async ({ listen, post }) => {
  const channels = await listen("/subscribe/a/b");
  assert.equal(await channels.line(), "data: subscribe,a,1");
  assert.equal(await channels.line(), "data: subscribe,b,2");
  const patterns = await listen("/psubscribe/a*/*b");
  assert.equal(await patterns.line(), "data: psubscribe,a*,1");
  assert.equal(await patterns.line(), "data: psubscribe,*b,2");
  for (const channel of ["a", "b"]) await post("/", ["PUBLISH", channel, "x,y"]);
  assert.equal(await channels.line(), "data: message,a,x,y");
  assert.equal(await channels.line(), "data: message,b,x,y");
  assert.equal(await patterns.line(), "data: pmessage,a*,a,x,y");
  assert.equal(await patterns.line(), "data: pmessage,*b,b,x,y");
  await channels.leave();
  await patterns.leave();
});

gatewayTest(
  "a channel that Redis forbids is refused, or ends the stream that has begun",
  async (t) => {
    await t.redis.command("ACL", "SETUSER", "default", "resetchannels", "&ours");
    const { error } = await json<{ error: string }>(await t.ask("/subscribe/theirs"), 400);
    assert.match(error, /^NOPERM /);
    const { line } = await t.listen("/subscribe/ours/theirs");
    assert.equal(await line(), "data: subscribe,ours,1");
    assert.equal(await line(), null);
    await soon(() => t.gateway.openSubscriptions === 0);
  },
);

gatewayTest("each stream is a subscription in Redis, which ends with it", async (t) => {
  const { redis, gateway, listen } = t;
  const listeners = await Promise.all([1, 2, 3].map(() => listen("/subscribe/ch")));
  for (const listener of listeners) await listener.line();
  assert.equal(await redis.subscribers("ch"), 3);
  assert.deepEqual([gateway.openSubscriptions, gateway.counts.subscribed], [3, 3]);
  await listeners[0]!.leave();
  await soon(async () => await redis.subscribers("ch") === 2);
  assert.equal(gateway.openSubscriptions, 2);
  for (const listener of listeners.slice(1)) await listener.leave();
  await soon(async () => await redis.subscribers("ch") === 0);
  assert.equal(gateway.openSubscriptions, 0);
});

gatewayTest("whoever goes away before it is subscribed leaves nothing behind", async (t) => {
  const { redis, gateway, ask } = t;
  const connections = async () =>
    (await redis.command("CLIENT", "LIST") as string).split("\n").length;
  const before = await connections();
  for (let turns = 0; turns < 20; turns++) {
    const leaving = new AbortController();
    const asking = ask("/subscribe/ch", { signal: leaving.signal });
    const left = assert.rejects(async () => await (await asking).text(), { name: "AbortError" });
    for (let i = 0; i < turns; i++) await new Promise((resolve) => setTimeout(resolve));
    leaving.abort();
    await left;
  }
  await soon(async () => await connections() === before && gateway.openSubscriptions === 0);
});

gatewayTest("a quiet stream says that it is alive", async ({ listen }) => {
  const listener = await listen("/subscribe/ch");
  const said = [await listener.line(), await listener.line(), await listener.line()];
  assert.deepEqual(said, ["data: subscribe,ch,1", ": keep-alive", ": keep-alive"]);
  await listener.leave();
}, { keepAliveMs: 5 });

gatewayTest("a stream ends when its connection to Redis is lost", async (t) => {
  const { redis, gateway, listen } = t;
  for (const lose of [redis.killSubscribers, redis.kill]) {
    const listener = await listen("/subscribe/ch");
    await listener.line();
    await lose();
    assert.equal(await listener.line(), null);
    await soon(() => gateway.openSubscriptions === 0);
  }
  await redis.start();
  const again = await listen("/subscribe/ch");
  assert.equal(await again.line(), "data: subscribe,ch,1");
  await again.leave();
});
