/**
 * Entity tags: which version of an event somebody has seen. They change with every write, and when
 * the clock changes the status before a write has recorded it.
 */
import { DomainError } from "../kv/errors.ts";
import type { EventRecord } from "../kv/event_record.ts";
import { statusAt } from "./status.ts";

/** What a writer demands to find: one of these tags, or anything at all. */
export type TagCondition = "*" | string[];

/**
 * The strong tag of an event as it is shown at `now`; `.p` tells apart what only its people see.
 * (RFC 9110 section 8.8.3.)
 */
export function eventTag(
  stored: EventRecord,
  { now, showStaff }: { now: number; showStaff: boolean },
): string {
  const status = statusAt(stored, now);
  const ahead = status === stored.status ? "" : `.${status}`;
  return `"${stored.version}${ahead}${showStaff ? ".p" : ""}"`;
}

/** One member of what was sent that is otherwise now. */
export interface Difference {
  field: string;
  /** Shortened. */
  current: string | null;
}

/**
 * Holds a write to the version its sender has seen.
 * @throws {DomainError} `precondition_failed`, with the current tag and what differs.
 */
export function requireMatch(
  stored: EventRecord,
  condition: TagCondition | undefined,
  { now, differences }: { now: number; differences: () => Difference[] },
): void {
  if (condition === undefined || condition === "*") return;
  // Whoever may write an event is one of its people.
  const tag = eventTag(stored, { now, showStaff: true });
  if (condition.includes(tag)) return;
  throw new DomainError(
    "precondition_failed",
    `Event "${stored.id}" is at ${tag} now, not at ${condition.join(", ").slice(0, 100)}. Get it ` +
      "again and decide anew.",
    { current_etag: tag, differences: differences() },
  );
}
