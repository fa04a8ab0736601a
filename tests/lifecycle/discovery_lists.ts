/** Lists for the tests of discovery, by the titles they show. */
import assert from "node:assert/strict";
import type { EventRecord } from "../../kv/event_record.ts";
import type { Store } from "../../kv/store.ts";
import { listEvents } from "../../lifecycle/discovery.ts";
import type { EventQuery } from "../../lifecycle/event_filter.ts";
import { GUEST, type Principal } from "../../lifecycle/policy.ts";
import { DAY, HOUR, NOW, storeEvent } from "../support/fixture.ts";

/** The titles on one page for a guest. */
export async function titles(
  store: Store,
  query: EventQuery,
  { now = NOW, principal = GUEST }: { now?: number; principal?: Principal } = {},
): Promise<string[]> {
  const page = await listEvents(store, query, { principal, now, openEndedMs: DAY, limit: 100 });
  assert.equal(page.nextCursor, null);
  return page.items.map((item) => item.title);
}

export function at(hours: number) {
  return NOW + hours * HOUR;
}

/** Stores an event of each description; the titles are the keys. */
export async function storeAll(store: Store, events: Record<string, Partial<EventRecord>>) {
  for (const [title, overrides] of Object.entries(events)) {
    await storeEvent(store, { title, ...overrides });
  }
}
