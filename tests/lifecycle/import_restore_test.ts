/** Lines that carry their past: records of another store. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { wholeHistory } from "../../kv/event_history.ts";
import type { EventRecord, HistoryEntry } from "../../kv/event_record.ts";
import { FORMATS } from "../../kv/formats.ts";
import { getEvent } from "../../kv/events.ts";
import type { Store } from "../../kv/store.ts";
import { editEvent } from "../../lifecycle/edit_event.ts";
import { eventLine } from "../../lifecycle/export_lines.ts";
import { newEventId } from "../../lifecycle/ids.ts";
import { importedRecord } from "../../lifecycle/imported_record.ts";
import { ROOT } from "../../lifecycle/policy.ts";
import { removeEvent } from "../../lifecycle/delete_event.ts";
import { resolveTimes } from "../../lifecycle/time_input.ts";
import { importedThingOf } from "../../routes/import_lines.ts";
import { anEntry, entries } from "../kv/history_entries.ts";
import {
  allChanges,
  allRecords,
  aRecord,
  assertIndexesRebuild,
  DAY,
  HOUR,
  NOW,
  scaled,
} from "../support/fixture.ts";
import { CLEAN, exportFile, failuresOf, importFile, lineOfStored } from "./import_lines.ts";
import { addMember, interrupt, onStore, organizerId } from "./lifecycle_fixture.ts";

const HALL = organizerId(1);

/** On a store with one organizer, as an import of its line leaves it. */
function withHall(body: (store: Store) => Promise<void>) {
  return onStore(async (store) => {
    await addMember(store, HALL, { userId: "usr_ann", role: "owner" });
    await body(store);
  });
}

/** A record of `HALL` at a version, with all its history. */
function aPast(version: number, overrides: Partial<EventRecord> = {}): EventRecord {
  const history = overrides.history ?? entries(1, version);
  return aRecord({ id: ID, organizerId: HALL, version, history, ...overrides });
}
const ID = "evt_01J00000000000000000000000";

const fileOf = (...records: EventRecord[]) =>
  records.map((record) => eventLine(record, record.history));

async function stored(store: Store): Promise<EventRecord> {
  const { record } = (await getEvent(store, ID))!;
  return { ...record, history: await wholeHistory(store, record) };
}

Deno.test(
  "a line with a version stores exactly what it says",
  withHall(async (store) => {
    const create = anEntry(1, { transition: { name: "create", from: null, to: "COMPLETED" } });
    const past = aPast(120, {
      history: [create, ...entries(2, 120)],
      externalId: "gala",
      status: "COMPLETED",
      completedAt: NOW - 3 * HOUR,
      createdAt: NOW - 9 * DAY - 1,
      updatedAt: NOW - DAY + 7,
      metadata: { b: "x", a: "", 10: "ten", 2: "two", constructor: "c" },
      staff: [{ userId: "usr_z", role: "viewer" }, { userId: "usr_a", role: "editor" }],
      tags: ["z", "a"],
    });
    assert.deepEqual(await importFile(store, fileOf(past)), { ...CLEAN, created: 1 });
    assert.deepEqual(await stored(store), past);
    await assertIndexesRebuild(store);
    assert.deepEqual(await importFile(store, fileOf(past)), { ...CLEAN, unchanged: 1 });
  }),
);

Deno.test(
  "an older version is left, a newer one is taken, one that went apart is refused",
  withHall(async (store) => {
    await importFile(store, fileOf(aPast(5)));
    assert.deepEqual(await importFile(store, fileOf(aPast(3))), { ...CLEAN, unchanged: 1 });
    assert.equal((await stored(store)).version, 5);
    const newer = aPast(70, { title: "Anew", updatedAt: NOW });
    assert.deepEqual(await importFile(store, fileOf(newer)), { ...CLEAN, updated: 1 });
    assert.deepEqual(await stored(store), newer);
    for (
      const apart of [
        aPast(70, { title: "Other" }),
        aPast(71, { history: [...entries(1, 69), anEntry(70, { at: NOW }), anEntry(71)] }),
        aPast(80, { history: entries(72, 80) }),
      ]
    ) {
      assert.deepEqual(failuresOf(await importFile(store, fileOf(apart))), ["1 version_conflict"]);
    }
    assert.deepEqual(await stored(store), newer, "and nothing was written");
    await assertIndexesRebuild(store);
  }),
);

