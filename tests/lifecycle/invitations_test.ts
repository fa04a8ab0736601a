import assert from "node:assert/strict";
import { listAudit } from "../../kv/audit.ts";
import type { UserId } from "../../kv/event_record.ts";
import { readInvitation } from "../../kv/invitations.ts";
import {
  createOrganizer,
  getOrganizerRole,
  listMembers,
  type OrganizerRole,
} from "../../kv/organizers.ts";
import type { Store } from "../../kv/store.ts";
import { createUser, getUser } from "../../kv/users.ts";
import {
  acceptInvitation,
  invite,
  listOpenInvitations,
  MAX_OPEN_INVITATIONS,
  type NewInvitation,
  requireOffer,
  revokeInvitation,
} from "../../lifecycle/invitations.ts";
import { removeMember, setMember } from "../../lifecycle/members.ts";
import { GUEST, type Principal, ROOT } from "../../lifecycle/policy.ts";
import { digestOf } from "../../lifecycle/secrets.ts";
import { changeUser, type UserChange } from "../../lifecycle/users.ts";
import { anOrganizer } from "../kv/organizer_records.ts";
import { aUser } from "../kv/people_records.ts";
import { loseAnswers, type TestStore, testStore } from "../kv/test_store.ts";
import { DAY, MINUTE, NOW } from "../support/fixture.ts";
import { aMember, interrupt } from "./lifecycle_fixture.ts";

const HOUSE = anOrganizer(1).id;
const ANN = aMember("usr_ann");
const BOB = aMember("usr_bob");
const CAROL = aMember("usr_carol");
const GONE = { code: "invitation_gone" };

/** Ann's house; Bob and Carol are guests of the site. */
async function house(): Promise<TestStore> {
  const store = await testStore();
  for (const id of ["usr_ann", "usr_bob", "usr_carol"] as UserId[]) {
    const role = id === "usr_ann" ? "member" as const : "guest" as const;
    assert.ok(await createUser(store, aUser(id, { role }), () => {}));
  }
  for (const number of [1, 2]) {
    assert.ok(await createOrganizer(store, anOrganizer(number), ANN.userId));
  }
  return store;
}

const invited = (
  store: Store,
  { role = "editor", email = null, expiresAt }: Partial<NewInvitation> = {},
  principal: Principal = ANN,
) => invite(store, HOUSE, { role, email, expiresAt, principal, now: NOW });

const accept = (store: Store, secret: string, principal: Principal, now = NOW) =>
  acceptInvitation(store, secret, { principal, now });

Deno.test("an invitation makes one person a member, once, and a guest a member of the site", async () => {
  using store = await house();
  const { invitation, secret } = await invited(store);
  assert.equal(await readInvitation(store, secret), null);
  const standing = async (principal: Principal) =>
    (await requireOffer(store, secret, { principal, now: NOW })).standing;
  const everybody = await Promise.all([GUEST, BOB, ANN].map(standing));
  assert.deepEqual(everybody, ["stranger", "invited", "member"]);
  const offer = await requireOffer(store, secret, { principal: GUEST, now: NOW });
  assert.deepEqual([offer.organizer.id, offer.invitation], [HOUSE, invitation]);
  const joined = await accept(store, secret, BOB);
  assert.deepEqual([joined.organizer.id, joined.userId, joined.role], [HOUSE, "usr_bob", "editor"]);
  assert.equal(await getOrganizerRole(store, HOUSE, "usr_bob"), "editor");
  assert.equal((await getUser(store, "usr_bob"))!.role, "member");
  for (const principal of [BOB, CAROL]) {
    await assert.rejects(accept(store, secret, principal), GONE);
  }
  await assert.rejects(requireOffer(store, secret, { principal: GUEST, now: NOW }), GONE);
  const lines = await listAudit(store, { before: null, limit: 9 });
  assert.deepEqual(lines.map(({ action, by, detail }) => [action, by, detail]), [
    ["invitation.accepted", "usr_bob", `${invitation.id} editor`],
    ["invitation.created", "usr_ann", `${invitation.id} editor`],
  ]);
});

Deno.test("of two people who use one invitation at once one joins", async () => {
  using store = await house();
  const { secret } = await invited(store);
  const endings = await Promise.allSettled([BOB, CAROL].map((one) => accept(store, secret, one)));
  assert.deepEqual(endings.map(({ status }) => status).toSorted(), ["fulfilled", "rejected"]);
  const { reason } = endings.find(({ status }) => status === "rejected") as PromiseRejectedResult;
  assert.equal(reason.code, "invitation_gone");
  assert.equal((await listMembers(store, HOUSE)).length, 2);
});

