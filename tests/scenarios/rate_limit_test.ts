/** Floods against the program itself: from one address, and from ever new ones. */
import assert from "node:assert/strict";
import { ADMIN, ADMIN_TOKEN, scaled } from "../support/fixture.ts";
import { json } from "../support/http.ts";
import { memoryOf, sendRaw, statusesOf } from "../support/raw_http.ts";
import { type Server, startServer } from "../support/server.ts";

const REQUESTS = scaled(5_000, 800);
const AT_ONCE = 50;
const MAX_MEMORY_MB = 300;

/** Sends them all, some at a time, and answers how often each status came. */
async function flood(
  url: string,
  headersOf: (i: number) => Record<string, string>,
): Promise<Map<number, number>> {
  const statuses = new Map<number, number>();
  let next = 0;
  const ask = async () => {
    while (next < REQUESTS) {
      const response = await fetch(url, { headers: headersOf(next++) });
      statuses.set(response.status, (statuses.get(response.status) ?? 0) + 1);
      await response.body?.cancel();
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, ask));
  return statuses;
}

/**
 * As fast as they can be written: on each of some connections one behind the other, without waiting
 * for answers. Answers all that came back.
 */
async function pipelined(server: Server, count: number): Promise<string> {
  const connections = 20;
  const request = (i: number) =>
    `GET /v1/events HTTP/1.1\r\nhost: x\r\nx-forwarded-for: 198.51.100.${i % 256}\r\n`;
  const many = Array.from({ length: count / connections - 1 }, (_, i) => request(i) + "\r\n");
  const last = `${request(0)}connection: close\r\n\r\n`;
  const sent = [...many, last].join("");
  return (await Promise.all(
    Array.from({ length: connections }, () => sendRaw(server, [sent])),
  )).join("");
}

async function assertWell(server: Server): Promise<void> {
  const { url, lines } = server;
  assert.deepEqual(await json<unknown>(await fetch(`${url}/readyz`)), { status: "ready" });
  await json<unknown>(await fetch(`${url}/v1/events`, { headers: ADMIN }));
  const megabytes = await memoryOf(server);
  assert.ok(megabytes < MAX_MEMORY_MB, `${megabytes} MB`);
  assert.ok(!lines.some((line) => line.includes('"level":"error"')), lines.join("\n"));
}

const ENV = { KV_PATH: ":memory:", ADMIN_TOKEN };

Deno.test("unless told otherwise, a client may send 6,000 requests a minute", async () => {
  for (const args of [[], ["--dev"]]) {
    await using server = await startServer({ args, env: { ...ENV, RATE_LIMIT: "" } });
    const response = await fetch(`${server.url}/v1/events`);
    assert.equal(response.headers.get("ratelimit-policy"), '"default";q=6000;w=60');
    await json<unknown>(response);
  }
});

Deno.test("a flood from one address is told to wait, while a token and the health routes are served", async () => {
  await using server = await startServer({ env: { ...ENV, RATE_LIMIT: "300" } });
  const count = scaled(20_000, 2_000);
  let served = 0;
  for (let round = 0; round < 3; round++) {
    const answers = await pipelined(server, count);
    const statuses = statusesOf(answers);
    const refused = statuses.filter((status) => status === "429").length;
    const ok = statuses.filter((status) => status === "200").length;
    assert.deepEqual([ok + refused, statuses.length], [count, count]);
    served += ok;
    const told = (pattern: RegExp) => answers.match(pattern)?.length ?? 0;
    assert.equal(told(/^retry-after: [1-9]\d*\r$/gm), refused);
    assert.equal(told(/"code":"rate_limited"/g), refused);
    await assertWell(server);
  }
  assert.ok(served >= 300 && served < 300 + count, `${served} were served`);
});

Deno.test("a flood from ever new addresses is served, and does not fill the memory", async () => {
  const env = { ...ENV, RATE_LIMIT: "2", TRUSTED_PROXIES: "127.0.0.0/8" };
  await using server = await startServer({ env });
  const statuses = await flood(`${server.url}/v1/events?limit=1`, (i) => ({
    "x-forwarded-for": `10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`,
  }));
  assert.deepEqual([...statuses], [[200, REQUESTS]]);
  await assertWell(server);
});
