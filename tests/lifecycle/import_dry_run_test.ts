import assert from "node:assert/strict";
import type { Store } from "../../kv/store.ts";
import { ownOrganizerId } from "../../lifecycle/ids.ts";
import { ROOT } from "../../lifecycle/policy.ts";
import { allRecords, aRecord } from "../support/fixture.ts";
import { aFile, anImported, CLEAN, importAll } from "./import_lines.ts";
import { onStore } from "./lifecycle_fixture.ts";

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