Deno.test(
  "a newer version that brings only the end of its history loses none of what is stored",
  withHall(async (store) => {
    for (const [version, from] of [[3, 1], [5, 3], [70, 5], [75, 69]] as const) {
      const file = fileOf(aPast(version, { history: entries(from, version) }));
      assert.equal((await importFile(store, file)).failed, 0);
      assert.deepEqual(await stored(store), aPast(version));
    }
  }),
);

Deno.test(
  "importing a line with a version again changes nothing, whatever it leaves out",
  withHall(async (store) => {
    const least = { id: ID, organizer_id: HALL, title: "Gala", start_date: "2026-12-01" };
    for (
      const [id, more] of [
        ["evt_01J00000000000000000000001", { status: "DRAFT" }],
        ["evt_01J00000000000000000000002", { status: "COMPLETED" }],
        ["evt_01J00000000000000000000003", { status: "ARCHIVED", archived_from: "CANCELLED" }],
        ["evt_01J00000000000000000000004", { status: "CONFIRMED", location: { latitude: -0 } }],
        ["evt_01J00000000000000000000005", {
          status: "CONFIRMED",
          created_at: "2020-01-01T00:00:00Z",
        }],
      ] as const
    ) {
      const line = JSON.stringify({ ...least, id, version: 4, ...more })
        .replace('"latitude":0', '"latitude":-0');
      const first = await importFile(store, [line], { now: NOW });
      assert.deepEqual(first, { ...CLEAN, created: 1 }, line);
      const again = await importFile(store, [line], { now: NOW + DAY });
      assert.deepEqual(again, { ...CLEAN, unchanged: 1 }, line);
    }
  }),
);

Deno.test(
  "a stored event's status stays the stored one, however late its line comes",
  withHall(async (store) => {
    const past = aPast(1);
    await importFile(store, fileOf(past), { now: NOW + 9 * DAY });
    assert.equal((await stored(store)).status, "CONFIRMED");
    assert.equal((await importFile(store, fileOf(past), { now: NOW + 99 * DAY })).unchanged, 1);
  }),
);

Deno.test(
  "what the program does here continues what was imported, and is a newer version elsewhere",
  withHall(async (store) => {
    const past = aPast(60);
    await importFile(store, fileOf(past));
    const edit = { content: { title: "Here" }, times: {} };
    await editEvent(store, ID, { edit, principal: ROOT, now: NOW });
    const here = await stored(store);
    // The clock's start before the edit is a version of its own.
    assert.equal(here.history.length, here.version);
    assert.deepEqual(here.history.slice(0, 60), past.history);
    assert.equal((await importFile(store, fileOf(past))).unchanged, 1, "the old line is older");
    await onStore(async (other) => {
      await addMember(other, HALL, { userId: "usr_ann", role: "owner" });
      await importFile(other, fileOf(past));
      const line = await lineOfStored(store, here);
      assert.deepEqual(await importFile(other, [line]), { ...CLEAN, updated: 1 });
      assert.deepEqual(await stored(other), here);
    })();
  }),
);

