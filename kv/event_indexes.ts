/**
 * Which index entries belong to a record. There is no other place that knows: a new index is one
 * line in `indexEntries` and one in `INDEXES`, and `replaceEvents` writes the difference.
 */
import {
  byOrganizerPrefix,
  byStaffPrefix,
  closedPrefix,
  CONFIRMED_BY_START,
  externalIdKey,
  LIVE_BY_END,
  liveByOrganizerPrefix,
  liveByTagPrefix,
  livePrefix,
  PAST_BY_END,
  statusPrefix,
} from "./keys.ts";
import {
  cardOf,
  type EventCard,
  type EventId,
  type EventRecord,
  type Visibility,
} from "./event_record.ts";

/**
 * Raised whenever `indexEntries` changes what it answers; the running program then rebuilds what
 * the new generation changed (`kv/reindex.ts`).
 */
export const INDEX_GENERATION = 1;

/**
 * Every index by the name its keys begin with, and the generation that changed it last. Until it is
 * rebuilt, lists that need it are refused; the others are served as ever.
 */
export const INDEXES = {
  events_by_status_and_end_date: 1,
  confirmed_events_by_start_date: 1,
  live_events_by_start_date: 1,
  live_events_by_end_date: 1,
  live_events_by_organizer: 1,
  live_events_by_tag: 1,
  past_events_by_end_date: 1,
  closed_events_by_status_and_end_date: 1,
  events_by_organizer: 1,
  events_by_staff: 1,
  event_by_external_id: 1,
} as const satisfies Record<string, number>;

export interface IndexEntry {
  key: Deno.KvKey;
  /** A covering index holds the card; `null` where the record is read by id. */
  value: EventCard | EventId | null;
  /** A commit that adds this entry checks that the key is absent. */
  unique?: true;
}

/** What says how an event is shown: of its record, its card, or what a change says of before. */
export type Showing = Pick<EventRecord, "visibility"> & { isWithheld?: boolean };

/** How an event is listed: what is withheld as if it were at most UNLISTED; pure. */
export function listedVisibility({ visibility, isWithheld }: Showing): Visibility {
  return isWithheld && visibility === "PUBLIC" ? "UNLISTED" : visibility;
}

/** Whether lists show the event to everybody. */
export function isListed(event: Showing): boolean {
  return listedVisibility(event) === "PUBLIC";
}

/** Listed and stored CONFIRMED or ONGOING. Whether it is over by now is the reader's question. */
export function isLive(record: EventRecord): boolean {
  return isListed(record) &&
    (record.status === "CONFIRMED" || record.status === "ONGOING");
}

/** Listed and stored COMPLETED. */
export function isPast(record: EventRecord): boolean {
  return isListed(record) && record.status === "COMPLETED";
}

/** The index entries of a record, in full; pure. */
export function indexEntries(record: EventRecord): IndexEntry[] {
  const { id, status, startDate } = record;
  const endDate = record.endDate ?? Infinity;
  const card = cardOf(record);
  const entries: IndexEntry[] = [
    { key: [...statusPrefix(record.status), endDate, id], value: null },
    { key: [...byOrganizerPrefix(record.organizerId), startDate, id], value: card },
  ];
  if (record.status === "CONFIRMED") {
    entries.push({ key: [...CONFIRMED_BY_START, startDate, id], value: null });
  }
  if (isLive(record)) {
    const kind = record.endDate === null ? "open_ended" : "dated";
    entries.push({ key: [...livePrefix(kind), startDate, id], value: card });
    entries.push({ key: [...LIVE_BY_END, endDate, id], value: card });
    entries.push({
      key: [...liveByOrganizerPrefix(record.organizerId), startDate, id],
      value: card,
    });
    for (const tag of record.tags) {
      entries.push({ key: [...liveByTagPrefix(tag), startDate, id], value: card });
    }
  }
  if (isPast(record)) entries.push({ key: [...PAST_BY_END, endDate, id], value: card });
  if (isListed(record) && (status === "CANCELLED" || status === "ARCHIVED")) {
    entries.push({ key: [...closedPrefix(status), endDate, id], value: card });
  }
  for (const person of record.staff) {
    entries.push({ key: [...byStaffPrefix(person.userId), startDate, id], value: null });
  }
  if (record.externalId !== null) {
    const key = externalIdKey(record.externalId, record.organizerId);
    entries.push({ key, value: id, unique: true });
  }
  return entries;
}

/** The part of a `Schema` that says which entries a record has. */
interface Indexing {
  generation: number;
  indexEntries: (record: EventRecord) => IndexEntry[];
}

/** What to write so that the entries of `before` become those of `after`; pure. */
export function indexChanges(
  before: EventRecord | null,
  after: EventRecord | null,
  { generation, indexEntries: entriesOf }: Indexing,
): { sets: IndexEntry[]; deletes: Deno.KvKey[] } {
  const old = new Map<string, IndexEntry>();
  if (before !== null) {
    for (const entry of entriesOf(before)) old.set(keyText(entry.key), entry);
  }
  // Another generation wrote other entries for the same record: only writing all of them is safe.
  const sameGeneration = before?.generation === generation;
  const sets: IndexEntry[] = [];
  if (after !== null) {
    for (const entry of entriesOf(after)) {
      const text = keyText(entry.key);
      const { value } = entry;
      const stays = old.delete(text);
      if (stays && sameGeneration && (value === null || typeof value === "string")) continue;
      // A unique key that stays is the event's own already; checking its absence would refuse it.
      sets.push(stays ? { key: entry.key, value } : entry);
    }
  }
  return { sets, deletes: [...old.values()].map((entry) => entry.key) };
}

/** A key as one text. Parts never hold the separator: ids and tags have no control characters. */
export function keyText(key: Deno.KvKey): string {
  return key.join("\u001f");
}
