import assert from "node:assert/strict";
import { createEvent } from "../../kv/events.ts";
import {
  addOrganizer,
  getOrganizer,
  getOrganizerRole,
  listOrganizersOf,
} from "../../kv/organizers.ts";
import { allRecords, aRecord } from "../support/fixture.ts";
import { anOrganizer } from "./organizer_records.ts";
import { everything, testStore } from "./test_store.ts";

Deno.test("there is nothing to say of an organizer that nobody made", async () => {
  using store = await testStore();
  const { id } = anOrganizer();
  assert.equal(await getOrganizer(store, id), null);
  assert.equal(await getOrganizerRole(store, id, "usr_alice"), null);
  assert.deepEqual(await listOrganizersOf(store, "usr_alice"), []);
});

Deno.test("a first event makes its organizer and the owner in its own commit", async () => {
  using store = await testStore();
  const first = anOrganizer();
  const record = aRecord({ organizerId: first.id });
  const result = await createEvent(store, record, "usr_alice", {
    organizer: { first, owner: "usr_alice" },
  });
  assert.ok(result.outcome === "committed");
  assert.deepEqual(await getOrganizer(store, first.id), first);
  assert.equal(await getOrganizerRole(store, first.id, "usr_alice"), "owner");
  assert.equal(await getOrganizerRole(store, first.id, "usr_bob"), null);
  assert.deepEqual(await listOrganizersOf(store, "usr_alice"), [first.id]);
  const made = (await everything(store)).filter(({ key }) =>
    String(key[0]).startsWith("organizer")
  );
  assert.equal(made.length, 3);
  for (const entry of made) assert.equal(entry.versionstamp, result.stored.versionstamp);
});

Deno.test("of ten first events at once one makes the organizer, and the others write nothing", async () => {
  using store = await testStore();
  const outcomes = await Promise.all(Array.from({ length: 10 }, (_, i) => {
    const first = { ...anOrganizer(), name: `Made by ${i}` };
    const record = aRecord({ organizerId: first.id });
    return createEvent(store, record, "usr_alice", { organizer: { first, owner: "usr_alice" } });
  }));
  const winner = outcomes.findIndex(({ outcome }) => outcome === "committed");
  assert.equal(outcomes.filter(({ outcome }) => outcome === "committed").length, 1);
  assert.equal((await getOrganizer(store, anOrganizer().id))!.name, `Made by ${winner}`);
  assert.equal((await allRecords(store)).length, 1);
});

Deno.test("listOrganizersOf() answers the user's own organizers by id", async () => {
  using store = await testStore();
  for (const number of [3, 1, 2]) {
    const owner = number === 2 ? "usr_bob" : "usr_alice";
    await store.commit(addOrganizer(store.kv.atomic(), anOrganizer(number), owner));
  }
  const ids = await listOrganizersOf(store, "usr_alice");
  assert.deepEqual(ids, [anOrganizer(1).id, anOrganizer(3).id]);
});
