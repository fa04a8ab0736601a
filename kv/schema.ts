/**
 * What one version of this program knows of the store: the formats of its records and the index
 * entries that belong to an event. A store is opened with one, so that the tests can let two
 * versions of the program work on the same data.
 */
import { INDEX_GENERATION, indexEntries, type IndexEntry, INDEXES } from "./event_indexes.ts";
import type { EventRecord } from "./event_record.ts";
import { type Format, FORMATS, type RecordType } from "./formats.ts";

export interface Schema {
  formats: Readonly<Record<RecordType, Format>>;
  /** Of `indexEntries`. */
  generation: number;
  /** Every index by the name its keys begin with, and the generation that changed it last. */
  indexes: Readonly<Record<string, number>>;
  indexEntries: (record: EventRecord) => IndexEntry[];
}

/** Today's. */
export const SCHEMA: Schema = {
  formats: FORMATS,
  generation: INDEX_GENERATION,
  indexes: INDEXES,
  indexEntries,
};
