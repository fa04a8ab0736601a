/**
 * What the times of a request mean: three forms of date string, a zone, and the stored times that a
 * PATCH leaves alone.
 *
 * Apart from the routes because imports read times as well, and pure because the rules are many:
 * a request either means exactly one interval or is told, field by field, why it does not.
 */
import type { EventTimes } from "../kv/event_record.ts";

/** What to do with a local time that a zone skips or repeats. */
export type Disambiguation = "reject" | "earlier" | "later";

/** What a request named; an absent member was not named. */
export interface TimeInput {
  startDate?: string;
  /** Null: open-ended. */
  endDate?: string | null;
  /** Null: no zone, only the offsets that the dates carry. */
  timeZone?: string | null;
  allDay?: boolean;
  disambiguation?: Disambiguation;
}

/** One thing wrong with the times of a request, at a member that the request named. */
export interface TimeProblem {
  field: "start_date" | "end_date" | "time_zone" | "all_day";
  code: string;
  detail: string;
  /** The two instants that a skipped or repeated local time may mean, earlier first. */
  candidates?: string[];
}

export type TimeOutcome =
  | { outcome: "resolved"; times: EventTimes }
  | { outcome: "invalid"; problems: TimeProblem[] };

/** What a date string says, before a zone is applied to it. */
type Written =
  | { form: "day"; day: Temporal.PlainDate }
  | { form: "local"; wall: Temporal.PlainDateTime }
  | { form: "instant"; wall: Temporal.PlainDateTime; offset: string };

/** One of the two dates that the event is to have. A kept one stays to the millisecond. */
interface EventDate {
  field: "start_date" | "end_date";
  text: string;
  named: boolean;
  written: Written | { form: "kept"; isDay: boolean; at: number };
}

interface PlacedDate {
  at: number;
  text: string;
}

/** What dates are read in. */
interface Frame {
  timeZone: string | null;
  /** For local times: the zone, or the fixed offset that a stored event without zone has. */
  wallZone: string | null;
  disambiguation: Disambiguation;
}

const MIN_YEAR = 1970;
/** 9999 is left out so that the end of the last day, in any zone, still has a four-digit year. */
const MAX_YEAR = 9998;

/**
 * The times that `input` means: for a new event when `stored` is null, else as a PATCH over
 * `stored`, whose members stay unless named.
 *
 * A PATCH of the zone keeps the wall times and moves the instants. `resolved` holds the members of
 * `EventTimes` and no others, so it can be spread over a record. `invalid` holds the problems of
 * all fields, as far as they do not follow from one another. Never throws, whatever the strings.
 *
 * Follows RFC 3339 for date strings, and RFC 9557 section 2 in that `Z` and `-00:00` say nothing of
 * the local offset and so contradict no zone.
 */
export function resolveTimes(input: TimeInput, stored: EventTimes | null): TimeOutcome {
  if (stored !== null && namesNothing(input)) {
    return { outcome: "resolved", times: timesOf(stored) };
  }
  const zone = readZone(input, stored);
  const start = readStart(input, stored, zone);
  const end = readEnd(input, stored, zone);
  const dates = [start, end].filter(isDate);
  const allDay = input.allDay ?? isDay(dates.find((date) => date.named) ?? dates[0]);
  const zoneProblem = isProblem(zone) ? zone : removedZoneProblem(input, stored, allDay);
  const frame = isProblem(zone) || zoneProblem !== null
    ? null
    : frameOf(zone, { input, stored, allDay });

  const placed = [start, end].map((date) => {
    // A date of the wrong form, or in no zone, has its problem already; more would be noise.
    if (!isDate(date) || frame === null || isDay(date) !== allDay) return null;
    return placeDate(date, frame);
  });
  const [placedStart = null, placedEnd = null] = placed;
  const problems = [
    start,
    end,
    zoneProblem,
    ...formProblems(dates, input.allDay, allDay),
    ...placed,
    orderProblem(dates, placedStart, placedEnd),
  ].filter(isProblem);
  if (problems.length > 0 || frame === null || !isPlaced(placedStart) || isProblem(placedEnd)) {
    return { outcome: "invalid", problems };
  }
  return {
    outcome: "resolved",
    times: {
      allDay,
      timeZone: frame.timeZone,
      startDate: placedStart.at,
      endDate: placedEnd?.at ?? null,
      startText: placedStart.text,
      endText: placedEnd?.text ?? null,
    },
  };
}

