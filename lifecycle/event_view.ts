/**
 * The event as clients see it at `now`: JSON names, RFC 3339 times, the settled status.
 */
import {
  cardOf,
  type EventCard,
  type EventRecord,
  type EventStatus,
  instantText,
  type StaffMember,
  type Visibility,
} from "../kv/event_record.ts";
import { listedUntil, statusAt } from "./status.ts";

/** A list item. */
export interface EventCardView {
  id: string;
  external_id: string | null;
  title: string;
  summary: string;
  url: string | null;
  image_url: string | null;
  status: EventStatus;
  visibility: Visibility;
  all_day: boolean;
  start_date: string;
  end_date: string | null;
  time_zone: string | null;
  starts_at: string;
  ends_at: string | null;
  location: EventCard["location"];
  online: boolean;
  tags: string[];
  organizer_id: string;
  version: number;
  listed_until: string;
  created_at: string;
  updated_at: string;
  completed_at: string | null;
}

/** The whole event. */
export interface EventView extends EventCardView {
  description: string;
  metadata: Record<string, string>;
  staff: { user_id: string; role: StaffMember["role"] }[];
}

export interface ViewOptions {
  now: number;
  openEndedMs: number;
}

/** A card as clients see it. */
export function cardView(card: EventCard, { now, openEndedMs }: ViewOptions): EventCardView {
  const status = statusAt(card, now);
  return {
    id: card.id,
    external_id: card.externalId,
    title: card.title,
    summary: card.summary,
    url: card.url,
    image_url: card.imageUrl,
    status,
    visibility: card.visibility,
    all_day: card.allDay,
    start_date: card.startText,
    end_date: card.endText,
    time_zone: card.timeZone,
    starts_at: card.startsAt,
    ends_at: card.endsAt,
    location: card.location,
    online: card.online,
    tags: card.tags,
    organizer_id: card.organizerId,
    version: card.version,
    listed_until: card.endsAt ?? instantText(listedUntil(card, openEndedMs)),
    created_at: card.createdAt,
    updated_at: card.updatedAt,
    // What the clock completed was over at its end.
    completed_at: status === "COMPLETED" ? card.completedAt ?? card.endsAt : card.completedAt,
  };
}

/** The whole event as clients see it; the staff only for the event's people. */
export function eventView(
  stored: EventRecord,
  { showStaff, ...options }: ViewOptions & { showStaff: boolean },
): EventView {
  return {
    ...cardView(cardOf(stored), options),
    description: stored.description,
    metadata: stored.metadata,
    staff: showStaff
      ? stored.staff.map((person) => ({ user_id: person.userId, role: person.role }))
      : [],
  };
}
