import assert from "node:assert/strict";
import fc from "fast-check";
import { TokenBuckets } from "../../routes/token_buckets.ts";
import { MINUTE, NOW, scaled, SECOND } from "../support/fixture.ts";

function bucketsAt(perMinute: number, maxClients?: number) {
  const clock = { now: NOW };
  const options = maxClients === undefined ? {} : { maxClients };
  const buckets = new TokenBuckets({ perMinute, clock: () => clock.now, ...options });
  return { buckets, clock };
}

Deno.test("a full bucket gives as many requests at once as may come in a minute, and no more", () => {
  for (const perMinute of [1, 7, 59, 60, 600, 1_001]) {
    const { buckets } = bucketsAt(perMinute);
    for (let left = perMinute - 1; left >= 0; left--) {
      const { allowed, remaining, nextInSeconds } = buckets.take("a");
      assert.deepEqual([allowed, remaining], [true, left]);
      assert.equal(nextInSeconds > 0, left === 0);
    }
    const { allowed, remaining } = buckets.take("a");
    assert.deepEqual([allowed, remaining], [false, 0], `${perMinute} a minute`);
  }
});

Deno.test("an empty bucket gives one when it says so, not a moment before, and a refusal is free", () => {
  const { buckets, clock } = bucketsAt(6);
  for (let i = 0; i < 6; i++) buckets.take("a");
  for (let i = 0; i < 100; i++) {
    assert.deepEqual(buckets.take("a"), {
      allowed: false,
      remaining: 0,
      fullInSeconds: 60,
      nextInSeconds: 10,
    });
  }
  clock.now += 9 * SECOND;
  assert.equal(buckets.take("a").allowed, false);
  clock.now += SECOND;
  assert.equal(buckets.take("a").allowed, true);
  assert.equal(buckets.take("a").allowed, false);
});

Deno.test("a bucket is full again after a minute at most, and one client's is not another's", () => {
  const { buckets, clock } = bucketsAt(60);
  for (let i = 0; i < 60; i++) buckets.take("a");
  assert.equal(buckets.take("b").remaining, 59);
  clock.now += MINUTE;
  assert.deepEqual(buckets.take("a"), {
    allowed: true,
    remaining: 59,
    fullInSeconds: 1,
    nextInSeconds: 0,
  });
});

Deno.test("looking costs nothing and keeps nothing", () => {
  const { buckets } = bucketsAt(5);
  assert.equal(buckets.take("a", 0).remaining, 5);
  assert.equal(buckets.size, 0);
  buckets.take("a");
  assert.equal(buckets.take("a", 0).remaining, 4);
  for (let i = 0; i < 4; i++) buckets.take("a");
  assert.deepEqual([buckets.take("a", 0).allowed, buckets.take("a", 0).remaining], [true, 0]);
});

Deno.test("a clock that is set back by an hour locks nobody out for longer than a minute", () => {
  const { buckets, clock } = bucketsAt(2);
  buckets.take("a");
  buckets.take("a");
  clock.now -= 60 * MINUTE;
  assert.equal(buckets.take("a").nextInSeconds, 30);
  clock.now += 30 * SECOND;
  assert.equal(buckets.take("a").allowed, true);
});

Deno.test("in no minute more than twice the limit passes, whatever the times of asking", () => {
  const gaps = fc.array(fc.integer({ min: 0, max: 20 * SECOND }), { minLength: 1, maxLength: 200 });
  fc.assert(fc.property(fc.integer({ min: 1, max: 20 }), gaps, (perMinute, waits) => {
    const { buckets, clock } = bucketsAt(perMinute);
    const passed: number[] = [];
    for (const wait of waits) {
      clock.now += wait;
      if (buckets.take("a").allowed) passed.push(clock.now);
      const lately = passed.filter((at) => at > clock.now - MINUTE);
      assert.ok(lately.length <= 2 * perMinute, `${lately.length} of ${perMinute} a minute`);
    }
  }));
});

Deno.test("5,000 new addresses a second for minutes are kept within bounds", () => {
  const { buckets, clock } = bucketsAt(600, 20_000);
  const seconds = scaled(300, 60);
  for (let i = 0; i < 5_000 * seconds; i++) {
    if (i % 5 === 0) clock.now++;
    assert.equal(buckets.take(`address ${i}`).allowed, true);
    if (i % 1_000 === 0) assert.ok(buckets.size <= 20_000, `${buckets.size} are kept`);
  }
});

Deno.test("a flood of other addresses does not refill the bucket of one that goes on asking", () => {
  const { buckets } = bucketsAt(10, 100);
  for (let i = 0; i < 10; i++) buckets.take("a");
  for (let i = 0; i < 10_000; i++) {
    buckets.take(`other ${i}`);
    if (i % 40 === 0) assert.equal(buckets.take("a").allowed, false);
  }
});

Deno.test("full buckets are forgotten with time", () => {
  const { buckets, clock } = bucketsAt(600);
  for (let i = 0; i < 1_000; i++) buckets.take(`address ${i}`);
  assert.equal(buckets.size, 1_000);
  clock.now += MINUTE;
  buckets.take("a");
  clock.now += MINUTE;
  buckets.take("a");
  assert.equal(buckets.size, 2);
});
