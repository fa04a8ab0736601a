/**
 * What the times of a request mean: three forms of date string, a zone, and the stored times that a
 * PATCH leaves alone.
 *
 * Apart from the routes because imports read times as well, and pure because the rules are many:
 * a request either means exactly one interval or is told, field by field, why it does not.
 */
import type { EventTimes } from "../kv/event_record.ts";
import { placeDate, type PlacedDate } from "./date_placing.ts";
import { DATE_FORMS } from "./date_text.ts";
import {
  type EventDate,
  formProblems,
  isProblem,
  namedDate,
  storedDate,
  type TimeProblem,
} from "./event_date.ts";
import { type Disambiguation, frameOf, readZone } from "./event_zone.ts";

export type { Disambiguation, TimeProblem };

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

export type TimeOutcome =
  | { outcome: "resolved"; times: EventTimes }
  | { outcome: "invalid"; problems: TimeProblem[] };

/**
 * The times that `input` means: for a new event when `stored` is null, else as a PATCH over
 * `stored`, whose members stay unless named.
 *
 * A PATCH of the zone keeps the wall times and moves the instants. `resolved` holds the members of
 * `EventTimes` and no others, so it can be spread over a record. `invalid` holds the problems of
 * all fields, as far as they do not follow from one another. Never throws, whatever the strings.
 */
export function resolveTimes(input: TimeInput, stored: EventTimes | null): TimeOutcome {
  if (stored !== null && namesNothing(input)) {
    return { outcome: "resolved", times: timesOf(stored) };
  }
  const problems: TimeProblem[] = [];
  // Null for a problem, which the answer then holds.
  const noted = <Value>(value: Value | TimeProblem): Value | null => {
    if (!isProblem(value)) return value;
    problems.push(value);
    return null;
  };

  const zone = readZone(input.timeZone, stored);
  // The same zone again changes nothing; reading its repeated hours anew would refuse them.
  const moves = typeof zone === "string" && zone !== stored?.timeZone;
  const start = noted(readDate("start_date", input.startDate, { stored, moves }) ?? START_REQUIRED);
  const end = noted(readDate("end_date", input.endDate, { stored, moves }));
  const dates = [start, end].filter((date) => date !== null);
  const decisive = dates.find((date) => date.named) ?? dates[0];
  const allDay = input.allDay ?? decisive?.isDay ?? false;
  const frame = noted(isProblem(zone) ? zone : frameOf(zone, { input, stored, allDay }));
  problems.push(...formProblems(dates, { allDay, declared: input.allDay }));

  const place = (date: EventDate | null): PlacedDate | null => {
    // A date of the wrong form, or in no zone, has its problem already; more would be noise.
    if (date === null || frame === null || date.isDay !== allDay) return null;
    return noted(placeDate(date, frame));
  };
  const placedStart = place(start);
  const placedEnd = place(end);
  noted(orderProblem(dates, placedStart, placedEnd));
  if (problems.length > 0 || frame === null || placedStart === null) {
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

const START_REQUIRED: TimeProblem = {
  field: "start_date",
  code: "required",
  detail: `An event needs a start_date: ${DATE_FORMS}.`,
};

/** Null: the event is to have no such date. */
function readDate(
  field: EventDate["field"],
  text: string | null | undefined,
  { stored, moves }: { stored: EventTimes | null; moves: boolean },
): EventDate | TimeProblem | null {
  if (text === null) return null;
  if (text !== undefined) return namedDate(field, text);
  return stored === null ? null : storedDate(field, { stored, moves });
}

function orderProblem(
  dates: EventDate[],
  start: PlacedDate | null,
  end: PlacedDate | null,
): TimeProblem | null {
  if (start === null || end === null || end.at > start.at) return null;
  const named = dates.findLast((date) => date.named);
  return {
    field: named?.field ?? "time_zone",
    code: "end_before_start",
    detail: `The end "${end.text}" is not after the start "${start.text}"; ` +
      "an end_date of null makes the event open-ended.",
  };
}
