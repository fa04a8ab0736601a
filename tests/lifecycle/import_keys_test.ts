import assert from "node:assert/strict";
import { findByExternalId, getEvent } from "../../kv/events.ts";
import { allRecords, aRecord } from "../support/fixture.ts";
import { anImported, CLEAN, importAll, type Line } from "./import_lines.ts";
import { addMember, aMember, onStore, organizerId } from "./lifecycle_fixture.ts";

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
    assert.match(nowhere.failures[0]!.detail, /^\/organizer_id: There is no organizer "org_/);
    const unnamed = await importAll(store, [anImported("a")], { principal });
    assert.match(unnamed.failures[0]!.detail, /name one of/);
  }),
);

Deno.test(
  "a line with an id moves its event to the organizer it names, in a dry run too",
  onStore(async (store) => {
    for (const number of [1, 2]) {
      await addMember(store, organizerId(number), { userId: "usr_ann", role: "editor" });
    }
    const { id } = aRecord();
    const at = (number: number, more: Partial<Line> = {}) =>
      anImported("a", { organizerId: organizerId(number), ...more });
    await importAll(store, [at(1, { id })]);
    for (const dryRun of [true, false]) {
      const moved = await importAll(store, [at(2, { id })], { dryRun });
      assert.deepEqual(moved, { ...CLEAN, updated: 1 }, `${dryRun}`);
    }
    for (const dryRun of [true, false]) {
      const report = await importAll(store, [at(2), at(1)], { dryRun });
      assert.deepEqual(report, { ...CLEAN, created: 1, unchanged: 1 }, `${dryRun}`);
    }
    assert.equal((await getEvent(store, id))!.record.organizerId, organizerId(2));
    // Where it came from another has its external id by now.
    for (const dryRun of [true, false]) {
      const report = await importAll(store, [at(1, { id })], { dryRun });
      assert.deepEqual(report.failures.map(({ code }) => code), ["external_id_taken"], `${dryRun}`);
    }
  }),
);
