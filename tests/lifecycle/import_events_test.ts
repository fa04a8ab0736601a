import assert from "node:assert/strict";
import { DomainError } from "../../kv/errors.ts";
import { findByExternalId, getEvent } from "../../kv/events.ts";
import { readPosition } from "../../kv/journal.ts";
import type { Store } from "../../kv/store.ts";
import { ownOrganizerId } from "../../lifecycle/ids.ts";
import { importEvents, type ImportLine, type ImportReport } from "../../lifecycle/import_events.ts";
import { ROOT } from "../../lifecycle/policy.ts";
import { allChanges, allRecords, aRecord, assertIndexesRebuild, NOW } from "../support/fixture.ts";
import { anImported, importAll, type Line } from "./import_lines.ts";
import { addMember, aMember, interrupt, onStore, organizerId } from "./lifecycle_fixture.ts";

const CLEAN: ImportReport = {
  created: 0,
  updated: 0,
  unchanged: 0,
  failed: 0,
  created_without_key: 0,
  failures: [],
};

function aFile(length: number): Line[] {
  return Array.from({ length }, (_, i) => anImported(`talk-${i}`));
}

Deno.test(
  "an import creates what is new, updates what differs and leaves the rest as it is",
  onStore(async (store) => {
    const [a, b, c] = ["a", "b", "c"];
    assert.deepEqual(await importAll(store, [anImported(a), anImported(b)]), {
      ...CLEAN,
      created: 2,
    });
    const changed = anImported(b, { content: { title: "Another title" } });
    const report = await importAll(store, [anImported(a), changed, anImported(c)]);
    assert.deepEqual(report, { ...CLEAN, created: 1, updated: 1, unchanged: 1 });
    const titles = new Map(
      (await allRecords(store)).map(({ externalId, title }) => [externalId, title]),
    );
    assert.deepEqual([...titles].sort(), [["a", "A talk"], ["b", "Another title"], [
      "c",
      "A talk",
    ]]);
    await assertIndexesRebuild(store);
  }),
);

Deno.test(
  "importing the same file again changes nothing, also when its events have begun or ended since",
  onStore(async (store) => {
    const file = [
      anImported("a", { status: "CONFIRMED" }),
      anImported("b", { status: "DRAFT" }),
      anImported("c", { status: "CANCELLED" }),
      anImported("d", { status: "COMPLETED" }),
      anImported("e", { status: "ARCHIVED" }),
      anImported("f", { status: "ONGOING" }),
      anImported("g"),
      anImported("h", {
        status: "CONFIRMED",
        times: { startDate: "2026-12-05", timeZone: "Asia/Tokyo" },
      }),
    ];
    assert.equal((await importAll(store, file)).created, 8);
    for (const hours of [0, 1, 3, 30, 1_000]) {
      const before = await readPosition(store);
      const report = await importAll(store, file, { now: NOW + hours * 3_600_000 });
      assert.deepEqual(report, { ...CLEAN, unchanged: 8 }, `after ${hours} hours`);
      assert.equal(await readPosition(store), before);
    }
  }),
);

Deno.test(
  "two imports of a file at once create every event once",
  onStore(async (store) => {
    const file = aFile(100);
    const reports = await Promise.all([importAll(store, file), importAll(store, file)]);
    assert.equal(reports[0].created + reports[1].created, 100);
    assert.equal(reports[0].unchanged + reports[1].unchanged, 100);
    assert.equal((await allRecords(store)).length, 100);
    assert.equal((await allChanges(store)).length, 100);
    const organizers = await Array.fromAsync(store.kv.list({ prefix: ["organizer"] }));
    assert.deepEqual(organizers.map((entry) => entry.key[1]), [await ownOrganizerId(ROOT.userId)]);
    await assertIndexesRebuild(store);
  }),
);

Deno.test(
  "lines about one event follow one another, within sixteen lines and beyond",
  onStore(async (store) => {
    const version = (i: number) => anImported("a", { content: { title: `Title ${i}` } });
    const file = Array.from({ length: 40 }, (_, i) => version(i));
    assert.deepEqual(await importAll(store, file), { ...CLEAN, created: 1, updated: 39 });
    const [record] = await allRecords(store);
    assert.equal(record!.title, "Title 39");
    assert.equal(record!.version, 40);
    const again = await importAll(store, [version(39), version(39)]);
    assert.deepEqual(again, { ...CLEAN, unchanged: 2 });
  }),
);

