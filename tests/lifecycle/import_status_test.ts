/** What an import does to the status of what is stored already. */
import assert from "node:assert/strict";
import type { EventRecord, EventStatus } from "../../kv/event_record.ts";
import type { Store } from "../../kv/store.ts";
import { importSteps } from "../../lifecycle/imported_record.ts";
import { ROOT } from "../../lifecycle/policy.ts";
import { transitionEvent } from "../../lifecycle/transition_event.ts";
import { allChanges, allRecords, aRecord, HOUR, NOW } from "../support/fixture.ts";
import { anImported, importAll, type Line } from "./import_lines.ts";
import { onStore } from "./lifecycle_fixture.ts";

const BY_ROOT = { now: NOW, by: ROOT.userId };
const PAST = { startDate: "2026-12-05T15:00:00Z", endDate: "2026-12-05T17:00:00Z" };
const AHEAD = { startDate: "2026-12-05T19:00:00Z", endDate: "2026-12-05T20:00:00Z" };

/** The event that `anImported()` makes, later changed to `overrides`. */
function stored(overrides: Partial<EventRecord> = {}): EventRecord {
  const times = { startDate: NOW + HOUR, startText: "2026-12-05T19:00:00+00:00" };
  const end = { endDate: NOW + 2 * HOUR, endText: "2026-12-05T20:00:00+00:00" };
  return aRecord({ title: "A talk", externalId: "a", ...times, ...end, ...overrides });
}

/** As `stored`, but over since an hour before `NOW`. */
function past(overrides: Partial<EventRecord> = {}): EventRecord {
  const times = { startDate: NOW - 3 * HOUR, startText: "2026-12-05T15:00:00+00:00" };
  const end = { endDate: NOW - HOUR, endText: "2026-12-05T17:00:00+00:00" };
  return stored({ ...times, ...end, ...overrides });
}

/** The statuses that the steps lead through. */
function path(event: EventRecord, line: Partial<Line>): EventStatus[] {
  return importSteps(event, anImported("a", line), BY_ROOT).map((step) => step.next.status);
}

Deno.test("importSteps() compares both sides as the clock has them", () => {
  const completed = past({ status: "COMPLETED", completedAt: NOW - HOUR });
  for (const status of ["CONFIRMED", "ONGOING", "COMPLETED"] as const) {
    assert.deepEqual(path(completed, { status, times: PAST }), [], status);
  }
  const running = { startDate: "2026-12-05T17:00:00Z", endDate: "2026-12-05T20:00:00Z" };
  const ongoing = stored({
    status: "ONGOING",
    startDate: NOW - HOUR,
    startText: "2026-12-05T17:00:00+00:00",
  });
  for (const status of ["CONFIRMED", "ONGOING"] as const) {
    assert.deepEqual(path(ongoing, { status, times: running }), [], status);
  }
});

Deno.test("importSteps() leaves alone what began or finished early, which no file knows", () => {
  const early = stored({ status: "COMPLETED", completedAt: NOW - 1 });
  const begun = stored({ status: "ONGOING" });
  for (const status of ["CONFIRMED", undefined] as const) {
    assert.deepEqual(path(early, { status }), []);
    assert.deepEqual(path(begun, { status }), []);
  }
  const retitled = { content: { title: "Another title" } };
  assert.deepEqual(path(early, retitled), ["COMPLETED"]);
  assert.deepEqual(path(begun, retitled), ["ONGOING"]);
});

Deno.test("importSteps() reopens what is over only when its end moves into the future", () => {
  const completed = past({ status: "COMPLETED", completedAt: NOW - HOUR });
  for (const status of ["CONFIRMED", undefined] as const) {
    assert.deepEqual(path(completed, { status, times: AHEAD }), ["COMPLETED", "CONFIRMED"]);
    const open = { startDate: PAST.startDate, endDate: null };
    assert.deepEqual(path(completed, { status, times: open }), ["COMPLETED", "CONFIRMED"]);
    const justNow = { ...PAST, endDate: "2026-12-05T18:00:00Z" };
    assert.deepEqual(path(completed, { status, times: justNow }), ["COMPLETED"]);
  }
  const steps = importSteps(completed, anImported("a", { times: AHEAD }), BY_ROOT);
  assert.ok(steps.every((step) => step.next.completedAt === null || step.next.completedAt <= NOW));
  assert.equal(steps.at(-1)!.next.completedAt, null);
});

Deno.test("importSteps() lets a corrected end correct the completion, if it is over", () => {
  const completed = past({ status: "COMPLETED", completedAt: NOW - HOUR });
  const status = "COMPLETED";
  const earlier = { ...PAST, endDate: "2026-12-05T16:00:00Z" };
  const [corrected] = importSteps(completed, anImported("a", { status, times: earlier }), BY_ROOT);
  assert.equal(corrected!.next.completedAt, NOW - 2 * HOUR);
  for (const endDate of [AHEAD.endDate, null]) {
    const times = { ...PAST, endDate };
    const [step, ...more] = importSteps(completed, anImported("a", { status, times }), BY_ROOT);
    assert.deepEqual(more, []);
    assert.equal(step!.next.completedAt, NOW - HOUR, "it was over then, whatever was planned");
  }
});

