/** `deno task redis-gateway` as a process. */
import assert from "node:assert/strict";
import { json } from "../support/http.ts";
import { redisTest, startRedisServer } from "../support/redis_server.ts";
import { spawnServer, startServer } from "../support/server.ts";

const entry = new URL("../support/run_redis_gateway.ts", import.meta.url);
const TOKEN = "sesame-of-the-user";

for (const signal of ["SIGINT", "SIGTERM"] as const) {
  redisTest(`the gateway says what to export, serves, and ends well on ${signal}`, async () => {
    await using redis = await startRedisServer();
    const env = { REDIS_URL: redis.url, UPSTASH_REDIS_REST_TOKEN: TOKEN };
    await using server = await startServer({ entry, env });
    await server.line(/UPSTASH_REDIS_REST_TOKEN=/);
    assert.ok(server.lines.includes(`  export UPSTASH_REDIS_REST_URL=${server.url}`));
    const headers = { authorization: `Bearer ${TOKEN}` };
    assert.deepEqual(await json(await fetch(`${server.url}/ping`, { headers })), {
      result: "PONG",
    });
    const subscription = await fetch(`${server.url}/subscribe/ch`, { headers });
    server.kill(signal);
    const { code, signal: killedBy } = await server.status;
    assert.deepEqual([code, killedBy], [0, null], server.lines.join("\n"));
    await assert.rejects(subscription.text());
    assert.ok(!server.lines.join().includes(TOKEN), "secrets are not told");
  });
}

for (
  const [env, sentence] of [
    [{ PORT: "http" }, 'PORT must be a port number, 0 to 65535, not "http".'],
    [{ HOST: "http://x" }, 'HOST must be a host name or an IP address, not "http://x".'],
    [
      { UPSTASH_REDIS_REST_TOKEN: "" },
      "UPSTASH_REDIS_REST_TOKEN must be set, to visible ASCII characters without blanks.",
    ],
    [
      { UPSTASH_REDIS_REST_TOKEN: "a b" },
      "UPSTASH_REDIS_REST_TOKEN must be set, to visible ASCII characters without blanks.",
    ],
    [{ REDIS_URL: "http://127.0.0.1" }, "REDIS_URL must be a redis:// or rediss:// URL."],
    [
      { REDIS_URL: "redis://:secret@127.0.0.1:1" },
      "REDIS_URL must be a Redis that answers, not 127.0.0.1:1: connect ECONNREFUSED 127.0.0.1:1.",
    ],
  ] as [Record<string, string>, string][]
) {
  const set = Object.entries(env).map((pair) => pair.join("=")).join();
  Deno.test(`the gateway does not start with ${set} and says why`, async () => {
    const right = { REDIS_URL: "redis://127.0.0.1:1", UPSTASH_REDIS_REST_TOKEN: TOKEN };
    await using server = spawnServer({ entry, env: { ...right, ...env } });
    const { code } = await server.status;
    await server.line(/must be/);
    assert.deepEqual([code, server.lines], [1, [sentence]]);
  });
}

redisTest("the gateway says which port is in use", async () => {
  await using redis = await startRedisServer();
  const env = { REDIS_URL: redis.url, UPSTASH_REDIS_REST_TOKEN: TOKEN, PORT: String(redis.port) };
  await using server = spawnServer({ entry, env });
  const said = await server.line(/must be/);
  assert.match(said, new RegExp(`^HOST and PORT must be .*, not 127.0.0.1 and ${redis.port}: `));
  assert.equal((await server.status).code, 1);
});
