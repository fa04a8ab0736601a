/**
 * The state machine: one table that drives the code, the answers, the README and the tests.
 */
import type { EventRecord, EventStatus } from "../kv/event_record.ts";

export type TransitionName =
  | "publish"
  | "start"
  | "complete"
  | "cancel"
  | "reopen"
  | "postpone"
  | "archive"
  | "unarchive";

export interface Transition {
  name: TransitionName;
  from: EventStatus;
  to: EventStatus;
  /** Who may ask for it: the event's editors, only admins, or nobody (the clock alone). */
  askedBy: "editors" | "admins" | "nobody";
  /** Whether the clock makes it by itself. */
  byClock: boolean;
  meaning: string;
}

type Row = [TransitionName, EventStatus[], EventStatus, Transition["askedBy"], boolean, string];

const TABLE: Row[] = [
  ["publish", ["DRAFT"], "CONFIRMED", "editors", false, "it is announced"],
  ["start", ["CONFIRMED"], "ONGOING", "editors", true, "its start has passed, or it began early"],
  [
    "complete",
    ["CONFIRMED", "ONGOING"],
    "COMPLETED",
    "editors",
    true,
    "its end has passed, or it finished early",
  ],
  [
    "cancel",
    ["DRAFT", "CONFIRMED", "ONGOING"],
    "CANCELLED",
    "editors",
    false,
    "it will not happen, or was broken off",
  ],
  ["reopen", ["COMPLETED", "CANCELLED"], "CONFIRMED", "editors", false, "it takes place after all"],
  ["postpone", ["ONGOING"], "CONFIRMED", "editors", false, "its start was moved after now"],
  ["archive", ["COMPLETED", "CANCELLED"], "ARCHIVED", "admins", true, "it is put away"],
  [
    "unarchive",
    ["ARCHIVED"],
    "COMPLETED",
    "admins",
    false,
    "it is taken out again, if that is what it was",
  ],
  [
    "unarchive",
    ["ARCHIVED"],
    "CANCELLED",
    "admins",
    false,
    "it is taken out again, if that is what it was",
  ],
];

export const TRANSITIONS: readonly Transition[] = TABLE.flatMap(
  ([name, from, to, askedBy, byClock, meaning]) =>
    from.map((status) => ({ name, from: status, to, askedBy, byClock, meaning })),
);

/** Who asks, and what else changes in the same step. */
export interface TransitionRequest {
  now: number;
  isAdmin: boolean;
  /** Imports write down what already happened, so an end in the past is no obstacle to them. */
  isImport?: boolean;
}

export type TransitionDecision =
  | { outcome: "allowed"; transition: Transition }
  | { outcome: "refused"; reason: string; allowed: EventStatus[] };

/**
 * Whether `event` may go to `to`. `event` must be settled at `now`, with the end it will have.
 */
export function decideTransition(
  event: EventRecord,
  to: EventStatus,
  request: TransitionRequest,
): TransitionDecision {
  const candidate = TRANSITIONS.find((row) => row.from === event.status && row.to === to);
  const reason = candidate === undefined
    ? "there is no such transition"
    : obstacle(event, candidate, request);
  if (candidate !== undefined && reason === null) {
    return { outcome: "allowed", transition: candidate };
  }
  return { outcome: "refused", reason: reason!, allowed: allowedFrom(event, request) };
}

/**
 * The statuses that `event`, settled at `now`, may be sent to by whoever asks; also those that take
 * an end in the future with them.
 */
export function allowedFrom(event: EventRecord, request: TransitionRequest): EventStatus[] {
  return TRANSITIONS
    .filter((row) =>
      row.from === event.status && obstacle(event, row, { ...request, isImport: true }) === null
    )
    .map((row) => row.to);
}

/** Why the row does not apply; null when it does. */
function obstacle(
  event: EventRecord,
  { name, to, askedBy }: Transition,
  { now, isAdmin, isImport = false }: TransitionRequest,
): string | null {
  if (askedBy === "admins" && !isAdmin) return "only an admin may do this";
  if (name === "unarchive" && event.archivedFrom !== to) {
    return `it was ${event.archivedFrom} before it was archived`;
  }
  if (name === "postpone" && event.startDate <= now) return "its start has passed";
  const needsFuture = (name === "publish" || name === "reopen") && !isImport;
  if (needsFuture && event.endDate !== null && event.endDate <= now) {
    return "its end has passed; give an `end_date` in the future";
  }
  return null;
}

/** The record after a transition at `at`; pure. A completion by the clock happened at the end. */
export function afterTransition(
  event: EventRecord,
  { to }: Pick<Transition, "to">,
  at: number,
): EventRecord {
  const archivedFrom = to === "ARCHIVED" ? event.status as "COMPLETED" | "CANCELLED" : null;
  const completedAt = to === "COMPLETED"
    ? event.completedAt ?? at
    : to === "ARCHIVED"
    ? event.completedAt
    : null;
  return { ...event, status: to, archivedFrom, completedAt };
}
