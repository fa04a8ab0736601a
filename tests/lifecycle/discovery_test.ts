import assert from "node:assert/strict";
import { EVENT_STATUSES, type EventRecord, type EventStatus } from "../../kv/event_record.ts";
import type { Store } from "../../kv/store.ts";
import { type EventQuery, listEvents, listEventsByExternalId } from "../../lifecycle/discovery.ts";
import { NO_LOCATION } from "../../lifecycle/event_content.ts";
import { GUEST, type Principal, ROOT } from "../../lifecycle/policy.ts";
import { DAY, HOUR, MINUTE, NOW, storeEvent } from "../support/fixture.ts";
import { addMember, aMember, onStore, organizerId } from "./lifecycle_fixture.ts";

/** The titles on one page for a guest. */
async function titles(
  store: Store,
  query: EventQuery,
  { now = NOW, principal = GUEST }: { now?: number; principal?: Principal } = {},
): Promise<string[]> {
  const page = await listEvents(store, query, { principal, now, openEndedMs: DAY, limit: 100 });
  assert.equal(page.nextCursor, null);
  return page.items.map((item) => item.title);
}

function at(hours: number) {
  return NOW + hours * HOUR;
}

/** Stores an event of each description; the titles are the keys. */
async function storeAll(store: Store, events: Record<string, Partial<EventRecord>>) {
  for (const [title, overrides] of Object.entries(events)) {
    await storeEvent(store, { title, ...overrides });
  }
}

Deno.test(
  "the default list shows what is live, by start, and hides an event from its end on",
  onStore(async (store) => {
    await storeAll(store, {
      "to come": { startDate: at(1), endDate: at(2) },
      "running": { startDate: at(-1), endDate: at(1) },
      "ended just now": { startDate: at(-2), endDate: NOW },
      "ends in a moment": { startDate: at(-2), endDate: NOW + 1 },
      "draft": { status: "DRAFT" },
      "cancelled": { status: "CANCELLED" },
      "finished early": { status: "COMPLETED", completedAt: NOW - 1 },
      "archived": { status: "ARCHIVED", archivedFrom: "CANCELLED" },
      "private": { visibility: "PRIVATE" },
      "unlisted": { visibility: "UNLISTED" },
    });
    assert.deepEqual(await titles(store, {}), ["ends in a moment", "running", "to come"]);
    // Whatever the sweep has done: at the end itself it is gone.
    assert.deepEqual(await titles(store, {}, { now: NOW + 1 }), ["running", "to come"]);
    assert.deepEqual(await titles(store, {}, { now: at(2) }), []);
  }),
);

Deno.test(
  "an open-ended event is listed until some hours after its start, and not a millisecond longer",
  onStore(async (store) => {
    await storeEvent(store, { title: "open", startDate: NOW, endDate: null, tags: ["jazz"] });
    const queries: EventQuery[] = [
      {},
      { sort: "-start_date" },
      { sort: "end_date" },
      { sort: "-end_date" },
      { tag: "jazz" },
      { organizerId: organizerId(0) },
      { statuses: ["CONFIRMED", "ONGOING", "COMPLETED"], sort: "end_date" },
    ];
    for (const query of queries) {
      const shown = (now: number) => titles(store, query, { now });
      assert.deepEqual(await shown(NOW + DAY - 1), ["open"], JSON.stringify(query));
      assert.deepEqual(await shown(NOW + DAY), [], JSON.stringify(query));
    }
  }),
);

