import assert from "node:assert/strict";
import fc from "fast-check";
import {
  EVENT_STATUSES,
  type EventCard,
  type EventId,
  type EventRecord,
  VISIBILITIES,
} from "../../kv/event_record.ts";
import { createEvent } from "../../kv/events.ts";
import type { Store } from "../../kv/store.ts";
import { listEvents } from "../../lifecycle/discovery.ts";
import { type EventQuery, SORTS } from "../../lifecycle/event_filter.ts";
import { NO_LOCATION } from "../../lifecycle/event_content.ts";
import { newEventId } from "../../lifecycle/ids.ts";
import { ROOT } from "../../lifecycle/policy.ts";
import { aRecord, DAY, freshStore, HOUR, NOW, scaled } from "../support/fixture.ts";
import { random } from "../support/random.ts";
import { organizerId } from "./lifecycle_fixture.ts";

const LIVE = ["CONFIRMED", "ONGOING"] as const;

/** All pages of a list, one after the other. */
async function walk(
  store: Store,
  query: EventQuery,
  { limit }: { limit: number },
): Promise<EventCard[]> {
  const walked: EventCard[] = [];
  let cursor: string | undefined;
  for (let pages = 0; pages < 200; pages++) {
    const page = await listEvents(store, query, {
      principal: ROOT,
      now: NOW,
      openEndedMs: DAY,
      limit,
      cursor,
    });
    assert.ok(page.items.length <= limit);
    walked.push(...page.items);
    if (page.nextCursor === null) return walked;
    cursor = page.nextCursor;
  }
  assert.fail("the list never ends");
}

/** Sixty events of all kinds, on few dates so that many stand at the same one. */
function someRecords(seed: number): EventRecord[] {
  const next = random(seed);
  const one = <T>(of: readonly T[]): T => of[Math.floor(next() * of.length)]!;
  return Array.from({ length: 60 }, () => {
    const startDate = NOW + one([-40, -30, -23, -2, -1, 0, 1, 2, 50]) * HOUR;
    const status = one(
      [...EVENT_STATUSES, "CONFIRMED", "CONFIRMED", "ONGOING", "COMPLETED"] as const,
    );
    return aRecord({
      id: newEventId(NOW - DAY + Math.floor(next() * DAY)),
      status,
      archivedFrom: status === "ARCHIVED" ? one(["COMPLETED", "CANCELLED"] as const) : null,
      visibility: one([...VISIBILITIES, "PUBLIC", "PUBLIC", "PUBLIC"] as const),
      startDate,
      endDate: one([null, startDate + HOUR, startDate + 2 * HOUR, startDate + 9 * HOUR]),
      tags: one([[], ["a"], ["a", "b"]]),
      organizerId: one([organizerId(1), organizerId(2)]),
      online: next() < 0.3,
      location: { ...NO_LOCATION, city: one(["London", "Leeds", null]) },
    });
  });
}

/** What the list should hold, told without any index. */
function naive(records: EventRecord[], query: EventQuery): EventId[] {
  const statuses: string[] = query.statuses ?? [...LIVE];
  const isLive = (event: EventRecord) => LIVE.some((status) => status === event.status);
  const effective = (event: EventRecord) =>
    !isLive(event)
      ? event.status
      : event.endDate !== null && event.endDate <= NOW
      ? "COMPLETED"
      : event.startDate <= NOW
      ? "ONGOING"
      : event.status;
  const found = records.filter((event) =>
    statuses.includes(effective(event)) &&
    (event.visibility === "PUBLIC" || event.status === "DRAFT") &&
    (event.endDate !== null || !isLive(event) || event.startDate + DAY > NOW) &&
    (query.tag === undefined || event.tags.includes(query.tag)) &&
    (query.organizerId === undefined || event.organizerId === query.organizerId) &&
    (query.online === undefined || event.online === query.online) &&
    (query.city === undefined || event.location.city === query.city) &&
    (query.startsAfter === undefined || event.startDate > query.startsAfter) &&
    (query.startsBefore === undefined || event.startDate < query.startsBefore) &&
    (query.endsAfter === undefined || (event.endDate ?? Infinity) > query.endsAfter)
  );
  const onlyLive = statuses.every((status) => status === "CONFIRMED" || status === "ONGOING");
  const sort = query.sort ?? (onlyLive ? "start_date" : "-end_date");
  const sign = sort.startsWith("-") ? -1 : 1;
  return found.toSorted((a, b) => {
    const [x, y] = sort.endsWith("start_date")
      ? [a.startDate, b.startDate]
      : [a.endDate ?? Infinity, b.endDate ?? Infinity];
    if (x !== y) return x < y ? -sign : sign;
    return a.id < b.id ? -sign : sign;
  }).map((event) => event.id);
}

const dates = fc.constantFrom(...[-30, -2, -1, 0, 1, 9].map((hours) => NOW + hours * HOUR));
const queries: fc.Arbitrary<EventQuery> = fc.record({
  statuses: fc.subarray([...EVENT_STATUSES], { minLength: 1 }),
  sort: fc.constantFrom(...SORTS),
  tag: fc.constantFrom("a", "b"),
  organizerId: fc.constantFrom(organizerId(1), organizerId(2)),
  online: fc.boolean(),
  city: fc.constantFrom("London", "Leeds"),
  startsAfter: dates,
  startsBefore: dates,
  endsAfter: dates,
}, { requiredKeys: [] });

/** Whether no index serves the query. */
function isUnserved({ sort, statuses = [...LIVE], organizerId }: EventQuery): boolean {
  const onlyLive = statuses.every((status) => status === "CONFIRMED" || status === "ONGOING");
  return (sort?.endsWith("start_date") ?? false) && !onlyLive && organizerId === undefined;
}

async function assertListed(
  { store, records }: { store: Store; records: EventRecord[] },
  query: EventQuery,
  limit: number,
): Promise<void> {
  const walking = walk(store, query, { limit });
  if (isUnserved(query)) return await assert.rejects(walking, { code: "unsupported_query" });
  const ids = (await walking).map((card) => card.id);
  const expected = naive(records, query);
  if (query.sort?.endsWith("start_date")) return assert.deepEqual(ids, expected);
  // Those without an end stand beyond all others, in no order that was promised.
  const open = new Set(records.filter((one) => one.endDate === null).map((one) => one.id));
  const dated = (of: EventId[]) => of.filter((id) => !open.has(id));
  assert.deepEqual(dated(ids), dated(expected));
  assert.deepEqual(ids.toSorted(), expected.toSorted());
  if (query.sort === "end_date") {
    assert.ok(!ids.slice(dated(ids).length).some((id) => !open.has(id)));
  }
}

Deno.test("a list is what a filter and a sort of all events would be, page by page", async () => {
  for (const seed of scaled([1, 2, 3, 4, 5, 6, 7, 8], [1, 2])) {
    const records = someRecords(seed);
    const store = await freshStore();
    try {
      for (const record of records) await createEvent(store, record, ROOT.userId);
      const world = { store, records };
      const limits = fc.integer({ min: 1, max: 7 });
      await fc.assert(
        fc.asyncProperty(queries, limits, (query, limit) => assertListed(world, query, limit)),
        { seed, numRuns: scaled(500, 120) },
      );
      for (const sort of SORTS) {
        for (let limit = 1; limit <= 7; limit++) await assertListed(world, { sort }, limit);
      }
    } finally {
      store.close();
    }
  }
});
