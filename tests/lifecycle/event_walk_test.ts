import assert from "node:assert/strict";
import { indexEntries } from "../../kv/event_indexes.ts";
import { readPosition } from "../../kv/journal_places.ts";
import type { Store } from "../../kv/store.ts";
import { listEvents } from "../../lifecycle/discovery.ts";
import type { EventQuery } from "../../lifecycle/event_filter.ts";
import { NO_LOCATION } from "../../lifecycle/event_content.ts";
import { MAX_ROWS_WALKED } from "../../lifecycle/event_walk.ts";
import { GUEST } from "../../lifecycle/policy.ts";
import { aRecord, DAY, NOW, storeEvent } from "../support/fixture.ts";
import { onStore } from "./lifecycle_fixture.ts";

Deno.test(
  "all pages of a list carry the position from before the first one",
  onStore(async (store) => {
    for (let i = 0; i < 5; i++) await storeEvent(store);
    const options = { principal: GUEST, now: NOW, openEndedMs: DAY, limit: 2 };
    const position = await readPosition(store);
    const first = await listEvents(store, {}, options);
    assert.equal(first.position, position);
    await storeEvent(store);
    const second = await listEvents(store, {}, { ...options, cursor: first.nextCursor! });
    assert.equal(second.position, position);
    assert.notEqual((await listEvents(store, {}, options)).position, position);
  }),
);

Deno.test(
  "a cursor belongs to the query that gave it, and its last page has none",
  onStore(async (store) => {
    for (let i = 0; i < 4; i++) await storeEvent(store);
    const list = (query: EventQuery, limit: number, cursor?: string) =>
      listEvents(store, query, { principal: GUEST, now: NOW, openEndedMs: DAY, limit, cursor });
    const cursor = (await list({}, 2)).nextCursor!;
    for (const other of [{ tag: "music" }, { sort: "end_date" }, { online: false }] as const) {
      await assert.rejects(list(other, 2, cursor), { code: "invalid_cursor" });
    }
    await assert.rejects(list({}, 2, `${cursor.slice(0, -2)}AA`), { code: "invalid_cursor" });
    const last = await list({}, 2, cursor);
    assert.deepEqual([last.items.length, last.nextCursor], [2, null]);
    assert.equal((await list({}, 4)).nextCursor, null);
  }),
);

Deno.test(
  "a page looks at a bounded number of rows, and is short rather than slow",
  onStore(async (store) => {
    const city = (name: string) => ({ location: { ...NO_LOCATION, city: name } });
    // The index rows alone, because this many whole events would take seconds.
    for (let i = 0; i < MAX_ROWS_WALKED + 500; i += 100) {
      const operation = store.kv.atomic();
      for (let j = 0; j < 100; j++) {
        for (const { key, value } of indexEntries(aRecord(city("Leeds")))) {
          operation.set(key, value);
        }
      }
      await operation.commit();
    }
    await storeEvent(store, { ...city("London"), startDate: NOW, title: "the last" });
    let rows = 0;
    const { list } = store;
    Object.assign(store, {
      async list(...args: Parameters<Store["list"]>) {
        const read = await list.apply(store, args);
        rows += read.length;
        return read;
      },
    });
    const options = { principal: GUEST, now: NOW, openEndedMs: DAY, limit: 20 };
    const first = await listEvents(store, { city: "London" }, options);
    assert.deepEqual(first.items, []);
    assert.notEqual(first.nextCursor, null);
    assert.ok(rows < MAX_ROWS_WALKED + 500, `${rows} rows`);
    const cursor = first.nextCursor!;
    const second = await listEvents(store, { city: "London" }, { ...options, cursor });
    assert.deepEqual(second.items.map((item) => item.title), ["the last"]);
    assert.equal(second.nextCursor, null);
  }),
);
