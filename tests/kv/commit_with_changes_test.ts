/** Did my commit win? The journal knows, whatever the answer said. */
import assert from "node:assert/strict";
import {
  createEvent,
  deleteEvent,
  getEvent,
  replaceEvent,
  type StoredEvent,
} from "../../kv/events.ts";
import {
  allChanges,
  aRecord,
  assertIndexesRebuild,
  NOW,
  storeEvent,
  storeEvents,
} from "../support/fixture.ts";
import { edit, move } from "./event_steps.ts";
import { everything, type TestStore, testStore } from "./test_store.ts";

const NO: Deno.KvCommitError = { ok: false };

/** As when the answer of a commit is lost and the runtime sends it again: applied, then refused. */
function loseAnswers(
  store: TestStore,
  meanwhile: () => Promise<unknown> = () => Promise.resolve(),
) {
  store.faults.commit = async (send) => {
    assert.ok((await send()).ok);
    await meanwhile();
    return NO;
  };
}

Deno.test("a creation that was applied although it was refused is committed", async () => {
  using store = await testStore();
  loseAnswers(store);
  const record = aRecord({ externalId: "gala" });
  const result = await createEvent(store, record, "usr_alice");
  const stored = (await getEvent(store, record.id))!;
  assert.deepEqual(result, { outcome: "committed", stored });
  await assertIndexesRebuild(store);
});

Deno.test("a change that was applied although it was refused is committed, once", async () => {
  using store = await testStore();
  const read = await storeEvent(store);
  loseAnswers(store);
  const result = await replaceEvent(store, read, [edit(read.record, { title: "Gala" })]);
  const stored = (await getEvent(store, read.record.id))!;
  assert.deepEqual(result, { outcome: "committed", stored: [stored] });
  assert.deepEqual((await allChanges(store)).map((change) => change.version), [1, 2]);
});

Deno.test("a deletion that was applied although it was refused is committed", async () => {
  using store = await testStore();
  const read = await storeEvent(store);
  loseAnswers(store);
  const result = await deleteEvent(store, read, { by: "usr_alice", at: NOW });
  assert.equal(result.outcome, "committed");
});

Deno.test("an applied creation is committed also when somebody wrote on top of it since", async () => {
  using store = await testStore();
  using other = await testStore({ kv: store.real });
  const record = aRecord();
  let stored: StoredEvent | undefined;
  loseAnswers(store, async () => {
    const read = stored = (await getEvent(other, record.id))!;
    await replaceEvent(other, read, [move(read.record, "CANCELLED")]);
  });
  const result = await createEvent(store, record, "usr_alice");
  assert.deepEqual(result, { outcome: "committed", stored });
});

Deno.test("an applied change is committed also when somebody wrote on top of it since", async () => {
  using store = await testStore();
  using other = await testStore({ kv: store.real });
  const read = await storeEvent(store);
  loseAnswers(store, async () => {
    const ours = (await getEvent(other, read.record.id))!;
    await replaceEvent(other, ours, [edit(ours.record, { title: "On top" })]);
  });
  const result = await replaceEvent(store, read, [edit(read.record, { title: "Below" })]);
  assert.equal(result.outcome, "committed");
  const { record } = (await getEvent(store, read.record.id))!;
  assert.deepEqual([record.version, record.title], [3, "On top"]);
});

Deno.test("an applied change is found behind hundreds of entries of others", async () => {
  using store = await testStore();
  using other = await testStore({ kv: store.real });
  const read = await storeEvent(store);
  const before = store.newestSeen;
  await storeEvents(other, 230);
  assert.equal(store.newestSeen, before, "the store knows nothing of them");
  loseAnswers(store);
  const result = await replaceEvent(store, read, [edit(read.record, { title: "Gala" })]);
  assert.equal(result.outcome, "committed");
});

Deno.test("the search for our own entry begins at the newest versionstamp the store has met", async () => {
  using store = await testStore();
  const read = await storeEvent(store);
  await replaceEvent(store, read, [edit(read.record, { title: "Gala" })]);
  await storeEvents(store, 110);
  let lists = 0;
  store.faults.beforeList = () => Promise.resolve(lists++);
  const outcome = await replaceEvent(store, read, [edit(read.record, { title: "Late" })]);
  assert.deepEqual([outcome, lists], [{ outcome: "conflict" }, 1]);
});

Deno.test("a real conflict is a conflict, for a creation and for a change", async () => {
  using store = await testStore();
  using other = await testStore({ kv: store.real });
  const read = await storeEvent(store, { externalId: "gala" });
  const theirs = (await getEvent(other, read.record.id))!;
  await replaceEvent(other, theirs, [edit(theirs.record, { title: "Theirs" })]);
  await storeEvents(other, 100);
  const before = await everything(store);
  const change = replaceEvent(store, read, [edit(read.record, { title: "Ours" })]);
  assert.deepEqual(await change, { outcome: "conflict" });
  const creation = createEvent(store, aRecord({ externalId: "gala" }), "usr_alice");
  assert.deepEqual(await creation, { outcome: "conflict" });
  assert.deepEqual(await everything(store), before);
});

Deno.test("when the journal cannot be asked, the outcome is unknown and not `store_unavailable`", async () => {
  using store = await testStore({ readDeadlineMs: 1 });
  loseAnswers(store, () => {
    store.faults.silent = true;
    return Promise.resolve();
  });
  const creation = createEvent(store, aRecord(), "usr_alice");
  await assert.rejects(creation, { name: "DomainError", code: "outcome_unknown" });
});

Deno.test("every commit with a journal entry carries a check", async () => {
  using store = await testStore();
  const read = await storeEvent(store);
  const result = await replaceEvent(store, read, [edit(read.record, { title: "Gala" })]);
  assert.ok(result.outcome === "committed");
  await deleteEvent(store, result.stored[0]!, { by: "usr_alice", at: NOW });
  const journaled = store.sent.filter(({ sets }) => sets.some((key) => key[0] === "journal"));
  assert.equal(journaled.length, 3);
  for (const { checks } of journaled) assert.ok(checks.length > 0);
});