Deno.test(
  "statuses are those of the millisecond, not those that are stored",
  onStore(async (store) => {
    await storeAll(store, {
      "to come": { startDate: at(1), endDate: at(4) },
      "began early": { status: "ONGOING", startDate: at(2), endDate: at(5) },
      "running": { startDate: at(-1), endDate: at(3) },
      "ended": { startDate: at(-2), endDate: at(-1) },
      "completed": { status: "COMPLETED", startDate: at(-5), endDate: at(-4) },
      "finished early": { status: "COMPLETED", startDate: at(-5), endDate: at(6) },
      "cancelled": { status: "CANCELLED", endDate: at(1) },
      "archived": { status: "ARCHIVED", archivedFrom: "COMPLETED", endDate: at(-3) },
      "draft": { status: "DRAFT", endDate: at(2) },
      "private draft": { status: "DRAFT", visibility: "PRIVATE", endDate: at(7) },
    });
    const list = (...statuses: EventStatus[]) =>
      titles(store, { statuses, sort: "end_date" }, { principal: ROOT });
    assert.deepEqual(await list("CONFIRMED"), ["to come"]);
    assert.deepEqual(await list("ONGOING"), ["running", "began early"]);
    assert.deepEqual(await list("COMPLETED"), ["completed", "ended", "finished early"]);
    assert.deepEqual(await list("CANCELLED"), ["cancelled"]);
    assert.deepEqual(await list("ARCHIVED"), ["archived"]);
    assert.deepEqual(await list("DRAFT"), ["draft", "private draft"]);
    assert.deepEqual(await list(...EVENT_STATUSES), [
      "completed",
      "archived",
      "ended",
      "cancelled",
      "draft",
      "running",
      "to come",
      "began early",
      "finished early",
      "private draft",
    ]);
    assert.deepEqual(await titles(store, { statuses: ["ONGOING"] }), ["running", "began early"]);
    assert.deepEqual(await titles(store, { statuses: ["CONFIRMED"] }), ["to come"]);
  }),
);

Deno.test(
  "the past comes newest first unless another order is asked for",
  onStore(async (store) => {
    await storeAll(store, {
      "older": { status: "COMPLETED", startDate: at(-9), endDate: at(-8) },
      "newer": { status: "COMPLETED", startDate: at(-9), endDate: at(-7) },
    });
    assert.deepEqual(await titles(store, { statuses: ["COMPLETED"] }), ["newer", "older"]);
    const ascending = { statuses: ["COMPLETED"], sort: "end_date" } as const;
    assert.deepEqual(await titles(store, { ...ascending, statuses: ["COMPLETED"] }), [
      "older",
      "newer",
    ]);
  }),
);

Deno.test(
  "drafts are listed for admins only",
  onStore(async (store) => {
    await storeEvent(store, { status: "DRAFT" });
    const drafts = { statuses: ["DRAFT", "CONFIRMED"] as EventStatus[], sort: "end_date" as const };
    await assert.rejects(titles(store, drafts), { code: "unauthenticated" });
    const member = { principal: aMember("usr_ann") };
    await assert.rejects(titles(store, drafts, member), { code: "forbidden" });
    assert.equal((await titles(store, drafts, { principal: ROOT })).length, 1);
  }),
);

Deno.test(
  "only live events are served by start, unless an organizer is named",
  onStore(async (store) => {
    for (const status of ["DRAFT", "COMPLETED", "CANCELLED", "ARCHIVED"] as const) {
      for (const sort of ["start_date", "-start_date"] as const) {
        const query = { statuses: ["CONFIRMED", status] as EventStatus[], sort };
        await assert.rejects(titles(store, query, { principal: ROOT }), {
          code: "unsupported_query",
          message: /Sort by end_date or -end_date, or name an organizer/,
          extensions: { parameter: "sort" },
        });
        await titles(store, { ...query, organizerId: organizerId(1) }, { principal: ROOT });
      }
    }
  }),
);

Deno.test(
  "an organizer's list by start holds every status that is asked for",
  onStore(async (store) => {
    const mine = { organizerId: organizerId(1) };
    await storeAll(store, {
      "running": mine,
      "other's": { organizerId: organizerId(2) },
      "done": { ...mine, status: "COMPLETED", startDate: at(-9), endDate: at(-8) },
      "unlisted": { ...mine, visibility: "UNLISTED" },
    });
    const both = { statuses: ["ONGOING", "COMPLETED"] as EventStatus[], ...mine };
    assert.deepEqual(await titles(store, { ...both, sort: "start_date" }), ["done", "running"]);
    assert.deepEqual(await titles(store, { ...both, sort: "-start_date" }), ["running", "done"]);
    assert.deepEqual(await titles(store, mine), ["running"]);
  }),
);

