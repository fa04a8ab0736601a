import assert from "node:assert/strict";
import type { EventRecord } from "../../kv/event_record.ts";
import {
  canEdit,
  canSee,
  GUEST,
  mayWriteFor,
  notFound,
  type Principal,
  type Relation,
  relationTo,
  requireAdmin,
  requireEdit,
  requireMember,
  requirePeople,
  requireSignedIn,
  ROOT,
} from "../../lifecycle/policy.ts";
import { aRecord } from "../support/fixture.ts";
import { addMember, aMember, onStore, organizerId } from "./lifecycle_fixture.ts";

const ANN = aMember("usr_ann");
const STAFF = { userId: "usr_ann" } as const;
const RELATIONS: Relation[] = ["none", "viewer", "editor", "owner", "admin"];

Deno.test(
  "relationTo() is the strongest of the caller's ties",
  onStore(async (store) => {
    await addMember(store, organizerId(1), { userId: "usr_ann", role: "viewer" });
    await addMember(store, organizerId(2), { userId: "usr_ann", role: "owner" });
    const relation = (principal: Principal, overrides: Partial<EventRecord>) =>
      relationTo(store, principal, aRecord(overrides));
    const viewed = organizerId(1);
    const owned = organizerId(2);
    const foreign = organizerId(3);
    assert.equal(await relation(ANN, { organizerId: foreign }), "none");
    assert.equal(await relation(ANN, { organizerId: viewed }), "viewer");
    assert.equal(await relation(ANN, { organizerId: owned }), "owner");
    const editor = [{ ...STAFF, role: "editor" as const }];
    assert.equal(await relation(ANN, { organizerId: foreign, staff: editor }), "editor");
    assert.equal(await relation(ANN, { organizerId: viewed, staff: editor }), "editor");
    const viewer = [{ ...STAFF, role: "viewer" as const }];
    assert.equal(await relation(ANN, { organizerId: owned, staff: viewer }), "owner");
    assert.equal(await relation(aMember("usr_bob"), { organizerId: owned, staff: viewer }), "none");
    assert.equal(await relation(GUEST, { organizerId: owned }), "none");
    assert.equal(await relation(ROOT, { organizerId: foreign }), "admin");
  }),
);

Deno.test("canSee() keeps drafts and private events to their people", () => {
  for (const visibility of ["PUBLIC", "UNLISTED"] as const) {
    assert.ok(canSee({ status: "CONFIRMED", visibility }, "none"));
    assert.ok(canSee({ status: "ARCHIVED", visibility }, "none"));
    assert.ok(!canSee({ status: "DRAFT", visibility }, "none"));
  }
  assert.ok(!canSee({ status: "CONFIRMED", visibility: "PRIVATE" }, "none"));
  for (const relation of RELATIONS.slice(1)) {
    assert.ok(canSee({ status: "DRAFT", visibility: "PRIVATE" }, relation), relation);
  }
});

Deno.test("canEdit() begins with the editors", () => {
  assert.deepEqual(RELATIONS.filter(canEdit), ["editor", "owner", "admin"]);
});

Deno.test("mayWriteFor() begins with the editors of an organizer", () => {
  assert.ok(mayWriteFor("owner") && mayWriteFor("editor"));
  assert.ok(!mayWriteFor("viewer") && !mayWriteFor(null));
});

Deno.test("requireEdit() hides what the caller may not see, and else says what is missing", () => {
  const shown = aRecord();
  const hidden = aRecord({ visibility: "PRIVATE" });
  assert.throws(() => requireEdit(hidden, "none", GUEST), { code: "not_found" });
  assert.throws(() => requireEdit(hidden, "none", ANN), { code: "not_found" });
  assert.throws(() => requireEdit(hidden, "viewer", ANN), { code: "forbidden" });
  assert.throws(() => requireEdit(shown, "none", GUEST), { code: "unauthenticated" });
  assert.throws(() => requireEdit(shown, "none", ANN), {
    code: "forbidden",
    message: new RegExp(`event "${shown.id}"`),
  });
  requireEdit(hidden, "editor", ANN);
});

Deno.test("requirePeople() lets the event's people pass and says to others what is missing", () => {
  const shown = aRecord();
  const hidden = aRecord({ visibility: "PRIVATE" });
  requirePeople(hidden, "viewer", ANN);
  assert.throws(() => requirePeople(hidden, "none", ANN), { code: "not_found" });
  assert.throws(() => requirePeople(shown, "none", GUEST), { code: "unauthenticated" });
  assert.throws(() => requirePeople(shown, "none", ANN), { code: "forbidden" });
});

Deno.test("requireSignedIn(), requireMember() and requireAdmin() ask for more and more", () => {
  const signedInGuest: Principal = { ...ANN, role: "guest" };
  const rules: ((principal: Principal) => void)[] = [requireSignedIn, requireMember, requireAdmin];
  const codes = [GUEST, signedInGuest, ANN, ROOT].map((principal) =>
    rules.map((rule) => {
      try {
        rule(principal);
        return "passes";
      } catch (error) {
        return (error as { code: string }).code;
      }
    })
  );
  assert.deepEqual(codes, [
    ["unauthenticated", "unauthenticated", "unauthenticated"],
    ["passes", "forbidden", "forbidden"],
    ["passes", "passes", "forbidden"],
    ["passes", "passes", "passes"],
  ]);
});

Deno.test("notFound() names an event or an organizer by its id", () => {
  assert.equal(notFound("evt_1").message, 'There is no event "evt_1" that the caller may see.');
  assert.match(notFound(organizerId(1)).message, /no organizer "org_/);
});
