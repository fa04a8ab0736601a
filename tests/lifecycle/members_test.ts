import assert from "node:assert/strict";
import { listAudit } from "../../kv/audit.ts";
import type { UserId } from "../../kv/event_record.ts";
import { userKey } from "../../kv/keys.ts";
import { createOrganizer, listMembers, listOrganizersOf } from "../../kv/organizers.ts";
import type { Store } from "../../kv/store.ts";
import { createUser, getUser, type User } from "../../kv/users.ts";
import {
  changeRole,
  listOrganizerMembers,
  removeMember,
  setMember,
} from "../../lifecycle/members.ts";
import { GUEST, type Principal, ROOT } from "../../lifecycle/policy.ts";
import { anOrganizer } from "../kv/organizer_records.ts";
import { aUser } from "../kv/people_records.ts";
import { loseAnswers, type TestStore, testStore } from "../kv/test_store.ts";
import { NOW } from "../support/fixture.ts";
import { aMember, interrupt } from "./lifecycle_fixture.ts";

const HOUSE = anOrganizer(1).id;
const ANN = aMember("usr_ann");
const BOB = aMember("usr_bob");
const now = NOW;

/** Ann's house; Bob, Carol and the guest Dora are users. */
async function house(): Promise<TestStore> {
  const store = await testStore();
  const people: [UserId, Partial<User>?][] = [
    ["usr_ann"],
    ["usr_bob"],
    ["usr_carol"],
    ["usr_dora", { role: "guest" }],
    ["usr_erased", { erasedAt: NOW }],
  ];
  for (const [id, more] of people) {
    assert.ok(await createUser(store, aUser(id, more), () => {}));
  }
  assert.ok(await createOrganizer(store, anOrganizer(1), ANN.userId));
  return store;
}

const roles = async (store: Store) =>
  (await listMembers(store, HOUSE)).map(({ userId, role }) => `${userId.slice(4)} ${role}`);

const lines = async (store: Store) =>
  (await listAudit(store, { before: null, limit: 50 }))
    .map(({ action, by, userId, detail }) => [action, by, userId, detail].join(" ")).reverse();

const set = (
  store: Store,
  userId: UserId,
  role: "owner" | "editor" | "viewer",
  principal: Principal = ANN,
) => setMember(store, HOUSE, { userId, role, principal, now });

const remove = (store: Store, userId: UserId, principal: Principal) =>
  removeMember(store, HOUSE, { userId, principal, now });

Deno.test("owners and administrators add people, and give them other roles", async () => {
  using store = await house();
  assert.equal(await set(store, "usr_bob", "viewer"), "added");
  assert.equal(await set(store, "usr_bob", "editor"), "changed");
  assert.equal(await set(store, "usr_bob", "editor"), "unchanged");
  assert.equal(await set(store, "usr_carol", "owner", ROOT), "added");
  await changeRole(store, HOUSE, {
    userId: "usr_bob",
    role: "viewer",
    principal: aMember("usr_carol"),
    now,
  });
  assert.deepEqual(await roles(store), ["ann owner", "bob viewer", "carol owner"]);
  assert.deepEqual(await listOrganizersOf(store, "usr_bob"), [HOUSE]);
  assert.deepEqual(await lines(store), [
    "member.added usr_ann usr_bob viewer",
    "member.role_changed usr_ann usr_bob editor",
    "member.added usr_root usr_carol owner",
    "member.role_changed usr_carol usr_bob viewer",
  ]);
});

Deno.test("nobody else changes an organizer's people", async () => {
  using store = await house();
  await set(store, "usr_bob", "editor");
  await set(store, "usr_carol", "viewer");
  const before = await roles(store);
  for (const principal of [BOB, aMember("usr_carol"), aMember("usr_dora")]) {
    const no = { code: "forbidden" };
    await assert.rejects(set(store, "usr_dora", "viewer", principal), no);
    await assert.rejects(set(store, principal.userId, "owner", principal), no);
    await assert.rejects(remove(store, "usr_ann", principal), no);
    const change = { userId: "usr_carol", role: "owner", principal, now } as const;
    await assert.rejects(changeRole(store, HOUSE, change), no);
  }
  await assert.rejects(set(store, "usr_dora", "viewer", GUEST), { code: "unauthenticated" });
  await assert.rejects(remove(store, "usr_ann", GUEST), { code: "unauthenticated" });
  assert.deepEqual(await roles(store), before);
});

