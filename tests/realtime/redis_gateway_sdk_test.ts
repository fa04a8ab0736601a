/** The gateway is Upstash to its real SDK, however that is set up. */
import assert from "node:assert/strict";
import { Redis } from "@upstash/redis";
import { type GatewayTest, gatewayTest } from "./gateway_fixture.ts";
import { soon } from "../support/http.ts";

const SETTINGS: { enableAutoPipelining: boolean; responseEncoding: "base64" | false }[] = [
  { enableAutoPipelining: true, responseEncoding: "base64" },
  { enableAutoPipelining: true, responseEncoding: false },
  { enableAutoPipelining: false, responseEncoding: "base64" },
  { enableAutoPipelining: false, responseEncoding: false },
];

/** Tests the SDK in its four settings, each with an empty Redis. */
function sdkTest(name: string, body: (sdk: Redis, t: GatewayTest) => Promise<void>): void {
  gatewayTest(name, async (t) => {
    const { url, token } = t.gateway;
    for (const settings of SETTINGS) {
      await t.context.step(JSON.stringify(settings), async () => {
        await t.redis.flush();
        await body(new Redis({ url, token, enableTelemetry: false, ...settings }), t);
      });
    }
  });
}

sdkTest("strings come back as they went, and nothing as null", async (sdk) => {
  for (const text of ["Grüße 🎭 ", "", '"', "a\nb", "null and void", "x".repeat(100_000)]) {
    assert.equal(await sdk.set("k", text), "OK");
    assert.equal(await sdk.get("k"), text);
  }
  assert.equal(await sdk.get("none"), null);
  assert.deepEqual(await sdk.mget("k", "none"), ["x".repeat(100_000), null]);
});

sdkTest("numbers and objects come back as they went", async (sdk) => {
  await sdk.mset({ n: 5, object: { tags: ["é"], none: null } });
  assert.equal(await sdk.get("n"), 5);
  assert.deepEqual(await sdk.get("object"), { tags: ["é"], none: null });
  assert.equal(await sdk.incrby("n", 37), 42);
  assert.equal(await sdk.exists("n", "object", "none"), 2);
  await sdk.hset("h", { a: 1, b: "OK" });
  assert.deepEqual(await sdk.hgetall("h"), { a: 1, b: "OK" });
  await sdk.rpush("l", "OK", "T0s=", "é");
  assert.deepEqual(await sdk.lrange("l", 0, -1), ["OK", "T0s=", "é"]);
});

sdkTest("a stored OK, the answer OK and PONG are each themselves", async (sdk) => {
  assert.equal(await sdk.set("k", "OK"), "OK");
  assert.equal(await sdk.get("k"), "OK");
  assert.equal(await sdk.ping(), "PONG");
  assert.equal(await sdk.echo("OK"), "OK");
});

sdkTest("a pipeline goes on after a command that fails", async (sdk) => {
  const pipeline = sdk.pipeline().set("k", "v").incr("k").get("k");
  const [set, incr, get] = await pipeline.exec({ keepErrors: true });
  assert.deepEqual([set.result, get.result], ["OK", "v"]);
  assert.match(incr.error!, /^ERR value is not an integer/);
});

sdkTest("commands of one moment are all done, in their order", async (sdk) => {
  const counts = await Promise.all(Array.from({ length: 50 }, () => sdk.incr("n")));
  const expected = Array.from({ length: 50 }, (_, i) => i + 1);
  // Without auto-pipelining they are requests of their own, which may overtake each other.
  assert.deepEqual(counts.toSorted((a, b) => a - b), expected);
});

sdkTest("a transaction is not rolled back, and is discarded as a whole", async (sdk) => {
  const multi = sdk.multi().set("k", "v").incr("k").set("k", "w");
  await assert.rejects(multi.exec(), /ERR value is not an integer/);
  assert.equal(await sdk.get("k"), "w");
  assert.deepEqual(await sdk.multi().set("k", "OK").get("k").incr("n").exec(), ["OK", "OK", 1]);
  const wrong = sdk.multi().set("k", "never").hset("h", {});
  await assert.rejects(wrong.exec(), /ERR wrong number of arguments for 'hset' command/);
  assert.equal(await sdk.get("k"), "OK");
});