Deno.test("an invitation for an address is for who has it, as their provider vouches", async () => {
  using store = await house();
  const { secret } = await invited(store, { email: "Bob@Example.ORG" });
  const no = { code: "invitation_not_yours" };
  await assert.rejects(accept(store, secret, CAROL), no);
  await assert.rejects(accept(store, secret, ROOT), no);
  const offer = await requireOffer(store, secret, { principal: CAROL, now: NOW });
  assert.equal(offer.standing, "other");
  const bob = (await getUser(store, "usr_bob"))!;
  for (const less of [{ emailVerified: false }, { email: null }]) {
    await store.kv.set(["user", "usr_bob"], { ...bob, ...less });
    await assert.rejects(accept(store, secret, BOB), no);
  }
  await store.kv.set(["user", "usr_bob"], bob);
  await accept(store, secret, BOB);
});

Deno.test("an invitation ends when it says, to the millisecond, and after seven days by itself", async () => {
  using store = await house();
  const open = async (now: number) =>
    (await listOpenInvitations(store, HOUSE, { principal: ANN, now })).length;
  for (const expiresAt of [NOW + DAY, undefined]) {
    const ends = expiresAt ?? NOW + 7 * DAY;
    const { secret } = await invited(store, { expiresAt });
    assert.equal(await open(ends - 1), 1);
    assert.equal(await open(ends), 0);
    await requireOffer(store, secret, { principal: GUEST, now: ends - 1 });
    await assert.rejects(requireOffer(store, secret, { principal: GUEST, now: ends }), GONE);
    await assert.rejects(accept(store, secret, BOB, ends), GONE);
    await accept(store, secret, expiresAt === undefined ? BOB : CAROL, ends - 1);
  }
});

Deno.test("an invitation lasts up to thirty days from now", async () => {
  using store = await house();
  await invited(store, { expiresAt: NOW + 1 });
  // A minute for a clock that is not ours.
  await invited(store, { expiresAt: NOW + 30 * DAY + MINUTE });
  for (const expiresAt of [NOW, NOW - 1, NOW + 30 * DAY + MINUTE + 1, NaN, Infinity]) {
    await assert.rejects(invited(store, { expiresAt }), { code: "invalid_body" });
  }
});

Deno.test("a revoked invitation leads nowhere; one that was used cannot be revoked", async () => {
  using store = await house();
  const first = await invited(store);
  const second = await invited(store);
  const revoke = ({ invitation: { id } }: typeof first, principal: Principal = ANN) =>
    revokeInvitation(store, HOUSE, { id, principal, now: NOW });
  await revoke(first);
  await assert.rejects(accept(store, first.secret, BOB), GONE);
  await accept(store, second.secret, BOB);
  for (const one of [first, second]) await assert.rejects(revoke(one), { code: "not_found" });
  assert.equal(
    (await listAudit(store, { before: null, limit: 9 }))[1]!.action,
    "invitation.revoked",
  );
});

Deno.test("an invitation that is used at the very moment is not said to be revoked", async () => {
  using store = await house();
  const { invitation: { id }, secret } = await invited(store);
  let isUsed = false;
  interrupt(store, "getMany", async () => {
    if (isUsed) return;
    isUsed = true;
    await accept(store, secret, BOB);
  });
  const revoking = revokeInvitation(store, HOUSE, { id, principal: ANN, now: NOW });
  await assert.rejects(revoking, { code: "conflict" });
  assert.equal(await getOrganizerRole(store, HOUSE, "usr_bob"), "editor");
});

Deno.test("an invitation leads nowhere while who made it may not invite", async () => {
  using store = await house();
  await setMember(store, HOUSE, { userId: "usr_bob", role: "owner", principal: ANN, now: NOW });
  const { secret } = await invited(store, { role: "owner" }, BOB);
  const isOpen = async () => {
    const offer = requireOffer(store, secret, { principal: CAROL, now: NOW });
    return await offer.then(() => true, ({ code }) => code !== "invitation_gone");
  };
  const loses = async (change: () => Promise<unknown>, back: () => Promise<unknown>) => {
    assert.ok(await isOpen());
    await change();
    assert.ok(!await isOpen());
    for (const principal of [BOB, CAROL]) await assert.rejects(accept(store, secret, principal));
    assert.equal(await getOrganizerRole(store, HOUSE, "usr_carol"), null);
    await back();
  };
  const by = { principal: ROOT, now: NOW };
  const bobAs = (role: OrganizerRole) =>
    setMember(store, HOUSE, { ...by, userId: "usr_bob", role });
  const change = (changes: UserChange) =>
    changeUser(store, "usr_bob", changes, { ...by, hasRoot: true });
  await loses(() => bobAs("editor"), () => bobAs("owner"));
  await loses(() => change({ isSuspended: true }), () => change({ isSuspended: false }));
  await loses(
    () => removeMember(store, HOUSE, { ...by, userId: "usr_bob" }),
    () => change({ role: "admin" }),
  );
  await accept(store, secret, CAROL);
  assert.equal(await getOrganizerRole(store, HOUSE, "usr_carol"), "owner");
});

