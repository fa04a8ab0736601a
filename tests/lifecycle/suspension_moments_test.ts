/**
 * Every moment at which somebody is suspended or reinstated, one after the other: after each read of
 * whatever brings an event to an organizer, and after each read and commit of the job itself. (In
 * memory: each moment takes a store of its own.)
 */
import assert from "node:assert/strict";
import type { Store } from "../../kv/store.ts";
import { allRecords, DAY, NOW, storeEvent, storeEvents } from "../support/fixture.ts";
import { anImported, importAll } from "./import_lines.ts";
import { askMove, assertJournalContiguous, FROM, runMoves } from "./moves.ts";
import {
  assertWithheld,
  CLUB,
  edit,
  HALL,
  once,
  reinstate,
  runWithholding,
  submit,
  suspend,
  withHallAndClub,
} from "./suspensions.ts";

/** Each writes an event for the Hall that was decided on while the Hall was listed still. */
const ARRIVALS: Record<string, (store: Store, during: () => void) => Promise<unknown>> = {
  "made": (store, during) => (during(), submit(store)),
  "imported": (
    store,
    during,
  ) => (during(), importAll(store, [anImported("a", { organizerId: HALL })])),
  "restored": (store, during) => {
    during();
    const past = { version: 3, createdAt: NOW - DAY };
    return importAll(store, [anImported("a", { organizerId: HALL, past })]);
  },
  "edited": async (store, during) => {
    const { record } = await storeEvent(store, { organizerId: CLUB });
    during();
    await edit(store, record.id, { organizerId: HALL });
  },
  "edited by an import": async (store, during) => {
    const { record } = await storeEvent(store, { organizerId: CLUB });
    during();
    const report = await importAll(store, [anImported(null, { id: record.id, organizerId: HALL })]);
    assert.equal(report.updated, 1);
  },
  "moved": async (store, during) => {
    await storeEvent(store, { organizerId: FROM });
    await askMove(store, { to: HALL });
    during();
    await runMoves(store);
  },
};

for (const [how, arrive] of Object.entries(ARRIVALS)) {
  Deno.test(`an event that is ${how} takes the flag also when that is set at this very moment`, async () => {
    // Whichever of its reads was answered before the organizer was withheld, and all was done.
    let interrupted = 0;
    for (let nth = 1; nth <= 12; nth++) {
      for (const method of ["get", "getMany", "list"] as const) {
        await withHallAndClub(async (store) => {
          const original = store[method];
          let isDone = false;
          await arrive(store, () => {
            once(store, { method, nth }, async () => {
              isDone = true;
              await suspend(store, "usr_ann");
              await runWithholding(store);
            });
          });
          Object.assign(store, { [method]: original });
          if (!isDone) return;
          interrupted++;
          assert.ok((await allRecords(store)).some(({ organizerId }) => organizerId === HALL));
          await assertWithheld(store, HALL, true);
        })();
      }
    }
    assert.ok(interrupted > 0);
  });
}

Deno.test("whoever is suspended and reinstated while it runs is at last as they were left", async () => {
  for (let nth = 1; nth <= 14; nth++) {
    for (const method of ["get", "getMany", "list", "commit"] as const) {
      await withHallAndClub(async (store) => {
        await storeEvents(store, 12, { organizerId: HALL });
        await suspend(store, "usr_ann");
        const original = store[method];
        let isReinstated = false;
        // Another run carries it out at once, while this one goes on with what it has read.
        once(store, { method, nth }, async () => {
          isReinstated = true;
          await reinstate(store, "usr_ann");
          await runWithholding(store, { runId: "run_2" });
        });
        const report = await runWithholding(store);
        assert.deepEqual([report.failed, report.moreLeft], [0, false], `${method} ${nth}`);
        Object.assign(store, { [method]: original });
        await assertWithheld(store, HALL, !isReinstated);
        await assertJournalContiguous(store);
      })();
    }
  }
});
