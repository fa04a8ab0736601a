/** Floods against the program itself: from one address, and from ever new ones. */
import assert from "node:assert/strict";
import { ADMIN, ADMIN_TOKEN, scaled } from "../support/fixture.ts";
import { json, problem } from "../support/http.ts";
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
      if (response.status === 429) {
        assert.match(response.headers.get("retry-after") ?? "", /^[1-9]\d*$/);
        await problem(response, 429, "rate_limited");
      } else {
        await response.body?.cancel();
      }
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, ask));
  return statuses;
}

async function assertWell({ url, pid, lines }: Server): Promise<void> {
  assert.deepEqual(await json<unknown>(await fetch(`${url}/readyz`)), { status: "ready" });
  await json<unknown>(await fetch(`${url}/v1/events`, { headers: ADMIN }));
  const status = await Deno.readTextFile(`/proc/${pid}/status`).catch(() => "VmRSS: 0 kB");
  const megabytes = Number(/VmRSS:\s+(\d+)/.exec(status)![1]) / 1024;
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
  const statuses = await flood(`${server.url}/v1/events`, (i) => ({
    "x-forwarded-for": `198.51.100.${i % 256}`,
  }));
  const served = statuses.get(200) ?? 0;
  assert.deepEqual([...statuses.keys()].sort(), [200, 429]);
  assert.ok(served >= 300 && served < 300 + REQUESTS / 4, `${served} were served`);
  await assertWell(server);
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