Deno.test(
  "filters: bounds on the dates are exclusive",
  onStore(async (store) => {
    await storeAll(store, {
      "first": { startDate: at(1), endDate: at(2) },
      "second": { startDate: at(2), endDate: at(4) },
      "third": { startDate: at(3), endDate: at(5) },
      "open": { startDate: at(2), endDate: null },
    });
    for (const sort of ["start_date", "end_date"] as const) {
      const list = async (query: EventQuery) => (await titles(store, { ...query, sort })).sort();
      assert.deepEqual(await list({ startsAfter: at(1) - 1 }), [
        "first",
        "open",
        "second",
        "third",
      ]);
      assert.deepEqual(await list({ startsAfter: at(1) }), ["open", "second", "third"]);
      assert.deepEqual(await list({ startsBefore: at(2) }), ["first"]);
      assert.deepEqual(await list({ startsBefore: at(2) + 1 }), ["first", "open", "second"]);
      assert.deepEqual(await list({ startsAfter: at(1), startsBefore: at(3) }), ["open", "second"]);
      assert.deepEqual(await list({ startsAfter: at(3), startsBefore: at(1) }), []);
      assert.deepEqual(await list({ endsAfter: at(4) - 1 }), ["open", "second", "third"]);
      assert.deepEqual(await list({ endsAfter: at(4) }), ["open", "third"]);
    }
  }),
);

Deno.test(
  "filters: tag, organizer, city, country and online, alone and together",
  onStore(async (store) => {
    const london = { ...NO_LOCATION, city: "London", country: "U.K." };
    const tokyo = { ...NO_LOCATION, city: "東京", country: "Japan" };
    await storeAll(store, {
      "a": { tags: ["music", "jazz"], location: london, organizerId: organizerId(1) },
      "b": { tags: ["music"], location: tokyo, organizerId: organizerId(2) },
      "c": { tags: [], online: true, organizerId: organizerId(1) },
    });
    for (const sort of ["start_date", "-start_date", "end_date", "-end_date"] as const) {
      const list = async (query: EventQuery) => (await titles(store, { ...query, sort })).sort();
      assert.deepEqual(await list({ tag: "music" }), ["a", "b"]);
      assert.deepEqual(await list({ tag: "Music" }), []);
      assert.deepEqual(await list({ organizerId: organizerId(1) }), ["a", "c"]);
      assert.deepEqual(await list({ city: "LONDON" }), ["a"]);
      assert.deepEqual(await list({ city: "東京" }), ["b"]);
      assert.deepEqual(await list({ country: "japan" }), ["b"]);
      assert.deepEqual(await list({ online: true }), ["c"]);
      assert.deepEqual(await list({ online: false }), ["a", "b"]);
      assert.deepEqual(await list({ tag: "music", organizerId: organizerId(1) }), ["a"]);
      assert.deepEqual(await list({ tag: "jazz", country: "Japan" }), []);
    }
  }),
);

Deno.test(
  "a page that met events whose completion is not recorded says so, once",
  onStore(async (store) => {
    await storeEvent(store, { endDate: NOW - MINUTE });
    await storeEvent(store, { endDate: NOW - MINUTE });
    await storeEvent(store, { status: "COMPLETED", endDate: NOW - MINUTE });
    let due = 0;
    const options = { principal: GUEST, openEndedMs: DAY, limit: 20, onDue: () => void due++ };
    await listEvents(store, {}, { ...options, now: NOW - MINUTE - 1 });
    assert.equal(due, 0);
    await listEvents(store, {}, { ...options, now: NOW - MINUTE });
    assert.equal(due, 1);
    await listEvents(store, { statuses: ["COMPLETED"] }, { ...options, now: NOW });
    assert.equal(due, 2);
  }),
);

Deno.test(
  "listEventsByExternalId() finds what the caller may see, of every status and organizer",
  onStore(async (store) => {
    const externalId = "gala-26";
    await addMember(store, organizerId(3), { userId: "usr_ann", role: "viewer" });
    await storeAll(store, {
      "public": { externalId, organizerId: organizerId(1) },
      "archived": {
        externalId,
        organizerId: organizerId(2),
        status: "ARCHIVED",
        archivedFrom: "COMPLETED",
      },
      "private": { externalId, organizerId: organizerId(3), visibility: "PRIVATE" },
      "another": { externalId: "gala-27", organizerId: organizerId(1) },
    });
    const found = async (principal: Principal, only?: number) => {
      const organizer = only === undefined ? {} : { organizerId: organizerId(only) };
      const page = await listEventsByExternalId(store, externalId, { principal, ...organizer });
      assert.equal(page.nextCursor, null);
      return page.items.map((item) => item.title);
    };
    assert.deepEqual(await found(GUEST), ["public", "archived"]);
    assert.deepEqual(await found(aMember("usr_ann")), ["public", "archived", "private"]);
    assert.deepEqual(await found(ROOT), ["public", "archived", "private"]);
    assert.deepEqual(await found(ROOT, 2), ["archived"]);
    assert.deepEqual(await found(GUEST, 3), []);
  }),
);
