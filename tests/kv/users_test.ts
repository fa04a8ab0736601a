import assert from "node:assert/strict";
import type { UserId } from "../../kv/event_record.ts";
import { ADMINS, userKey } from "../../kv/keys.ts";
import {
  addReplacedUser,
  createUser,
  deleteUser,
  findUser,
  getUser,
  getUsers,
  isActiveAdmin,
  listAdmins,
  listUsers,
  readUser,
  replaceUser,
  type User,
} from "../../kv/users.ts";
import { NOW } from "../support/fixture.ts";
import { aUser } from "./people_records.ts";
import { everything, loseAnswers, loseSight, type TestStore, testStore } from "./test_store.ts";

const NOTHING = () => {};
const MARK = ["audit", NOW, "mark"];
const mark = (operation: Deno.AtomicOperation) => void operation.set(MARK, null);

async function stored(store: TestStore, user: User): Promise<User> {
  assert.ok(await createUser(store, user, NOTHING));
  return user;
}

/** Replaces them as they are read now. */
async function replace(
  store: TestStore,
  id: UserId,
  change: Partial<User>,
  hasRoot = false,
): Promise<string> {
  const read = (await readUser(store, id))!;
  return await replaceUser(store, read, { ...read.user, ...change }, { hasRoot, together: mark });
}

Deno.test("a user is found by who they are at their provider, and by nothing else", async () => {
  using store = await testStore();
  const ann = await stored(store, aUser("usr_ann"));
  const { issuer, subject } = ann.identity;
  assert.equal(await findUser(store, ann.identity), ann.id);
  assert.equal(await findUser(store, { issuer, subject: "annie" }), null);
  assert.equal(await findUser(store, { issuer: `${issuer}/`, subject }), null);
  const found = await getUser(store, ann.id);
  assert.deepEqual(found, { ...found, ...ann });
  assert.equal(await getUser(store, "usr_bob"), null);
  assert.equal(await readUser(store, "usr_bob"), null);
});

Deno.test("of many first sign-ins of one identity at once one makes the user", async () => {
  using store = await testStore();
  const users = Array.from(
    { length: 8 },
    (_, i) =>
      aUser(`usr_${i}`, { identity: { issuer: "https://provider.example", subject: "ann" } }),
  );
  const made = await Promise.all(users.map((user) => createUser(store, user, mark)));
  assert.equal(made.filter((isMade) => isMade).length, 1);
  const winner = users[made.indexOf(true)]!;
  assert.equal(await findUser(store, winner.identity), winner.id);
  assert.deepEqual((await listUsers(store, { limit: 10 })).map(({ id }) => id), [winner.id]);
});

Deno.test("createUser() writes everything in one commit, or nothing", async () => {
  using store = await testStore();
  const ann = await stored(store, aUser("usr_ann"));
  const before = await everything(store);
  const other = aUser("usr_other", { identity: ann.identity, role: "admin" });
  assert.equal(await createUser(store, other, mark), false);
  assert.deepEqual(await everything(store), before);
  assert.ok(await createUser(store, aUser("usr_bob"), mark));
  assert.equal(store.sent.at(-1)!.sets.length, 3);
  assert.notEqual((await store.get(MARK)).versionstamp, null);
});

Deno.test("getUsers() answers those that there are", async () => {
  using store = await testStore();
  const ids = Array.from({ length: 12 }, (_, i): UserId => `usr_${i}`);
  for (const id of ids) await stored(store, aUser(id));
  const users = await getUsers(store, [...ids, "usr_nobody"]);
  assert.deepEqual([...users.keys()].sort(), ids.toSorted());
});

Deno.test("listUsers() pages by id", async () => {
  using store = await testStore();
  for (const name of ["c", "a", "b"]) await stored(store, aUser(`usr_${name}`));
  const list = async (limit: number, after?: UserId) =>
    (await listUsers(store, { limit, after })).map(({ id }) => id);
  assert.deepEqual(await list(10), ["usr_a", "usr_b", "usr_c"]);
  assert.deepEqual(await list(2), ["usr_a", "usr_b"]);
  assert.deepEqual(await list(2, "usr_b"), ["usr_c"]);
});

Deno.test("of two administrators who demote each other at once one is left", async () => {
  using store = await testStore();
  for (const id of ["usr_ann", "usr_bob"] as const) {
    await stored(store, aUser(id, { role: "admin" }));
  }
  // Both have read who administers before either writes it.
  const both = Promise.withResolvers<void>();
  let count = 0;
  store.faults.commit = async (send) => {
    if (++count === 2) both.resolve();
    await both.promise;
    return await send();
  };
  const outcomes = await Promise.all(
    (["usr_ann", "usr_bob"] as const).map((id) => replace(store, id, { role: "member" })),
  );
  assert.deepEqual(outcomes.toSorted(), ["conflict", "replaced"]);
  const left = await listAdmins(store);
  assert.equal(left.length, 1);
  assert.equal(await replace(store, left[0]!, { role: "member" }), "last_admin");
  assert.equal((await getUser(store, left[0]!))!.role, "admin");
});

