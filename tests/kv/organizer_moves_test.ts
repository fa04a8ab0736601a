/** Requests to move events: stored once, deleted only as they were read. */
import assert from "node:assert/strict";
import type { OrganizerId } from "../../kv/event_record.ts";
import { readHead } from "../../kv/journal_places.ts";
import {
  createMove,
  deleteMove,
  getMove,
  listMoves,
  type OrganizerMove,
} from "../../kv/organizer_moves.ts";
import { NOW, storeEvent } from "../support/fixture.ts";
import { testStore } from "./test_store.ts";

const org = (number: number): OrganizerId => `org_${String(number).padStart(26, "0")}`;

function aMove(to: number): OrganizerMove {
  return { format: 1, to: org(to), by: "usr_ann", at: NOW, reason: null };
}

Deno.test("createMove() stores one move out of an organizer, also of ten at once", async () => {
  using store = await testStore();
  const outcomes = await Promise.all(
    Array.from({ length: 10 }, (_, i) => createMove(store, org(0), aMove(i + 1))),
  );
  assert.equal(outcomes.filter((created) => created).length, 1);
  const [stored] = await listMoves(store);
  assert.deepEqual(stored!.move, aMove(outcomes.indexOf(true) + 1));
  assert.deepEqual(await getMove(store, org(0)), stored);
  assert.equal(await getMove(store, org(1)), null);
});

Deno.test("createMove() is false when the target is being moved away", async () => {
  using store = await testStore();
  assert.ok(await createMove(store, org(1), aMove(2)));
  assert.equal(await createMove(store, org(0), aMove(1)), false);
  assert.deepEqual((await listMoves(store)).map(({ from }) => from), [org(1)]);
});

Deno.test("deleteMove() is false once the journal went on or the request is another", async () => {
  using store = await testStore();
  await createMove(store, org(0), aMove(1));
  const first = (await getMove(store, org(0)))!;
  const empty = await readHead(store);
  assert.equal(empty, null);
  await storeEvent(store);
  const head = await readHead(store);
  assert.equal(await deleteMove(store, first, empty), false);
  assert.ok(await deleteMove(store, first, head));
  await createMove(store, org(0), aMove(1));
  assert.equal(await deleteMove(store, first, head), false);
  assert.equal((await listMoves(store)).length, 1);
});
