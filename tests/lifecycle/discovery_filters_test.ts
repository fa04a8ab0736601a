import assert from "node:assert/strict";
import type { EventStatus } from "../../kv/event_record.ts";
import { externalIdKey } from "../../kv/keys.ts";
import { listEventsByExternalId } from "../../lifecycle/discovery.ts";
import type { EventQuery } from "../../lifecycle/event_filter.ts";
import { NO_LOCATION } from "../../lifecycle/event_content.ts";
import { GUEST, type Principal, ROOT } from "../../lifecycle/policy.ts";
import { at, storeAll, titles } from "./discovery_lists.ts";
import { addMember, aMember, onStore, organizerId } from "./lifecycle_fixture.ts";

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
      "unlisted": { externalId, organizerId: organizerId(4), visibility: "UNLISTED" },
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
    assert.deepEqual(await found(ROOT), ["public", "archived", "private", "unlisted"]);
    assert.deepEqual(await found(ROOT, 2), ["archived"]);
    assert.deepEqual(await found(GUEST, 3), []);
    // An entry whose event went a moment ago.
    await store.kv.set(externalIdKey(externalId, organizerId(9)), "evt_gone");
    assert.deepEqual(await found(GUEST), ["public", "archived"]);
  }),
);
