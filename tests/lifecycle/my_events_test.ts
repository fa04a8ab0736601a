import assert from "node:assert/strict";
import { EVENT_STATUSES, type EventRecord } from "../../kv/event_record.ts";
import type { Store } from "../../kv/store.ts";
import { listMyEvents } from "../../lifecycle/discovery.ts";
import { GUEST, type Principal } from "../../lifecycle/policy.ts";
import { HOUR, NOW, storeEvent } from "../support/fixture.ts";
import { addMember, aMember, onStore, organizerId } from "./lifecycle_fixture.ts";

const ANN = aMember("usr_ann");
const AS_STAFF = { userId: "usr_ann", role: "viewer" } as const;

function page(
  store: Store,
  options: { includeCompleted?: boolean; principal?: Principal; limit?: number; cursor?: string } =
    {},
) {
  const { includeCompleted = true, principal = ANN, limit = 100, cursor } = options;
  return listMyEvents(store, includeCompleted, { principal, now: NOW, limit, cursor });
}

async function titles(store: Store, options = {}): Promise<string[]> {
  return (await page(store, options)).items.map((item) => item.title);
}

/** Ann owns organizer 1 and views organizer 2; 3 is another's. */
async function storeWorld(store: Store): Promise<void> {
  await addMember(store, organizerId(1), { userId: "usr_ann", role: "owner" });
  await addMember(store, organizerId(2), { userId: "usr_ann", role: "viewer" });
  await addMember(store, organizerId(3), { userId: "usr_bob", role: "owner" });
  const events: Record<string, Partial<EventRecord>> = {
    "mine": { organizerId: organizerId(1), startDate: NOW - 6 * HOUR },
    "mine, and on its staff": {
      organizerId: organizerId(1),
      startDate: NOW - 5 * HOUR,
      staff: [AS_STAFF],
    },
    "viewed": { organizerId: organizerId(2), startDate: NOW - 4 * HOUR },
    "staffed": { organizerId: organizerId(3), startDate: NOW - 3 * HOUR, staff: [AS_STAFF] },
    "staffed, private": {
      organizerId: organizerId(3),
      visibility: "PRIVATE",
      startDate: NOW - 2 * HOUR,
      staff: [AS_STAFF],
    },
    "Bob's": { organizerId: organizerId(3), startDate: NOW - HOUR },
  };
  for (const [title, overrides] of Object.entries(events)) {
    await storeEvent(store, { title, ...overrides });
  }
}

const ANNS = ["staffed, private", "staffed", "viewed", "mine, and on its staff", "mine"];

Deno.test(
  "listMyEvents() shows the events of the caller's organizers and those they staff, each once",
  onStore(async (store) => {
    await storeWorld(store);
    assert.deepEqual(await titles(store), ANNS);
    assert.deepEqual(await titles(store, { principal: aMember("usr_bob") }), [
      "Bob's",
      "staffed, private",
      "staffed",
    ]);
    assert.deepEqual(await titles(store, { principal: aMember("usr_new") }), []);
  }),
);

Deno.test(
  "listMyEvents() walks everything once, whatever the size of a page",
  onStore(async (store) => {
    await storeWorld(store);
    for (let limit = 1; limit <= 6; limit++) {
      const walked: string[] = [];
      let cursor: string | undefined;
      do {
        const { items, nextCursor } = await page(store, { limit, ...(cursor && { cursor }) });
        walked.push(...items.map((item) => item.title));
        cursor = nextCursor ?? undefined;
      } while (cursor !== undefined);
      assert.deepEqual(walked, ANNS, `limit ${limit}`);
    }
  }),
);

Deno.test(
  "listMyEvents() is for signed-in users, and its cursor for the one who got it",
  onStore(async (store) => {
    await storeWorld(store);
    await assert.rejects(page(store, { principal: GUEST }), { code: "unauthenticated" });
    const { nextCursor } = await page(store, { limit: 1 });
    const cursor = nextCursor!;
    await assert.rejects(page(store, { principal: aMember("usr_bob"), cursor }), {
      code: "invalid_cursor",
    });
    await assert.rejects(page(store, { includeCompleted: false, cursor }), {
      code: "invalid_cursor",
    });
  }),
);

Deno.test(
  "listMyEvents() shows every status, or leaves out what is over",
  onStore(async (store) => {
    await addMember(store, organizerId(1), { userId: "usr_ann", role: "owner" });
    for (const status of EVENT_STATUSES) {
      await storeEvent(store, { title: status, status, organizerId: organizerId(1) });
    }
    await storeEvent(store, { title: "ended", endDate: NOW, organizerId: organizerId(1) });
    await storeEvent(store, { title: "ending", endDate: NOW + 1, organizerId: organizerId(1) });
    assert.deepEqual((await titles(store)).sort(), [...EVENT_STATUSES, "ended", "ending"].sort());
    assert.deepEqual((await titles(store, { includeCompleted: false })).sort(), [
      "CANCELLED",
      "CONFIRMED",
      "DRAFT",
      "ONGOING",
      "ending",
    ]);
  }),
);

Deno.test(
  "listMyEvents() says when it met events whose completion is not recorded",
  onStore(async (store) => {
    await addMember(store, organizerId(1), { userId: "usr_ann", role: "owner" });
    await storeEvent(store, { organizerId: organizerId(1), endDate: NOW });
    let due = 0;
    const options = { principal: ANN, limit: 20, onDue: () => void due++ };
    await listMyEvents(store, true, { ...options, now: NOW - 1 });
    assert.equal(due, 0);
    await listMyEvents(store, true, { ...options, now: NOW });
    assert.equal(due, 1);
  }),
);
