/** Listening to Redis, whatever it answers; before a server that says what the test wants. */
import assert from "node:assert/strict";
import { comparePlaces } from "../../../kv/journal_places.ts";
import type { Store } from "../../../kv/store.ts";
import type { Batch } from "../../../lifecycle/realtime/hub.ts";
import { redisPublisher } from "../../../lifecycle/realtime/redis_publisher.ts";
import { redisUpstream } from "../../../lifecycle/realtime/redis_subscription.ts";
import { messagesOf } from "../../../lifecycle/realtime/relayed.ts";
import { testStore } from "../../kv/test_store.ts";
import { storeEvents } from "../../support/fixture.ts";
import { soon } from "../../support/http.ts";
import { aHub, aListener, aLog, batchAfter, headOf, twoProcesses } from "./realtime_fixture.ts";

const CHANNEL = "curtain:test:rt:changes";
const ACCEPTED = `data: subscribe,${CHANNEL},1\n\n`;

interface Asked {
  method: string;
  path: string;
  authorization: string | null;
  body: string;
}

type Answer = (to: Stream) => Response | void;

/** What a subscription is told, by hand. */
class Stream {
  readonly #encoder = new TextEncoder();
  isHungUp = false;
  #controller!: ReadableStreamDefaultController<Uint8Array>;
  readonly body = new ReadableStream<Uint8Array>({
    start: (controller) => void (this.#controller = controller),
    cancel: () => void (this.isHungUp = true),
  });

  say(text: string): void {
    this.#controller.enqueue(this.#encoder.encode(text));
  }

  end(): void {
    this.#controller.close();
  }
}

/** Answers the first request with the first of `answers`, and so on; the last one answers the rest. */
function aServer(...answers: Answer[]) {
  const streams: Stream[] = [];
  const requests: Asked[] = [];
  const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, async (request) => {
    const { method, url, headers } = request;
    requests.push({
      method,
      path: new URL(url).pathname,
      authorization: headers.get("authorization"),
      body: await request.text(),
    });
    const answer = answers[Math.min(requests.length, answers.length) - 1]!;
    const stream = new Stream();
    streams.push(stream);
    return answer(stream) ??
      new Response(stream.body, { headers: { "content-type": "text/event-stream" } });
  });
  return {
    streams,
    requests,
    url: `http://127.0.0.1:${server.addr.port}`,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

const accepts: Answer = (to) => to.say(ACCEPTED);

/** A subscription, and what it told. */
function subscribe(store: Store, url: string, { silenceMs }: { silenceMs?: number } = {}) {
  const { log, lines } = aLog();
  const told = { looks: 0, batches: [] as Batch[] };
  const upstream = redisUpstream(store, {
    url,
    token: "secret-token",
    channel: CHANNEL,
    log,
    ...(silenceMs === undefined ? {} : { silenceMs }),
  });
  const subscription = upstream.open({
    look: () => void told.looks++,
    receive: (batch) => void told.batches.push(batch),
  });
  const levels = () => lines.map(({ level }) => level).filter((level) => level !== "debug");
  return { told, lines, levels, [Symbol.asyncDispose]: () => subscription.close() };
}

async function aMessage(store: Store): Promise<string> {
  const prev = await headOf(store);
  await storeEvents(store, 1);
  const [only] = [...messagesOf(store, await batchAfter(store, prev))];
  return `data: message,${CHANNEL},${only!.message}\n\n`;
}

Deno.test("a subscription asks by the REST protocol, looks when it is accepted, and hands on", async () => {
  using store = await testStore();
  await using server = aServer(accepts);
  await using sub = subscribe(store, server.url);
  await soon(() => sub.told.looks === 1);
  const [{ method, path, authorization }] = server.requests as [Asked];
  assert.deepEqual([method, path, authorization], [
    "POST",
    `/subscribe/${CHANNEL}`,
    "Bearer secret-token",
  ]);
  const messages = [await aMessage(store), await aMessage(store), await aMessage(store)];
  const [stream] = server.streams;
  stream!.say(messages[0]!);
  // In two pieces, in the middle of a letter and of a line; the next one with other ends of lines.
  stream!.say(messages[1]!.slice(0, 40));
  await soon(() => sub.told.batches.length === 1);
  stream!.say(messages[1]!.slice(40) + messages[2]!.replaceAll("\n", "\r\n"));
  await soon(() => sub.told.batches.length === 3);
  stream!.say(": keep-alive\n\nid: 5\nevent: x\ndata:none\n\n");
  stream!.say(await aMessage(store));
  await soon(() => sub.told.batches.length === 4);
  assert.equal(sub.told.looks, 1);
  assert.deepEqual(sub.levels(), []);
});

Deno.test("a stream that ends or breaks off is asked for again, and what was missed is looked for", async () => {
  using store = await testStore();
  await using server = aServer(
    accepts,
    accepts,
    (to) => {
      to.say(ACCEPTED + "data: message,");
    },
    accepts,
  );
  await using sub = subscribe(store, server.url);
  for (let times = 1; times <= 3; times++) {
    await soon(() => sub.told.looks === times);
    server.streams[times - 1]!.end();
  }
  await soon(() => sub.told.looks === 4);
  server.streams[3]!.say(await aMessage(store));
  await soon(() => sub.told.batches.length === 1);
});

Deno.test("a server that accepts and hangs up at once is asked less and less often", async () => {
  using store = await testStore();
  await using server = aServer((to) => {
    to.say(ACCEPTED);
    to.end();
  });
  const began = performance.now();
  await using _ = subscribe(store, server.url);
  await soon(() => server.requests.length === 4);
  // 50, 100 and 200 ms at the least.
  assert.ok(performance.now() - began >= 340);
});

const REFUSALS: [string, Answer][] = [
  ["401", () => new Response('{"error":"WRONGPASS"}', { status: 401 })],
  ["503", () => new Response("no", { status: 503 })],
  [
    "HTML",
    () => new Response("<!doctype html>", { headers: { "content-type": "text/html" } }),
  ],
  ["JSON", () => Response.json({ result: "OK" })],
  ["nothing", () => new Response(null, { status: 204 })],
];

for (const [name, refuse] of REFUSALS) {
  Deno.test(`who is answered ${name} comes back, and says so once`, async () => {
    using store = await testStore();
    await using server = aServer(refuse, refuse, accepts);
    await using sub = subscribe(store, server.url);
    await soon(() => sub.told.looks === 1);
    assert.equal(server.requests.length, 3);
    assert.deepEqual(sub.levels(), ["warn", "info"]);
    assert.ok(!JSON.stringify(sub.lines).includes("secret-token"));
  });
}

Deno.test("a server that is not there is tried until it is", async () => {
  using store = await testStore();
  const port = await (async () => {
    await using server = aServer(accepts);
    return new URL(server.url).port;
  })();
  await using sub = subscribe(store, `http://127.0.0.1:${port}`);
  await soon(() => sub.lines.length >= 2);
  const server = Deno.serve(
    { port: Number(port), hostname: "127.0.0.1", onListen() {} },
    () => new Response(ACCEPTED, { headers: { "content-type": "text/event-stream" } }),
  );
  await soon(() => sub.told.looks > 0);
  assert.deepEqual(sub.levels().slice(0, 2), ["warn", "info"]);
  await server.shutdown();
});

Deno.test("messages that are none of ours are told of once, and make the hub look", async () => {
  using store = await testStore();
  using other = await testStore();
  await using server = aServer(accepts);
  await using sub = subscribe(store, server.url);
  await soon(() => sub.told.looks === 1);
  const foreign = [
    `data: message,${CHANNEL},{"half":\n\n`,
    `data: message,${CHANNEL},<html>\n\n`,
    await aMessage(other),
  ];
  for (const text of foreign) server.streams[0]!.say(text);
  server.streams[0]!.say(`data: message,another:rt:changes,x\n\n`);
  await soon(() => sub.told.looks === 4);
  server.streams[0]!.say(await aMessage(store));
  await soon(() => sub.told.batches.length === 1);
  assert.equal(sub.told.looks, 4);
  assert.deepEqual(sub.levels(), ["warn"]);
});

Deno.test("a line without end is given up", async () => {
  using store = await testStore();
  await using server = aServer((to) => {
    to.say(ACCEPTED);
    to.say(`data: message,${CHANNEL},${"x".repeat(1_100_000)}`);
  }, accepts);
  await using sub = subscribe(store, server.url);
  await soon(() => sub.told.looks === 2);
  assert.deepEqual(sub.levels(), ["warn", "info"]);
});

Deno.test("a connection that says nothing for too long is hung up, and made anew", async () => {
  using store = await testStore();
  await using server = aServer(accepts, () => {}, accepts);
  await using sub = subscribe(store, server.url, { silenceMs: 30 });
  await soon(() => server.requests.length >= 3);
  assert.match(sub.lines.map(({ message }) => message).join(), /broke off/);
});

Deno.test("closing ends whatever it waits for: a connection, a message, the next try", async () => {
  using store = await testStore();
  await using slow = aServer(() => {});
  const connecting = subscribe(store, slow.url);
  await connecting[Symbol.asyncDispose]();
  {
    await using server = aServer(accepts);
    const reading = subscribe(store, server.url);
    await soon(() => reading.told.looks === 1);
    await reading[Symbol.asyncDispose]();
    await soon(() => server.streams[0]!.isHungUp);
    assert.equal(server.requests.length, 1);
  }
  {
    await using server = aServer(() => new Response("no", { status: 503 }));
    const waiting = subscribe(store, server.url);
    await soon(() => waiting.lines.length === 1);
    await waiting[Symbol.asyncDispose]();
    assert.equal(server.requests.length, 1);
  }
});

Deno.test("a hub that listens to Redis holds the journal, though messages are lost", async () => {
  using both = await twoProcesses();
  const { here, there } = both;
  await using server = aServer(accepts);
  const upstream = redisUpstream(here, {
    url: server.url,
    token: "x",
    channel: CHANNEL,
    log: aLog().log,
  });
  const hub = aHub(here, { upstream });
  const listener = aListener();
  await hub.join(listener);
  const start = hub.position;
  await soon(() => server.streams.length === 1);
  for (let i = 0; i < 20; i++) {
    const message = await aMessage(there);
    if (i % 3 !== 0 || i === 19) server.streams[0]!.say(message);
  }
  server.streams[0]!.say(await aMessage(there));
  await soon(async () => comparePlaces(hub.position, await headOf(there)) === 0);
  assert.equal(hub.entriesAfter(start)!.length, 21);
  await hub.leave(listener);
});

Deno.test("publishing asks once, and an error does not repeat what was to be published", async () => {
  const statuses = [200, 400, 503];
  await using server = aServer(() => {
    const status = statuses.shift() ?? 200;
    if (status === 200) return Response.json({ result: 1 });
    return Response.json({ error: "ERR max requests limit exceeded" }, { status });
  });
  const publish = await redisPublisher({ url: server.url, token: "x", channel: CHANNEL });
  await publish('{"secret":1}');
  assert.deepEqual(JSON.parse(server.requests[0]!.body), ["publish", CHANNEL, '{"secret":1}']);
  for (let i = 0; i < 2; i++) {
    await assert.rejects(publish('{"secret":1}'), (error: Error) => {
      assert.match(error.message, /max requests limit exceeded/);
      assert.ok(!error.message.includes("secret"), error.message);
      return true;
    });
  }
  assert.equal(server.requests.length, 3);
});

Deno.test("publishing to nobody fails, and once", async () => {
  const publish = await redisPublisher({
    url: "http://127.0.0.1:1",
    token: "x",
    channel: CHANNEL,
  });
  await assert.rejects(publish("secret"), (error: Error) => !error.message.includes("secret"));
});
