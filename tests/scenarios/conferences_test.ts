/**
 * Real input: 1,551 conferences, all-day, in more than fifty zones.
 *
 * What is to be listed is worked out here from the raw file: a conference goes on for as long as
 * the calendar in its own zone shows no later day than its last.
 */
import assert from "node:assert/strict";
import type { EventCardView } from "../../lifecycle/event_view.ts";
import { bodyOf, type Client, items } from "../../routes/client.ts";
import { clientOf, guestOf } from "../support/client.ts";
import {
  allRecords,
  assertIndexesRebuild,
  completionsByEvent,
  HOUR,
  type TestApp,
  testApp,
} from "../support/fixture.ts";
import { assertWritesNothing, pauseJobs } from "../support/http.ts";

interface Conference {
  external_id: string;
  end_date: string;
  time_zone: string;
}

const FILE = await Deno.readTextFile(new URL("../data/conferences.ndjson", import.meta.url));
const CONFERENCES: Conference[] = FILE.trimEnd().split("\n").map((line) => JSON.parse(line));
const COUNT = 1_551;

const CALENDARS = new Map(
  CONFERENCES.map(({ time_zone: timeZone }) => [
    timeZone,
    // Sweden writes 2026-12-05.
    new Intl.DateTimeFormat("sv-SE", { timeZone, dateStyle: "short" }),
  ]),
);

/** The external ids of those not yet over at `now`, by the calendar on the wall. */
function notYetOver(now: number): string[] {
  const today = new Map([...CALENDARS].map(([zone, calendar]) => [zone, calendar.format(now)]));
  return CONFERENCES.filter(({ end_date, time_zone }) => end_date >= today.get(time_zone)!)
    .map(({ external_id }) => external_id).sort();
}

/** When a conference's last day ends: only to choose clocks by. */
function endOf({ end_date, time_zone }: Conference): number {
  return Temporal.PlainDate.from(end_date).add({ days: 1 }).toZonedDateTime(time_zone)
    .epochMilliseconds;
}

async function load(t: TestApp) {
  const header = { "Content-Type": "application/x-ndjson" };
  const body = new Response(FILE).body;
  return await bodyOf(clientOf(t).v1.imports.$post({ header }, { init: { body } }));
}

const report = (counts: object) => ({
  created: 0,
  updated: 0,
  unchanged: 0,
  deleted: 0,
  failed: 0,
  created_without_key: 0,
  failures: [],
  remedies: {},
  ...counts,
});

type Query = NonNullable<Parameters<Client["v1"]["events"]["$get"]>[0]>["query"];

/** All pages of a list. */
async function walk(t: TestApp, query: Query = {}): Promise<EventCardView[]> {
  const list = guestOf(t).v1.events.$get;
  return await Array.fromAsync(items(list, { query: { limit: 100, ...query } }));
}

const externalIds = (items: EventCardView[]) => items.map((item) => item.external_id!);

/** The ms around the end of a conference in each of these zones, and others here and there. */
function clocks(): number[] {
  const zones = ["Asia/Kolkata", "America/Los_Angeles", "Europe/London", "Australia/Sydney", "UTC"];
  const ends = zones.map((zone) => endOf(CONFERENCES.findLast((one) => one.time_zone === zone)!));
  const days = ["2024-01-01", "2024-03-31", "2024-10-27", "2025-07-01", "2026-06-15", "2030-01-01"];
  return [
    ...days.map((day) => Date.parse(day) + 11 * HOUR),
    ...ends.flatMap((end) => [end - 1, end, end + 1]),
  ].sort((a, b) => a - b);
}

Deno.test("the file holds 1,551 conferences in more than fifty zones", () => {
  assert.equal(CONFERENCES.length, COUNT);
  assert.ok(CALENDARS.size > 50);
});

Deno.test("at any clock the API lists exactly the conferences not yet over in their own zone", async () => {
  await using t = await testApp();
  t.clock.now = clocks()[0]!;
  assert.deepEqual(await load(t), report({ created: COUNT }));
  const sizes = new Set<number>();
  // Forward in time, as sweeps that the readers wake complete what has ended meanwhile.
  for (const now of clocks()) {
    t.clock.now = now;
    const expected = notYetOver(now);
    const byStart = await walk(t);
    assert.deepEqual(externalIds(byStart).sort(), expected, new Date(now).toISOString());
    const byEnd = await walk(t, { sort: "end_date" });
    assert.deepEqual(externalIds(byEnd).sort(), expected);
    for (const [sorted, field] of [[byStart, "starts_at"], [byEnd, "ends_at"]] as const) {
      const dates = sorted.map((item) => item[field]!);
      assert.deepEqual(dates, dates.toSorted());
    }
    sizes.add(byStart.length);
  }
  assert.ok(sizes.has(COUNT) && sizes.has(0) && sizes.size > 10, "the clocks tell them apart");
});

Deno.test("one run completes exactly those that are over, a second none, and importing again nothing", async () => {
  await using t = await testApp();
  await pauseJobs(t);
  const kolkata = CONFERENCES.findLast(({ time_zone }) => time_zone === "Asia/Kolkata")!;
  t.clock.now = endOf(kolkata);
  const expected = notYetOver(t.clock.now);
  const over = COUNT - expected.length;
  assert.ok(over > 100 && !expected.includes(kolkata.external_id));
  assert.deepEqual(await load(t), report({ created: COUNT }));
  const { runs } = clientOf(t).v1.jobs[":name"];
  const run = (dry_run = false) =>
    bodyOf(runs.$post({ param: { name: "complete_events" }, query: { dry_run } }));
  assert.equal((await run(true)).would_change!.length, over);
  const { changed, failed } = await run();
  assert.deepEqual([changed, failed], [over, 0]);
  const live = (await allRecords(t.store)).filter(({ status }) => status !== "COMPLETED");
  assert.deepEqual(live.map(({ externalId }) => externalId).sort(), expected);
  assert.equal((await completionsByEvent(t.store)).size, over);
  assert.deepEqual(externalIds(await walk(t)).sort(), expected);
  assert.equal((await walk(t, { status: "COMPLETED" })).length, over);
  await assertWritesNothing(t, async () => {
    assert.equal((await run()).changed, 0);
    assert.deepEqual(await load(t), report({ unchanged: COUNT }));
  });
  await assertIndexesRebuild(t.store);
});

Deno.test("two imports of the file at once, while the clock completes it, create every event once", async () => {
  await using t = await testApp();
  t.clock.now = Date.parse("2025-07-01T00:00:00Z");
  const sweeping = t.runner.run("complete_events", { trigger: "cron" });
  const reports = await Promise.all([load(t), load(t)]);
  await sweeping;
  for (const { failed, updated } of reports) assert.deepEqual([failed, updated], [0, 0]);
  const total = (count: "created" | "unchanged") =>
    reports.reduce((sum, one) => sum + one[count], 0);
  assert.deepEqual([total("created"), total("unchanged")], [COUNT, COUNT]);
  assert.equal((await allRecords(t.store)).length, COUNT);
  await pauseJobs(t);
  await t.runner.idle();
  await t.runner.run("complete_events", { trigger: "manual" });
  await assertWritesNothing(t, async () => {
    assert.deepEqual(await load(t), report({ unchanged: COUNT }));
  });
  const live = (await allRecords(t.store)).filter(({ status }) => status === "CONFIRMED");
  assert.deepEqual(live.map(({ externalId }) => externalId).sort(), notYetOver(t.clock.now));
});
