/** What a subscriber is told of a change: every rule, case by case. */
import assert from "node:assert/strict";
import { cardOf, type EventRecord, type EventStatus } from "../../../kv/event_record.ts";
import { NO_LOCATION } from "../../../lifecycle/event_content.ts";
import type { EventQuery } from "../../../lifecycle/event_filter.ts";
import type { Audience } from "../../../lifecycle/realtime/audience.ts";
import { subscriptionOf, type Telling } from "../../../lifecycle/realtime/subscription.ts";
import { DAY, HOUR, MINUTE, NOW } from "../../support/fixture.ts";
import { organizerId } from "../lifecycle_fixture.ts";
import { ADMINS, aRecord, changeTo, GUESTS, MEMBER, nextOf } from "./realtime_fixture.ts";

const LIVE: ReadonlySet<EventStatus> = new Set(["CONFIRMED", "ONGOING"]);

interface Case {
  /** Null: it is created by the change. Else what differs from an event of tomorrow. */
  from: Partial<EventRecord> | null;
  /** Null: it is deleted. */
  to: Partial<EventRecord> | null;
  /** As it is when the change is told; null: gone. */
  current?: Partial<EventRecord> | null;
  query?: EventQuery;
  /** Names the event, or another one. */
  event?: "this" | "another";
  statuses?: EventStatus[] | "any";
  audience?: Audience;
  now?: number;
  told: Telling | null;
}

const OTHER = "evt_00000000000000000000000000";
const tomorrow = aRecord({
  startDate: NOW + DAY,
  endDate: NOW + DAY + HOUR,
  organizerId: organizerId(1),
});

function tellingOf(one: Case): Telling | null {
  const { from, to, current, query = {}, event, statuses, audience = GUESTS, now = NOW } = one;
  const before = from === null ? null : { ...tomorrow, ...from };
  const base = before ?? tomorrow;
  const after = to === null
    ? nextOf(base, {})
    : before === null
    ? { ...base, ...to }
    : nextOf(base, to);
  const change = changeTo(after, before, to === null ? { type: "deleted" } : {});
  const named = event === "this" ? tomorrow.id : event === "another" ? OTHER : undefined;
  const subscription = subscriptionOf({
    query,
    eventId: named,
    statuses: statuses === undefined
      ? named === undefined ? LIVE : "any"
      : statuses === "any"
      ? statuses
      : new Set(statuses),
  }, audience);
  const card = current === undefined
    ? undefined
    : current === null
    ? null
    : cardOf({ ...after, ...current });
  return subscription.tellingOf(change, card, { now, openEndedMs: DAY });
}

/** A test for each; the name says the rule. */
function cases(rule: string, all: Record<string, Case>): void {
  Deno.test(rule, () => {
    for (const [name, one] of Object.entries(all)) assert.equal(tellingOf(one), one.told, name);
  });
}

const started: Partial<EventRecord> = { startDate: NOW - HOUR, endDate: NOW + HOUR };
const over: Partial<EventRecord> = { startDate: NOW - DAY, endDate: NOW - HOUR };

cases("a change is told by its type when the event matches after it", {
  created: { from: null, to: {}, told: "created" },
  edited: { from: {}, to: { title: "x" }, told: "updated" },
  started: { from: started, to: { status: "ONGOING" }, told: "transitioned" },
  published: { from: { status: "DRAFT" }, to: { status: "CONFIRMED" }, told: "transitioned" },
  "reopened": { from: { status: "CANCELLED" }, to: { status: "CONFIRMED" }, told: "transitioned" },
  "tagged in": {
    from: {},
    to: { tags: ["film"] },
    query: { tag: "film" },
    told: "updated",
  },
});

