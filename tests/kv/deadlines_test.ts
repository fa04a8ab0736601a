import assert from "node:assert/strict";
import { Deadlines } from "../../kv/deadlines.ts";

const UNAVAILABLE = { name: "DomainError", code: "store_unavailable" };
const NEVER = new Promise<never>(() => {});
const MINUTE_MS = 60_000;

/** The one timer, moved by hand. */
interface Timer {
  isRunning: () => boolean;
  tick: () => void;
}

async function withTimer(body: (timer: Timer) => Promise<void>): Promise<void> {
  const real = { setInterval, clearInterval };
  const running = new Map<number, () => void>();
  let last = 0;
  Object.assign(globalThis, {
    setInterval: (callback: () => void) => (running.set(++last, callback), last),
    clearInterval: (timer: number | undefined) => running.delete(timer!),
  });
  try {
    await body({
      isRunning: () => running.size > 0,
      tick: () => [...running.values()].forEach((callback) => callback()),
    });
    assert.ok(running.size <= 1, "never more than one timer");
  } finally {
    Object.assign(globalThis, real);
  }
}

Deno.test("a call ends as it ends when that is before its deadline", async () => {
  await withTimer(async () => {
    const deadlines = new Deadlines();
    const within = <T>(call: Promise<T>) => deadlines.within(call, MINUTE_MS, "store_unavailable");
    assert.equal(await within(Promise.resolve(1)), 1);
    await assert.rejects(within(Promise.reject(new TypeError("broken"))), /broken/);
  });
});

Deno.test("a call past its deadline is given up, and the others are not", async () => {
  await withTimer(async ({ tick }) => {
    const deadlines = new Deadlines();
    const late = deadlines.within(NEVER, 250, "store_unavailable");
    let isGivenUp = false;
    late.catch(() => isGivenUp = true);
    const { promise, resolve } = Promise.withResolvers<string>();
    const early = deadlines.within(promise, MINUTE_MS, "outcome_unknown");
    // The first look may come at once, so the fourth is the first that is certain to be past it.
    for (let looks = 0; looks < 3; looks++) tick();
    await Promise.resolve();
    assert.equal(isGivenUp, false);
    tick();
    await assert.rejects(late, UNAVAILABLE);
    tick();
    resolve("answered");
    assert.equal(await early, "answered");
  });
});

Deno.test("how a call ends after its deadline is nobody's concern", async () => {
  await withTimer(async ({ tick }) => {
    const deadlines = new Deadlines();
    const { promise, reject } = Promise.withResolvers<never>();
    const call = deadlines.within(promise, 0, "store_unavailable");
    tick();
    reject(new Error("much later"));
    await assert.rejects(call, UNAVAILABLE);
  });
});

Deno.test("the timer ends when no call is under way, and begins again with the next", async () => {
  await withTimer(async ({ isRunning, tick }) => {
    const deadlines = new Deadlines();
    assert.equal(isRunning(), false);
    await deadlines.within(Promise.resolve(), MINUTE_MS, "store_unavailable");
    assert.equal(isRunning(), true, "it is kept for the next call");
    tick();
    assert.equal(isRunning(), false);
    const call = deadlines.within(NEVER, 0, "store_unavailable");
    tick();
    await assert.rejects(call, UNAVAILABLE);
    tick();
    assert.equal(isRunning(), false);
  });
});

Deno.test("stop() ends the timer", async () => {
  await withTimer(async ({ isRunning }) => {
    const deadlines = new Deadlines();
    await deadlines.within(Promise.resolve(), MINUTE_MS, "store_unavailable");
    deadlines.stop();
    assert.equal(isRunning(), false);
  });
});

Deno.test("a call that comes after stop() starts no timer, and has its own ending", async () => {
  const deadlines = new Deadlines();
  deadlines.stop();
  assert.equal(await deadlines.within(Promise.resolve(7), 1_000, "store_unavailable"), 7);
});
