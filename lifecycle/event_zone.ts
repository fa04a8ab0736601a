/** The zone that an event is to have, and the frame that it gives for reading the event's dates. */
import type { EventTimes } from "../kv/event_record.ts";
import { offsetOf, quote } from "./date_text.ts";
import type { TimeProblem } from "./event_date.ts";

/** What to do with a local time that a zone skips or repeats. */
export type Disambiguation = "reject" | "earlier" | "later";

/** What dates are read in. */
export interface Frame {
  /** The event's. Null: only the offsets that the dates carry. */
  timeZone: string | null;
  /** For local times: the zone, or the fixed offset that a stored event without zone has. */
  wallZone: string | null;
  disambiguation: Disambiguation;
}

/**
 * The zone that a request names, in its canonical case, or leaves as stored when `named` is
 * undefined. Null: none, before days fall back to UTC.
 */
export function readZone(
  named: string | null | undefined,
  stored: EventTimes | null,
): string | null | TimeProblem {
  if (named === undefined) return stored?.timeZone ?? null;
  if (named === null) return null;
  return knownZone(named) ?? {
    field: "time_zone",
    code: "unknown_time_zone",
    detail: `time_zone ${quote(named)} is not a known IANA time zone; ` +
      `send a name such as "Europe/Lisbon".`,
  };
}

/** Temporal also takes offsets such as `+02:00` as zones; the first letter rules them out. */
const ZONE_NAME = /^[A-Za-z][\w+/-]*$/;

/** The zone in its canonical case; null when IANA knows none of this name. */
export function knownZone(name: string): string | null {
  if (!ZONE_NAME.test(name)) return null;
  try {
    return new Temporal.ZonedDateTime(0n, name).timeZoneId;
  } catch (error) {
    // Asking is the only way to know: `Intl.supportedValuesOf` leaves out the links.
    if (error instanceof RangeError) return null;
    throw error;
  }
}

/** The frame for the dates of an event that is to have `zone`; a problem when it needs one. */
export function frameOf(
  zone: string | null,
  { input, stored, allDay }: {
    input: { timeZone?: string | null; disambiguation?: Disambiguation };
    stored: EventTimes | null;
    allDay: boolean;
  },
): Frame | TimeProblem {
  if (input.timeZone === null && stored !== null && allDay) {
    return {
      field: "time_zone",
      code: "time_zone_required",
      detail: "time_zone cannot be null for an all-day event: its days begin and end in a zone.",
    };
  }
  // Not when the request takes the stored zone away: its offset of one day may be wrong on another.
  const fixedOffset = stored?.timeZone === null ? offsetOf(stored.startText) : null;
  return {
    timeZone: zone ?? (allDay ? "UTC" : null),
    wallZone: zone ?? fixedOffset,
    disambiguation: input.disambiguation ?? "reject",
  };
}