Deno.test("nobody joins by the link of an owner who is removed while they do", async () => {
  // Whatever was read by then: the invitation, the organizer, who made it, who joins.
  for (let moment = 1; moment <= 6; moment++) {
    using store = await house();
    await setMember(store, HOUSE, { userId: "usr_bob", role: "owner", principal: ANN, now: NOW });
    const { secret } = await invited(store, { role: "owner" }, BOB);
    let count = 0;
    interrupt(store, "get", async () => {
      if (++count !== moment) return;
      await removeMember(store, HOUSE, { userId: "usr_bob", principal: ANN, now: NOW });
    });
    await assert.rejects(accept(store, secret, CAROL), GONE);
    assert.ok(count >= moment);
    assert.deepEqual(await listMembers(store, HOUSE), [{ userId: "usr_ann", role: "owner" }]);
  }
});

Deno.test("owners and administrators invite, list and revoke, and nobody else", async () => {
  using store = await house();
  const { invitation: { id } } = await invited(store, {}, ROOT);
  await setMember(store, HOUSE, { userId: "usr_bob", role: "editor", principal: ANN, now: NOW });
  for (
    const [principal, code] of [[BOB, "forbidden"], [CAROL, "forbidden"], [
      GUEST,
      "unauthenticated",
    ]] as const
  ) {
    const by = { principal, now: NOW };
    await assert.rejects(invited(store, {}, principal), { code });
    await assert.rejects(listOpenInvitations(store, HOUSE, by), { code });
    await assert.rejects(revokeInvitation(store, HOUSE, { id, ...by }), { code });
  }
  const nowhere = { role: "editor", email: null, principal: ANN, now: NOW } as const;
  await assert.rejects(invite(store, anOrganizer(9).id, nowhere), { code: "not_found" });
  // Of another organizer is no invitation of this one.
  const elsewhere = revokeInvitation(store, anOrganizer(2).id, { id, principal: ANN, now: NOW });
  await assert.rejects(elsewhere, { code: "not_found" });
});

Deno.test("an invitation lifts a member's role and never lowers it", async () => {
  using store = await house();
  await setMember(store, HOUSE, { userId: "usr_bob", role: "editor", principal: ANN, now: NOW });
  for (const role of ["viewer", "editor"] as const) {
    const { secret } = await invited(store, { role });
    await assert.rejects(accept(store, secret, BOB), { code: "already_member" });
    // It is still there for somebody else.
    await requireOffer(store, secret, { principal: GUEST, now: NOW });
  }
  const { secret } = await invited(store, { role: "owner" });
  await accept(store, secret, BOB);
  assert.equal(await getOrganizerRole(store, HOUSE, "usr_bob"), "owner");
});

Deno.test("an invitation that another overtook does not count as used, and stays open", async () => {
  using store = await house();
  const { secret } = await invited(store);
  let isOvertaken = false;
  // After the caller has read all, and before their commit, an owner gives them this very role.
  store.faults.commit = async (send) => {
    if (isOvertaken) return await send();
    isOvertaken = true;
    await setMember(store, HOUSE, { userId: "usr_bob", role: "editor", principal: ANN, now: NOW });
    return await send();
  };
  await assert.rejects(accept(store, secret, BOB), { code: "already_member" });
  assert.ok(isOvertaken);
  assert.notEqual(await readInvitation(store, digestOf(secret)), null);
});

