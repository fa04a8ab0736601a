/**
 * When an event is, in words.
 *
 * Everything is read off the stored texts: they were rendered in the event's own zone when it was
 * written, so that no list formats through a time zone, and the page says what the API says.
 */
import type { EventTimes } from "../../kv/event_record.ts";

type Shown = Pick<EventTimes, "allDay" | "timeZone" | "startText" | "endText">;

/** The parts of "Sat 5 Dec 2026, 19:30–23:00 · Europe/London". */
export interface When {
  start: string;
  /** Between start and end: spaced when the end is more than a time of day. */
  dash: "–" | " – ";
  /** Null when nothing follows the start: open-ended, or one whole day. */
  end: string | null;
  /** Null for whole days, which are the days of the place. */
  zone: string | null;
}

/** What a calendar's leaf shows. */
export interface CalendarLeaf {
  weekday: string;
  day: string;
  month: string;
}

/** The parts of an event's time. A stored text in no form that is known is shown as it is. */
export function whenOf({ allDay, timeZone, startText, endText }: Shown): When {
  const start = readWall(startText);
  const end = endText === null ? null : readWall(endText);
  if (start === null || (endText !== null && end === null)) {
    return { start: startText, dash: " – ", end: endText, zone: timeZone };
  }
  if (allDay) return wholeDays(start, end);
  const zone = timeZone?.replaceAll("_", " ") ?? null;
  if (end === null) {
    const text = `${dayText(start)}, ${start.time}`;
    return { start: text, dash: "–", end: null, zone: zone ?? offsetText(start) };
  }
  const sameDay = start.date === end.date;
  // The clocks change in between, so the bare times would tell a wrong length.
  const shifts = start.offset !== end.offset && (sameDay || zone === null);
  const time = (wall: Wall) => shifts ? `${wall.time} ${offsetText(wall)}` : wall.time;
  const startDay = dayText(start, { year: sameDay || start.year !== end.year });
  return {
    start: `${startDay}, ${time(start)}`,
    dash: sameDay && !shifts ? "–" : " – ",
    end: sameDay ? time(end) : `${dayText(end)}, ${time(end)}`,
    zone: zone ?? (shifts ? null : offsetText(start)),
  };
}

/** The whole of it as one line. */
export function whenText(times: Shown): string {
  const { start, dash, end, zone } = whenOf(times);
  return `${start}${end === null ? "" : dash + end}${zone === null ? "" : ` · ${zone}`}`;
}

/** The leaf of the day on which the event starts; null when its text is in no form that is known. */
export function startLeaf({ startText }: Pick<EventTimes, "startText">): CalendarLeaf | null {
  const wall = readWall(startText);
  return wall && { weekday: wall.weekday, day: wall.day, month: wall.month };
}

/** "ends in 1:32": minutes and seconds, never less than is left. */
export function countdownText(leftMs: number): string {
  const seconds = Math.ceil(leftMs / 1000);
  return `ends in ${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}

function wholeDays(start: Wall, end: Wall | null): When {
  const plain = { dash: " – ", zone: null } as const;
  if (end === null) return { ...plain, start: `from ${dayText(start)}`, end: null };
  if (start.date === end.date) return { ...plain, start: dayText(start), end: null };
  const year = start.year !== end.year;
  const month = year || start.month !== end.month;
  return { ...plain, start: dayText(start, { year, month }), end: dayText(end) };
}

interface Wall {
  date: string;
  weekday: string;
  day: string;
  month: string;
  year: string;
  /** Empty for a whole day. */
  time: string;
  offset: string;
}

const TEXT =
  /^(?<date>(?<year>\d{4})-(?<month>\d\d)-(?<day>\d\d))(?:T(?<time>\d\d:\d\d)[\d:.]*(?<offset>Z|[+-]\d\d:\d\d))?$/;

// Not from `Intl`: its "Sept" and its commas change with the runtime's ICU.
const WEEKDAYS = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
const MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(" ");

function readWall(text: string): Wall | null {
  const groups = TEXT.exec(text)?.groups;
  if (groups === undefined) return null;
  const { date = "", year = "", month, day, time = "", offset = "" } = groups;
  const monthName = MONTHS[Number(month) - 1];
  const weekday = WEEKDAYS[new Date(`${date}T00:00Z`).getUTCDay()];
  if (monthName === undefined || weekday === undefined) return null;
  return { date, weekday, day: String(Number(day)), month: monthName, year, time, offset };
}

function dayText(
  { weekday, day, month, year }: Wall,
  show: { year?: boolean; month?: boolean } = {},
): string {
  const { year: showYear = true, month: showMonth = true } = show;
  return [weekday, day, ...(showMonth ? [month] : []), ...(showYear ? [year] : [])].join(" ");
}

function offsetText({ offset }: Wall): string {
  return offset === "Z" || offset === "+00:00" ? "UTC" : `UTC${offset}`;
}
