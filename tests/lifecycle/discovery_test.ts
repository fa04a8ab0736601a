import assert from "node:assert/strict";
import { EVENT_STATUSES, type EventStatus } from "../../kv/event_record.ts";
import { listEvents } from "../../lifecycle/discovery.ts";
import type { EventQuery } from "../../lifecycle/event_filter.ts";
import { GUEST, ROOT } from "../../lifecycle/policy.ts";
import { DAY, MINUTE, NOW, storeEvent } from "../support/fixture.ts";
import { at, storeAll, titles } from "./discovery_lists.ts";
import { aMember, onStore, organizerId } from "./lifecycle_fixture.ts";

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
    assert.equal((await titles(store, { sort: "end_date" }))[0], "ends in a moment");
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