for (
  const [what, change] of [
    ["be demoted", { role: "guest" }],
    ["be suspended", { suspendedAt: NOW }],
    ["be erased", { erasedAt: NOW }],
  ] as [string, Partial<User>][]
) {
  Deno.test(`the last administrator cannot ${what}, unless there is an ADMIN_TOKEN`, async () => {
    using store = await testStore();
    await stored(store, aUser("usr_ann", { role: "admin" }));
    await stored(store, aUser("usr_bob"));
    const before = await everything(store);
    assert.equal(await replace(store, "usr_ann", change), "last_admin");
    assert.deepEqual(await everything(store), before);
    assert.equal(await replace(store, "usr_ann", { name: "Anna" }), "replaced");
    assert.equal(await replace(store, "usr_ann", change, true), "replaced");
    assert.deepEqual(await listAdmins(store), []);
  });
}

Deno.test("who administers follows roles, suspensions and their end", async () => {
  using store = await testStore();
  await stored(store, aUser("usr_ann", { role: "admin" }));
  await stored(store, aUser("usr_bob"));
  const admins = async () => (await listAdmins(store)).toSorted();
  assert.deepEqual(await admins(), ["usr_ann"]);
  await replace(store, "usr_bob", { role: "admin" });
  assert.deepEqual(await admins(), ["usr_ann", "usr_bob"]);
  await replace(store, "usr_bob", { suspendedAt: NOW });
  assert.deepEqual(await admins(), ["usr_ann"]);
  assert.equal(await replace(store, "usr_ann", { role: "member" }), "last_admin");
  await replace(store, "usr_bob", { suspendedAt: null });
  assert.deepEqual(await admins(), ["usr_ann", "usr_bob"]);
  // What changes nothing about that does not contend for the record of it.
  const { versionstamp } = await store.get(ADMINS);
  await replace(store, "usr_bob", { name: "Robert" });
  assert.equal((await store.get(ADMINS)).versionstamp, versionstamp);
  const user = aUser("usr_x", { role: "admin" });
  assert.ok(isActiveAdmin(user));
  assert.ok(!isActiveAdmin({ ...user, erasedAt: NOW }));
});

Deno.test("a user who changed since they were read is not replaced", async () => {
  using store = await testStore();
  await stored(store, aUser("usr_ann"));
  const read = (await readUser(store, "usr_ann"))!;
  await replace(store, "usr_ann", { name: "Anna" });
  const options = { hasRoot: true, together: NOTHING };
  const next = { ...read.user, name: "Anne" };
  assert.equal(await replaceUser(store, read, next, options), "conflict");
  assert.equal((await getUser(store, "usr_ann"))!.name, "Anna");
});

Deno.test("the identity of who was erased is free: the next who comes with it is somebody new", async () => {
  using store = await testStore();
  const ann = await stored(store, aUser("usr_ann"));
  assert.equal(await replace(store, ann.id, { erasedAt: NOW }), "replaced");
  assert.equal(await findUser(store, ann.identity), null);
  const again = await stored(store, aUser("usr_again", { identity: ann.identity }));
  assert.equal(await findUser(store, ann.identity), again.id);
  // What is left of the first takes nothing of the second with it.
  await deleteUser(store, ann.id, mark);
  assert.equal(await getUser(store, ann.id), null);
  assert.equal(await findUser(store, ann.identity), again.id);
});

Deno.test("addReplacedUser() fails the commit of something else when they changed", async () => {
  using store = await testStore();
  const ann = await stored(store, aUser("usr_ann", { role: "guest" }));
  const read = (await readUser(store, ann.id))!;
  const next = { ...ann, role: "member" as const };
  await replace(store, ann.id, { name: "Anna" });
  const late = store.kv.atomic();
  addReplacedUser(late, store, { read, next });
  assert.equal((await store.commit(late)).ok, false);
  const timely = store.kv.atomic();
  addReplacedUser(timely, store, { read: (await readUser(store, ann.id))!, next });
  assert.equal((await store.commit(timely)).ok, true);
  assert.equal((await getUser(store, ann.id))!.role, "member");
});

Deno.test("a commit of a user whose answer was lost counts as made", async () => {
  using store = await testStore();
  loseAnswers(store);
  assert.ok(await createUser(store, aUser("usr_ann", { role: "admin" }), mark));
  assert.equal(await replace(store, "usr_ann", { name: "Anna" }), "replaced");
  assert.equal(await replace(store, "usr_ann", { role: "member" }, true), "replaced");
  assert.deepEqual(await listAdmins(store), []);
});

Deno.test("when it cannot be looked up whether a user was stored, the outcome is unknown", async () => {
  using store = await testStore({ readDeadlineMs: 1 });
  loseSight(store);
  const creation = createUser(store, aUser("usr_ann"), NOTHING);
  await assert.rejects(creation, { code: "outcome_unknown" });
});

Deno.test("a user of a newer format is read, and never written", async () => {
  using store = await testStore();
  const ann = await stored(store, aUser("usr_ann"));
  await store.kv.set(userKey(ann.id), { ...ann, format: 99 });
  assert.equal((await getUser(store, ann.id))!.name, "ann");
  await assert.rejects(replace(store, ann.id, { name: "Anna" }), { code: "newer_format" });
});