function namesNothing({ startDate, endDate, timeZone, allDay }: TimeInput): boolean {
  return [startDate, endDate, timeZone, allDay].every((member) => member === undefined);
}

/** `stored` is often a whole record; its other members must not come along. */
function timesOf(stored: EventTimes): EventTimes {
  const { allDay, timeZone, startDate, endDate, startText, endText } = stored;
  return { allDay, timeZone, startDate, endDate, startText, endText };
}

function isProblem(value: object | string | null): value is TimeProblem {
  return typeof value === "object" && value !== null && "code" in value;
}

function isDate(value: EventDate | TimeProblem | null): value is EventDate {
  return value !== null && "written" in value;
}

function isPlaced(value: PlacedDate | TimeProblem | null): value is PlacedDate {
  return value !== null && "at" in value;
}

function isDay(date: EventDate | undefined): boolean {
  if (date === undefined) return false;
  return date.written.form === "kept" ? date.written.isDay : date.written.form === "day";
}

/** The zone the event is to have, before days fall back to UTC. */
function readZone(
  { timeZone }: TimeInput,
  stored: EventTimes | null,
): string | null | TimeProblem {
  if (timeZone === undefined) return stored?.timeZone ?? null;
  if (timeZone === null) return null;
  return knownZone(timeZone) ?? {
    field: "time_zone",
    code: "unknown_time_zone",
    detail: `time_zone ${quote(timeZone)} is not a known IANA time zone; ` +
      `send a name such as "Europe/Lisbon".`,
  };
}

/** Temporal also takes offsets such as `+02:00` as zones; the first letter rules them out. */
const ZONE_NAME = /^[A-Za-z][\w+/-]*$/;

function knownZone(name: string): string | null {
  if (!ZONE_NAME.test(name)) return null;
  try {
    return new Temporal.ZonedDateTime(0n, name).timeZoneId;
  } catch (error) {
    // Asking is the only way to know: `Intl.supportedValuesOf` leaves out the links.
    if (error instanceof RangeError) return null;
    throw error;
  }
}

function removedZoneProblem(
  { timeZone }: TimeInput,
  stored: EventTimes | null,
  allDay: boolean,
): TimeProblem | null {
  if (timeZone !== null || stored === null || !allDay) return null;
  return {
    field: "time_zone",
    code: "time_zone_required",
    detail: "time_zone cannot be null for an all-day event: its days begin and end in a zone.",
  };
}

function frameOf(
  zone: string | null,
  { input, stored, allDay }: { input: TimeInput; stored: EventTimes | null; allDay: boolean },
): Frame {
  // Not when the request takes the stored zone away: its offset of one day may be wrong on another.
  const fixedOffset = stored?.timeZone === null ? offsetOf(stored.startText) : null;
  return {
    timeZone: zone ?? (allDay ? "UTC" : null),
    wallZone: zone ?? fixedOffset,
    disambiguation: input.disambiguation ?? "reject",
  };
}

function offsetOf(text: string): string | null {
  return /[+-]\d{2}:\d{2}$/.exec(text)?.[0] ?? null;
}

function readStart(
  { startDate }: TimeInput,
  stored: EventTimes | null,
  zone: string | null | TimeProblem,
): EventDate | TimeProblem {
  if (startDate !== undefined) return readNamed("start_date", startDate);
  if (stored !== null) {
    const { startDate: at, startText: text } = stored;
    return readStored("start_date", { at, text }, { stored, zone });
  }
  return {
    field: "start_date",
    code: "required",
    detail: `An event needs a start_date: ${THREE_FORMS}.`,
  };
}

function readEnd(
  { endDate }: TimeInput,
  stored: EventTimes | null,
  zone: string | null | TimeProblem,
): EventDate | TimeProblem | null {
  if (endDate === null) return null;
  if (endDate !== undefined) return readNamed("end_date", endDate);
  if (stored === null || stored.endDate === null || stored.endText === null) return null;
  const { endDate: at, endText: text } = stored;
  return readStored("end_date", { at, text }, { stored, zone });
}