cases("a change is told as leaving when the event matched before it and does not after it", {
  cancelled: { from: {}, to: { status: "CANCELLED" }, told: "left" },
  completed: { from: { ...over, status: "ONGOING" }, to: { status: "COMPLETED" }, told: "left" },
  "completed early": { from: started, to: { status: "COMPLETED" }, told: "left" },
  untagged: { from: { tags: ["film"] }, to: { tags: [] }, query: { tag: "film" }, told: "left" },
  "moved to another city": {
    from: { location: { ...NO_LOCATION, city: "London" } },
    to: { location: { ...NO_LOCATION, city: "Leeds" } },
    query: { city: "london" },
    told: "left",
  },
  "moved to another country": {
    from: { location: { ...NO_LOCATION, country: "GB" } },
    to: { location: { ...NO_LOCATION, country: "FR" } },
    query: { country: "gb" },
    told: "left",
  },
  "moved to another day": {
    from: {},
    to: { startDate: NOW + 9 * DAY, endDate: NOW + 10 * DAY },
    query: { startsBefore: NOW + 2 * DAY },
    told: "left",
  },
  "ends earlier": {
    from: {},
    to: { endDate: NOW + DAY + MINUTE },
    query: { endsAfter: NOW + DAY + MINUTE },
    told: "left",
  },
  "no longer online": {
    from: { online: true },
    to: { online: false },
    query: { online: true },
    told: "left",
  },
  "to another organizer": {
    from: {},
    to: { organizerId: organizerId(2) },
    query: { organizerId: organizerId(1) },
    told: "left",
  },
  hidden: { from: {}, to: { visibility: "PRIVATE" }, told: "left" },
  unlisted: { from: {}, to: { visibility: "UNLISTED" }, told: "left" },
});

cases("a change is not told when the event matches neither before it nor after it", {
  "a draft": { from: null, to: { status: "DRAFT" }, told: null },
  "a draft's edit": { from: { status: "DRAFT" }, to: { status: "DRAFT", title: "x" }, told: null },
  "a private one's": {
    from: { visibility: "PRIVATE" },
    to: { visibility: "PRIVATE", title: "x" },
    told: null,
  },
  "private and cancelled": {
    from: { visibility: "PRIVATE" },
    to: { visibility: "PRIVATE", status: "CANCELLED" },
    told: null,
  },
  "another tag's": { from: {}, to: { title: "x" }, query: { tag: "film" }, told: null },
  "cancelled, then archived": {
    from: { status: "CANCELLED" },
    to: { status: "ARCHIVED" },
    told: null,
  },
  "an unlisted one's": {
    from: { visibility: "UNLISTED" },
    to: { visibility: "UNLISTED", title: "x" },
    told: null,
  },
});

cases("a deletion is told to those who had the event", {
  listed: { from: {}, to: null, told: "deleted" },
  "a draft": { from: { status: "DRAFT" }, to: null, told: null },
  "a draft to its people": {
    from: { status: "DRAFT" },
    to: null,
    audience: MEMBER,
    statuses: ["DRAFT"],
    told: "deleted",
  },
  private: { from: { visibility: "PRIVATE" }, to: null, told: null },
  "of another status": { from: { status: "CANCELLED" }, to: null, told: null },
  "cancelled, to a list of those": {
    from: { status: "CANCELLED" },
    to: null,
    statuses: ["CANCELLED"],
    told: "deleted",
  },
  "of another tag": { from: {}, to: null, query: { tag: "film" }, told: null },
});

cases("the event's people are told of drafts, private and unlisted events", {
  draft: {
    from: null,
    to: { status: "DRAFT" },
    audience: MEMBER,
    statuses: "any",
    told: "created",
  },
  private: { from: null, to: { visibility: "PRIVATE" }, audience: MEMBER, told: "created" },
  unlisted: { from: {}, to: { visibility: "UNLISTED" }, audience: MEMBER, told: "updated" },
  admins: { from: {}, to: { visibility: "PRIVATE" }, audience: ADMINS, told: "updated" },
  "a member of another organizer": {
    from: null,
    to: { visibility: "PRIVATE", organizerId: organizerId(2) },
    audience: MEMBER,
    told: null,
  },
  "named as staff": {
    from: { visibility: "PRIVATE", organizerId: organizerId(2) },
    to: {
      visibility: "PRIVATE",
      organizerId: organizerId(2),
      staff: [{ userId: "usr_alice", role: "viewer" }],
    },
    audience: MEMBER,
    told: "updated",
  },
  "no longer staff": {
    from: {
      visibility: "PRIVATE",
      organizerId: organizerId(2),
      staff: [{ userId: "usr_alice", role: "viewer" }],
    },
    to: { visibility: "PRIVATE", organizerId: organizerId(2), staff: [] },
    audience: MEMBER,
    told: "left",
  },
  "staff of a private one that others staff": {
    from: {
      visibility: "PRIVATE",
      organizerId: organizerId(2),
      staff: [{ userId: "usr_bob", role: "viewer" }],
    },
    to: { visibility: "PRIVATE", organizerId: organizerId(2), staff: [] },
    audience: MEMBER,
    told: null,
  },
  "given away": {
    from: { visibility: "PRIVATE" },
    to: { visibility: "PRIVATE", organizerId: organizerId(2) },
    audience: MEMBER,
    told: "left",
  },
});

