/** The gateway's protocol, byte for byte, as Upstash documents it. */
import assert from "node:assert/strict";
import { json } from "../support/http.ts";
import { connectRedis } from "../support/redis_connection.ts";
import { startRedisGateway } from "../support/redis_gateway.ts";
import { gatewayTest } from "./gateway_fixture.ts";
import { soon } from "../support/http.ts";

const BASE64 = { "upstash-encoding": "base64" };

gatewayTest("a command in the body is answered with its result", async ({ post }) => {
  assert.deepEqual(await post("/", ["SET", "k", "Grüße 🎭"]), { result: "OK" });
  assert.deepEqual(await post("/", ["get", "k"]), { result: "Grüße 🎭" });
  assert.deepEqual(await post("/", ["GET", "none"]), { result: null });
  assert.deepEqual(await post("/", ["SET", "n", 5]), { result: "OK" });
  assert.deepEqual(await post("/", ["INCRBY", "n", 2]), { result: 7 });
  assert.deepEqual(await post("/", ["MGET", "k", "none", "n"]), {
    result: ["Grüße 🎭", null, "7"],
  });
});

gatewayTest("a command may be the path, with its value as the body", async ({ ask, gateway }) => {
  const result = async (path: string, init: RequestInit = {}) =>
    (await json<{ result: unknown }>(await ask(path, init as object))).result;
  assert.equal(await result("/set/a%2Fb/1%202"), "OK");
  assert.equal(await result("/get/a%2Fb"), "1 2");
  assert.equal(await result("/set/a%3Fb/"), "OK");
  assert.equal(await result("/get/a%3Fb"), "");
  assert.equal(await result("/set/c?EX=100", { method: "POST", body: '{"d":1}' }), "OK");
  assert.equal(await result("/get/c"), '{"d":1}');
  assert.equal(await result("/ttl/c"), 100);
  assert.equal(await result("/set/c/2?NX", { method: "PUT" }), null);
  const response = await fetch(`${gateway.url}/get/c?_token=${gateway.token}`);
  assert.deepEqual(await json(response), { result: '{"d":1}' });
});

gatewayTest("base64 is for every string except an OK by itself", async ({ post }) => {
  const answer = (command: unknown[]) => post("/", command, BASE64);
  assert.deepEqual(await answer(["SET", "k", "OK"]), { result: "OK" });
  assert.deepEqual(await answer(["GET", "k"]), { result: btoa("OK") });
  assert.deepEqual(await answer(["PING"]), { result: btoa("PONG") });
  assert.deepEqual(await answer(["INCR", "n"]), { result: 1 });
  assert.deepEqual(await answer(["MGET", "k", "none"]), { result: [btoa("OK"), null] });
  const nested = "return { { redis.status_reply('OK') }, 7, 'é' }";
  assert.deepEqual(await answer(["EVAL", nested, 0]), { result: [[btoa("OK")], 7, "w6k="] });
  const pipeline = await post("/pipeline", [["SET", "k", "v"], ["GET", "k"]], BASE64);
  assert.deepEqual(pipeline, [{ result: "OK" }, { result: btoa("v") }]);
});

gatewayTest("bytes that are no UTF-8 come whole in base64 only", async ({ ask, post }) => {
  const bytes = new Uint8Array([0, 0xff, 0x80, 10]);
  await json(await ask("/set/k", { method: "POST", body: bytes }));
  assert.deepEqual(await post("/", ["GET", "k"], BASE64), { result: bytes.toBase64() });
  assert.deepEqual(await post("/", ["GET", "k"]), { result: "\0\ufffd\ufffd\n" });
});

gatewayTest("a failing command in a pipeline does not stop the rest", async ({ post }) => {
  const commands = [["SET", "k", "v"], ["INCR", "k"], ["NONSENSE"], ["MULTI"], ["GET", "k"]];
  const [set, incr, nonsense, multi, get] = await post("/pipeline", commands) as object[];
  assert.deepEqual(set, { result: "OK" });
  assert.deepEqual(incr, { error: "ERR value is not an integer or out of range" });
  assert.match((nonsense as { error: string }).error, /^ERR unknown command 'NONSENSE'/);
  assert.deepEqual(multi, { error: "ERR MULTI is not available over REST" });
  assert.deepEqual(get, { result: "v" });
});

gatewayTest("a transaction does all its commands, also after one that fails", async ({ post }) => {
  const commands = [["SET", "k", "v"], ["INCR", "k"], ["SET", "k", "w"], ["GET", "k"]];
  assert.deepEqual(await post("/multi-exec", commands), [
    { result: "OK" },
    { error: "ERR value is not an integer or out of range" },
    { result: "OK" },
    { result: "w" },
  ]);
});

gatewayTest(
  "a transaction with something that is no command does nothing",
  async ({ ask, post }) => {
    for (const wrong of [["NONSENSE"], ["GET"], ["WATCH", "k"]]) {
      const body = JSON.stringify([["SET", "k", "v"], wrong]);
      const answer = await json<object>(await ask("/multi-exec", { method: "POST", body }), 400);
      assert.deepEqual(Object.keys(answer), ["error"], wrong[0]);
      assert.deepEqual(await post("/", ["GET", "k"]), { result: null });
    }
  },
);

