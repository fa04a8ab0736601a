/** Organizers that are made, found and changed by themselves, as imports do. */
import assert from "node:assert/strict";
import type { OrganizerId } from "../../kv/event_record.ts";
import { listAudit } from "../../kv/audit.ts";
import {
  changeMember,
  createOrganizer,
  findOrganizer,
  getOrganizer,
  getOrganizerRole,
  listOrganizers,
  listOrganizersOf,
  readOrganizer,
  replaceOrganizer,
} from "../../kv/organizers.ts";
import { anOrganizer } from "./organizer_records.ts";
import { aLine } from "./people_records.ts";
import { everything, testStore } from "./test_store.ts";

const OWNER = "usr_alice";

Deno.test("createOrganizer() stores an organizer, its owner and its external id", async () => {
  using store = await testStore();
  const hall = anOrganizer(1, { externalId: "hall" });
  assert.equal(await createOrganizer(store, hall, OWNER), true);
  assert.deepEqual((await readOrganizer(store, hall.id))!.organizer, hall);
  assert.equal(await findOrganizer(store, "hall"), hall.id);
  assert.equal(await findOrganizer(store, "ball"), null);
  assert.deepEqual(await listOrganizersOf(store, OWNER), [hall.id]);
});

Deno.test("createOrganizer() is false and writes nothing when id or external id is taken", async () => {
  using store = await testStore();
  await createOrganizer(store, anOrganizer(1, { externalId: "hall" }), OWNER);
  const before = await everything(store);
  assert.equal(await createOrganizer(store, anOrganizer(1), OWNER), false);
  assert.equal(await createOrganizer(store, anOrganizer(2, { externalId: "hall" }), OWNER), false);
  assert.deepEqual(await everything(store), before);
});

Deno.test("of ten organizers with one external id at once, one is made", async () => {
  using store = await testStore();
  const made = await Promise.all(
    Array.from(
      { length: 10 },
      (_, i) => createOrganizer(store, anOrganizer(i, { externalId: "hall" }), OWNER),
    ),
  );
  assert.equal(made.filter((isMade) => isMade).length, 1);
  assert.equal(await findOrganizer(store, "hall"), anOrganizer(made.indexOf(true)).id);
  assert.equal((await listOrganizers(store, { limit: 20 })).length, 1);
});

Deno.test("of ten changes of an organizer that was read once, one wins", async () => {
  using store = await testStore();
  const hall = anOrganizer(1);
  await createOrganizer(store, hall, OWNER);
  const read = (await readOrganizer(store, hall.id))!;
  const changed = await Promise.all(
    Array.from(
      { length: 10 },
      (_, i) => replaceOrganizer(store, read, { ...hall, name: `Name ${i}` }),
    ),
  );
  assert.equal(changed.filter((isChanged) => isChanged).length, 1);
  assert.equal((await getOrganizer(store, hall.id))!.name, `Name ${changed.indexOf(true)}`);
});

Deno.test("of ten who give somebody the same role at once one did, and one line tells of it", async () => {
  using store = await testStore();
  const hall = anOrganizer(1);
  await createOrganizer(store, hall, OWNER);
  for (const role of ["viewer", null] as const) {
    const read = (await readOrganizer(store, hall.id))!;
    const earlier = (await listAudit(store, { before: null, limit: 50 })).length;
    const given = await Promise.all(
      Array.from({ length: 10 }, (_, i) => {
        const line = aLine(role === null ? 10 + i : i);
        return changeMember(store, read, { userId: "usr_bob", role, line });
      }),
    );
    assert.equal(given.filter((isGiven) => isGiven).length, 1);
    assert.equal(await getOrganizerRole(store, hall.id, "usr_bob"), role);
    assert.equal((await listAudit(store, { before: null, limit: 50 })).length, earlier + 1);
  }
});

Deno.test("a role whose commit's answer was lost was given, also when others wrote on top", async () => {
  using store = await testStore();
  const hall = anOrganizer(1);
  await createOrganizer(store, hall, OWNER);
  const read = (await readOrganizer(store, hall.id))!;
  store.faults.commit = async (send) => {
    await send();
    store.faults.commit = undefined;
    const change = { userId: "usr_bob", role: "owner", line: aLine(2) } as const;
    assert.ok(await changeMember(store, (await readOrganizer(store, hall.id))!, change));
    return { ok: false };
  };
  assert.ok(
    await changeMember(store, read, { userId: "usr_bob", role: "viewer", line: aLine(1) }),
  );
  assert.equal(await getOrganizerRole(store, hall.id, "usr_bob"), "owner");
});

Deno.test("a changed external id finds the organizer, and the old one is free again", async () => {
  using store = await testStore();
  const hall = anOrganizer(1, { externalId: "hall" });
  await createOrganizer(store, hall, OWNER);
  const rename = async (externalId: string | null) =>
    await replaceOrganizer(store, (await readOrganizer(store, hall.id))!, { ...hall, externalId });
  assert.equal(await rename("ball"), true);
  assert.equal(await findOrganizer(store, "hall"), null);
  assert.equal(await findOrganizer(store, "ball"), hall.id);
  assert.equal(await createOrganizer(store, anOrganizer(2, { externalId: "hall" }), OWNER), true);
  assert.equal(await rename("hall"), false, "taken meanwhile");
  assert.equal(await findOrganizer(store, "ball"), hall.id);
});

Deno.test("an organizer keeps its external id through other changes", async () => {
  using store = await testStore();
  const hall = anOrganizer(1, { externalId: "hall" });
  await createOrganizer(store, hall, OWNER);
  const read = (await readOrganizer(store, hall.id))!;
  assert.equal(await replaceOrganizer(store, read, { ...hall, name: "Royal" }), true);
  assert.equal(await findOrganizer(store, "hall"), hall.id);
});

Deno.test("when the store cannot say who made the organizer, the outcome is unknown", async () => {
  using store = await testStore({ readDeadlineMs: 1 });
  store.faults.commit = async (send) => {
    await send();
    store.faults.silent = true;
    return { ok: false };
  };
  const creation = createOrganizer(store, anOrganizer(), OWNER);
  await assert.rejects(creation, { name: "DomainError", code: "outcome_unknown" });
});

Deno.test("listOrganizers() pages by id and answers organizers only", async () => {
  using store = await testStore();
  for (const number of [3, 1, 2]) {
    await createOrganizer(store, anOrganizer(number, { externalId: `x${number}` }), OWNER);
  }
  const list = async (limit: number, after?: OrganizerId) =>
    (await listOrganizers(store, { limit, after })).map(({ organizer }) => organizer.externalId);
  assert.deepEqual(await list(10), ["x1", "x2", "x3"]);
  assert.deepEqual(await list(2), ["x1", "x2"]);
  assert.deepEqual(await list(2, anOrganizer(2).id), ["x3"]);
  assert.equal(await readOrganizer(store, anOrganizer(9).id), null);
});
