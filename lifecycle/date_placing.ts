/**
 * Where a date lies on the time line: a day, a local time or an instant, read in a zone. Apart from
 * what a request means as a whole, because here one date is looked at and the rules are the zones'.
 */
import { offsetOf, quote, renderInstant, type WrittenDate } from "./date_text.ts";
import {
  type EventDate,
  isProblem,
  problemAt,
  rangeProblem,
  type TimeProblem,
} from "./event_date.ts";
import type { Frame } from "./event_zone.ts";

/** An instant and the text that stands for it in `EventTimes`. */
export interface PlacedDate {
  at: number;
  text: string;
}

/** A start day is placed at its first instant; an end day, being the last, at the next one's. */
export function placeDate(date: EventDate, frame: Frame): PlacedDate | TimeProblem {
  const { written } = date;
  switch (written.form) {
    case "kept":
      return { at: written.at, text: date.text };
    case "day":
      return placeDay(date, written.day, frame);
    case "local":
      return inRange(date, placeWall(date, written.wall, frame));
    case "instant":
      return inRange(date, placeInstant(date, written, frame));
  }
}

function placeDay(
  date: EventDate,
  day: Temporal.PlainDate,
  { timeZone }: Frame,
): PlacedDate | TimeProblem {
  const zone = timeZone ?? "UTC";
  const start = day.toZonedDateTime(zone);
  if (!start.toPlainDate().equals(day)) {
    const detail = `${date.field} "${day}" is a day that ${zone} skipped.`;
    return problemAt(date, { code: "local_day_skipped", detail });
  }
  const boundary = date.field === "start_date" ? start : day.add({ days: 1 }).toZonedDateTime(zone);
  return { at: boundary.epochMilliseconds, text: day.toString() };
}

function placeWall(
  date: EventDate,
  wall: Temporal.PlainDateTime,
  { wallZone: zone, disambiguation }: Frame,
): PlacedDate | TimeProblem {
  if (zone === null) {
    const detail = `${date.field} ${quote(date.text)} is a local time and the event has no time ` +
      `zone: send time_zone, or the time with its offset.`;
    return problemAt(date, { code: "time_zone_required", detail });
  }
  const earlier = wall.toZonedDateTime(zone, { disambiguation: "earlier" });
  const later = wall.toZonedDateTime(zone, { disambiguation: "later" });
  if (disambiguation === "reject" && !earlier.equals(later)) {
    return wallProblem(date, wall, [earlier, later]);
  }
  const { epochMilliseconds: at } = disambiguation === "later" ? later : earlier;
  return { at, text: renderInstant(at, zone) };
}

function wallProblem(
  date: EventDate,
  wall: Temporal.PlainDateTime,
  instants: [earlier: Temporal.ZonedDateTime, later: Temporal.ZonedDateTime],
): TimeProblem {
  const [earlier] = instants;
  const zone = earlier.timeZoneId;
  const isRepeated = earlier.toPlainDateTime().equals(wall);
  const trouble = isRepeated ? `happens twice in ${zone}` : `does not exist in ${zone}`;
  return problemAt(date, {
    code: isRepeated ? "local_time_repeated" : "local_time_skipped",
    detail: `${date.field} is the local time ${wall}, which ${trouble}; ` +
      `send disambiguation "earlier" or "later", or one of the candidates.`,
    candidates: instants.map((instant) => renderInstant(instant.epochMilliseconds, zone)),
  });
}

function placeInstant(
  date: EventDate,
  { wall, offset }: Extract<WrittenDate, { form: "instant" }>,
  { timeZone }: Frame,
): PlacedDate | TimeProblem {
  const ownZone = offset === "Z" ? "UTC" : offset;
  const at = wall.toZonedDateTime(ownZone).epochMilliseconds;
  const text = renderInstant(at, timeZone ?? ownZone);
  if (timeZone === null || offset === "Z" || offsetOf(text) === offset) return { at, text };
  return problemAt(date, {
    code: "offset_contradicts_zone",
    detail: `${date.field} ${quote(date.text)} has the offset ${offset}, but that of ${timeZone} ` +
      `is ${offsetOf(text)} then: the instant is "${text}" there.`,
  });
}

/** An instant near either end of the range may be rendered in a year beyond it. */
function inRange(date: EventDate, placed: PlacedDate | TimeProblem): PlacedDate | TimeProblem {
  if (isProblem(placed)) return placed;
  return rangeProblem(date, Number(placed.text.slice(0, "2026".length))) ?? placed;
}