Deno.test("an invitation is used by the person themselves, where it leads", async () => {
  using store = await house();
  const { secret } = await invited(store);
  const program: Principal = {
    ...BOB,
    credential: { kind: "token", tokenId: "tok_1", scopes: ["organizers:write"] },
  };
  await assert.rejects(accept(store, secret, program), { code: "forbidden" });
  await assert.rejects(accept(store, secret, GUEST), { code: "unauthenticated" });
  const by = { principal: BOB, now: NOW };
  const elsewhere = acceptInvitation(store, secret, { ...by, organizerId: anOrganizer(2).id });
  await assert.rejects(elsewhere, GONE);
  for (const none of ["", "x", "x".repeat(43), `${secret} `, secret.slice(1)]) {
    await assert.rejects(accept(store, none, BOB), GONE);
    await assert.rejects(requireOffer(store, none, { principal: GUEST, now: NOW }), GONE);
  }
  await acceptInvitation(store, secret, { ...by, organizerId: HOUSE });
});

Deno.test("an invitation of an organizer that is gone leads nowhere", async () => {
  using store = await house();
  const { secret } = await invited(store);
  await store.kv.delete(["organizer", HOUSE]);
  await assert.rejects(requireOffer(store, secret, { principal: GUEST, now: NOW }), GONE);
  await assert.rejects(accept(store, secret, BOB), GONE);
});

Deno.test("invitations whose commit's answer was lost are made, used and revoked once", async () => {
  using store = await house();
  loseAnswers(store);
  const first = await invited(store);
  await accept(store, first.secret, BOB);
  assert.equal(await getOrganizerRole(store, HOUSE, "usr_bob"), "editor");
  assert.equal(await readInvitation(store, digestOf(first.secret)), null);
  const { invitation: { id } } = await invited(store);
  await revokeInvitation(store, HOUSE, { id, principal: ANN, now: NOW });
  assert.deepEqual(await listOpenInvitations(store, HOUSE, { principal: ANN, now: NOW }), []);
});

Deno.test("an invitation that is not stored is a conflict, and no link is told", async () => {
  using store = await house();
  const { secret } = await invited(store);
  store.faults.commit = () => Promise.resolve({ ok: false });
  await assert.rejects(invited(store), { code: "conflict" });
  await assert.rejects(accept(store, secret, BOB), { code: "conflict" });
});

const FULL = { code: "too_many_invitations" };

/** Makes so many of Ann's that end after a day. */
async function inviteMany(store: Store, count: number): Promise<string[]> {
  const secrets: string[] = [];
  for (let i = 0; i < count; i++) {
    secrets.push((await invited(store, { expiresAt: NOW + DAY })).secret);
  }
  return secrets;
}

Deno.test("a hundred invitations of an organizer are open at most; used, revoked and ended ones do not count", async () => {
  using store = await house();
  const [first] = await inviteMany(store, MAX_OPEN_INVITATIONS);
  await assert.rejects(invited(store), FULL);
  await invite(store, anOrganizer(2).id, { role: "viewer", email: null, principal: ANN, now: NOW });
  await accept(store, first!, BOB);
  const { invitation: { id } } = await invited(store);
  await assert.rejects(invited(store), FULL);
  await revokeInvitation(store, HOUSE, { id, principal: ANN, now: NOW });
  await invited(store);
  // They have ended at the very millisecond that they name.
  const later = (now: number) =>
    invite(store, HOUSE, { role: "viewer", email: null, principal: ANN, now });
  await assert.rejects(later(NOW + DAY - 1), FULL);
  await later(NOW + DAY);
});

Deno.test("of many who invite at once no more succeed than may be open", async () => {
  using store = await house();
  await inviteMany(store, MAX_OPEN_INVITATIONS - 2);
  const made = await Promise.allSettled(Array.from({ length: 6 }, () => invited(store)));
  const refused = made.filter((one) => one.status === "rejected").map(({ reason }) => reason.code);
  assert.deepEqual(refused, Array(4).fill(FULL.code));
  const open = await listOpenInvitations(store, HOUSE, { principal: ANN, now: NOW });
  assert.equal(open.length, MAX_OPEN_INVITATIONS);
});

Deno.test("who ceases to own an organizer while they invite makes no invitation", async () => {
  using store = await house();
  await setMember(store, HOUSE, { userId: "usr_bob", role: "owner", principal: ANN, now: NOW });
  let isRemoved = false;
  interrupt(store, "list", async () => {
    if (isRemoved) return;
    isRemoved = true;
    await removeMember(store, HOUSE, { userId: "usr_ann", principal: BOB, now: NOW });
  });
  await assert.rejects(invited(store), { code: "forbidden" });
  assert.ok(isRemoved);
  assert.deepEqual(await listOpenInvitations(store, HOUSE, { principal: BOB, now: NOW }), []);
});
