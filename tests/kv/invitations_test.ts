import assert from "node:assert/strict";
import {
  createInvitation,
  deleteInvitation,
  hasOpenInvitations,
  type Invitation,
  listInvitations,
  readInvitation,
  takeInvitation,
} from "../../kv/invitations.ts";
import { invitationKey } from "../../kv/keys.ts";
import { NOW } from "../support/fixture.ts";
import { anInvitation } from "./people_records.ts";
import { everything, loseAnswers, loseSight, type TestStore, testStore } from "./test_store.ts";

const NOTHING = () => {};

async function stored(store: TestStore, number: number, overrides: Partial<Invitation> = {}) {
  const invitation = anInvitation(number, overrides);
  const digest = `digest ${number}`;
  assert.ok(await createInvitation(store, { digest, invitation }, { together: NOTHING }));
  return (await readInvitation(store, digest))!;
}

Deno.test("an invitation is found by its digest, and among its organizer's", async () => {
  using store = await testStore();
  for (const number of [2, 1]) await stored(store, number);
  assert.deepEqual((await readInvitation(store, "digest 1"))!.invitation, anInvitation(1));
  assert.equal(await readInvitation(store, "digest 9"), null);
  const listed = async () =>
    (await listInvitations(store, "org_1")).map(({ digest, invitation }) => [
      digest,
      invitation.id,
    ]);
  assert.deepEqual(await listed(), [["digest 1", "inv_1"], ["digest 2", "inv_2"]]);
  assert.deepEqual(await listInvitations(store, "org_2"), []);
  await store.kv.delete(invitationKey("digest 1"));
  assert.deepEqual(await listed(), [["digest 2", "inv_2"]]);
});

Deno.test("an organizer's invitations are listed however many there are", async () => {
  using store = await testStore();
  for (let number = 1; number <= 501; number++) await stored(store, number);
  assert.equal((await listInvitations(store, "org_1")).length, 501);
});

Deno.test("hasOpenInvitations() counts those that have not ended, and reads no more than it must", async () => {
  using store = await testStore();
  for (let number = 101; number <= 350; number++) {
    const isOver = number <= 150;
    await stored(store, number, isOver ? { expiresAt: NOW + 1 } : {});
  }
  let reads = 0;
  store.faults.beforeList = () => Promise.resolve(reads++);
  const has = async (count: number, now = NOW + 1) => {
    reads = 0;
    return [await hasOpenInvitations(store, "org_1", { count, now }), reads];
  };
  assert.deepEqual(await has(100, NOW), [true, 1]);
  assert.deepEqual(await has(50), [true, 1]);
  assert.deepEqual(await has(100), [true, 2]);
  assert.deepEqual(await has(200), [true, 3]);
  assert.deepEqual(await has(201), [false, 3]);
  assert.deepEqual(await hasOpenInvitations(store, "org_2", { count: 1, now: NOW }), false);
});

Deno.test("of many who take one invitation at once one has it", async () => {
  using store = await testStore();
  const read = await stored(store, 1);
  const taken = await Promise.all(Array.from({ length: 6 }, async () => {
    const operation = store.kv.atomic();
    takeInvitation(operation, read);
    return (await store.commit(operation)).ok;
  }));
  assert.equal(taken.filter((isTaken) => isTaken).length, 1);
  assert.deepEqual((await everything(store)).map(({ key }) => key[0]), ["store"]);
});

Deno.test("deleteInvitation() says when it was used at this very moment, and writes nothing", async () => {
  using store = await testStore();
  const read = await stored(store, 1);
  const mark = (operation: Deno.AtomicOperation) => void operation.set(["mark"], null);
  assert.equal(await deleteInvitation(store, read, mark), true);
  assert.equal(await readInvitation(store, "digest 1"), null);
  await store.kv.delete(["mark"]);
  assert.equal(await deleteInvitation(store, read, mark), false);
  assert.equal((await store.get(["mark"])).versionstamp, null);
});

Deno.test("an invitation whose commit's answer was lost is there, and is made once", async () => {
  using store = await testStore();
  loseAnswers(store);
  await stored(store, 1);
  assert.equal((await listInvitations(store, "org_1")).length, 1);
});

Deno.test("when it cannot be looked up whether an invitation was stored, the outcome is unknown", async () => {
  using store = await testStore({ readDeadlineMs: 1 });
  loseSight(store);
  await assert.rejects(stored(store, 1), { code: "outcome_unknown" });
});