Deno.test(
  "two imports of one export at once store everything once, whole",
  withHall(async (store) => {
    const long = aPast(1_300, { externalId: "long" });
    const others = Array.from(
      { length: 40 },
      (_, i) => aPast(1, { id: newEventId(NOW), externalId: `${i}` }),
    );
    const gone = aPast(3, { id: newEventId(NOW) });
    await importFile(store, fileOf(gone));
    const file = [...fileOf(long, ...others), { id: gone.id, deleted: true }];
    const reports = await Promise.all(Array.from({ length: 3 }, () => importFile(store, file)));
    const sum = (name: "created" | "unchanged" | "deleted" | "failed") =>
      reports.reduce((total, report) => total + report[name], 0);
    assert.deepEqual(reports.flatMap(({ failures }) => failures), []);
    assert.deepEqual([sum("created"), sum("deleted"), sum("unchanged")], [41, 1, 84 - 2 + 2]);
    assert.equal((await allRecords(store)).length, 41);
    assert.deepEqual(await stored(store), long);
    await assertIndexesRebuild(store);
  }),
);

Deno.test(
  "a deletion that finds the event gone by then is unchanged",
  withHall(async (store) => {
    await importFile(store, fileOf(aPast(1)));
    let gets = 0;
    interrupt(store, "get", async () => {
      // The first read found it; it is gone before the second.
      if (++gets === 1) {
        await removeEvent(store, ID, { reason: "Faster", principal: ROOT, now: NOW });
      }
    });
    const report = await importFile(store, [{ id: ID, deleted: true }]);
    assert.deepEqual(report, { ...CLEAN, unchanged: 1 });
  }),
);

Deno.test(
  "an external id that was handed on arrives, wherever the line of who gave it up stands",
  withHall(async (store) => {
    const other = "evt_01J00000000000000000000009";
    const third = "evt_01J00000000000000000000010";
    await importFile(
      store,
      fileOf(
        aPast(1, { externalId: "a" }),
        aPast(1, { id: other, externalId: "b" }),
        aPast(1, { id: third, externalId: "c" }),
      ),
    );
    // Each takes what the next one gives up, and the last one's is given up by a deletion.
    const file = [
      ...fileOf(aPast(2, { externalId: "b" }), aPast(2, { id: other, externalId: "c" })),
      ...Array.from(
        { length: 20 },
        (_, i) => eventLine(aPast(1, { id: newEventId(NOW), externalId: `x${i}` }), entries(1, 1)),
      ),
      { id: third, deleted: true },
    ];
    const expected = { ...CLEAN, created: 20, updated: 2, deleted: 1 };
    assert.deepEqual(await importFile(store, file, { dryRun: true }), expected);
    assert.deepEqual(await importFile(store, file), expected);
    await assertIndexesRebuild(store);
    const taken = fileOf(aPast(1, { id: third, externalId: "b" }));
    assert.deepEqual(failuresOf(await importFile(store, taken)), ["1 external_id_taken"]);
  }),
);

Deno.test(
  "a line about the past that cannot be is refused at its place, and the rest goes in",
  withHall(async (store) => {
    const line: Record<string, unknown> = fileOf(aPast(2))[0]!;
    const history = line.history as object[];
    const wrong: [string, object][] = [
      ["newer_format", { format: FORMATS.event.current + 1 }],
      ["/version", { version: 3 }],
      ["/history", { history: "none" }],
      ["/history/0/by", { history: [{ ...history[0], by: "mallory" }] }],
      ["/history/0/version", { history: [{ ...history[0], version: 0 }] }],
      ["/history/1/version", { history: [history[0], history[0]], version: 1 }],
      ["/archived_from", { archived_from: "COMPLETED" }],
      ["/archived_from", { status: "ARCHIVED" }],
      ["/status", { status: undefined }],
      ["/ends_at", { ends_at: undefined }],
      ["/starts_at", { starts_at: undefined }],
      ["/start_date", { starts_at: "2026-12-05T17:00:01Z" }],
      ["/end_date", { ends_at: null }],
      ["/completed_at", { completed_at: "2026-12-05T17:00:00Z" }],
      ["/organizer_external_id", { organizer_id: undefined, organizer_external_id: "nobody" }],
      ["There is no organizer", { organizer_id: organizerId(7) }],
      ["takes", { history: [history[0], { ...history[1], fields: long(60) }] }],
    ];
    const file = [...wrong.map(([, fields]) => ({ ...line, ...fields })), line];
    for (const dryRun of [true, false]) {
      const { failures, ...counts } = await importFile(store, file, { dryRun });
      for (const [i, { detail, code, line }] of failures.entries()) {
        assert.equal(line, i + 1, detail);
        assert.ok(
          code === wrong[i]![0] || detail.includes(wrong[i]![0]),
          `${i}: ${code} ${detail}`,
        );
      }
      assert.deepEqual([counts.created, counts.failed], [1, wrong.length]);
    }
    assert.deepEqual(await stored(store), aPast(2));
    assert.equal((await allChanges(store)).length, 1);
  }),
);

