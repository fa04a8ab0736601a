/** The Redis that tests start: it comes and goes as they say. */
import assert from "node:assert/strict";
import { connectRedis } from "../support/redis_connection.ts";
import { redisTest, startRedisServer } from "../support/redis_server.ts";
import { soon } from "../support/http.ts";

redisTest("a Redis that was stopped or killed starts again on its port, with nothing", async () => {
  await using redis = await startRedisServer();
  const { command, url } = redis;
  for (const end of [redis.stop, redis.kill]) {
    assert.equal(await command("SET", "k", "v"), "OK");
    await end();
    await assert.rejects(command("GET", "k"), { code: "ECONNREFUSED" });
    await redis.start();
    assert.equal(redis.url, url);
    assert.equal(await command("GET", "k"), null);
  }
});

redisTest("flush() deletes everything and breaks no connection", async () => {
  await using redis = await startRedisServer();
  const connection = await connectRedis(redis.url);
  await connection.set("k", "v");
  await redis.flush();
  assert.equal(await connection.get("k"), null);
  connection.destroy();
});

redisTest(
  "killSubscribers() breaks the connections that are subscribed, and no other",
  async () => {
    await using redis = await startRedisServer();
    let lost = 0;
    const subscriber = await connectRedis(redis.url, () => lost++);
    const other = await connectRedis(redis.url, () => lost++);
    await subscriber.subscribe("ch", () => {});
    assert.deepEqual([await redis.subscribers("ch"), await redis.subscribers("none")], [1, 0]);
    assert.equal(await redis.killSubscribers(), 1);
    await soon(() => lost === 1);
    assert.equal(await redis.subscribers("ch"), 0);
    assert.equal(await other.ping(), "PONG");
    assert.equal(lost, 1);
    other.destroy();
  },
);