/** A stored date is kept, unless another zone is named: then its day or wall time is. */
function readStored(
  field: EventDate["field"],
  { at, text }: PlacedDate,
  { stored, zone }: { stored: EventTimes; zone: string | null | TimeProblem },
): EventDate {
  const date = { field, text, named: false };
  // The same zone again changes nothing; reading its repeated hours anew would refuse them.
  if (typeof zone !== "string" || zone === stored.timeZone) {
    return { ...date, written: { form: "kept", isDay: stored.allDay, at } };
  }
  const written: Written = stored.allDay
    ? { form: "day", day: Temporal.PlainDate.from(text) }
    : { form: "local", wall: Temporal.PlainDateTime.from(text) };
  return { ...date, written };
}

const THREE_FORMS = `a day "2026-12-05", a local time "2026-12-05T19:30" ` +
  `or an instant "2026-12-05T19:30:00+01:00"`;

function readNamed(field: EventDate["field"], text: string): EventDate | TimeProblem {
  const written = parseWritten(text);
  if (written === null) {
    const detail = `${field} ${quote(text)} is not a date there is; send ${THREE_FORMS}.`;
    return { field, code: "invalid_date", detail };
  }
  const date = { field, text, named: true, written };
  const { year } = written.form === "day" ? written.day : written.wall;
  return isYearInRange(year) ? date : rangeProblem(date);
}

const DATE_STRING = new RegExp(
  String.raw`^(?<year>\d{4})-(?<month>0[1-9]|1[0-2])-(?<day>0[1-9]|[12]\d|3[01])` +
    String.raw`(?:[Tt](?<time>(?:[01]\d|2[0-3]):[0-5]\d(?::[0-5]\d(?:\.\d+)?)?)` +
    String.raw`(?<offset>[Zz]|[+-](?:[01]\d|2[0-3]):[0-5]\d)?)?$`,
);

/** Null when the string has none of the three forms, or names a day that no month has. */
function parseWritten(text: string): Written | null {
  const groups = DATE_STRING.exec(text)?.groups;
  if (groups === undefined) return null;
  const { year, month, time, offset } = groups;
  const day = Temporal.PlainDate.from({
    year: Number(year),
    month: Number(month),
    day: Number(groups.day),
  });
  // Temporal made 30 February the 28th.
  if (day.day !== Number(groups.day)) return null;
  if (time === undefined) return { form: "day", day };
  const toTheMillisecond = time.slice(0, "19:30:00.000".length);
  const wall = day.toPlainDateTime(Temporal.PlainTime.from(toTheMillisecond));
  if (offset === undefined) return { form: "local", wall };
  const isUtcOnly = offset.toUpperCase() === "Z" || offset === "-00:00";
  return { form: "instant", wall, offset: isUtcOnly ? "Z" : offset };
}

function isYearInRange(year: number): boolean {
  return year >= MIN_YEAR && year <= MAX_YEAR;
}

function formProblems(
  dates: EventDate[],
  declared: boolean | undefined,
  allDay: boolean,
): TimeProblem[] {
  const wrong = dates.filter((date) => isDay(date) !== allDay);
  const wrongNamed = wrong.filter((date) => date.named);
  if (wrongNamed.length > 0) return wrongNamed.map((date) => namedFormProblem(date, declared));
  const [kept] = wrong;
  if (kept === undefined) return [];
  const named = dates.find((date) => date.named);
  const claim = named === undefined
    ? `all_day is ${allDay}`
    : `${named.field} ${quote(named.text)} is ${formName(allDay)}`;
  return [{
    field: named?.field ?? "all_day",
    code: "all_day_mismatch",
    detail: `${claim}, but the stored ${kept.field} ${quote(kept.text)} is ${formName(!allDay)}: ` +
      `send ${wrong.map((date) => date.field).join(" and ")} as ${formExample(allDay)} as well.`,
  }];
}

function namedFormProblem(date: EventDate, declared: boolean | undefined): TimeProblem {
  const is = isDay(date);
  const claim = `${date.field} ${quote(date.text)} is ${formName(is)}`;
  const detail = declared === undefined
    ? `${claim}, but start_date is ${formName(!is)}: send both as days or both as times.`
    : `${claim}, but all_day is ${declared}: ` +
      `send ${formExample(declared)}, or leave all_day out.`;
  return { field: date.field, code: "all_day_mismatch", detail };
}