sdkTest("what Redis refuses is an error with its words", async (sdk) => {
  await sdk.set("k", "v");
  await assert.rejects(sdk.lpush("k", 1), /WRONGTYPE Operation against a key/);
  await assert.rejects(sdk.eval("nonsense", [], []), /ERR .*script/);
});

sdkTest("scripts run, known to Redis or not", async (sdk, { gateway }) => {
  const values = await sdk.eval("return { KEYS[1], ARGV[1], 7, false }", ["k"], ["é"]);
  assert.deepEqual(values, ["k", "é", 7, null]);
  await sdk.scriptFlush();
  const before = gateway.counts.commands.EVAL ?? 0;
  const script = sdk.createScript<string>("return redis.call('SET', KEYS[1], ARGV[1])");
  assert.equal(await script.exec(["k"], ["1"]), "OK");
  assert.equal(await script.exec(["k"], ["2"]), "OK");
  assert.equal(gateway.counts.commands.EVAL! - before, 1, "then it is known");
});

sdkTest("streams are written and read", async (sdk) => {
  const first = await sdk.xadd("s", "*", { n: 1, text: "OK" });
  const second = await sdk.xadd("s", "*", { n: 2, text: "é" });
  const entries = await sdk.xrange("s", "-", "+");
  assert.deepEqual(entries, { [first]: { n: 1, text: "OK" }, [second]: { n: 2, text: "é" } });
  assert.deepEqual(Object.keys(await sdk.xrange("s", `(${first}`, "+", 10)), [second]);
});

sdkTest("a wrong token is told as what it is", async (_, { gateway }) => {
  const sdk = new Redis({ url: gateway.url, token: "wrong" });
  await assert.rejects(sdk.get("k"), /WRONGPASS invalid or missing auth token/);
});

sdkTest("subscriptions hear what is published until they end", async (sdk, { redis, gateway }) => {
  // Kept, because the runtime forgets to abort a stream whose Response was collected.
  const responses: Response[] = [];
  const { fetch } = globalThis;
  globalThis.fetch = async (...args) => {
    const response = await fetch(...args);
    responses.push(response);
    return response;
  };
  try {
    const heard: unknown[] = [];
    const channels = sdk.subscribe<{ n: number }>(["ns:a", "ns:b"]);
    const pattern = sdk.psubscribe<{ n: number }>("ns:*");
    let ready = 0;
    channels.on("subscribe", (count) => ready += count);
    pattern.on("psubscribe" as "subscribe", (count) => ready += count);
    channels.on("message", ({ channel, message }) => heard.push([channel, message]));
    pattern.on("pmessage", (said) => heard.push([said.pattern, said.channel, said.message]));
    await soon(() => ready === 3);
    assert.equal(gateway.openSubscriptions, 3);

    assert.equal(await sdk.publish("ns:a", { n: 1 }), 2);
    await soon(() => heard.length === 2);
    assert.equal(await sdk.publish("ns:c", { n: 2 }), 1);
    await soon(() => heard.length === 3);
    assert.deepEqual(heard.slice(0, 2).toSorted(), [["ns:*", "ns:a", { n: 1 }], ["ns:a", {
      n: 1,
    }]]);
    assert.deepEqual(heard[2], ["ns:*", "ns:c", { n: 2 }]);

    await channels.unsubscribe(["ns:a"]);
    await soon(async () => await redis.subscribers("ns:a") === 0);
    assert.equal(await redis.subscribers("ns:b"), 1);
    await channels.unsubscribe();
    await pattern.unsubscribe();
    await soon(async () => await redis.subscribers("ns:b") === 0);
    await soon(async () => await redis.command("PUBSUB", "NUMPAT") === 0);
    assert.equal(gateway.openSubscriptions, 0);
  } finally {
    globalThis.fetch = fetch;
  }
});
