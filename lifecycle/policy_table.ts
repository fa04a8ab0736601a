/**
 * Who may do what: one table that routes, pages and streams ask, and that the README prints.
 *
 * A row says that whoever is at least `relation` may do `action` where the event has one of these
 * visibilities and one of these statuses; of several rows for one action any does. What is withheld
 * because all who own its organizer are suspended counts as UNLISTED.
 */
import { listedVisibility, type Showing } from "../kv/event_indexes.ts";
import {
  EVENT_STATUSES,
  type EventStatus,
  VISIBILITIES,
  type Visibility,
} from "../kv/event_record.ts";
import { type TransitionName, TRANSITIONS } from "./transitions.ts";

/** What the caller is to one event, or to one organizer: the strongest of their ties. */
export const RELATIONS = ["none", "viewer", "editor", "owner", "admin"] as const;
export type Relation = typeof RELATIONS[number];

/** What is done to one event. */
export type EventAction =
  | "see"
  | "find"
  | "see_people"
  | "edit"
  | "delete"
  | "move"
  | TransitionName;

/** What is done to an organizer, and for it. */
export type OrganizerAction =
  | "create"
  | "export"
  | "see_people"
  | "change"
  | "change_people"
  | "move_events";

export interface EventRule {
  action: EventAction;
  meaning: string;
  /** The weakest that does. */
  relation: Relation;
  /** Any unless given. */
  visibility?: readonly Visibility[];
  /** Any unless given. */
  status?: readonly EventStatus[];
}

export interface OrganizerRule {
  action: OrganizerAction;
  meaning: string;
  relation: Relation;
}

const ANNOUNCED = EVENT_STATUSES.filter((status) => status !== "DRAFT");
const CURRENT = EVENT_STATUSES.filter((status) => status !== "ARCHIVED");

export const EVENT_RULES: readonly EventRule[] = [
  {
    action: "see",
    meaning: "get it by its id",
    relation: "none",
    visibility: ["PUBLIC", "UNLISTED"],
    status: ANNOUNCED,
  },
  { action: "see", meaning: "get it by its id", relation: "viewer" },
  {
    action: "find",
    meaning: "find it in lists, be told of it",
    relation: "none",
    visibility: ["PUBLIC"],
    status: ANNOUNCED,
  },
  { action: "find", meaning: "find it in lists, be told of it", relation: "viewer" },
  { action: "see_people", meaning: "see its staff and its history", relation: "viewer" },
  { action: "edit", meaning: "change it", relation: "editor", status: CURRENT },
  ...transitionRules(),
  { action: "delete", meaning: "delete it", relation: "editor", status: ["DRAFT"] },
  { action: "delete", meaning: "delete it, with a reason", relation: "admin" },
  { action: "move", meaning: "move it to another organizer", relation: "admin" },
];

export const ORGANIZER_RULES: readonly OrganizerRule[] = [
  { action: "see_people", meaning: "see its people", relation: "viewer" },
  { action: "create", meaning: "create events for it", relation: "editor" },
  { action: "export", meaning: "export its events", relation: "editor" },
  { action: "change", meaning: "change it", relation: "owner" },
  { action: "change_people", meaning: "change its people, and invite", relation: "owner" },
  { action: "move_events", meaning: "move all its events to another", relation: "admin" },
];

/** What people may ask of the state machine: a row for each name of a transition. */
function transitionRules(): EventRule[] {
  const asked = TRANSITIONS.filter(({ askedBy }) => askedBy !== "nobody");
  return [...new Set(asked.map(({ name }) => name))].map((action) => {
    const rows = asked.filter(({ name }) => name === action);
    return {
      action,
      meaning: `${action}: ${rows[0]!.meaning}`,
      relation: rows[0]!.askedBy === "admins" ? "admin" : "editor",
      status: [...new Set(rows.map(({ from }) => from))],
    };
  });
}

type Answers = Record<Relation, Record<Visibility, Record<EventStatus, boolean>>>;

/** Every answer there is: streams ask for each event and each who watches. */
const EVENT_ANSWERS = tabulated(
  EVENT_RULES.map(({ action }) => action),
  (action) =>
    tabulated(
      RELATIONS,
      (relation) =>
        tabulated(VISIBILITIES, (visibility) =>
          tabulated(EVENT_STATUSES, (status) =>
            EVENT_RULES.some((rule) =>
              rule.action === action && isAtLeast(relation, rule.relation) &&
              (rule.visibility?.includes(visibility) ?? true) &&
              (rule.status?.includes(status) ?? true)
            ))),
    ),
) as Record<EventAction, Answers>;

const ORGANIZER_ANSWERS = tabulated(
  ORGANIZER_RULES.map(({ action }) => action),
  (action) =>
    tabulated(
      RELATIONS,
      (relation) =>
        ORGANIZER_RULES.some((rule) =>
          rule.action === action && isAtLeast(relation, rule.relation)
        ),
    ),
);

function tabulated<K extends string, V>(keys: readonly K[], of: (key: K) => V): Record<K, V> {
  return Object.fromEntries(keys.map((key) => [key, of(key)])) as Record<K, V>;
}

/** Whether the one relation is the other, or a stronger one. */
export function isAtLeast(relation: Relation, weakest: Relation): boolean {
  return RELATIONS.indexOf(relation) >= RELATIONS.indexOf(weakest);
}

/** Whether who is `relation` to an event may do this, as the event is by the clock. */
export function allows(
  action: EventAction,
  relation: Relation,
  event: Showing & { status: EventStatus },
): boolean {
  return EVENT_ANSWERS[action][relation][listedVisibility(event)][event.status];
}

/** Whether there is any event at all to which they may do this. */
export function allowsEver(action: EventAction, relation: Relation): boolean {
  return EVENT_RULES.some((rule) => rule.action === action && isAtLeast(relation, rule.relation));
}

/** Whether who is `relation` to an organizer may do this. */
export function allowsFor(action: OrganizerAction, relation: Relation): boolean {
  return ORGANIZER_ANSWERS[action][relation];
}