function formName(allDay: boolean): string {
  return allDay ? "a day" : "a time";
}

function formExample(allDay: boolean): string {
  return allDay ? `a day such as "2026-12-05"` : `a time such as "2026-12-05T19:30"`;
}

function placeDate(date: EventDate, frame: Frame): PlacedDate | TimeProblem {
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
  return { at, text: render(at, zone) };
}

function wallProblem(
  date: EventDate,
  wall: Temporal.PlainDateTime,
  instants: [earlier: Temporal.ZonedDateTime, later: Temporal.ZonedDateTime],
): TimeProblem {
  const [earlier, later] = instants;
  const zone = earlier.timeZoneId;
  const isRepeated = earlier.toPlainDateTime().equals(wall);
  const trouble = isRepeated ? `happens twice in ${zone}` : `does not exist in ${zone}`;
  return problemAt(date, {
    code: isRepeated ? "local_time_repeated" : "local_time_skipped",
    detail: `${date.field}: the local time ${wall} ${trouble}; ` +
      `send disambiguation "earlier" or "later", or one of the candidates.`,
    candidates: [earlier, later].map((instant) => render(instant.epochMilliseconds, zone)),
  });
}

function placeInstant(
  date: EventDate,
  { wall, offset }: Extract<Written, { form: "instant" }>,
  { timeZone }: Frame,
): PlacedDate | TimeProblem {
  const ownZone = offset === "Z" ? "UTC" : offset;
  const at = wall.toZonedDateTime(ownZone).epochMilliseconds;
  const text = render(at, timeZone ?? ownZone);
  if (timeZone === null || offset === "Z" || offsetOf(text) === offset) return { at, text };
  return problemAt(date, {
    code: "offset_contradicts_zone",
    detail: `${date.field} ${quote(date.text)} has the offset ${offset}, but that of ${timeZone} ` +
      `is ${offsetOf(text)} then: the instant is "${text}" there.`,
  });
}

/** An instant near either end of the range may be rendered in a year beyond it. */
function inRange(
  date: EventDate,
  placed: PlacedDate | TimeProblem,
): PlacedDate | TimeProblem {
  if (isProblem(placed) || isYearInRange(Number(placed.text.slice(0, 4)))) return placed;
  return rangeProblem(date);
}

function rangeProblem(date: EventDate): TimeProblem {
  return problemAt(date, {
    code: "date_out_of_range",
    detail: `${date.field} ${quote(date.text)} is out of range: ` +
      `the local year must be one of ${MIN_YEAR} to ${MAX_YEAR}.`,
  });
}

function orderProblem(
  dates: EventDate[],
  start: PlacedDate | TimeProblem | null,
  end: PlacedDate | TimeProblem | null,
): TimeProblem | null {
  if (!isPlaced(start) || !isPlaced(end) || end.at > start.at) return null;
  const named = dates.findLast((date) => date.named);
  return {
    field: named?.field ?? "time_zone",
    code: "end_before_start",
    detail: `The end "${end.text}" is not after the start "${start.text}"; ` +
      "an end_date of null makes the event open-ended.",
  };
}

/**
 * RFC 3339 with the offset of `zone`. Where that has seconds (Africa/Monrovia until 1972) the wall
 * time is shifted to the nearest offset in minutes, as in RFC 3339 section 5.8: the instant is right.
 */
function render(at: number, zone: string): string {
  const instant = Temporal.Instant.fromEpochMilliseconds(at);
  const offset = instant.toString({ timeZone: zone }).slice(-"+00:00".length);
  const smallestUnit = at % 1000 === 0 ? "second" : "millisecond";
  return instant.toString({ timeZone: offset, smallestUnit });
}

/** A problem with a stored date is the doing of the zone that the request named. */
function problemAt(date: EventDate, problem: Omit<TimeProblem, "field">): TimeProblem {
  return { field: date.named ? date.field : "time_zone", ...problem };
}

const QUOTED_LENGTH = 40;

/** As JSON, so that control characters and lone surrogates in it do no harm. */
function quote(text: string): string {
  return JSON.stringify(
    text.length > QUOTED_LENGTH ? `${text.slice(0, QUOTED_LENGTH)}…` : text,
  );
}
