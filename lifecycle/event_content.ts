/** What people say of an event besides when it is: applying it to a record, and telling what changed. */
import type { EventRecord, HistoryEntry, Location, StaffMember } from "../kv/event_record.ts";

/** The members a request named; an absent one stays as it is. */
export interface EventContent {
  externalId?: string | null | undefined;
  title?: string | undefined;
  summary?: string | undefined;
  description?: string | undefined;
  url?: string | null | undefined;
  imageUrl?: string | null | undefined;
  visibility?: EventRecord["visibility"] | undefined;
  /** Merged into what is stored; null empties it. */
  location?: { [field in keyof Location]?: Location[field] | undefined } | null | undefined;
  online?: boolean | undefined;
  tags?: string[] | undefined;
  /** Merged into what is stored; a null value removes its key, null itself all of them. */
  metadata?: Record<string, string | null> | null | undefined;
  staff?: StaffMember[] | undefined;
}

export const NO_LOCATION: Location = {
  name: null,
  address: null,
  city: null,
  country: null,
  latitude: null,
  longitude: null,
};

/**
 * The record with `content` applied; pure. A location and metadata are merged into what is stored;
 * with `isWhole` they are all there is, as in an import, whose line is an event and not a patch.
 */
export function withContent(
  record: EventRecord,
  content: EventContent,
  { isWhole = false }: { isWhole?: boolean } = {},
): EventRecord {
  const { location, metadata, ...plain } = content;
  const next: EventRecord = { ...record };
  for (const [field, value] of Object.entries(plain)) {
    if (value !== undefined) Object.assign(next, { [field]: value });
  }
  if (content.tags !== undefined) next.tags = [...new Set(content.tags)];
  if (location === null) next.location = NO_LOCATION;
  else if (location !== undefined) {
    next.location = mergeDefined(isWhole ? NO_LOCATION : record.location, location);
  }
  if (metadata === null) next.metadata = {};
  else if (metadata !== undefined) {
    const merged = Object.entries({ ...(isWhole ? {} : record.metadata), ...metadata });
    next.metadata = Object.fromEntries(
      merged.filter((pair): pair is [string, string] => pair[1] !== null),
    );
  }
  return next;
}

function mergeDefined(base: Location, patch: NonNullable<EventContent["location"]>): Location {
  const named = Object.entries(patch).filter(([, value]) => value !== undefined);
  return { ...base, ...Object.fromEntries(named) };
}

/** Record field → the name clients know it by; the fields an edit, or a job for somebody, can change. */
const EDITABLE = {
  externalId: "external_id",
  organizerId: "organizer_id",
  title: "title",
  summary: "summary",
  description: "description",
  url: "url",
  imageUrl: "image_url",
  visibility: "visibility",
  isWithheld: "withheld",
  allDay: "all_day",
  startText: "start_date",
  endText: "end_date",
  timeZone: "time_zone",
  location: "location",
  online: "online",
  tags: "tags",
  metadata: "metadata",
  staff: "staff",
} as const satisfies Partial<Record<keyof EventRecord, string>>;

const SHOWN_LENGTH = 60;

/** Which fields differ, with shortened values; null when none does. */
export function changedFields(before: EventRecord, after: EventRecord): HistoryEntry["fields"] {
  const fields: NonNullable<HistoryEntry["fields"]> = {};
  for (const [field, name] of Object.entries(EDITABLE)) {
    const [old, now] = [before[field as keyof EventRecord], after[field as keyof EventRecord]];
    if (canonical(old) !== canonical(now)) fields[name] = [shown(old), shown(now)];
  }
  return Object.keys(fields).length === 0 ? null : fields;
}

/** JSON with sorted keys: two objects that mean the same read the same. */
export function canonical(value: unknown): string {
  return JSON.stringify(
    value,
    (_key, inner) =>
      inner !== null && typeof inner === "object" && !Array.isArray(inner)
        ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
        : inner,
  );
}

function shown(value: unknown): string | null {
  if (value === null) return null;
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return text.length <= SHOWN_LENGTH ? text : text.slice(0, SHOWN_LENGTH - 1) + "…";
}
