import assert from "node:assert/strict";
import { listAudit, writeAuditLine } from "../../kv/audit.ts";
import type { UserId } from "../../kv/event_record.ts";
import { withholdingKey, WITHHOLDINGS } from "../../kv/keys.ts";
import { createOrganizer } from "../../kv/organizers.ts";
import { createSession } from "../../kv/sessions.ts";
import type { Store } from "../../kv/store.ts";
import { createUser, getUser, listAdmins, type User } from "../../kv/users.ts";
import { issueToken, tokenPrincipal } from "../../lifecycle/api_tokens.ts";
import { auditLine, auditPlaceOf, programLine } from "../../lifecycle/audit.ts";
import { newAuditId } from "../../lifecycle/ids.ts";
import { GUEST, type Principal, ROOT } from "../../lifecycle/policy.ts";
import { sessionPrincipal } from "../../lifecycle/sessions.ts";
import { changedUser, changeUser, type UserChange } from "../../lifecycle/users.ts";
import { anOrganizer } from "../kv/organizer_records.ts";
import { aSession, aUser } from "../kv/people_records.ts";
import { loseAnswers, type TestStore, testStore } from "../kv/test_store.ts";
import { DAY, NOW } from "../support/fixture.ts";
import { aMember } from "./lifecycle_fixture.ts";

const ADMIN: Principal = { ...aMember("usr_ann"), role: "admin" };

async function site(...people: [UserId, Partial<User>?][]): Promise<TestStore> {
  const store = await testStore();
  for (const [id, more] of people) {
    assert.ok(await createUser(store, aUser(id, more), () => {}));
  }
  return store;
}

const change = (
  store: Store,
  id: UserId,
  changes: UserChange,
  { principal = ROOT, hasRoot = true }: { principal?: Principal; hasRoot?: boolean } = {},
) => changeUser(store, id, changes, { principal, now: NOW, hasRoot });

const lines = async (store: Store) =>
  (await listAudit(store, { before: null, limit: 50 }))
    .map(({ action, by, userId, detail }) => [action, by, userId, detail].join(" ").trim())
    .reverse();

Deno.test("administrators give roles, suspend and let in again, with a line for each", async () => {
  using store = await site(["usr_ann", { role: "admin" }], ["usr_bob"]);
  await change(store, "usr_bob", { role: "admin" }, { principal: ADMIN });
  await change(store, "usr_bob", { isSuspended: true });
  const suspended = (await getUser(store, "usr_bob"))!;
  assert.deepEqual([suspended.suspendedAt, suspended.credentialsEndedAt], [NOW, NOW]);
  await change(store, "usr_bob", { isSuspended: false, role: "guest" });
  const user = (await getUser(store, "usr_bob"))!;
  assert.deepEqual([user.suspendedAt, user.credentialsEndedAt, user.role], [null, NOW, "guest"]);
  assert.deepEqual(await lines(store), [
    "user.role_changed usr_ann usr_bob member to admin",
    "user.suspended usr_root usr_bob",
    "user.role_changed usr_root usr_bob admin to guest",
    "user.reinstated usr_root usr_bob",
  ]);
});

Deno.test("however many organizers somebody owns, all are looked at when they are suspended", async () => {
  using store = await site(["usr_bob"]);
  for (let i = 0; i < 1_001; i++) {
    assert.ok(await createOrganizer(store, anOrganizer(i), "usr_bob"));
    await store.kv.delete(withholdingKey(anOrganizer(i).id));
  }
  await change(store, "usr_bob", { isSuspended: true });
  const asked = await Array.fromAsync(store.kv.list({ prefix: WITHHOLDINGS }));
  assert.equal(asked.length, 1_001);
});

Deno.test("what a process made whose clock is ahead ends with a suspension, too, for good", async () => {
  using store = await site(["usr_bob"]);
  const BOB = aMember("usr_bob");
  // Five seconds later than the suspension, by its clock.
  const ahead = NOW + 5_000;
  const expiresAt = ahead + 30 * DAY;
  const token = await issueToken(
    store,
    { name: "Mine", scopes: ["events:read"], expiresAt },
    { principal: BOB, now: ahead },
  );
  const session = aSession("usr_bob", { createdAt: ahead, seenAt: ahead, expiresAt });
  await createSession(store, { digest: "ours", session, keptMs: DAY }, () => {});
  const later = { now: NOW + 10_000, rootFingerprint: null };
  const who = async () => [
    await tokenPrincipal(store, token.secret, later),
    await sessionPrincipal(store, "ours", later),
  ];
  assert.deepEqual((await who()).map((one) => one?.userId), ["usr_bob", "usr_bob"]);
  await change(store, "usr_bob", { isSuspended: true });
  assert.deepEqual(await who(), [null, null]);
  await change(store, "usr_bob", { isSuspended: false });
  assert.deepEqual(await who(), [null, null]);
});

