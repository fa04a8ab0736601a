import assert from "node:assert/strict";
import { mock } from "node:test";
import type { Store } from "../../kv/store.ts";
import { listEvents } from "../../lifecycle/discovery.ts";
import { createLogger, SILENT } from "../../lifecycle/log.ts";
import { GUEST } from "../../lifecycle/policy.ts";
import { fillUp, keepSampleEvents } from "../../lifecycle/sample_events.ts";
import { allRecords, DAY, freshStore, MINUTE, NOW } from "../support/fixture.ts";
import { interrupt, onStore } from "./lifecycle_fixture.ts";
import { soon } from "../support/http.ts";

async function live(store: Store, now: number) {
  const options = { principal: GUEST, now, openEndedMs: DAY, limit: 100 };
  return (await listEvents(store, { sort: "end_date" }, options)).items;
}

Deno.test(
  "fillUp() makes three dozen live events, of which five end within two minutes",
  onStore(async (store) => {
    const made = await fillUp(store, NOW);
    const items = await live(store, NOW);
    assert.equal(items.length, 36);
    assert.equal(made, 36);
    const over = items.filter(({ endDate }) => endDate !== null && endDate <= NOW + 2 * MINUTE);
    assert.equal(over.length, 5);
    assert.ok(items.some((item) => item.allDay), "some take all day");
    assert.ok(items.some((item) => item.endDate === null), "some are open-ended");
    assert.ok(items.some((item) => item.online));
    assert.ok(new Set(items.map((item) => item.timeZone)).size > 4);
  }),
);

Deno.test(
  "fillUp() makes nothing when enough is there, and later only what is missing",
  onStore(async (store) => {
    await fillUp(store, NOW);
    assert.equal(await fillUp(store, NOW), 0);
    const now = NOW + 3 * MINUTE;
    const left = (await live(store, now)).length;
    assert.ok(left <= 31);
    await fillUp(store, now);
    const items = await live(store, now);
    assert.ok(items.length >= 36);
    assert.ok(items.filter(({ endDate }) => endDate! <= now + 2 * MINUTE).length >= 5);
  }),
);

Deno.test("keepSampleEvents() fills up at once and every 20 s, until it is stopped", async () => {
  // Before the store is opened, so that its own timers are of the same kind.
  mock.timers.enable({ apis: ["setInterval"] });
  const store = await freshStore();
  try {
    let now = NOW;
    const stop = await keepSampleEvents(store, { clock: () => now, log: SILENT });
    assert.equal((await allRecords(store)).length, 36);
    now += 3 * MINUTE;
    mock.timers.tick(20_000);
    await soon(async () => (await live(store, now)).length === 36);
    stop();
  } finally {
    store.close();
    mock.timers.reset();
  }
});

Deno.test("keepSampleEvents() says that it could not, and goes on", async () => {
  mock.timers.enable({ apis: ["setInterval"] });
  const store = await freshStore();
  try {
    const warned = Promise.withResolvers<string>();
    const log = createLogger({
      level: "warn",
      readable: true,
      timeZone: "UTC",
      write: (line) => warned.resolve(line),
    });
    const stop = await keepSampleEvents(store, { clock: () => NOW, log });
    interrupt(store, "list", () => Promise.reject(new Error("no store")));
    mock.timers.tick(20_000);
    assert.match(await warned.promise, /sample events could not be made.*no store/s);
    stop();
  } finally {
    store.close();
    mock.timers.reset();
  }
});
