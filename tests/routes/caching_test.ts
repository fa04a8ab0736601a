/** What caches may keep: nothing that the clock has made wrong by then. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { nextChange } from "../../lifecycle/status.ts";
import { entersByTime } from "../../routes/caching.ts";
import { EVENT_STATUSES } from "../../kv/event_record.ts";
import { statusAt } from "../../lifecycle/status.ts";
import { DAY, HOUR, MINUTE, NOW, scaled, SECOND, storeEvent, testApp } from "../support/fixture.ts";
import { as, byName, create, type EventListView, json } from "../support/http.ts";

/** Seconds that anybody may keep the answer for; null when nobody may unasked. */
function maxAge(response: Response): number | null {
  const header = response.headers.get("cache-control")!;
  assert.doesNotMatch(header, /stale/);
  const [, seconds] = /^public, max-age=(\d+), must-revalidate$/.exec(header) ?? [];
  if (seconds === undefined) assert.match(header, /^(private, )?no-cache$/);
  return seconds === undefined ? null : Number(seconds);
}

Deno.test("an event is kept for a minute at most, and never up to its next start or end", async () => {
  await using t = await testApp();
  const { record } = await storeEvent(t.store, {
    startDate: NOW + 10 * MINUTE,
    endDate: NOW + 20 * MINUTE,
  });
  const ageAt = async (now: number) => {
    t.clock.now = now;
    const response = await t.request("GET", `/v1/events/${record.id}`);
    await response.text();
    return maxAge(response);
  };
  const { startDate, endDate } = record;
  assert.equal(await ageAt(NOW), 60);
  assert.equal(await ageAt(startDate - 62 * SECOND), 60);
  assert.equal(await ageAt(startDate - 61 * SECOND), 60);
  assert.equal(await ageAt(startDate - 60 * SECOND), 59);
  assert.equal(await ageAt(startDate - 2_001), 1);
  assert.equal(await ageAt(startDate - 1_999), 0);
  assert.equal(await ageAt(startDate - 1), 0);
  assert.equal(await ageAt(startDate), 60);
  assert.equal(await ageAt(endDate! - 5_000), 4);
  assert.equal(await ageAt(endDate!), 60, "and then nothing is ahead");
});

Deno.test("an open-ended event is kept no longer than it is listed", async () => {
  await using t = await testApp();
  const open = { startDate: NOW - HOUR, endDate: null, endText: null };
  const { record } = await storeEvent(t.store, open);
  t.clock.now = record.startDate + DAY - 5_000;
  for (const path of ["/v1/events", `/v1/events/${record.id}`]) {
    const response = await t.request("GET", path);
    await response.text();
    assert.equal(maxAge(response), 4, path);
  }
});

Deno.test("lists are kept for 15 s at most; those that time alone fills are asked for each time", async () => {
  await using t = await testApp();
  await storeEvent(t.store, { endDate: NOW + HOUR });
  const ages = new Map<string, number | null>();
  for (
    const query of [
      "",
      "?status=CONFIRMED",
      "?status=ONGOING",
      "?status=CONFIRMED,ONGOING",
      "?status=COMPLETED",
      "?status=CONFIRMED,ONGOING,COMPLETED&sort=end_date",
      "?status=CANCELLED",
      "?external_id=x",
    ]
  ) {
    const response = await t.request("GET", `/v1/events${query}`);
    await response.text();
    ages.set(query, maxAge(response));
  }
  assert.deepEqual([...ages.values()], [15, 15, null, 15, null, 15, 15, null]);
});

Deno.test("who is signed in gets answers that nobody else is shown", async () => {
  await using t = await testApp({ authenticate: byName });
  const { id, organizer_id } = await create(t, as("alice"));
  for (
    const path of [
      "/v1/events",
      `/v1/events/${id}`,
      "/v1/me/events",
      `/v1/organizers/${organizer_id}/events`,
    ]
  ) {
    const response = await t.request("GET", path, { headers: as("alice") });
    await response.text();
    assert.equal(response.headers.get("cache-control"), "private, no-cache", path);
    assert.match(response.headers.get("vary")!, /authorization/i);
  }
});

Deno.test("what is refused is not kept", async () => {
  await using t = await testApp();
  for (const path of ["/v1/events/evt_01J00000000000000000000000", "/v1/events?limit=0"]) {
    const response = await t.request("GET", path);
    await response.text();
    assert.equal(response.headers.get("cache-control"), "no-store");
  }
});

const offsets = fc.integer({ min: -100, max: 100 });
const cards = fc.array(
  fc.record({
    status: fc.constantFrom(...EVENT_STATUSES),
    startDate: offsets.map((s) => NOW + s * 500),
    length: fc.option(fc.integer({ min: 1, max: 100 })),
  }).map(({ length, ...card }) => ({
    ...card,
    endDate: length === null ? null : card.startDate + length * 500,
  })),
  { maxLength: 5 },
);

Deno.test("until the next change nothing about the events changes, and at it something may", () => {
  const openEndedMs = 20 * SECOND;
  fc.assert(
    fc.property(cards, fc.integer({ min: 1, max: 100_000 }), (list, later) => {
      const next = nextChange(list, { now: NOW, openEndedMs });
      const until = next === null ? NOW + later : Math.min(NOW + later, next - 1);
      for (const card of list) {
        assert.equal(statusAt(card, until), statusAt(card, NOW));
        const listed = (at: number) => (card.endDate ?? card.startDate + openEndedMs) > at;
        assert.equal(listed(until), listed(NOW));
      }
      assert.ok(next === null || next > NOW);
    }),
    { numRuns: scaled(5_000, 500) },
  );
});

Deno.test("entersByTime() knows the lists that an event can enter without a write", () => {
  fc.assert(
    fc.property(fc.subarray([...EVENT_STATUSES], { minLength: 1 }), (statuses) => {
      const card = { status: "CONFIRMED" as const, startDate: 1, endDate: 2 };
      const inside = [0, 1, 2].map((now) => statuses.includes(statusAt(card, now)));
      const enters = inside.some((isIn, i) => i > 0 && isIn && !inside[i - 1]);
      assert.equal(entersByTime(statuses), enters);
    }),
  );
  assert.equal(entersByTime(undefined), false);
});

Deno.test("a cache that keeps what it is told to never shows an ended event as live", async () => {
  await using t = await testApp();
  for (let i = 0; i < 12; i++) {
    await storeEvent(t.store, { startDate: NOW + i * 1_700, endDate: NOW + (i + 3) * 2_300 });
  }
  let kept: { items: EventListView["items"]; until: number } | null = null;
  let asked = 0;
  for (let now = NOW; now < NOW + 40 * SECOND; now += 250) {
    t.clock.now = now;
    if (kept === null || now >= kept.until) {
      const response = await t.request("GET", "/v1/events");
      const age = maxAge(response)!;
      kept = { ...(await json<EventListView>(response)), until: now + age * SECOND };
      asked++;
    }
    for (const { ends_at, status } of kept.items) {
      assert.ok(Date.parse(ends_at!) > now, "it is over");
      assert.notEqual(status, "COMPLETED");
    }
  }
  assert.ok(asked < 160, "and it was of some use");
});