Deno.test("only users that there are become members", async () => {
  using store = await house();
  for (const userId of ["usr_nobody", "usr_erased"] as const) {
    await assert.rejects(set(store, userId, "viewer"), { code: "invalid_body" });
  }
  assert.equal(await set(store, "usr_root", "viewer"), "added");
  const elsewhere = anOrganizer(2).id;
  const by = { userId: "usr_bob", role: "viewer", principal: ROOT, now } as const;
  await assert.rejects(setMember(store, elsewhere, by), { code: "not_found" });
  await assert.rejects(changeRole(store, HOUSE, by), { code: "not_found" });
  await assert.rejects(remove(store, "usr_bob", ANN), { code: "not_found" });
  await assert.rejects(remove(store, "usr_bob", BOB), { code: "not_found" });
  const leaving = { userId: ANN.userId, principal: ANN, now };
  await assert.rejects(removeMember(store, elsewhere, leaving), { code: "not_found" });
});

Deno.test("a guest who becomes somebody's colleague becomes a member of the site with it", async () => {
  using store = await house();
  await set(store, "usr_dora", "viewer");
  assert.equal((await getUser(store, "usr_dora"))!.role, "member");
  assert.equal((await getUser(store, "usr_bob"))!.role, "member");
});

Deno.test("a guest who changes while they become a colleague loses nothing of either", async () => {
  using store = await house();
  let isChanged = false;
  interrupt(store, "get", async () => {
    const read = await store.kv.get<User>(["user", "usr_dora"]);
    if (isChanged) return;
    isChanged = true;
    await store.kv.set(read.key, { ...read.value!, name: "Dorothea" });
  });
  await set(store, "usr_dora", "viewer");
  const { name, role } = (await getUser(store, "usr_dora"))!;
  assert.deepEqual([name, role], ["Dorothea", "member"]);
});

Deno.test("a guest whose record a newer program wrote is made no member, and keeps it", async () => {
  using store = await house();
  const key = ["user", "usr_dora"];
  const newer = { ...await getUser(store, "usr_dora"), format: 99, more: "of them" };
  await store.kv.set(key, newer);
  await assert.rejects(set(store, "usr_dora", "viewer"), { code: "newer_format" });
  assert.deepEqual((await store.kv.get(key)).value, newer);
  assert.deepEqual(await roles(store), ["ann owner"]);
});

Deno.test("of two owners who give somebody the same role at once one did, and the log tells whose gift it was", async () => {
  using store = await house();
  await set(store, "usr_bob", "owner");
  const outcomes = await Promise.all([
    set(store, "usr_carol", "viewer", ANN),
    set(store, "usr_carol", "viewer", BOB),
  ]);
  assert.deepEqual(outcomes.toSorted(), ["added", "unchanged"]);
  const giver = outcomes[0] === "added" ? "usr_ann" : "usr_bob";
  const gifts = (await lines(store)).filter((line) => line.includes("usr_carol"));
  assert.deepEqual(gifts, [`member.added ${giver} usr_carol viewer`]);
});

Deno.test("of two owners who remove somebody at once one does, and the other is told that they are gone", async () => {
  using store = await house();
  await set(store, "usr_bob", "owner");
  await set(store, "usr_carol", "viewer");
  const removals = await Promise.allSettled([
    remove(store, "usr_carol", ANN),
    remove(store, "usr_carol", BOB),
  ]);
  const refused = removals.flatMap((one) => one.status === "rejected" ? [one.reason.code] : []);
  assert.deepEqual(refused, ["not_found"]);
  const removed = (await lines(store)).filter((line) => line.startsWith("member.removed"));
  assert.equal(removed.length, 1);
});

