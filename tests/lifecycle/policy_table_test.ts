import assert from "node:assert/strict";
import { EVENT_STATUSES, type EventStatus, VISIBILITIES } from "../../kv/event_record.ts";
import {
  allows,
  allowsEver,
  allowsFor,
  EVENT_RULES,
  type EventAction,
  isAtLeast,
  type Relation,
  RELATIONS,
} from "../../lifecycle/policy_table.ts";
import { requireDeletable } from "../../lifecycle/delete_event.ts";
import { ROOT } from "../../lifecycle/policy.ts";
import { decideTransition, TRANSITIONS } from "../../lifecycle/transitions.ts";
import { aRecord, DAY, HOUR, NOW } from "../support/fixture.ts";
import { aMember } from "./lifecycle_fixture.ts";

/** `who` stands for a relation, `how` for visibilities and statuses: initials, `*` for all. */
const SHORT: Record<EventStatus, string> = {
  DRAFT: "d",
  CONFIRMED: "c",
  ONGOING: "o",
  COMPLETED: "f",
  CANCELLED: "x",
  ARCHIVED: "a",
};

/** For which statuses a relation may do something, of an event of this visibility. */
function statuses(
  action: EventAction,
  relation: Relation,
  visibility: typeof VISIBILITIES[number],
) {
  return EVENT_STATUSES.filter((status) => allows(action, relation, { visibility, status }))
    .map((status) => SHORT[status]).join("");
}

/** Of PUBLIC, UNLISTED and PRIVATE events. */
function row(action: EventAction, relation: Relation): string {
  return VISIBILITIES.map((visibility) => statuses(action, relation, visibility) || "-").join(" ");
}

const ALL = "dcofxa dcofxa dcofxa";
const NO = "- - -";

for (
  const [action, none, viewer, editor, owner, admin] of [
    ["see", "cofxa cofxa -", ALL, ALL, ALL, ALL],
    ["find", "cofxa - -", ALL, ALL, ALL, ALL],
    ["see_people", NO, ALL, ALL, ALL, ALL],
    ["edit", NO, NO, "dcofx dcofx dcofx", "dcofx dcofx dcofx", "dcofx dcofx dcofx"],
    ["delete", NO, NO, "d d d", "d d d", ALL],
    ["move", NO, NO, NO, NO, ALL],
    ["publish", NO, NO, "d d d", "d d d", "d d d"],
    ["cancel", NO, NO, "dco dco dco", "dco dco dco", "dco dco dco"],
    ["archive", NO, NO, NO, NO, "fx fx fx"],
    ["unarchive", NO, NO, NO, NO, "a a a"],
  ] as [EventAction, string, string, string, string, string][]
) {
  Deno.test(`${action} an event: what each relation may, by visibility and status`, () => {
    assert.deepEqual(RELATIONS.map((relation) => row(action, relation)), [
      none,
      viewer,
      editor,
      owner,
      admin,
    ]);
  });
}

Deno.test("whoever is more to an event may do all that others may, and some of it ever", () => {
  for (const { action } of EVENT_RULES) {
    for (const [i, relation] of RELATIONS.entries()) {
      assert.equal(allowsEver(action, relation), row(action, relation) !== NO, action);
      for (const stronger of RELATIONS.slice(i)) {
        assert.ok(isAtLeast(stronger, relation));
        for (const visibility of VISIBILITIES) {
          const less = statuses(action, relation, visibility);
          const more = statuses(action, stronger, visibility);
          assert.ok([...less].every((status) => more.includes(status)), `${action} ${stronger}`);
        }
      }
    }
  }
  assert.ok(!isAtLeast("viewer", "editor"));
});

Deno.test("what may be done to an organizer begins with viewers, editors, owners, administrators", () => {
  const may = (relation: Relation) =>
    (["see_people", "create", "export", "change", "change_people", "move_events"] as const)
      .filter((action) => allowsFor(action, relation)).join(" ");
  assert.deepEqual(RELATIONS.map(may), [
    "",
    "see_people",
    "see_people create export",
    "see_people create export change change_people",
    "see_people create export change change_people move_events",
  ]);
});

Deno.test("the state machine grants and refuses what the table says", () => {
  for (const { name, from, to } of TRANSITIONS) {
    const archivedFrom = from === "ARCHIVED" ? to as "COMPLETED" | "CANCELLED" : null;
    const event = aRecord({
      status: from,
      startDate: NOW + HOUR,
      endDate: NOW + DAY,
      archivedFrom,
    });
    for (const [relation, isAdmin] of [["editor", false], ["admin", true]] as const) {
      const { outcome } = decideTransition(event, to, { now: NOW, isAdmin });
      assert.equal(outcome === "allowed", allows(name, relation, event), `${name} ${relation}`);
    }
  }
});

Deno.test("deletions are granted and refused as the table says", () => {
  for (const status of EVENT_STATUSES) {
    const event = aRecord({ status, startDate: NOW + HOUR, endDate: NOW + DAY });
    for (
      const [relation, principal] of [["editor", aMember("usr_ann")], ["admin", ROOT]] as const
    ) {
      let isAllowed = true;
      try {
        requireDeletable(event, { reason: "Entered twice", principal, now: NOW });
      } catch {
        isAllowed = false;
      }
      assert.equal(isAllowed, allows("delete", relation, event), `${status} ${relation}`);
    }
  }
});
