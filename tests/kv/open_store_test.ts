/** Opening a store across the network, with time that passes by itself. */
import assert from "node:assert/strict";
import { openStore } from "../../kv/store.ts";

/** Runs `body` with timers that end at once; answers what they would have waited. */
async function withoutWaiting(body: () => Promise<void>): Promise<number[]> {
  const waits: number[] = [];
  const real = globalThis.setTimeout;
  globalThis.setTimeout = ((callback: () => void, ms: number) => {
    waits.push(ms);
    queueMicrotask(callback);
  }) as unknown as typeof setTimeout;
  try {
    await body();
  } finally {
    globalThis.setTimeout = real;
  }
  return waits;
}

/** Runs `body` while `Deno.openKv` is `openKv`. */
async function withOpenKv(openKv: typeof Deno.openKv, body: () => Promise<void>): Promise<void> {
  const real = Object.getOwnPropertyDescriptor(Deno, "openKv")!;
  Object.defineProperty(Deno, "openKv", { value: openKv, configurable: true });
  try {
    await body();
  } finally {
    Object.defineProperty(Deno, "openKv", real);
  }
}

const ADDRESS = "http://127.0.0.1:4512/";
const refused = () => Promise.reject(new TypeError("connection refused"));

Deno.test("openStore() tries a server that refuses six times in eight seconds, then gives up", async () => {
  const retries: unknown[] = [];
  const waits = await withoutWaiting(() =>
    withOpenKv(refused, async () => {
      const onRetry = (error: unknown, attempt: number) => retries.push([String(error), attempt]);
      await assert.rejects(openStore(ADDRESS, { onRetry }), /connection refused/);
    })
  );
  assert.deepEqual(waits, [250, 500, 1_000, 2_000, 4_000]);
  assert.equal(retries.length, 5);
  assert.deepEqual(retries[0], ["TypeError: connection refused", 1]);
});

Deno.test("openStore() opens a server that comes up meanwhile", async () => {
  const real = Deno.openKv;
  const asked: (string | undefined)[] = [];
  const openKv = (path?: string) => asked.push(path) < 3 ? refused() : real(":memory:");
  for (const path of [ADDRESS, undefined]) {
    asked.length = 0;
    await withoutWaiting(() =>
      withOpenKv(openKv, async () => {
        const store = await openStore(path);
        store.close();
      })
    );
    assert.deepEqual(asked, [path, path, path]);
  }
});
