/** Several at once, one winner; and never more checks than the KV Connect server takes. */
import assert from "node:assert/strict";
import { createEvent, getEvent, replaceEvent, replaceEvents } from "../../kv/events.ts";
import { MAX_CHECKS_PER_COMMIT } from "../../kv/limits.ts";
import {
  allChanges,
  aRecord,
  assertIndexesRebuild,
  storeEvent,
  storeEvents,
} from "../support/fixture.ts";
import { edit, move } from "./event_steps.ts";
import { anOrganizer } from "./organizer_records.ts";
import { everything, testStore } from "./test_store.ts";

const WRITERS = 20;

Deno.test("of 20 writers who read the same version one wins, and nothing of the others is left", async () => {
  using store = await testStore();
  const read = await storeEvent(store);
  const outcomes = await Promise.all(
    Array.from(
      { length: WRITERS },
      (_, i) =>
        replaceEvent(store, read, [edit(read.record, { title: `Title ${i}`, tags: [`tag ${i}`] })]),
    ),
  );
  const winners = outcomes.filter(({ outcome }) => outcome === "committed");
  assert.equal(winners.length, 1);
  const { record } = (await getEvent(store, read.record.id))!;
  assert.equal(record.version, 2);
  assert.equal(`Title ${outcomes.findIndex((o) => o.outcome === "committed")}`, record.title);
  assert.equal((await allChanges(store)).length, 2);
  await assertIndexesRebuild(store);
});

Deno.test("20 writers who try again until they win make 20 versions and lose no edit", async () => {
  using store = await testStore();
  const { record: { id } } = await storeEvent(store);
  async function write(number: number): Promise<void> {
    for (;;) {
      const read = (await getEvent(store, id))!;
      const metadata = { ...read.record.metadata, [`writer ${number}`]: "was here" };
      const result = await replaceEvent(store, read, [edit(read.record, { metadata })]);
      if (result.outcome === "committed") return;
    }
  }
  await Promise.all(Array.from({ length: WRITERS }, (_, i) => write(i)));
  const { record } = (await getEvent(store, id))!;
  assert.equal(Object.keys(record.metadata).length, WRITERS);
  const versions = Array.from({ length: WRITERS + 1 }, (_, i) => i + 1);
  assert.deepEqual((await allChanges(store)).map((change) => change.version), versions);
  assert.deepEqual(record.history.map((entry) => entry.version), versions);
  await assertIndexesRebuild(store);
});

Deno.test("of 10 creations of one external id at once, one wins", async () => {
  using store = await testStore();
  const records = Array.from({ length: 10 }, () => aRecord({ externalId: "concert-1" }));
  const outcomes = await Promise.all(records.map((record) => createEvent(store, record, "usr_a")));
  assert.equal(outcomes.filter(({ outcome }) => outcome === "committed").length, 1);
  assert.equal((await allChanges(store)).length, 1);
  await assertIndexesRebuild(store);
});

Deno.test("of 10 events that want the same new external id at once, one gets it", async () => {
  using store = await testStore();
  const reads = await Promise.all(Array.from({ length: 10 }, () => storeEvent(store)));
  const outcomes = await Promise.all(
    reads.map((read) => replaceEvent(store, read, [edit(read.record, { externalId: "taken" })])),
  );
  assert.equal(outcomes.filter(({ outcome }) => outcome === "committed").length, 1);
  await assertIndexesRebuild(store);
});

Deno.test("an eleventh check is never sent: ten transitions take ten, a creation four", async () => {
  using store = await testStore();
  const first = anOrganizer(0, { externalId: "hall" });
  const record = aRecord({ externalId: "x" });
  await createEvent(store, record, "usr_alice", { organizer: { first, owner: "usr_alice" } });
  assert.equal(store.sent.at(-1)!.checks.length, 4);
  const others = Array.from({ length: 9 }, (_, i) => storeEvent(store, { externalId: `x${i}` }));
  const reads = [(await getEvent(store, record.id))!, ...await Promise.all(others)];
  const writes = reads.map((read) => ({ read, steps: [move(read.record, "CANCELLED")] }));
  await replaceEvents(store, writes);
  assert.equal(store.sent.at(-1)!.checks.length, MAX_CHECKS_PER_COMMIT);
});

Deno.test("an eleventh check is never sent: eleven events, or seven of which four change their external id, are refused", async () => {
  using store = await testStore();
  const reads = await storeEvents(store, 11);
  const eleven = reads.map((read) => ({ read, steps: [move(read.record, "CANCELLED")] }));
  const renamed = eleven.slice(0, 4).map(({ read }, i) => ({
    read,
    steps: [edit(read.record, { externalId: `new ${i}` })],
  }));
  const before = await everything(store);
  const commits = store.sent.length;
  await assert.rejects(replaceEvents(store, eleven), RangeError);
  const seven = [...renamed, ...eleven.slice(4, 7)];
  await assert.rejects(replaceEvents(store, seven), /10 checks; 7 events .* need 11/);
  assert.equal(store.sent.length, commits);
  assert.deepEqual(await everything(store), before);
  const six = seven.slice(0, 6);
  assert.equal((await replaceEvents(store, six)).outcome, "committed");
  assert.equal(store.sent.at(-1)!.checks.length, 10);
});