Deno.test(
  "lines without a key are made anew by every import, and counted",
  onStore(async (store) => {
    const file = [anImported(null), anImported(null), anImported("a")];
    const report = await importAll(store, file);
    assert.deepEqual(report, { ...CLEAN, created: 3, created_without_key: 2 });
    const again = await importAll(store, file);
    assert.deepEqual(again, { ...CLEAN, created: 2, unchanged: 1, created_without_key: 2 });
    assert.equal((await allRecords(store)).length, 5);
  }),
);

Deno.test(
  "a line that fails is named with its reason, and the import goes on",
  onStore(async (store) => {
    const tooLong = anImported("b", { content: { title: "x".repeat(60_000) } });
    const backwards = anImported("c", {
      times: { startDate: "2026-12-05", endDate: "2026-12-01" },
    });
    async function* lines(): AsyncGenerator<ImportLine> {
      yield { line: 1, outcome: "parsed", event: tooLong };
      yield { line: 2, outcome: "invalid", code: "malformed_json", detail: "Not JSON." };
      yield { line: 4, outcome: "parsed", event: backwards };
      yield { line: 5, outcome: "parsed", event: anImported("d") };
      await Promise.resolve();
    }
    const options = { principal: ROOT, clock: () => NOW, dryRun: false };
    const report = await importEvents(store, lines(), options);
    assert.deepEqual([report.created, report.failed], [1, 3]);
    assert.deepEqual(report.failures.map(({ line, code }) => [line, code]), [
      [1, "event_too_large"],
      [2, "malformed_json"],
      [4, "invalid_body"],
    ]);
    assert.match(report.failures[2]!.detail, /end_date/);
    assert.deepEqual((await allRecords(store)).map((record) => record.externalId), ["d"]);
  }),
);

Deno.test(
  "an import counts all failures and names the first thousand",
  onStore(async (store) => {
    async function* lines(): AsyncGenerator<ImportLine> {
      for (let line = 1; line <= 1_003; line++) {
        yield { line, outcome: "invalid", code: "malformed_json", detail: "Not JSON." };
      }
      await Promise.resolve();
    }
    const options = { principal: ROOT, clock: () => NOW, dryRun: false };
    const report = await importEvents(store, lines(), options);
    assert.equal(report.failed, 1_003);
    assert.equal(report.failures.length, 1_000);
  }),
);

Deno.test(
  "an import ends when the store does not answer, and can be sent again",
  onStore(async (store) => {
    const file = aFile(40);
    const { commit } = store;
    let commits = 0;
    Object.assign(store, {
      commit: (operation: Deno.AtomicOperation) =>
        ++commits < 20
          ? commit.call(store, operation)
          : Promise.reject(new DomainError("outcome_unknown")),
    });
    await assert.rejects(importAll(store, file), { code: "outcome_unknown" });
    Object.assign(store, { commit });
    const report = await importAll(store, file);
    assert.equal(report.failed, 0);
    assert.equal(report.created + report.unchanged, 40);
    assert.equal((await allRecords(store)).length, 40);
  }),
);

Deno.test(
  "a bug is no line's failure",
  onStore(async (store) => {
    interrupt(store, "commit", () => Promise.reject(new TypeError("a bug")));
    await assert.rejects(importAll(store, [anImported("a")]), TypeError);
  }),
);

Deno.test(
  "a line with an id creates that very event, or updates it",
  onStore(async (store) => {
    const { id } = aRecord();
    assert.equal((await importAll(store, [anImported("a", { id })])).created, 1);
    assert.equal((await getEvent(store, id))!.record.externalId, "a");
    const renamed = anImported("b", { id, content: { title: "Another title" } });
    assert.deepEqual(await importAll(store, [renamed]), { ...CLEAN, updated: 1 });
    const { record } = (await getEvent(store, id))!;
    assert.deepEqual([record.externalId, record.title], ["b", "Another title"]);
    assert.equal(await findByExternalId(store, "a", record.organizerId), null);
  }),
);

