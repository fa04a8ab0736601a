/**
 * The start or the end that an event is to have, as a request names it or as it is stored, before
 * it is placed on the time line; and what is wrong with it as written.
 */
import type { EventTimes } from "../kv/event_record.ts";
import { DATE_FORMS, parseDate, quote, type WrittenDate } from "./date_text.ts";

export interface EventDate {
  field: "start_date" | "end_date";
  text: string;
  /** By the request; else the date is the stored one. */
  named: boolean;
  isDay: boolean;
  /** A kept date stays to the millisecond. */
  written: WrittenDate | { form: "kept"; at: number };
}

/** One thing wrong with the times of a request, at a member that the request named. */
export interface TimeProblem {
  field: EventDate["field"] | "time_zone" | "all_day";
  code: string;
  detail: string;
  /** The two instants that a skipped or repeated local time may mean, earlier first. */
  candidates?: string[];
}

export function isProblem(value: unknown): value is TimeProblem {
  return typeof value === "object" && value !== null && "code" in value;
}

const MIN_YEAR = 1970;
/** 9999 is left out so that the end of the last day, in any zone, still has a four-digit year. */
const MAX_YEAR = 9998;

/** The date that a request names with `text`. */
export function namedDate(field: EventDate["field"], text: string): EventDate | TimeProblem {
  const written = parseDate(text);
  if (written === null) {
    const detail = `${field} ${quote(text)} is not a date there is; send ${DATE_FORMS}.`;
    return { field, code: "invalid_date", detail };
  }
  const isDay = written.form === "day";
  const date = { field, text, named: true, isDay, written };
  const { year } = written.form === "day" ? written.day : written.wall;
  return rangeProblem(date, year) ?? date;
}

/**
 * The date that a request leaves as stored: to the millisecond, or its day or wall time when the
 * event `moves` to another zone. Null when the event has no such date.
 */
export function storedDate(
  field: EventDate["field"],
  { stored, moves }: { stored: EventTimes; moves: boolean },
): EventDate | null {
  const isStart = field === "start_date";
  const at = isStart ? stored.startDate : stored.endDate;
  const text = isStart ? stored.startText : stored.endText;
  if (at === null || text === null) return null;
  const date = { field, text, named: false, isDay: stored.allDay };
  if (!moves) return { ...date, written: { form: "kept", at } };
  const written: WrittenDate = stored.allDay
    ? { form: "day", day: Temporal.PlainDate.from(text) }
    : { form: "local", wall: Temporal.PlainDateTime.from(text) };
  return { ...date, written };
}

/** A problem with a stored date is the doing of the zone that the request named. */
export function problemAt(date: EventDate, problem: Omit<TimeProblem, "field">): TimeProblem {
  return { field: date.named ? date.field : "time_zone", ...problem };
}

/** Null when the date may be in `year`. */
export function rangeProblem(date: EventDate, year: number): TimeProblem | null {
  if (year >= MIN_YEAR && year <= MAX_YEAR) return null;
  return problemAt(date, {
    code: "date_out_of_range",
    detail: `${date.field} ${quote(date.text)} is out of range: ` +
      `the local year must be one of ${MIN_YEAR} to ${MAX_YEAR}.`,
  });
}

/**
 * What keeps `dates` from being all days (`allDay`) or all times: a problem at each named date of
 * the wrong form, else one for the stored dates that the request would have to send as well.
 * `declared` is the `all_day` of the request.
 */
export function formProblems(
  dates: EventDate[],
  { allDay, declared }: { allDay: boolean; declared: boolean | undefined },
): TimeProblem[] {
  const wrong = dates.filter((date) => date.isDay !== allDay);
  const wrongNamed = wrong.filter((date) => date.named);
  if (wrongNamed.length > 0) return wrongNamed.map((date) => namedFormProblem(date, declared));
  const [kept] = wrong;
  if (kept === undefined) return [];
  const named = dates.find((date) => date.named);
  const claim = named === undefined ? `all_day is ${allDay}` : formClaim(named);
  return [{
    field: named?.field ?? "all_day",
    code: "all_day_mismatch",
    detail: `${claim}, but the stored ${formClaim(kept)}: ` +
      `send ${wrong.map((date) => date.field).join(" and ")} as ${formExample(allDay)} as well.`,
  }];
}

function namedFormProblem(date: EventDate, declared: boolean | undefined): TimeProblem {
  const rest = declared === undefined
    ? `start_date is ${formName(!date.isDay)}: send both as days or both as times.`
    : `all_day is ${declared}: send ${formExample(declared)}, or leave all_day out.`;
  const detail = `${formClaim(date)}, but ${rest}`;
  return { field: date.field, code: "all_day_mismatch", detail };
}

function formClaim({ field, text, isDay }: EventDate): string {
  return `${field} ${quote(text)} is ${formName(isDay)}`;
}

function formName(isDay: boolean): string {
  return isDay ? "a day" : "a time";
}

function formExample(isDay: boolean): string {
  return isDay ? `a day such as "2026-12-05"` : `a time such as "2026-12-05T19:30"`;
}
