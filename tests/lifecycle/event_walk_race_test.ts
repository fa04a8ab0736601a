/** Lists that are read while events start, complete and move. */
import assert from "node:assert/strict";
import type { EventId, EventRecord, EventStatus } from "../../kv/event_record.ts";
import type { Store } from "../../kv/store.ts";
import { listEvents } from "../../lifecycle/discovery.ts";
import type { EventQuery } from "../../lifecycle/event_filter.ts";
import { editEvent } from "../../lifecycle/edit_event.ts";
import { ROOT } from "../../lifecycle/policy.ts";
import { transitionEvent } from "../../lifecycle/transition_event.ts";
import { DAY, freshStore, HOUR, NOW, scaled, storeEvent } from "../support/fixture.ts";
import { random } from "../support/random.ts";
import { interrupt, onStore } from "./lifecycle_fixture.ts";

const AS_ROOT = { principal: ROOT, now: NOW };

/** All pages, one after the other. */
async function walk(store: Store, query: EventQuery, limit: number): Promise<EventId[][]> {
  const pages: EventId[][] = [];
  let cursor: string | undefined;
  do {
    const options = { ...AS_ROOT, openEndedMs: DAY, limit, cursor };
    const { items, nextCursor } = await listEvents(store, query, options);
    pages.push(items.map((item) => item.id));
    cursor = nextCursor ?? undefined;
  } while (cursor !== undefined);
  return pages;
}

async function storeMany(
  store: Store,
  count: number,
  overrides: (i: number) => Partial<EventRecord>,
): Promise<EventId[]> {
  const ids: EventId[] = [];
  for (let i = 0; i < count; i++) ids.push((await storeEvent(store, overrides(i))).record.id);
  return ids;
}

async function transition(store: Store, id: EventId, to: EventStatus): Promise<void> {
  await transitionEvent(store, id, { input: { to, reason: null }, ...AS_ROOT });
}

/** Removes and answers a random member. */
function draw<T>(from: T[], next: () => number): T | undefined {
  return from.splice(Math.floor(next() * from.length), 1)[0];
}

Deno.test("a walk meets each event once while events start and complete between its reads", async () => {
  const statuses: EventStatus[] = ["CONFIRMED", "ONGOING", "COMPLETED"];
  for (const sort of ["end_date", "-end_date"] as const) {
    for (const limit of scaled([1, 2, 3, 5, 8, 13, 100], [1, 7, 100])) {
      const store = await freshStore();
      try {
        const next = random(limit);
        const ids = await storeMany(store, 60, (i) => ({
          startDate: NOW + (i % 3 - 1) * HOUR,
          endDate: NOW + (2 + i % 11) * HOUR,
        }));
        const rest = [...ids];
        interrupt(store, "list", async () => {
          for (let i = 0; i < 2; i++) {
            const id = draw(rest, next);
            if (id !== undefined) await transition(store, id, "COMPLETED");
          }
        });
        const walked = (await walk(store, { statuses, sort }, limit)).flat();
        assert.deepEqual(walked.toSorted(), ids.toSorted(), `${sort}, limit ${limit}`);
      } finally {
        store.close();
      }
    }
  }
});

Deno.test(
  "a walk meets each open-ended event that is finished by hand meanwhile",
  onStore(async (store) => {
    const statuses: EventStatus[] = ["CONFIRMED", "ONGOING", "COMPLETED", "CANCELLED"];
    for (const sort of ["end_date", "-end_date"] as const) {
      const dated = await storeMany(store, 3, () => ({ endDate: NOW + HOUR }));
      const open = await storeMany(store, 6, () => ({ endDate: null, endText: null }));
      const rest = [...open];
      const { list } = store;
      interrupt(store, "list", async () => {
        const id = rest.shift();
        if (id !== undefined) {
          await transition(store, id, rest.length % 2 ? "COMPLETED" : "CANCELLED");
        }
      });
      const [page, ...more] = await walk(store, { statuses, sort }, 100);
      Object.assign(store, { list });
      assert.deepEqual(more, []);
      for (const id of [...dated, ...open]) {
        assert.equal(page!.filter((each) => each === id).length, 1, `${sort}: ${id}`);
      }
    }
  }),
);

Deno.test(
  "a walk meets each draft that is published meanwhile",
  onStore(async (store) => {
    const statuses: EventStatus[] = ["DRAFT", "CONFIRMED", "ONGOING"];
    for (const sort of ["end_date", "-end_date"] as const) {
      const ids = await storeMany(store, 10, (i) => ({
        status: "DRAFT",
        endDate: i % 2 === 0 ? null : NOW + HOUR,
      }));
      const rest = [...ids];
      const { list } = store;
      interrupt(store, "list", async () => {
        const id = rest.shift();
        if (id !== undefined) await transition(store, id, "CONFIRMED");
      });
      const [page] = await walk(store, { statuses, sort }, 100);
      Object.assign(store, { list });
      for (const id of ids) {
        assert.equal(page!.filter((each) => each === id).length, 1, `${sort}: ${id}`);
      }
    }
  }),
);

Deno.test("a walk by start meets each event once while ends move and events get one", async () => {
  for (const sort of ["start_date", "-start_date"] as const) {
    for (const limit of [1, 7, 100]) {
      const store = await freshStore();
      try {
        const next = random(limit);
        const ids = await storeMany(store, 40, (i) => ({
          startDate: NOW + (i % 5) * HOUR,
          endDate: i % 2 === 0 ? null : NOW + 9 * HOUR,
        }));
        const rest = [...ids];
        interrupt(store, "list", async () => {
          const id = draw(rest, next);
          if (id === undefined) return;
          const edit = { content: {}, times: { endDate: "2026-12-07T00:00:00Z" } };
          await editEvent(store, id, { edit, ...AS_ROOT });
        });
        const walked = (await walk(store, { sort }, limit)).flat();
        assert.deepEqual(walked.toSorted(), ids.toSorted(), `${sort}, limit ${limit}`);
      } finally {
        store.close();
      }
    }
  }
});

Deno.test(
  "a page shows an event once that moves ahead while the page is read",
  onStore(async (store) => {
    // Most rows do not pass the filter, so that one page takes several reads.
    await storeMany(store, 40, (i) => ({ startDate: NOW + i, online: false }));
    const [first] = await storeMany(store, 1, () => ({ startDate: NOW - HOUR, online: true }));
    let reads = 0;
    interrupt(store, "list", async () => {
      if (++reads !== 1) return;
      const edit = { content: {}, times: { startDate: "2026-12-05T18:30:00Z" } };
      await editEvent(store, first!, { edit, ...AS_ROOT });
    });
    const pages = await walk(store, { online: true }, 5);
    assert.deepEqual(pages, [[first]]);
    assert.ok(reads > 1);
  }),
);
