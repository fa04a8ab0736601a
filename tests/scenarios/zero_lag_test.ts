/**
 * Zero lag: what a reader sees changes in the millisecond an event ends, whatever any job has done.
 *
 * Each test looks one millisecond before the end, at it and one after, in a store of its own on
 * which no job ever ran.
 */
import assert from "node:assert/strict";
import type { EventRecord } from "../../kv/event_record.ts";
import type { OrganizerId } from "../../kv/event_record.ts";
import { getEvent } from "../../kv/events.ts";
import { DAY, HOUR, NOW, storeEvent, type TestApp, testApp } from "../support/fixture.ts";
import { json, list, pauseJobs } from "../support/http.ts";

const TITLE = "The Last Waltz";
const ORGANIZER: OrganizerId = "org_00000000000000000000000000";

/** Calls `look` around the end of an event; `live` says whether it still goes on. */
async function aroundTheEnd(
  fields: Partial<EventRecord>,
  look: (t: TestApp, seen: { live: boolean; event: EventRecord }) => Promise<void>,
): Promise<void> {
  for (const milliseconds of [-1, 0, 1]) {
    await using t = await testApp();
    await pauseJobs(t);
    const { record: event } = await storeEvent(t.store, { title: TITLE, ...fields });
    t.clock.now = event.endDate! + milliseconds;
    await look(t, { live: milliseconds < 0, event });
    await t.runner.idle();
    assert.equal((await getEvent(t.store, event.id))!.record.version, 1, "nobody recorded it");
  }
}

/** Stored as each of the statuses a live event may have, and with days instead of times. */
const EVENTS: [name: string, fields: Partial<EventRecord>][] = [
  ["confirmed", { status: "CONFIRMED" }],
  ["ongoing", { status: "ONGOING" }],
  ["all-day", { status: "CONFIRMED", allDay: true, startDate: NOW - DAY, endDate: NOW + HOUR }],
];

for (const [name, fields] of EVENTS) {
  for (
    const query of [
      "",
      "?sort=-start_date",
      "?sort=end_date",
      "?sort=-end_date",
      "?tag=music",
      "?tag=music&sort=end_date",
      `?organizer=${ORGANIZER}`,
      "?status=ONGOING",
      "?status=CONFIRMED,ONGOING",
      "?starts_after=2026-12-01T00:00:00Z",
      "?online=false",
    ]
  ) {
    Deno.test(`an event stored ${name} leaves GET /v1/events${query} as it ends`, async () => {
      await aroundTheEnd(fields, async (t, { live }) => {
        const titles = (await list(t, query)).items.map((item) => item.title);
        assert.deepEqual(titles, live ? [TITLE] : []);
      });
    });
  }

  Deno.test(`an event stored ${name} is among the past ones as it ends`, async () => {
    await aroundTheEnd(fields, async (t, { live, event }) => {
      for (const query of ["?status=COMPLETED", "?status=COMPLETED&sort=end_date"]) {
        const { items } = await list(t, query);
        assert.deepEqual(items.map((item) => item.title), live ? [] : [TITLE]);
        for (const { status, completed_at, ends_at } of items) {
          assert.deepEqual([status, completed_at], ["COMPLETED", ends_at]);
        }
      }
      const all = await list(t, "?status=CONFIRMED,ONGOING,COMPLETED&sort=-end_date");
      assert.deepEqual(all.items.map((item) => item.id), [event.id], "once, in either case");
    });
  });

  Deno.test(`an event stored ${name} is COMPLETED by its URL as it ends`, async () => {
    await aroundTheEnd(fields, async (t, { live, event }) => {
      const shown = await json(await t.request("GET", `/v1/events/${event.id}`));
      assert.equal(shown.status, live ? "ONGOING" : "COMPLETED");
      assert.equal(shown.completed_at, live ? null : shown.ends_at);
    });
  });

  Deno.test(`an event stored ${name} leaves the home page as it ends, and its own page says so`, async () => {
    await aroundTheEnd(fields, async (t, { live, event }) => {
      for (const path of ["/", "/?tag=music"]) {
        const home = await (await t.request("GET", path)).text();
        assert.equal(home.includes(TITLE), live, path);
      }
      const response = await t.request("GET", `/events/${event.id}`);
      assert.equal(response.status, 200);
      const page = await response.text();
      assert.ok(page.includes(TITLE));
      // What the banner says; the script holds the other words, for later.
      const [, headline] = /<strong data-headline[^>]*>([^<]*)</.exec(page)!;
      assert.equal(headline, live ? "Happening now" : "This event is over");
    });
  });
}
