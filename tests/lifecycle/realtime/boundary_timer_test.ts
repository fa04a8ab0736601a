/** The timer of the next start or end: when it rings, and what it does when nothing comes of it. */
import assert from "node:assert/strict";
import { getEvent } from "../../../kv/events.ts";
import type { PlacedChanges } from "../../../kv/journal_places.ts";
import type { Store } from "../../../kv/store.ts";
import { JobRunner } from "../../../lifecycle/jobs/runner.ts";
import { SILENT } from "../../../lifecycle/log.ts";
import { BoundaryTimer } from "../../../lifecycle/realtime/boundary_timer.ts";
import { freshStore, HOUR, MINUTE, NOW, SECOND, storeEvent } from "../../support/fixture.ts";
import { soon } from "../../support/http.ts";
import { allEntries, aLog } from "./realtime_fixture.ts";

/**
 * A timer on a clock that moves by `pass` only; `waits` are the milliseconds of each wait it set,
 * `swept` the jobs that it ran.
 */
async function aTimer(
  body: (t: {
    store: Store;
    timer: BoundaryTimer;
    clock: { now: number };
    waits: number[];
    swept: string[];
    lines: { level: string }[];
    /** What a sweep does; the real jobs unless a test says otherwise. */
    sweep: { run: ((job: string) => Promise<void>) | null };
    /** Waits until the timer waits; answers for how long. */
    resting: () => Promise<number>;
    /** Lets the time pass that it waits for. */
    ring: () => Promise<void>;
    newest: () => Promise<PlacedChanges[]>;
  }) => Promise<void>,
): Promise<void> {
  const store = await freshStore();
  const clock = { now: NOW };
  const runner = new JobRunner(store, { clock: () => clock.now, log: SILENT });
  const waits: number[] = [];
  const swept: string[] = [];
  const { log, lines } = aLog();
  let pending: { callback: () => void; ms: number } | null = null;
  const sweep: { run: ((job: string) => Promise<void>) | null } = { run: null };
  const timer = new BoundaryTimer(store, {
    clock: () => clock.now,
    log,
    after(ms, callback) {
      const wait = { callback, ms };
      pending = wait;
      waits.push(ms);
      return () => {
        if (pending === wait) pending = null;
      };
    },
    sweep: async (job) => {
      swept.push(job);
      if (sweep.run === null) return await runner.run(job, { trigger: "traffic" });
      await sweep.run(job);
      return { status: "succeeded" as const };
    },
  });
  const resting = async () => {
    await soon(() => pending !== null);
    return pending!.ms;
  };
  try {
    await body({
      store,
      timer,
      clock,
      waits,
      swept,
      lines,
      sweep,
      resting,
      async ring() {
        const ms = await resting();
        clock.now += Math.ceil(ms);
        const { callback } = pending!;
        pending = null;
        callback();
      },
      newest: async () => (await allEntries(store)).slice(-1),
    });
  } finally {
    await timer.stop();
    await runner.stop();
    store.close();
  }
}

/** Short enough to be reached by one wait. */
const nearEnd = { startDate: NOW - HOUR, endDate: NOW + 20 * SECOND, status: "ONGOING" as const };

Deno.test("the timer rings at the earliest end, and the end is recorded", () =>
  aTimer(async ({ store, timer, swept, resting, ring }) => {
    const { record } = await storeEvent(store, nearEnd);
    await storeEvent(store, { ...nearEnd, endDate: NOW + 40 * SECOND });
    timer.start();
    assert.equal(await resting(), 20 * SECOND);
    assert.deepEqual(swept, []);
    await ring();
    assert.equal(await resting(), 20 * SECOND, "the next one");
    assert.deepEqual(swept, ["complete_events"]);
    assert.equal((await getEvent(store, record.id))!.record.status, "COMPLETED");
  }));

Deno.test("the timer rings at the earliest start, also of what is not public", () =>
  aTimer(async ({ store, timer, swept, resting, ring }) => {
    const { record } = await storeEvent(store, {
      startDate: NOW + 5 * SECOND,
      endDate: NOW + HOUR,
      visibility: "PRIVATE",
    });
    timer.start();
    assert.equal(await resting(), 5 * SECOND);
    await ring();
    await soon(() => swept.length > 0);
    await resting();
    assert.deepEqual(swept, ["start_events"]);
    assert.equal((await getEvent(store, record.id))!.record.status, "ONGOING");
  }));

Deno.test("what is due already is recorded at once, starts and ends", () =>
  aTimer(async ({ store, timer, swept, resting }) => {
    await storeEvent(store, { ...nearEnd, endDate: NOW });
    await storeEvent(store, { startDate: NOW, endDate: NOW + HOUR });
    timer.start();
    await resting();
    assert.deepEqual(swept, ["complete_events", "start_events"]);
  }));

Deno.test("however far the next one is, the timer looks once a minute", () =>
  aTimer(async ({ store, timer, swept, resting, ring }) => {
    timer.start();
    assert.equal(await resting(), MINUTE, "there is none");
    await ring();
    await storeEvent(store, { startDate: NOW + 9 * HOUR, endDate: null });
    assert.equal(await resting(), MINUTE);
    await ring();
    assert.equal(await resting(), MINUTE);
    assert.deepEqual(swept, []);
  }));

