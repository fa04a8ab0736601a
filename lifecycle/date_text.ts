/**
 * Dates as text: what a string says before it means an instant, and how an instant is written.
 * Apart from what the texts mean for an event, so that the grammar is in one place.
 */

/** What a date string says, before a zone is applied to it. */
export type WrittenDate =
  | { form: "day"; day: Temporal.PlainDate }
  | { form: "local"; wall: Temporal.PlainDateTime }
  | { form: "instant"; wall: Temporal.PlainDateTime; offset: string };

/** The three forms by example, for messages. */
export const DATE_FORMS = `a day "2026-12-05", a local time "2026-12-05T19:30" ` +
  `or an instant "2026-12-05T19:30:00+01:00"`;

const DATE_STRING = new RegExp(
  String.raw`^(?<year>\d{4})-(?<month>0[1-9]|1[0-2])-(?<day>0[1-9]|[12]\d|3[01])` +
    String.raw`(?:[Tt](?<time>(?:[01]\d|2[0-3]):[0-5]\d(?::[0-5]\d(?:\.\d+)?)?)` +
    String.raw`(?<offset>[Zz]|[+-](?:[01]\d|2[0-3]):[0-5]\d)?)?$`,
);

/**
 * Reads a date string, to the millisecond. Null when it has none of the three forms, or names a day
 * that no month has.
 *
 * Follows RFC 3339, and RFC 9557 section 2 in that `Z` and `-00:00` say nothing of the local
 * offset: both are read as the offset `Z`, which contradicts no zone.
 */
export function parseDate(text: string): WrittenDate | null {
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

/**
 * RFC 3339 with the offset of `zone`. Where that has seconds (Africa/Monrovia until 1972) the wall
 * time is shifted to the nearest offset in minutes, as in RFC 3339 section 5.8: the instant is right.
 */
export function renderInstant(at: number, zone: string): string {
  const instant = Temporal.Instant.fromEpochMilliseconds(at);
  const offset = instant.toString({ timeZone: zone }).slice(-"+00:00".length);
  const smallestUnit = at % 1000 === 0 ? "second" : "millisecond";
  return instant.toString({ timeZone: offset, smallestUnit });
}

/** The offset of a rendered instant, such as `+01:00`; null when the text is a day. */
export function offsetOf(text: string): string | null {
  return /[+-]\d{2}:\d{2}$/.exec(text)?.[0] ?? null;
}

const QUOTED_LENGTH = 40;

/** Shortened, and as JSON so that control characters and lone surrogates in it do no harm. */
export function quote(text: string): string {
  return JSON.stringify(
    text.length > QUOTED_LENGTH ? `${text.slice(0, QUOTED_LENGTH)}…` : text,
  );
}