/** More of fields than an edit of ours can name. */
const long = (count: number) =>
  Array.from({ length: count }, (_, i) => ({
    field: `field ${i}`,
    before: "x".repeat(200),
    after: "x".repeat(200),
  }));

Deno.test(
  "a dry run knows that a line without a version makes one, and that an older one follows it",
  withHall(async (store) => {
    await importFile(store, fileOf(aPast(60)));
    const { version: _, history: _history, ...merged } = fileOf(aPast(60, { title: "Here" }))[0]!;
    const file = [merged, ...fileOf(aPast(60)), ...fileOf(aPast(61)), merged];
    const dry = await importFile(store, file, { dryRun: true });
    const real = await importFile(store, file);
    assert.deepEqual(failuresOf(dry), ["3 version_conflict"]);
    assert.deepEqual({ ...dry, failures: [] }, { ...real, failures: [] });
    assert.deepEqual([real.updated, real.unchanged], [1, 2]);
  }),
);

Deno.test(
  "an event that was deleted comes back with its past",
  withHall(async (store) => {
    const past = aPast(700);
    for (let round = 0; round < 3; round++) {
      assert.equal((await importFile(store, fileOf(past))).created, 1);
      assert.deepEqual(await stored(store), past);
      assert.equal((await importFile(store, [{ id: ID, deleted: true }])).deleted, 1);
    }
    assert.deepEqual((await allChanges(store)).map(({ version }) => version), [
      700,
      701,
      700,
      701,
      700,
      701,
    ]);
  }),
);

const word = fc.string({ unit: "grapheme", minLength: 1, maxLength: 40 })
  .map((text) => text.trim()).filter((text) => text !== "" && text.isWellFormed());
/** Any but the one that is refused. */
const key = fc.oneof(word, fc.nat().map(String)).filter((text) => text !== "__proto__");
const instant = fc.integer({ min: 0, max: Date.parse("2100-01-01T00:00:00Z") });
const userId = fc.stringMatching(/^usr_[0-9A-Za-z]{1,12}$/) as fc.Arbitrary<`usr_${string}`>;
/** Halves of pairs included: an edit's shortened values may end in one. */
const shown = fc.option(fc.string({ unit: "binary", maxLength: 60 }));

const history = fc.array(
  fc.record({
    at: instant,
    by: fc.oneof(userId, fc.constantFrom("clock", "job:run_01J00000000000000000000000")),
    reason: shown,
    fields: fc.option(
      fc.dictionary(fc.constantFrom("title", "tags", "end_date"), fc.tuple(shown, shown), {
        minKeys: 1,
      }),
    ),
  }),
  { minLength: 1, maxLength: 70 },
);

const times = fc.record({
  start: instant,
  hours: fc.option(fc.integer({ min: 24, max: 900 })),
  zone: fc.constantFrom("Europe/London", "Africa/Monrovia", "Pacific/Apia", "Asia/Kathmandu", null),
  isDay: fc.boolean(),
}).map(({ start, hours, zone, isDay }) => {
  const text = (at: number) => {
    const iso = new Date(at).toISOString();
    return isDay ? iso.slice(0, "2026-12-05".length) : iso;
  };
  const end = hours === null ? null : text(start + hours * HOUR);
  return resolveTimes({ startDate: text(start), endDate: end, timeZone: zone }, null);
}).filter((resolved) => resolved.outcome === "resolved").map(({ times }) => times);

