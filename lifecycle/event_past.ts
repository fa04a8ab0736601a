/**
 * An event's past as an import brings it: its versions, its history, the times of its record. Whether
 * that is consistent in itself, and whether it goes on from what is stored here. Pure.
 */
import { isDeepStrictEqual } from "node:util";
import { DomainError, invalidFields } from "../kv/errors.ts";
import type { EventRecord, EventStatus, HistoryEntry } from "../kv/event_record.ts";
import { canonical } from "./event_content.ts";

/** What only administrators may import of an event. */
export interface EventPast {
  /** Of the record, as it was exported. */
  format?: number | undefined;
  version?: number | undefined;
  /** All of it, oldest first. */
  history?: HistoryEntry[] | undefined;
  createdAt?: number | undefined;
  updatedAt?: number | undefined;
  completedAt?: number | null | undefined;
  archivedFrom?: EventRecord["archivedFrom"] | undefined;
  /** With `endsAt`: the instants that the texts stand for. */
  startsAt?: number | undefined;
  endsAt?: number | null | undefined;
}

/** @throws {DomainError} `invalid_body` at what the status or the history contradicts. */
export function requireConsistent(
  { version, history, archivedFrom = null, completedAt = null }: EventPast,
  status: EventStatus | undefined,
): void {
  const problem = (pointer: string, detail: string) =>
    invalidFields([{ pointer, code: "contradicts_history", detail }]);
  if (version !== undefined && status === undefined) {
    throw invalidFields([{
      pointer: "/status",
      code: "required",
      detail: "A line with a version says the status it was stored with.",
    }]);
  }
  const isArchived = status === "ARCHIVED";
  // Without a version it follows from the dates.
  if (isArchived ? archivedFrom === null && version !== undefined : archivedFrom !== null) {
    throw problem(
      "/archived_from",
      "archived_from goes with the status ARCHIVED, and with no other.",
    );
  }
  if (completedAt !== null && status !== "COMPLETED" && !isArchived) {
    throw problem("/completed_at", "completed_at goes with the status COMPLETED or ARCHIVED.");
  }
  if (history === undefined) return;
  let reached: EventStatus | null = null;
  for (const [i, { version: its, transition }] of history.entries()) {
    const before = history[i - 1]?.version ?? 0;
    if (its <= before) {
      throw problem(`/history/${i}/version`, `${its} does not come after ${before}.`);
    }
    if (transition === null) continue;
    if (reached !== null && transition.from !== reached) {
      throw problem(
        `/history/${i}/transition/from`,
        `It begins at ${transition.from}, but the transition before ended at ${reached}.`,
      );
    }
    reached = transition.to;
  }
  const last = history.at(-1);
  if (last === undefined || last.version !== version) {
    throw problem("/version", `The history ends at version ${last?.version ?? 0}, not ${version}.`);
  }
  if (reached !== null && reached !== status) {
    throw problem("/status", `The history ends at ${reached}, the status says ${status}.`);
  }
  const { from = null } = history.findLast(({ transition }) => transition !== null)?.transition ??
    {};
  if (isArchived && from !== null && from !== archivedFrom) {
    throw problem("/archived_from", `The history says it was ${from}, not ${archivedFrom}.`);
  }
}

/** All entries that either of two histories of one event has, oldest first; pure. */
export function joinedHistory(stored: HistoryEntry[], line: HistoryEntry[]): HistoryEntry[] {
  const all = new Map([...stored, ...line].map((entry) => [entry.version, entry]));
  return [...all.values()].sort((a, b) => a.version - b.version);
}

/** What a line with a version means for the event that is stored. */
export type Continuation = "same" | "older" | "newer";

/**
 * How `line` goes with what is stored; both with their whole history, or as much as there is of it.
 * @throws {DomainError} `version_conflict` when they went apart, or nobody can tell.
 */
export function continuationOf(stored: EventRecord, line: EventRecord): Continuation {
  const conflict = (detail: string) =>
    new DomainError(
      "version_conflict",
      `Event "${stored.id}" has version ${stored.version} here, the line ${line.version}: ${detail}`,
      { current_version: stored.version },
    );
  const known = new Map(stored.history.map((entry) => [entry.version, entry]));
  const shared = line.history.filter((entry) => known.has(entry.version));
  for (const entry of shared) {
    if (isSameEntry(entry, known.get(entry.version)!)) continue;
    throw conflict(`they went apart at version ${entry.version}.`);
  }
  if (line.version === stored.version) {
    if (isSameContent(stored, line)) return "same";
    throw conflict("it has other content.");
  }
  const [older, newer] = line.version < stored.version ? [line, stored] : [stored, line];
  const joint = newer.history.some((entry) => entry.version === older.version) &&
    shared.some((entry) => entry.version === older.version);
  if (!joint) throw conflict("only a history that both have would tell whether one follows.");
  const missing = newer.history.filter((entry) => entry.version > older.version).length !==
    newer.version - older.version;
  if (missing) throw conflict("the history in between is not whole.");
  return line.version < stored.version ? "older" : "newer";
}

/** What the clock did is the same whichever job, here or there, recorded it. */
function isSameEntry(a: HistoryEntry, b: HistoryEntry): boolean {
  if (isByClock(a) && isByClock(b)) return isDeepStrictEqual(a.transition, b.transition);
  return isDeepStrictEqual(a, b);
}

function isByClock({ by }: HistoryEntry): boolean {
  return by === "clock" || by.startsWith("job:");
}

function isSameContent(a: EventRecord, b: EventRecord): boolean {
  const content = (record: EventRecord) => {
    const { format: _f, generation: _g, history, updatedAt, ...rest } = record;
    const last = history.at(-1);
    return last !== undefined && isByClock(last) ? rest : { ...rest, updatedAt };
  };
  // As JSON: what is stored has no -0, and a line may.
  return canonical(content(a)) === canonical(content(b));
}