Deno.test("people leave by themselves, and the last owner does not", async () => {
  using store = await house();
  await set(store, "usr_bob", "viewer");
  await remove(store, "usr_bob", BOB);
  assert.deepEqual(await roles(store), ["ann owner"]);
  for (const principal of [ANN, ROOT]) {
    await assert.rejects(remove(store, "usr_ann", principal), { code: "last_owner" });
    await assert.rejects(set(store, "usr_ann", "editor", principal), { code: "last_owner" });
  }
  await set(store, "usr_bob", "owner");
  await remove(store, "usr_ann", ANN);
  assert.deepEqual(await roles(store), ["bob owner"]);
});

Deno.test("of two owners who leave at once one is left", async () => {
  using store = await house();
  await set(store, "usr_bob", "owner");
  const endings = await Promise.allSettled([ANN, BOB].map((one) => remove(store, one.userId, one)));
  assert.deepEqual(endings.map(({ status }) => status).toSorted(), ["fulfilled", "rejected"]);
  const { reason } = endings.find(({ status }) => status === "rejected") as PromiseRejectedResult;
  assert.equal(reason.code, "last_owner");
  assert.equal((await roles(store)).length, 1);
});

Deno.test("of two owners who demote each other at once one is left", async () => {
  using store = await house();
  await set(store, "usr_bob", "owner");
  await Promise.allSettled([
    set(store, "usr_bob", "editor", ANN),
    set(store, "usr_ann", "editor", BOB),
  ]);
  const left = (await roles(store)).filter((role) => role.endsWith(" owner"));
  assert.equal(left.length, 1);
});

Deno.test("people see who else is one of them, by name", async () => {
  using store = await house();
  await set(store, "usr_bob", "viewer");
  await set(store, "usr_root", "viewer");
  const seen = [
    { userId: "usr_ann", role: "owner", name: "ann" },
    { userId: "usr_bob", role: "viewer", name: "bob" },
    { userId: "usr_root", role: "viewer", name: "Administrator" },
  ];
  for (const principal of [ANN, BOB, ROOT]) {
    assert.deepEqual(await listOrganizerMembers(store, HOUSE, principal), seen);
  }
  const list = (principal: Principal, id = HOUSE) => listOrganizerMembers(store, id, principal);
  await assert.rejects(list(aMember("usr_carol")), { code: "forbidden" });
  await assert.rejects(list(GUEST), { code: "unauthenticated" });
  await assert.rejects(list(ROOT, anOrganizer(2).id), { code: "not_found" });
});

Deno.test("changes of people whose commit's answer was lost count as made, once", async () => {
  using store = await house();
  loseAnswers(store);
  assert.equal(await set(store, "usr_dora", "viewer"), "added");
  assert.equal(await set(store, "usr_dora", "owner"), "changed");
  await remove(store, "usr_ann", ANN);
  assert.deepEqual(await roles(store), ["dora owner"]);
  assert.equal((await lines(store)).length, 3);
});

Deno.test("people who change again and again are a conflict in the end", async () => {
  using store = await house();
  await set(store, "usr_bob", "viewer");
  store.faults.commit = () => Promise.resolve({ ok: false });
  await assert.rejects(set(store, "usr_carol", "viewer"), { code: "conflict" });
  await assert.rejects(remove(store, "usr_bob", ANN), { code: "conflict" });
});

Deno.test("an owner stays while nobody else who owns the organizer can act for it", async () => {
  using store = await house();
  const id = HOUSE;
  await setMember(store, id, { userId: "usr_bob", role: "owner", principal: ANN, now });
  const read = (await store.kv.get<User>(userKey("usr_bob"))).value!;
  await store.kv.set(userKey("usr_bob"), { ...read, suspendedAt: NOW });
  const leave = () => removeMember(store, id, { userId: "usr_ann", principal: ANN, now });
  await assert.rejects(leave, { code: "last_owner" });
  await store.kv.set(userKey("usr_bob"), read);
  await leave();
  assert.deepEqual(await listMembers(store, id), [{ userId: "usr_bob", role: "owner" }]);
});
