import assert from "node:assert/strict";
import { DomainError } from "../../kv/errors.ts";
import { readPosition } from "../../kv/journal_places.ts";
import { NO_LOCATION } from "../../lifecycle/event_content.ts";
import { ownOrganizerId } from "../../lifecycle/ids.ts";
import { importEvents } from "../../lifecycle/import_events.ts";
import type { ImportLine } from "../../lifecycle/import_lines.ts";
import { ROOT } from "../../lifecycle/policy.ts";
import { allChanges, allRecords, assertIndexesRebuild, NOW } from "../support/fixture.ts";
import { aFile, anImported, CLEAN, importAll, type Line } from "./import_lines.ts";
import { interrupt, onStore } from "./lifecycle_fixture.ts";

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
  "a line's location and metadata are all there is, not a patch",
  onStore(async (store) => {
    const first = { location: { name: "Hall 1", city: "London" }, metadata: { room: "7" } };
    const second = { location: { city: "Leeds" }, metadata: { track: "B" } };
    const line = (content: Partial<Line["content"]>) => [anImported("a", { content })];
    await importAll(store, line(first));
    assert.deepEqual(await importAll(store, line(second)), { ...CLEAN, updated: 1 });
    const [record] = await allRecords(store);
    assert.deepEqual(record!.location, { ...NO_LOCATION, city: "Leeds" });
    assert.deepEqual(record!.metadata, { track: "B" });
    assert.deepEqual(await importAll(store, line(second)), { ...CLEAN, unchanged: 1 });
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
  "a line that fails is named with its reason, and the import goes on",
  onStore(async (store) => {
    const tooLong = anImported("b", { content: { title: "x".repeat(60_000) } });
    const backwards = anImported("c", {
      times: { startDate: "2026-12-05", endDate: "2026-12-01" },
    });
    async function* lines(): AsyncGenerator<ImportLine> {
      yield { line: 1, outcome: "parsed", says: { type: "event", event: tooLong } };
      yield { line: 2, outcome: "invalid", code: "malformed_json", detail: "Not JSON." };
      yield { line: 4, outcome: "parsed", says: { type: "event", event: backwards } };
      yield { line: 5, outcome: "parsed", says: { type: "event", event: anImported("d") } };
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
  "a line that others are always faster with fails as a conflict",
  onStore(async (store) => {
    Object.assign(store, { commit: () => Promise.resolve({ ok: false }) });
    const report = await importAll(store, [anImported("a")]);
    assert.deepEqual(report.failures.map(({ line, code }) => [line, code]), [[1, "conflict"]]);
  }),
);