const records: fc.Arbitrary<EventRecord> = fc.record({
  times,
  history,
  version: fc.integer({ min: 1, max: 5 }),
  content: fc.record({
    externalId: fc.option(word),
    title: word,
    summary: fc.string({ unit: "grapheme", maxLength: 40 }).filter((text) => !/\p{Cc}/u.test(text)),
    description: fc.constantFrom("", " a \n\tb ", "音楽"),
    url: fc.option(fc.webUrl()),
    visibility: fc.constantFrom("PUBLIC", "UNLISTED", "PRIVATE"),
    online: fc.boolean(),
    tags: fc.uniqueArray(word, { maxLength: 8 }),
    metadata: fc.dictionary(key, word, { maxKeys: 8 }),
    staff: fc.uniqueArray(
      fc.record({ userId, role: fc.constantFrom("editor", "viewer") }),
      { maxLength: 5, selector: (person) => person.userId },
    ),
    location: fc.record({
      name: fc.option(word),
      address: fc.constant(null),
      city: fc.option(word),
      country: fc.option(word),
      latitude: fc.option(fc.double({ min: -90, max: 90, noNaN: true })),
      longitude: fc.option(fc.double({ min: -180, max: 180, noNaN: true })),
    }),
    createdAt: instant,
    updatedAt: instant,
  }),
  end: fc.constantFrom<Partial<EventRecord>>(
    { status: "DRAFT" },
    { status: "CONFIRMED" },
    { status: "ONGOING" },
    { status: "CANCELLED" },
    { status: "COMPLETED", completedAt: 0 },
    { status: "ARCHIVED", archivedFrom: "CANCELLED" },
    { status: "ARCHIVED", archivedFrom: "COMPLETED", completedAt: NOW },
  ),
}).map(({ times, history, version, content, end }) => {
  const all = history.map((entry, i) => ({ ...entry, version: i + version, transition: null }));
  return aPast(all.at(-1)!.version, {
    ...times,
    ...content,
    ...end,
    history: all as HistoryEntry[],
  } as Partial<EventRecord>);
});

Deno.test("a record, its line and the record of that line are one and the same", () => {
  fc.assert(
    fc.property(records, (record) => {
      const line = JSON.stringify(eventLine(record, record.history));
      const says = importedThingOf(JSON.parse(line));
      assert.ok(says.type === "event");
      const now = NOW + 99 * DAY;
      const back = importedRecord(says.event, { organizerId: HALL, now, by: "usr_root" });
      assert.deepEqual(JSON.parse(JSON.stringify(back)), JSON.parse(JSON.stringify(record)));
      assert.equal(JSON.stringify(eventLine(back, back.history)), line);
    }),
    { numRuns: scaled(2_000, 300) },
  );
});

Deno.test(
  "whatever records there are, they go through two stores as the same bytes",
  async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(records, { minLength: 1, maxLength: 5 }), async (some) => {
        const unique = some.map((record, i) => ({
          ...record,
          id: `evt_01J0000000000000000000000${i}` as const,
          externalId: record.externalId === null ? null : `${i} ${record.externalId}`.slice(0, 40),
        }));
        let file = fileOf(...unique).map((line) => JSON.stringify(line));
        for (let round = 0; round < 2; round++) {
          await withHall(async (store) => {
            const report = await importFile(store, file, { now: NOW + round * DAY });
            assert.deepEqual(report, { ...CLEAN, created: unique.length });
            const { lines: [, ...events] } = await exportFile(store);
            assert.deepEqual(events, file);
            file = events;
            const again = await importFile(store, file, { now: NOW + 9 * DAY });
            assert.deepEqual(again, { ...CLEAN, unchanged: unique.length });
          })();
        }
      }),
      { numRuns: scaled(200, 25) },
    );
  },
);