Deno.test("importSteps() compares an ARCHIVED event by what it was, and may change its content", () => {
  const archived = { status: "ARCHIVED", completedAt: NOW - HOUR } as const;
  const completed = past({ ...archived, archivedFrom: "COMPLETED" });
  const cancelled = past({ ...archived, archivedFrom: "CANCELLED", completedAt: null });
  for (const status of ["CONFIRMED", "COMPLETED", "ARCHIVED", undefined] as const) {
    assert.deepEqual(path(completed, { status, times: PAST }), [], status);
  }
  for (const status of ["CANCELLED", "ARCHIVED", undefined] as const) {
    assert.deepEqual(path(cancelled, { status, times: PAST }), [], status);
  }
  const retitled = { content: { title: "Another title" }, times: PAST };
  assert.deepEqual(path(completed, retitled), ["ARCHIVED"]);
});

Deno.test("importSteps() makes the transitions that a file asks for, and refuses others", () => {
  assert.deepEqual(path(stored({ status: "DRAFT" }), {}), ["CONFIRMED"]);
  assert.deepEqual(path(past({ status: "DRAFT" }), { times: PAST }), ["CONFIRMED"]);
  assert.deepEqual(path(stored(), { status: "CANCELLED" }), ["CANCELLED"]);
  assert.deepEqual(path(stored(), { status: "ONGOING" }), ["ONGOING"]);
  assert.deepEqual(path(stored(), { status: "COMPLETED" }), ["COMPLETED"]);
  const over = past({ status: "COMPLETED", completedAt: NOW - HOUR });
  assert.deepEqual(path(over, { status: "ARCHIVED", times: PAST }), ["ARCHIVED"]);
  for (const status of ["DRAFT", "ARCHIVED"] as const) {
    assert.throws(() => path(stored(), { status }), { code: "illegal_transition" });
  }
});

Deno.test("importSteps() without a status leaves that of the event alone", () => {
  for (const status of ["DRAFT", "CONFIRMED", "ONGOING", "CANCELLED"] as const) {
    assert.deepEqual(path(stored({ status }), { status: undefined }), []);
    const retitled = { content: { title: "Another title" }, status: undefined };
    assert.deepEqual(path(stored({ status }), retitled), [status]);
  }
});

/** The one event, as the line made it. */
async function created(store: Store, line: Partial<Line>): Promise<EventRecord> {
  const [record] = await allRecords(store);
  assert.equal(record, undefined);
  assert.equal((await importAll(store, [anImported("a", line)])).created, 1);
  return (await allRecords(store))[0]!;
}

const CREATED: [Partial<Line>, Partial<EventRecord>][] = [
  [{ status: undefined }, { status: "DRAFT", completedAt: null }],
  [{ status: "CONFIRMED", times: PAST }, { status: "CONFIRMED", completedAt: null }],
  [{ status: "CANCELLED" }, { status: "CANCELLED", archivedFrom: null }],
  [{ status: "COMPLETED", times: PAST }, { status: "COMPLETED", completedAt: NOW - HOUR }],
  [{ status: "COMPLETED" }, { status: "COMPLETED", completedAt: NOW }],
  [
    { status: "ARCHIVED", times: PAST },
    { status: "ARCHIVED", archivedFrom: "COMPLETED", completedAt: NOW - HOUR },
  ],
  [{ status: "ARCHIVED" }, { status: "ARCHIVED", archivedFrom: "CANCELLED", completedAt: null }],
];

for (const [line, expected] of CREATED) {
  const when = line.times === PAST ? "is over" : "is to come";
  Deno.test(
    `a line with status ${line.status} of an event that ${when} creates it as ${expected.status}`,
    onStore(async (store) => {
      const record = await created(store, line);
      assert.partialDeepStrictEqual(record, expected);
    }),
  );
}

Deno.test(
  "an import into an event that is over but not yet swept completes it first, by the clock",
  onStore(async (store) => {
    const { id } = await created(store, { times: PAST });
    const report = await importAll(store, [anImported("a", { times: AHEAD })]);
    assert.equal(report.updated, 1);
    const changes = (await allChanges(store)).slice(1);
    assert.deepEqual(changes.map(({ by, event }) => [by, event.status]), [
      ["clock", "COMPLETED"],
      [ROOT.userId, "COMPLETED"],
      [ROOT.userId, "CONFIRMED"],
    ]);
    const [record] = await allRecords(store);
    assert.deepEqual([record!.id, record!.status, record!.version], [id, "CONFIRMED", 4]);
    assert.deepEqual(record!.history.map((entry) => entry.version), [1, 2, 3, 4]);
  }),
);

Deno.test(
  "an import leaves an event that was finished by hand as it is",
  onStore(async (store) => {
    const { id } = await created(store, {});
    for (const to of ["ONGOING", "COMPLETED"] as const) {
      await transitionEvent(store, id, { input: { to, reason: null }, principal: ROOT, now: NOW });
      assert.equal((await importAll(store, [anImported("a")])).unchanged, 1, to);
    }
  }),
);
