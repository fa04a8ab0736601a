/** Records that take as many bytes as a test wants. */
import { cardOf, type EventRecord } from "../../kv/event_record.ts";
import { sizeBound } from "../../kv/limits.ts";

export function recordBytes({ isWithheld: _, ...record }: EventRecord): number {
  return sizeBound({ ...record, history: [] });
}
export const cardBytes = (record: EventRecord) => sizeBound(cardOf(record));

/** `record` with `field` filled so that `measure` says exactly `bytes`. */
export function filled(
  record: EventRecord,
  { field, bytes, letter, measure }: {
    field: "description" | "summary";
    bytes: number;
    letter: string;
    measure: (record: EventRecord) => number;
  },
): EventRecord {
  const width = letter > "\u00ff" ? 2 : 1;
  const started = { ...record, [field]: letter };
  const missing = bytes - measure(started);
  // What a letter of two bytes cannot fill, one of one byte does.
  const title = record.title + "x".repeat(missing % width);
  return { ...started, title, [field]: letter.repeat(1 + Math.floor(missing / width)) };
}