Deno.test("what changes nothing writes nothing", async () => {
  using store = await site(["usr_bob"]);
  const before = store.sent.length;
  for (const nothing of [{}, { role: "member" }, { isSuspended: false }] as UserChange[]) {
    assert.deepEqual(await change(store, "usr_bob", nothing), await getUser(store, "usr_bob"));
  }
  assert.equal(store.sent.length, before);
  const user = aUser("usr_bob", { suspendedAt: NOW - 1, credentialsEndedAt: NOW - 1 });
  assert.equal(changedUser(user, { isSuspended: true }, NOW), user, "since then, and not anew");
});

Deno.test("nobody else changes a user, and there are some whom nobody does", async () => {
  using store = await site(["usr_bob"], ["usr_gone", { erasedAt: NOW }]);
  const role = { role: "admin" } as const;
  const as = (principal: Principal) => change(store, "usr_bob", role, { principal });
  await assert.rejects(as(GUEST), { code: "unauthenticated" });
  await assert.rejects(as(aMember("usr_bob")), { code: "forbidden" });
  await assert.rejects(change(store, "usr_root", { isSuspended: true }), { code: "root_user" });
  for (const id of ["usr_nobody", "usr_gone"] as const) {
    await assert.rejects(change(store, id, role), { code: "not_found" });
  }
});

Deno.test("one administrator is left, whichever way they go and however many at once", async () => {
  const names = ["usr_a", "usr_b", "usr_c", "usr_d"] as const;
  for (const ways of [{ role: "member" }, { isSuspended: true }] as UserChange[]) {
    using store = await site(
      ...names.map((id): [UserId, Partial<User>] => [id, { role: "admin" }]),
    );
    const endings = await Promise.allSettled(
      names.map((id) => change(store, id, ways, { hasRoot: false })),
    );
    const refused = endings.flatMap((one) => one.status === "rejected" ? [one.reason.code] : []);
    assert.deepEqual(refused, ["last_admin"]);
    assert.equal((await listAdmins(store)).length, 1);
  }
});

Deno.test("the last administrator may go where there is an ADMIN_TOKEN", async () => {
  using store = await site(["usr_ann", { role: "admin" }]);
  const away = { role: "guest" } as const;
  const going = change(store, "usr_ann", away, { principal: ADMIN, hasRoot: false });
  await assert.rejects(going, { code: "last_admin" });
  await change(store, "usr_ann", away, { principal: ADMIN });
  assert.deepEqual(await listAdmins(store), []);
});

Deno.test("a change whose commit's answer was lost counts as made, once", async () => {
  using store = await site(["usr_bob"]);
  loseAnswers(store);
  assert.equal((await change(store, "usr_bob", { role: "admin" })).role, "admin");
  assert.equal((await lines(store)).length, 1);
});

Deno.test("a user who changes again and again is a conflict in the end", async () => {
  using store = await site(["usr_bob"]);
  store.faults.commit = () => Promise.resolve({ ok: false });
  await assert.rejects(change(store, "usr_bob", { role: "guest" }), { code: "conflict" });
});

Deno.test("a line of the audit log says who did it, and what they showed for it", async () => {
  using store = await testStore();
  const at = { now: NOW };
  const via = (principal: Principal) => auditLine("token.created", { principal, ...at }).via;
  assert.equal(via(ADMIN), null);
  assert.equal(via({ ...ADMIN, credential: { kind: "session", digest: "secret" } }), "session");
  const scopes = ["admin"] as const;
  assert.equal(via({ ...ADMIN, credential: { kind: "token", tokenId: "root", scopes } }), "root");
  assert.equal(via({ ...ADMIN, credential: { kind: "token", tokenId: "tok_1", scopes } }), "tok_1");
  const { id: _, ...line } = programLine("user.erased", at, { userId: "usr_bob" });
  assert.deepEqual(line, {
    at: NOW,
    action: "user.erased",
    by: null,
    via: null,
    userId: "usr_bob",
    organizerId: null,
    detail: null,
  });
  const refusal = auditLine("grant.refused", { principal: ADMIN, ...at }, { detail: "role" });
  await writeAuditLine(store, refusal);
  assert.deepEqual(await lines(store), ["grant.refused usr_ann  role"]);
});

Deno.test("ids of lines sort as they were made within a millisecond, and tell their place", () => {
  const ids = Array.from({ length: 100 }, () => newAuditId(NOW));
  assert.deepEqual(ids.toSorted(), ids);
  // Also when the clock has stepped back: the key of a line holds its very time.
  for (const at of [NOW + 5, NOW - 5, NOW]) {
    const id = newAuditId(at);
    assert.deepEqual(auditPlaceOf(id), { at, id });
  }
});