Deno.test(
  "a line's external id may not be that of an event with another id",
  onStore(async (store) => {
    const first = aRecord().id;
    const second = aRecord().id;
    await importAll(store, [anImported("a", { id: first }), anImported("b", { id: second })]);
    const third = aRecord().id;
    for (const id of [second, third]) {
      const report = await importAll(store, [anImported("a", { id })]);
      assert.equal(report.failures[0]!.code, "external_id_taken");
      assert.ok(report.failures[0]!.detail.includes(first));
    }
    assert.equal((await allRecords(store)).length, 2);
  }),
);

Deno.test(
  "external ids are matched within one organizer",
  onStore(async (store) => {
    for (const number of [1, 2]) {
      await addMember(store, organizerId(number), { userId: "usr_ann", role: "editor" });
    }
    const at = (number: number) => anImported("a", { organizerId: organizerId(number) });
    const principal = aMember("usr_ann");
    const report = await importAll(store, [at(1), at(2), at(1)], { principal });
    assert.deepEqual(report, { ...CLEAN, created: 2, unchanged: 1 });
    const nowhere = await importAll(store, [at(7)], { principal });
    assert.equal(nowhere.failures[0]!.code, "not_found");
    const unnamed = await importAll(store, [anImported("a")], { principal });
    assert.match(unnamed.failures[0]!.detail, /name one of/);
  }),
);

/** What a dry run must leave alone. */
async function everything(store: Store): Promise<unknown[]> {
  return await Array.fromAsync(store.kv.list({ prefix: [] }));
}

Deno.test(
  "a dry run writes nothing and reports what the import then does",
  onStore(async (store) => {
    const ids = Array.from({ length: 6 }, () => aRecord().id);
    await importAll(store, [
      ...aFile(30),
      anImported("kept", { id: ids[0]! }),
      anImported("freed", { id: ids[1]! }),
      anImported("over", { status: "CANCELLED" }),
    ]);
    const own = await ownOrganizerId(ROOT.userId);
    const retitled = { content: { title: "Another title" } };
    const file = [
      ...aFile(50),
      anImported("talk-3", retitled),
      anImported("talk-3", retitled),
      // The same event by two names, a slice of sixteen lines apart and side by side.
      anImported("new", { id: ids[2]! }),
      ...aFile(16),
      anImported("new"),
      anImported("twin"),
      anImported("twin", { organizerId: own }),
      anImported(null),
      // An external id is given up and taken by another; one is not given up.
      anImported("freed-2", { id: ids[1]! }),
      ...aFile(16),
      anImported("freed", { id: ids[3]! }),
      anImported("kept", { id: ids[4]! }),
      ...aFile(16),
      anImported("kept", { id: ids[3]! }),
      // Not a transition that there is.
      anImported("over", { status: "ARCHIVED" }),
      ...aFile(16),
      anImported("over", { status: "DRAFT" }),
    ];
    const before = await everything(store);
    const dry = await importAll(store, file, { dryRun: true });
    assert.deepEqual(await everything(store), before);
    const real = await importAll(store, file);
    assert.deepEqual(
      { ...dry, failures: dry.failures.map(({ line, code }) => [line, code]) },
      { ...real, failures: real.failures.map(({ line, code }) => [line, code]) },
    );
    assert.deepEqual(real.failures.map(({ code }) => code), [
      "external_id_taken",
      "external_id_taken",
      "illegal_transition",
    ]);
    assert.deepEqual([real.created, real.created_without_key], [24, 1]);
  }),
);

Deno.test(
  "a dry run counts lines about one event as the import does, into an empty store too",
  onStore(async (store) => {
    const version = (i: number) => anImported("a", { content: { title: `Title ${i}` } });
    const file = [version(1), version(1), version(2), ...aFile(20), version(2), version(1)];
    const dry = await importAll(store, file, { dryRun: true });
    assert.deepEqual(await allRecords(store), []);
    assert.deepEqual(await Array.fromAsync(store.kv.list({ prefix: ["organizer"] })), []);
    assert.deepEqual(dry, { ...CLEAN, created: 21, updated: 2, unchanged: 2 });
    assert.deepEqual(await importAll(store, file), dry);
  }),
);
