/** What people are given of all that is kept of them. */
import assert from "node:assert/strict";
import { addAuditLine } from "../../kv/audit.ts";
import { createInvitation, type Invitation } from "../../kv/invitations.ts";
import { getUser, readUser, replaceUser } from "../../kv/users.ts";
import { programLine } from "../../lifecycle/audit.ts";
import { exportPersonalData } from "../../lifecycle/personal_data.ts";
import { GUEST, ROOT } from "../../lifecycle/policy.ts";
import { anInvitation } from "../kv/people_records.ts";
import { aRecord, DAY, NOW, storeAll, storeEvent } from "../support/fixture.ts";
import { alice, HALL, leaveEverywhere, linesOf, person, TRACES } from "./erasures.ts";
import { onStore, organizerId } from "./lifecycle_fixture.ts";

Deno.test(
  "exportPersonalData() answers what there is of the caller, and of nobody else",
  onStore(async (store) => {
    const principal = await alice(store);
    const { own, hall } = await leaveEverywhere(store, principal);
    // Where she is an editor, which makes it no event of hers.
    await storeEvent(store, { organizerId: HALL });
    await storeEvent(store, { organizerId: organizerId(9) });
    const data = await exportPersonalData(store, { principal, now: NOW });
    const { user } = data;
    assert.deepEqual([user!.name, user!.email, user!.identity.subject], TRACES.slice(0, 3));
    assert.deepEqual(data.sessions.map(({ session }) => session.userAgent).sort(), [
      "A browser",
      "Alice's phone",
    ]);
    assert.deepEqual(data.tokens.map((token) => token.name), ["Alice Liddell's script"]);
    assert.deepEqual(
      data.memberships.map(({ organizerId: id, name, role }) => [id, name, role]).sort(),
      [[HALL, "The Hall", "editor"], [own.organizerId, "Alice Liddell", "owner"]].sort(),
    );
    assert.deepEqual(data.events.map(({ id }) => id).sort(), [own.id, hall.id].sort());
    assert.ok(data.audit.length > 0);
    for (const { by, userId } of data.audit) {
      assert.ok(by === principal.userId || userId === principal.userId);
    }
    const exported = (await linesOf(store, principal.userId)).filter(({ action }) =>
      action === "user.exported"
    );
    assert.deepEqual(exported.map(({ at, by }) => [at, by]), [[NOW, principal.userId]]);
  }),
);

Deno.test(
  "exportPersonalData() tells of the open invitations that they made, and of those for their address",
  onStore(async (store) => {
    const principal = await alice(store);
    const { email } = (await getUser(store, principal.userId))!;
    const ids = async () => {
      const { invitations } = await exportPersonalData(store, { principal, now: NOW });
      return invitations.map(({ id }) => id);
    };
    const stored = async (number: number, overrides: Partial<Invitation>) => {
      const createdAt = NOW - 100 + number;
      const invitation = anInvitation(number, {
        organizerId: HALL,
        invitedBy: "usr_host",
        createdAt,
        ...overrides,
      });
      const digest = `digest ${9 - number}`;
      await createInvitation(store, { digest, invitation }, { together() {} });
    };
    await stored(1, { invitedBy: principal.userId, email: "bill@x.example" });
    await stored(2, { email: email!.toUpperCase() });
    await stored(3, { invitedBy: principal.userId, expiresAt: NOW });
    await stored(4, { invitedBy: principal.userId, expiresAt: NOW + 1 });
    await stored(5, { email, expiresAt: NOW });
    await stored(6, { email: `x${email}` });
    await stored(7, {});
    assert.deepEqual(await ids(), ["inv_1", "inv_2", "inv_4"]);
    // An address that nobody vouches for may be anybody's.
    const read = (await readUser(store, principal.userId))!;
    const next = { ...read.user, emailVerified: false };
    await replaceUser(store, read, next, { hasRoot: true, together() {} });
    assert.deepEqual(await ids(), ["inv_1", "inv_4"]);
  }),
);

Deno.test(
  "exportPersonalData() reads to the end of long lists",
  onStore(async (store) => {
    const principal = await alice(store);
    const { userId } = principal;
    const { own } = await leaveEverywhere(store, principal);
    const records = Array.from(
      { length: 1_101 },
      (_, i) =>
        i % 2 === 0
          ? aRecord({ organizerId: own.organizerId, startDate: NOW + i })
          : aRecord({ staff: [{ userId, role: "viewer" }], startDate: NOW + i }),
    );
    await storeAll(store, records);
    for (let i = 0; i < 1_100; i += 100) {
      const operation = store.kv.atomic();
      for (let j = 0; j < 100; j++) {
        const by = { now: NOW - DAY + i + j, by: userId };
        addAuditLine(operation, programLine("session.created", by, { userId }));
      }
      await operation.commit();
    }
    const { events, audit } = await exportPersonalData(store, { principal, now: NOW });
    assert.equal(new Set(events.map(({ id }) => id)).size, 1_103);
    assert.equal(events.length, 1_103);
    assert.ok(audit.length > 1_100);
    assert.equal(new Set(audit.map(({ id }) => id)).size, audit.length);
  }),
);

Deno.test(
  "exportPersonalData() is for people in person, and usr_root has nothing of one",
  onStore(async (store) => {
    const principal = await person(store, "Ann");
    const ask = (who: Parameters<typeof exportPersonalData>[1]["principal"]) =>
      exportPersonalData(store, { principal: who, now: NOW });
    const credential = { kind: "token", tokenId: "tok_1", scopes: [] } as const;
    await assert.rejects(ask(GUEST), { code: "unauthenticated" });
    await assert.rejects(ask({ ...principal, credential }), { code: "forbidden" });
    const { user, events, audit } = await ask(ROOT);
    assert.deepEqual([user, events, audit.map(({ action }) => action)], [null, [], [
      "user.exported",
    ]]);
  }),
);