cases("who names an event is told of that one, whatever its status", {
  another: { from: {}, to: { title: "x" }, event: "another", told: null },
  "another's deletion": { from: {}, to: null, event: "another", told: null },
  cancelled: { from: {}, to: { status: "CANCELLED" }, event: "this", told: "transitioned" },
  archived: {
    from: { status: "CANCELLED" },
    to: { status: "ARCHIVED" },
    event: "this",
    told: "transitioned",
  },
  unlisted: { from: {}, to: { visibility: "UNLISTED" }, event: "this", told: "updated" },
  "an unlisted one's edit": {
    from: { visibility: "UNLISTED" },
    to: { visibility: "UNLISTED", title: "x" },
    event: "this",
    told: "updated",
  },
  hidden: { from: {}, to: { visibility: "PRIVATE" }, event: "this", told: "left" },
  "a draft": { from: null, to: { status: "DRAFT" }, event: "this", told: null },
  deleted: { from: {}, to: null, event: "this", told: "deleted" },
  "with statuses": {
    from: {},
    to: { status: "CANCELLED" },
    event: "this",
    statuses: ["CONFIRMED"],
    told: "left",
  },
  "with a filter": { from: {}, to: { title: "x" }, event: "this", query: { tag: "x" }, told: null },
  "long after its start, without end": {
    from: { startDate: NOW - 9 * DAY, endDate: null, status: "ONGOING" },
    to: { title: "x" },
    event: "this",
    told: "updated",
  },
});

cases("what is hidden now is not told again of before; that it was hidden is", {
  "public then": { from: {}, to: { title: "x" }, current: { visibility: "PRIVATE" }, told: null },
  "created public": { from: null, to: {}, current: { visibility: "PRIVATE" }, told: null },
  "unlisted now": { from: {}, to: { title: "x" }, current: { visibility: "UNLISTED" }, told: null },
  "unlisted now, and named": {
    from: {},
    to: { title: "x" },
    current: { visibility: "UNLISTED" },
    event: "this",
    told: "updated",
  },
  "the hiding itself": {
    from: {},
    to: { visibility: "PRIVATE" },
    current: { visibility: "PRIVATE", title: "secret" },
    told: "left",
  },
  "left the filter before it was hidden": {
    from: { tags: ["film"] },
    to: { tags: [] },
    current: { visibility: "PRIVATE" },
    query: { tag: "film" },
    told: "left",
  },
  "cancelled before it was hidden": {
    from: {},
    to: { status: "CANCELLED" },
    current: { visibility: "PRIVATE" },
    told: "left",
  },
  "hidden then, public now": {
    from: { visibility: "PRIVATE" },
    to: { visibility: "PRIVATE", title: "x" },
    current: { visibility: "PUBLIC" },
    told: null,
  },
  "gone now": { from: {}, to: { title: "x" }, current: null, told: "updated" },
  "hidden then, gone now": {
    from: { visibility: "PRIVATE" },
    to: { visibility: "PRIVATE", title: "x" },
    current: null,
    told: null,
  },
  "to its people": {
    from: {},
    to: { title: "x" },
    current: { visibility: "PRIVATE" },
    audience: MEMBER,
    told: "updated",
  },
  "staff then, not now": {
    from: {},
    to: {
      visibility: "PRIVATE",
      organizerId: organizerId(2),
      staff: [{ userId: "usr_alice", role: "viewer" }],
    },
    current: { staff: [] },
    audience: MEMBER,
    told: null,
  },
});

cases("statuses are those at the time of telling", {
  "over at the very end": {
    from: null,
    to: { startDate: NOW - HOUR, endDate: NOW },
    statuses: ["COMPLETED"],
    told: "created",
  },
  "a tick before": {
    from: null,
    to: { startDate: NOW - HOUR, endDate: NOW + 1 },
    statuses: ["COMPLETED"],
    told: null,
  },
  "its end moved to the past: who shows it does not know": {
    from: {},
    to: { ...over, title: "x" },
    told: "left",
  },
  "edited when it is over: its completion comes": {
    from: over,
    to: { title: "x" },
    told: null,
  },
  "its start moved to the past, to a list of those to come": {
    from: {},
    to: started,
    statuses: ["CONFIRMED"],
    told: "left",
  },
  "started by the clock, to a list of those to come": {
    from: null,
    to: started,
    statuses: ["CONFIRMED"],
    told: null,
  },
  "its start, to a list of those to come": {
    from: started,
    to: { status: "ONGOING" },
    statuses: ["CONFIRMED"],
    told: "left",
  },
  "started by the clock, to a list of what goes on": {
    from: null,
    to: started,
    statuses: ["ONGOING"],
    told: "created",
  },
  "completed by another write, to a list of what goes on": {
    from: { ...over },
    to: { status: "COMPLETED" },
    statuses: ["ONGOING"],
    told: "left",
  },
  "reopened, to a list of what is over": {
    from: { ...over, status: "COMPLETED" },
    to: { status: "CONFIRMED", endDate: NOW + DAY },
    statuses: ["COMPLETED"],
    told: "left",
  },
  "reopened, and over again meanwhile": {
    from: { ...over, status: "COMPLETED" },
    to: { status: "CONFIRMED", endDate: NOW - MINUTE },
    statuses: ["COMPLETED"],
    told: "transitioned",
  },
});

