/**
 * What is stored of an event: the record itself, the card that lists show, and the history entries.
 *
 * Instants are epoch milliseconds; the rendered strings beside them are made once, when written,
 * because formatting through a time zone on every read more than halves the speed of a list.
 */

export type EventId = `evt_${string}`;
export type OrganizerId = `org_${string}`;
export type UserId = `usr_${string}`;
export type RunId = `run_${string}`;

/** Who made a change: a person, a job's run, or the clock (settled by another write). */
export type Actor = UserId | `job:${RunId}` | "clock";

/**
 * What is true of the world while an event is in each status:
 * - `DRAFT`: only its people know of it;
 * - `CONFIRMED`: it is going to happen;
 * - `ONGOING`: it is happening now;
 * - `COMPLETED`: it is over;
 * - `CANCELLED`: it will not happen, or was broken off;
 * - `ARCHIVED`: it is over or cancelled, and put away.
 */
export const EVENT_STATUSES = [
  "DRAFT",
  "CONFIRMED",
  "ONGOING",
  "COMPLETED",
  "CANCELLED",
  "ARCHIVED",
] as const;
export type EventStatus = typeof EVENT_STATUSES[number];

/** `PUBLIC` is listed; `UNLISTED` is reachable by its URL; `PRIVATE` is for its people only. */
export const VISIBILITIES = ["PUBLIC", "UNLISTED", "PRIVATE"] as const;
export type Visibility = typeof VISIBILITIES[number];

/** When an event takes place: the half-open interval `[startDate, endDate)`. */
export interface EventTimes {
  allDay: boolean;
  /** IANA name; null when the times were given as instants with a fixed offset only. */
  timeZone: string | null;
  startDate: number;
  /** Null: open-ended. For an all-day event, the end of the last local day. */
  endDate: number | null;
  /** `2026-12-05T19:30:00+00:00` with the zone's offset, or the day `2026-12-05` when all-day. */
  startText: string;
  /** As `startText`; the *last* day when all-day. */
  endText: string | null;
}

export interface Location {
  name: string | null;
  address: string | null;
  city: string | null;
  country: string | null;
  latitude: number | null;
  longitude: number | null;
}

/** A person named on this one event, beside the organiser's members. */
export interface StaffMember {
  userId: UserId;
  role: "editor" | "viewer";
}

/** One line of an event's past: a transition or an edit. */
export interface HistoryEntry {
  version: number;
  /** When it happened: what the clock did, at the date that passed; anything else, when recorded. */
  at: number;
  by: Actor;
  /** Null for an edit that left the status alone. */
  transition: { name: string; from: EventStatus | null; to: EventStatus } | null;
  reason: string | null;
  /** Which fields an edit changed, with shortened old and new values. */
  fields: Record<string, [before: string | null, after: string | null]> | null;
}

/** All that organisers and the lifecycle wrote about an event. */
export interface EventRecord extends EventTimes {
  /** Of the record's shape; see `kv/formats.ts`. */
  format: number;
  /** Of `indexEntries`, as it was when this record was written. */
  generation: number;
  id: EventId;
  /** 1 when created, one more with every change. */
  version: number;
  externalId: string | null;
  organizerId: OrganizerId;
  title: string;
  summary: string;
  description: string;
  url: string | null;
  imageUrl: string | null;
  /** As stored; readers are shown the status of `settle(record, now)`. */
  status: EventStatus;
  /** What an ARCHIVED event was before. */
  archivedFrom: "COMPLETED" | "CANCELLED" | null;
  visibility: Visibility;
  /** Its organizer's, when it was last told: no list shows the event, whatever its visibility. */
  isWithheld: boolean;
  location: Location;
  online: boolean;
  tags: string[];
  metadata: Record<string, string>;
  staff: StaffMember[];
  createdAt: number;
  updatedAt: number;
  completedAt: number | null;
  /** The newest entries, oldest first; older ones live under `event_history` keys. */
  history: HistoryEntry[];
}

/**
 * The event as lists show it; kept inside the index entries, so a page is one range read. Instants
 * that are only shown are kept as they are shown: formatting them on every read would cost a list a
 * tenth of its speed.
 */
export interface EventCard extends EventTimes {
  id: EventId;
  version: number;
  externalId: string | null;
  organizerId: OrganizerId;
  title: string;
  summary: string;
  url: string | null;
  imageUrl: string | null;
  status: EventStatus;
  visibility: Visibility;
  /** Never shown. Absent when it is not: so most cards are what they were before it was known. */
  isWithheld?: true;
  location: Location;
  online: boolean;
  tags: string[];
  /** Never shown: says who may see the card. */
  staffIds: UserId[];
  /** UTC, as `instantText` renders it; so are the four below. */
  startsAt: string;
  endsAt: string | null;
  createdAt: string;
  updatedAt: string;
  completedAt: string | null;
}

const KEPT_TEXTS = 10_000;
/** The same few instants are shown again and again, and rendering one takes a microsecond. */
const texts = new Map<number, string>();

/** `2026-12-05T19:30:00Z`; milliseconds only when there are some. */
export function instantText(at: number): string {
  const known = texts.get(at);
  if (known !== undefined) return known;
  const iso = new Date(at).toISOString();
  const text = iso.endsWith(".000Z") ? `${iso.slice(0, -5)}Z` : iso;
  if (texts.size >= KEPT_TEXTS) texts.clear();
  texts.set(at, text);
  return text;
}

/** The card of a record; pure. */
export function cardOf(record: EventRecord): EventCard {
  const card: EventCard = {
    id: record.id,
    version: record.version,
    externalId: record.externalId,
    organizerId: record.organizerId,
    title: record.title,
    summary: record.summary,
    url: record.url,
    imageUrl: record.imageUrl,
    status: record.status,
    visibility: record.visibility,
    allDay: record.allDay,
    timeZone: record.timeZone,
    startDate: record.startDate,
    endDate: record.endDate,
    startText: record.startText,
    endText: record.endText,
    location: record.location,
    online: record.online,
    tags: record.tags,
    staffIds: record.staff.map((person) => person.userId),
    startsAt: instantText(record.startDate),
    endsAt: record.endDate === null ? null : instantText(record.endDate),
    createdAt: instantText(record.createdAt),
    updatedAt: instantText(record.updatedAt),
    completedAt: record.completedAt === null ? null : instantText(record.completedAt),
  };
  if (record.isWithheld) card.isWithheld = true;
  return card;
}
