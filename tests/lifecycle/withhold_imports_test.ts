/** Exports and imports of withheld events: a line never withholds, nor does it release. */
import assert from "node:assert/strict";
import { getEvent } from "../../kv/events.ts";
import { readOrganizer } from "../../kv/organizers.ts";
import type { Store } from "../../kv/store.ts";
import { freshStore, storeEvent } from "../support/fixture.ts";
import { CLEAN, exportFile, importFile, lineOfStored } from "./import_lines.ts";
import { addMember, onStore, organizerId } from "./lifecycle_fixture.ts";
import { assertWithheld, isWaiting, reinstate, runWithholding, suspend } from "./suspensions.ts";

const HALL = organizerId(1);

/** A test on a store in which Ann owns the Hall, which has one event. */
function withHall(body: (store: Store) => Promise<void>): () => Promise<void> {
  return onStore(async (store) => {
    await addMember(store, HALL, { userId: "usr_ann", role: "owner" });
    await storeEvent(store, { organizerId: HALL });
    await body(store);
  });
}

Deno.test(
  "what was withheld goes to another store and back, and is what its organizer is there",
  withHall(async (store) => {
    await suspend(store, "usr_ann");
    await runWithholding(store);
    const { lines } = await exportFile(store);
    const other = await freshStore();
    try {
      assert.deepEqual(await importFile(other, lines), { ...CLEAN, created: 2 });
      assert.ok(await isWaiting(other), "its owner may be suspended here");
      await runWithholding(other);
      await assertWithheld(other, HALL, false);
      assert.deepEqual((await exportFile(other)).lines, lines);
      assert.deepEqual(await importFile(other, lines), { ...CLEAN, unchanged: 2 });
      await suspend(other, "usr_ann");
      await runWithholding(other);
      await assertWithheld(other, HALL, true);
      assert.deepEqual(await importFile(other, lines), { ...CLEAN, unchanged: 2 });
      await assertWithheld(other, HALL, true);
    } finally {
      other.close();
    }
    assert.deepEqual(await importFile(store, lines), { ...CLEAN, unchanged: 2 });
    await assertWithheld(store, HALL, true);
  }),
);

Deno.test(
  "a newer version, and an edit by a line, leave an event withheld or not as it is",
  withHall(async (store) => {
    for (const isWithheld of [true, false]) {
      await (isWithheld ? suspend : reinstate)(store, "usr_ann");
      await runWithholding(store);
      const [line] = (await exportFile(store, { organizerId: HALL })).lines.slice(-1);
      const { version, history, ...event } = JSON.parse(line!);
      const last = { ...history.at(-1), version: version + 1, fields: [] };
      const newer = { ...event, title: "Newer", version: version + 1, history: [...history, last] };
      assert.deepEqual(await importFile(store, [newer]), { ...CLEAN, updated: 1 });
      await assertWithheld(store, HALL, isWithheld);
      const { id, title, start_date, organizer_id } = { ...event, title: `${isWithheld}` };
      const edited = await importFile(store, [{ id, title, start_date, organizer_id }]);
      assert.deepEqual(edited, { ...CLEAN, updated: 1 });
      assert.equal((await getEvent(store, id))!.record.title, title);
      await assertWithheld(store, HALL, isWithheld);
    }
  }),
);

Deno.test(
  "a newer version that says another organizer takes the flag of that one",
  withHall(async (store) => {
    const club = organizerId(2);
    await addMember(store, club, { userId: "usr_bob", role: "owner" });
    await suspend(store, "usr_ann");
    await runWithholding(store);
    const { record } = await storeEvent(store, { organizerId: club });
    for (const organizer_id of [HALL, club]) {
      const { record: stored } = (await getEvent(store, record.id))!;
      const line = await lineOfStored(store, stored);
      const history = line.history as { version: number }[];
      const version = stored.version + 1;
      const last = { ...history.at(-1), version, transition: null };
      const moved = { ...line, organizer_id, version, history: [...history, last] };
      assert.deepEqual(await importFile(store, [moved]), { ...CLEAN, updated: 1 });
      await assertWithheld(store, HALL, true);
      await assertWithheld(store, club, false);
    }
  }),
);

Deno.test(
  "an import that changes who owns an organizer asks to look at it, another does not",
  withHall(async (store) => {
    await suspend(store, "usr_ann");
    await runWithholding(store);
    const line = { type: "organizer", id: HALL, name: "The Hall" };
    const owner = { user_id: "usr_ann", role: "owner" };
    const bob = { user_id: "usr_bob", role: "owner" };
    for (
      const [change, asks] of [
        [{ name: "Hall" }, false],
        [{ members: [owner, { ...bob, role: "editor" }] }, false],
        [{ members: [owner, bob] }, true],
        [{ members: [owner] }, true],
        [{ members: [] }, true],
      ] as const
    ) {
      const report = await importFile(store, [{ ...line, ...change }]);
      assert.deepEqual(report, { ...CLEAN, updated: 1 });
      assert.equal(await isWaiting(store), asks);
      await runWithholding(store);
    }
    assert.equal((await readOrganizer(store, HALL))!.organizer.isWithheld, false, "nobody owns it");
  }),
);