Deno.test("an earlier start or end that is noticed is rung for, a later one is not", () =>
  aTimer(async ({ store, timer, waits, resting, newest }) => {
    await storeEvent(store, nearEnd);
    timer.start();
    assert.equal(await resting(), 20 * SECOND);
    await storeEvent(store, { ...nearEnd, endDate: NOW + 30 * SECOND });
    timer.notice(await newest());
    assert.equal(waits.length, 1);
    await storeEvent(store, { ...nearEnd, endDate: NOW + 3 * SECOND });
    timer.notice(await newest());
    await storeEvent(store, { startDate: NOW + 2 * SECOND, endDate: null });
    timer.notice(await newest());
    for (const status of ["DRAFT", "COMPLETED", "CANCELLED"] as const) {
      await storeEvent(store, { status, startDate: NOW + 1, endDate: NOW + SECOND });
      timer.notice(await newest());
    }
    await storeEvent(store, { ...nearEnd, endDate: null });
    timer.notice(await newest());
    assert.deepEqual(waits, [20 * SECOND, 3 * SECOND, 2 * SECOND]);
  }));

Deno.test("what is past when it is noticed is recorded at once: it may have been told late", () =>
  aTimer(async ({ store, timer, swept, resting, ring, newest }) => {
    timer.start();
    await resting();
    await storeEvent(store, { ...nearEnd, endDate: NOW - 1 });
    timer.notice(await newest());
    assert.equal(await resting(), 0);
    await ring();
    await soon(() => swept.length > 0);
    assert.deepEqual(swept, ["complete_events"]);
  }));

Deno.test("what cannot be swept is tried again later and later, and noticing it changes nothing", () =>
  aTimer(async ({ store, timer, waits, swept, sweep, resting, ring, newest, clock }) => {
    await storeEvent(store, { ...nearEnd, endDate: NOW });
    sweep.run = () => Promise.resolve();
    timer.start();
    await resting();
    for (let i = 0; i < 9; i++) {
      await ring();
      await resting();
    }
    assert.equal(swept.length, 10);
    for (const [i, ms] of waits.entries()) {
      const most = Math.min(10 * SECOND, 100 * 2 ** i);
      assert.ok(ms >= most / 2 && ms <= most, `${i}: ${ms}`);
    }
    const at = clock.now + await resting();
    timer.notice(await newest());
    await storeEvent(store, { ...nearEnd, endDate: clock.now - 1 });
    timer.notice(await newest());
    assert.equal(clock.now + await resting(), at, "each change would set off a sweep");
    sweep.run = null;
    await ring();
    assert.equal(await resting(), MINUTE, "and then it goes on as before");
    await storeEvent(store, { ...nearEnd, endDate: clock.now + SECOND });
    timer.notice(await newest());
    assert.equal(await resting(), SECOND);
  }));

Deno.test("a sweep that fails, or a store that does, is tried again", () =>
  aTimer(async ({ store, timer, swept, sweep, lines, resting, ring }) => {
    await storeEvent(store, { ...nearEnd, endDate: NOW });
    sweep.run = () => Promise.reject(new Error("no lease"));
    timer.start();
    assert.ok(await resting() <= 100);
    assert.deepEqual([swept.length, lines.length], [1, 1]);
    const { list } = store;
    store.list = () => Promise.reject(new Error("the disk is gone"));
    await ring();
    assert.ok(await resting() <= 200);
    assert.deepEqual([swept.length, lines.length], [1, 2]);
    store.list = list;
    sweep.run = null;
    await ring();
    assert.equal(await resting(), MINUTE);
    assert.equal(swept.length, 2);
  }));

Deno.test("a timer that is stopped rings no more, and can be started again", () =>
  aTimer(async ({ store, timer, waits, swept, resting, newest }) => {
    await storeEvent(store, nearEnd);
    timer.start();
    timer.start();
    await resting();
    await timer.stop();
    await storeEvent(store, { ...nearEnd, endDate: NOW + 1 });
    timer.notice(await newest());
    assert.deepEqual(waits, [20 * SECOND]);
    timer.start();
    await soon(() => waits.length === 2);
    assert.deepEqual([waits[1], swept.length], [1, 0]);
  }));

Deno.test("a timer that is started while it is stopping looks at what it has not noticed", () =>
  aTimer(async ({ store, timer, resting, ring }) => {
    const gate = Promise.withResolvers<void>();
    const read = Promise.withResolvers<void>();
    const { list } = store;
    store.list = async function (...args: Parameters<typeof list>) {
      const rows = await list.apply(store, args);
      read.resolve();
      await gate.promise;
      return rows;
    } as typeof list;
    timer.start();
    await read.promise;
    const stopping = timer.stop();
    await storeEvent(store, { startDate: NOW + 5 * SECOND, endDate: null });
    timer.start();
    gate.resolve();
    await stopping;
    assert.equal(await resting(), 0);
    await ring();
    assert.equal(await resting(), 5 * SECOND);
  }));
