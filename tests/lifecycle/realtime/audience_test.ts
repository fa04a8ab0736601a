/** Who sees what, and when somebody lost something. */
import assert from "node:assert/strict";
import { EVENT_STATUSES, VISIBILITIES } from "../../../kv/event_record.ts";
import { canSee, GUEST, relationTo, ROOT } from "../../../lifecycle/policy.ts";
import {
  type Audience,
  audienceKey,
  audienceOf,
  hasLost,
  sees,
} from "../../../lifecycle/realtime/audience.ts";
import { cardOf } from "../../../kv/event_record.ts";
import { addMember, aMember, onStore, organizerId } from "../lifecycle_fixture.ts";
import { ADMINS, aRecord, GUESTS, MEMBER } from "./realtime_fixture.ts";

Deno.test("drafts and private events are for their people, unlisted ones also for who names them", () => {
  const table = {
    PUBLIC: { drafts: "none", others: "all" },
    UNLISTED: { drafts: "none", others: "named" },
    PRIVATE: { drafts: "none", others: "none" },
  };
  const stranger: Audience = { ...MEMBER, userId: "usr_eve", organizerIds: new Set() };
  for (const visibility of VISIBILITIES) {
    for (const status of EVENT_STATUSES) {
      const staff = [{ userId: "usr_bob" as const, role: "viewer" as const }];
      const event = cardOf(
        aRecord({ visibility, status, staff, organizerId: organizerId(1) }),
      );
      const { drafts, others } = table[visibility];
      const rule = status === "DRAFT" ? drafts : others;
      for (const audience of [GUESTS, stranger]) {
        assert.equal(sees(audience, event, true), rule !== "none", `${visibility} ${status}`);
        assert.equal(sees(audience, event, false), rule === "all", `${visibility} ${status}`);
      }
      const bob: Audience = { ...stranger, userId: "usr_bob" };
      for (const audience of [ADMINS, MEMBER, bob]) assert.ok(sees(audience, event, false));
    }
  }
});

Deno.test("what is withheld is seen as if it were unlisted, but what is private stays so", () => {
  const bob: Audience = { userId: "usr_bob", isAdmin: false, organizerIds: new Set() };
  const shown = { PUBLIC: "UNLISTED", UNLISTED: "UNLISTED", PRIVATE: "PRIVATE" } as const;
  for (const visibility of VISIBILITIES) {
    for (const status of EVENT_STATUSES) {
      const event = aRecord({
        status,
        visibility,
        staff: [{ userId: "usr_bob", role: "viewer" }],
        organizerId: organizerId(1),
      });
      const withheld = cardOf({ ...event, isWithheld: true });
      const hidden = cardOf({ ...event, visibility: shown[visibility] });
      for (const audience of [GUESTS, ADMINS, MEMBER, bob, { ...bob, userId: null }]) {
        for (const named of [true, false]) {
          assert.equal(sees(audience, withheld, named), sees(audience, hidden, named));
        }
      }
    }
  }
});

Deno.test(
  "who names an event sees on a stream what they see by its address",
  onStore(async (store) => {
    await addMember(store, organizerId(1), { userId: "usr_alice", role: "viewer" });
    const people = [GUEST, ROOT, aMember("usr_alice"), aMember("usr_bob"), aMember("usr_eve")];
    for (const visibility of VISIBILITIES) {
      for (const status of EVENT_STATUSES) {
        const record = aRecord({
          visibility,
          status,
          staff: [{ userId: "usr_bob", role: "editor" }],
          organizerId: organizerId(1),
        });
        for (const principal of people) {
          const audience = await audienceOf(store, principal);
          assert.equal(
            sees(audience, cardOf(record), true),
            canSee(record, await relationTo(store, principal, record)),
            `${principal.name} ${visibility} ${status}`,
          );
        }
      }
    }
  }),
);

Deno.test(
  "audienceOf() reads whose members people are; of guests and admins nothing",
  onStore(async (store) => {
    await addMember(store, organizerId(1), { userId: "usr_alice", role: "viewer" });
    await addMember(store, organizerId(2), { userId: "usr_alice", role: "owner" });
    const ids = async (principal: Parameters<typeof audienceOf>[1]) => [
      ...(await audienceOf(store, principal)).organizerIds,
    ];
    assert.deepEqual(await ids(aMember("usr_alice")), [organizerId(1), organizerId(2)]);
    assert.deepEqual(await ids(aMember("usr_bob")), []);
    store.list = () => Promise.reject(new Error("nobody should ask"));
    assert.deepEqual(await audienceOf(store, GUEST), GUESTS);
    assert.deepEqual(await audienceOf(store, ROOT), ADMINS);
  }),
);

Deno.test("hasLost() when the user, the administrator's rights, or an organizer went", () => {
  const both: Audience = { ...MEMBER, organizerIds: new Set([organizerId(1), organizerId(2)]) };
  const none: Audience = { ...MEMBER, organizerIds: new Set() };
  const admin: Audience = { ...none, isAdmin: true };
  const kept: [Audience, Audience][] = [
    [GUESTS, GUESTS],
    [MEMBER, { ...MEMBER, organizerIds: new Set(MEMBER.organizerIds) }],
    [MEMBER, both],
    [none, MEMBER],
    [MEMBER, admin],
    [admin, admin],
  ];
  for (const [before, now] of kept) assert.equal(hasLost(before, now), false);
  const lost: [Audience, Audience][] = [
    [both, MEMBER],
    [MEMBER, none],
    [MEMBER, { ...none, organizerIds: new Set([organizerId(2)]) }],
    [admin, none],
    [admin, both],
    [MEMBER, GUESTS],
    [MEMBER, { ...MEMBER, userId: "usr_eve" }],
    [GUESTS, MEMBER],
  ];
  for (const [before, now] of lost) assert.equal(hasLost(before, now), true);
});

Deno.test("audiences have the same key only when they see the same", () => {
  const bob: Audience = { ...MEMBER, userId: "usr_bob" };
  const none: Audience = { ...MEMBER, organizerIds: new Set() };
  const keys = [GUESTS, ADMINS, MEMBER, bob, none].map(audienceKey);
  assert.equal(new Set(keys).size, keys.length);
  assert.equal(audienceKey(ADMINS), audienceKey({ ...ADMINS, userId: "usr_other" }));
  assert.equal(
    audienceKey(MEMBER),
    audienceKey({ ...MEMBER, organizerIds: new Set([organizerId(1)]) }),
  );
});