gatewayTest("nobody sees a transaction half done", async ({ redis, post }) => {
  const waiting = await connectRedis(redis.url);
  const taken = waiting.blPop("list", 0);
  await soon(async () => /blocked_clients:1/.test(await redis.command("INFO") as string));
  const commands = [["RPUSH", "list", "first"], ["LLEN", "list"], ["LPOP", "list"]];
  const inOne = [{ result: 1 }, { result: 1 }, { result: "first" }];
  assert.deepEqual(await post("/multi-exec", commands), inOne);
  // Whoever waits for the list is served between the commands of a pipeline.
  const oneByOne = [{ result: 1 }, { result: 0 }, { result: null }];
  assert.deepEqual(await post("/pipeline", commands), oneByOne);
  assert.deepEqual(await taken, { key: "list", element: "first" });
  waiting.destroy();
});

gatewayTest("transactions and other requests of one moment keep apart", async ({ post }) => {
  const transactions = Array.from({ length: 40 }, async (_, i) => {
    const commands = [["SET", "k", i], ...Array(20).fill(["GET", "k"])];
    const [set, ...gets] = await post("/multi-exec", commands) as object[];
    assert.deepEqual([set, ...gets], [{ result: "OK" }, ...gets.map(() => ({ result: `${i}` }))]);
  });
  const others = Array.from({ length: 40 }, async () => {
    assert.deepEqual(await post("/", ["SET", "k", "other"]), { result: "OK" });
  });
  await Promise.all([...transactions, ...others]);
});

gatewayTest(
  "a command that would change the shared connection is refused",
  async ({ ask, post }) => {
    for (
      const command of [["SELECT", 1], ["subscribe", "ch"], ["BLPOP", "k", 0], [
        "XREAD",
        "block",
        0,
      ]]
    ) {
      const body = JSON.stringify(command);
      const { error } = await json<{ error: string }>(
        await ask("/", { method: "POST", body }),
        400,
      );
      assert.match(error, /is not available over REST$/);
    }
    assert.deepEqual(await post("/", ["PING"]), { result: "PONG" });
  },
);

gatewayTest("what is no request is answered with 400 and the reason", async ({ ask }) => {
  const wrong: [string, string?][] = [
    ["/", ""],
    ["/", "{}"],
    ["/", "[]"],
    ["/", '["GET",null]'],
    ["/", '[["GET","k"]]'],
    ["/pipeline", '["GET","k"]'],
    ["/pipeline", "[]"],
    ["/multi-exec", "nonsense"],
    ["/get"],
    ["/get/%ff"],
    ["/subscribe"],
  ];
  for (const [path, body] of wrong) {
    const init = body === undefined ? {} : { method: "POST", body };
    const answer = await json<{ error: string }>(await ask(path, init), 400);
    assert.match(answer.error, /^ERR /, `${path} ${body}`);
  }
});

gatewayTest("a token that is missing or wrong is answered with 401", async ({ ask, gateway }) => {
  const refused = { error: "WRONGPASS invalid or missing auth token" };
  for (const path of ["/get/k", "/pipeline", "/subscribe/ch", "/get/k?_token=wrong"]) {
    assert.deepEqual(await json(await fetch(gateway.url + path), 401), refused);
    const headers = { authorization: "Bearer wrong" };
    assert.deepEqual(await json(await ask(path, { headers }), 401), refused);
  }
  assert.deepEqual(gateway.counts.commands, {});
});

gatewayTest("a method that is not GET, HEAD, POST or PUT is answered with 405", async ({ ask }) => {
  for (const method of ["DELETE", "PATCH", "OPTIONS"]) {
    const response = await ask("/get/k", { method });
    assert.equal(response.headers.get("allow"), "HEAD, GET, POST, PUT");
    assert.deepEqual(await json(response, 405), { error: `ERR ${method} is not allowed` });
  }
  const head = await ask("/get/k", { method: "HEAD" });
  assert.deepEqual([head.status, await head.text()], [200, ""]);
});

gatewayTest("every answer has a sync token of its own", async ({ ask }) => {
  const token = async () => {
    const response = await ask("/ping");
    await response.body!.cancel();
    return response.headers.get("upstash-sync-token");
  };
  const first = await token();
  assert.ok(first);
  assert.notEqual(await token(), first);
});

gatewayTest("while Redis is away commands are answered with 503, and then again", async (t) => {
  const { redis, ask, post } = t;
  assert.deepEqual(await post("/", ["SET", "k", "v"]), { result: "OK" });
  await redis.kill();
  for (const path of ["/get/k", "/subscribe/ch"]) {
    const { error } = await json<{ error: string }>(await ask(path), 503);
    assert.match(error, /^ERR Redis does not answer/);
  }
  await redis.start();
  assert.deepEqual(await post("/", ["GET", "k"]), { result: null });
});

gatewayTest(
  "a gateway that is gone refuses connections, until one starts on its port",
  async (t) => {
    const { gateway, redis, ask } = t;
    const { url, token } = gateway;
    await gateway[Symbol.asyncDispose]();
    await assert.rejects(ask("/ping"), TypeError);
    await using again = await startRedisGateway(redis.url, {
      port: Number(new URL(url).port),
      token,
    });
    assert.equal(again.url, url);
    assert.deepEqual(await json(await ask("/ping")), { result: "PONG" });
  },
);

gatewayTest("a client that goes away in the middle of its request harms nobody", async (t) => {
  const { gateway, post } = t;
  const { hostname, port } = new URL(gateway.url);
  const connection = await Deno.connect({ hostname, port: Number(port) });
  const head = "POST / HTTP/1.1\r\nhost: gateway\r\ncontent-length: 100\r\n\r\n[";
  await connection.write(new TextEncoder().encode(head));
  await soon(() => gateway.counts.requests === 1);
  connection.close();
  assert.deepEqual(await post("/", ["PING"]), { result: "PONG" });
});