const openEnded: Partial<EventRecord> = { startDate: NOW - 2 * HOUR, endDate: null };
const unlistedSince = (ago: number) => ({ startDate: NOW - DAY - ago, endDate: null });

cases("an event without end is listed for some hours; then nothing is told of it but its leaving", {
  "while it is listed": { from: openEnded, to: { title: "x" }, told: "updated" },
  "a tick before the end of that": {
    from: unlistedSince(-1),
    to: { title: "x" },
    told: "updated",
  },
  "at the end of that": { from: unlistedSince(0), to: { title: "x" }, told: null },
  "created when it would be past": { from: null, to: unlistedSince(0), told: null },
  "moved to before: who shows it would go on": {
    from: openEnded,
    to: unlistedSince(0),
    told: "left",
  },
  "an end taken away": { from: started, to: unlistedSince(0), told: "left" },
  "moved to after": { from: unlistedSince(HOUR), to: openEnded, told: "updated" },
  "given an end": { from: unlistedSince(HOUR), to: { endDate: NOW + HOUR }, told: "updated" },
  "what is over has no end of listing": {
    from: { ...unlistedSince(0), status: "ONGOING" },
    to: { status: "COMPLETED" },
    statuses: ["COMPLETED"],
    told: "transitioned",
  },
  "in a copy of everything all is told": {
    from: unlistedSince(HOUR),
    to: { title: "x" },
    statuses: "any",
    told: "updated",
  },
});

Deno.test("subscriptions of the same key are those that are told the same", () => {
  const keyOf = (query: EventQuery, audience: Audience, more: object = {}) =>
    subscriptionOf({ query, statuses: LIVE, ...more }, audience).key;
  const keys = [
    keyOf({}, GUESTS),
    keyOf({ tag: "a" }, GUESTS),
    keyOf({ city: "a" }, GUESTS),
    keyOf({}, MEMBER),
    keyOf({}, ADMINS),
    keyOf({}, GUESTS, { statuses: "any" }),
    keyOf({}, GUESTS, { statuses: new Set(["CONFIRMED"]) }),
    keyOf({}, GUESTS, { eventId: OTHER }),
    keyOf({}, GUESTS, { eventId: tomorrow.id }),
  ];
  assert.equal(new Set(keys).size, keys.length);
  assert.equal(keyOf({ tag: "a", city: undefined }, GUESTS), keyOf({ tag: "a" }, GUESTS));
});

cases("what is withheld leaves those who are nobody to it, and comes back to them", {
  "withheld": { from: {}, to: { isWithheld: true }, told: "left" },
  "and back": { from: { isWithheld: true }, to: { isWithheld: false }, told: "updated" },
  "edited meanwhile": { from: { isWithheld: true }, to: { isWithheld: true }, told: null },
  "completed meanwhile": {
    from: { ...over, isWithheld: true },
    to: { status: "COMPLETED", isWithheld: true },
    told: null,
  },
  "deleted meanwhile": { from: { isWithheld: true }, to: null, told: null },
  // Its leaving is a change of its own.
  "withheld by now": {
    from: {},
    to: { title: "x" },
    current: { isWithheld: true },
    told: null,
  },
  "to who names it": { from: {}, to: { isWithheld: true }, event: "this", told: "updated" },
  "to a member": { from: {}, to: { isWithheld: true }, audience: MEMBER, told: "updated" },
  "what was unlisted": {
    from: { visibility: "UNLISTED" },
    to: { visibility: "UNLISTED", isWithheld: true },
    told: null,
  },
  "made public while withheld": {
    from: { visibility: "UNLISTED", isWithheld: true },
    to: { visibility: "PUBLIC", isWithheld: true },
    told: null,
  },
});
