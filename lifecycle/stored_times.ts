/**
 * The times of an event as another store kept them: its texts and its instants, taken as they are.
 *
 * Not resolved anew, because zones change their rules: an event that was stored before a country
 * gave up summer time keeps the instants it was announced for, and must be let in again with them.
 */
import type { EventTimes } from "../kv/event_record.ts";
import { quote } from "./date_text.ts";
import { type EventDate, isProblem, namedDate, type TimeProblem } from "./event_date.ts";
import { readZone } from "./event_zone.ts";
import type { TimeInput } from "./time_input.ts";

/** The instants beside the texts, epoch milliseconds. */
export interface StoredInstants {
  startsAt: number;
  /** Null: open-ended. */
  endsAt: number | null;
}

type StoredTimesOutcome =
  | { outcome: "taken"; times: EventTimes }
  | { outcome: "invalid"; problem: TimeProblem };

/** The times, or the first thing that is wrong with them; never throws. */
export function storedTimes(
  { startDate, endDate = null, timeZone = null, allDay }: TimeInput,
  { startsAt, endsAt }: StoredInstants,
): StoredTimesOutcome {
  const invalid = (problem: TimeProblem): StoredTimesOutcome => ({ outcome: "invalid", problem });
  const zone = readZone(timeZone, null);
  if (isProblem(zone)) return invalid(zone);
  const wrong = (field: TimeProblem["field"], detail: string) =>
    invalid({ field, code: "instant_mismatch", detail });
  if (startDate === undefined) return wrong("start_date", "start_date goes with starts_at.");
  const start = namedDate("start_date", startDate);
  if (isProblem(start)) return invalid(start);
  const isDay = allDay ?? start.isDay;
  if (!isInstantOf(start, { at: startsAt, isDay, days: 0 })) {
    return wrong("start_date", `start_date ${quote(startDate)} is not what starts_at says.`);
  }
  const end = endDate === null ? null : namedDate("end_date", endDate);
  if (isProblem(end)) return invalid(end);
  if ((end === null) !== (endsAt === null)) {
    return wrong("end_date", "end_date and ends_at are null together, or neither.");
  }
  if (end !== null && !isInstantOf(end, { at: endsAt!, isDay, days: 1 })) {
    return wrong("end_date", `end_date ${quote(end.text)} is not what ends_at says.`);
  }
  const isBefore = endsAt !== null && endsAt <= startsAt;
  if (end !== null && (isBefore || (isDay && end.text < start.text))) {
    return wrong("end_date", `The end ${quote(end.text)} is not after the start.`);
  }
  return {
    outcome: "taken",
    times: {
      allDay: isDay,
      timeZone: zone ?? (isDay ? "UTC" : null),
      startDate: startsAt,
      endDate: endsAt,
      startText: startDate,
      endText: endDate,
    },
  };
}

const DAY_MS = 24 * 3_600_000;
/** No zone is further from UTC, and days begin late where a clock skips midnight. */
const FARTHEST_MS = 16 * 3_600_000;

function isInstantOf(
  { written }: EventDate,
  { at, isDay, days }: { at: number; isDay: boolean; days: number },
): boolean {
  if (written.form === "instant" && !isDay) {
    const zone = written.offset === "Z" ? "UTC" : written.offset;
    return written.wall.toZonedDateTime(zone).epochMilliseconds === at;
  }
  if (written.form !== "day" || !isDay) return false;
  const midnight = written.day.toZonedDateTime("UTC").epochMilliseconds + days * DAY_MS;
  return Math.abs(at - midnight) <= FARTHEST_MS;
}
