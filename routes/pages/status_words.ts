/**
 * How the pages tell an event's status. The script that turns the words over when the time comes
 * is made from the same ones.
 */
import { listedVisibility } from "../../kv/event_indexes.ts";
import type { EventRecord, EventStatus, Visibility } from "../../kv/event_record.ts";
import { listedUntil } from "../../lifecycle/status.ts";

/** What the stylesheet tells apart. */
export type Tone = "draft" | "upcoming" | "now" | "over" | "cancelled";

/** A card's chip. */
export const CHIPS = { upcoming: "Upcoming", now: "Happening now" } as const;

/** Every status, where their people see their events. */
export const STATUS_WORDS: Record<EventStatus, string> = {
  DRAFT: "Draft",
  CONFIRMED: CHIPS.upcoming,
  ONGOING: CHIPS.now,
  COMPLETED: "Over",
  CANCELLED: "Cancelled",
  ARCHIVED: "Archived",
};

export const VISIBILITY_WORDS: Record<Visibility, string> = {
  PUBLIC: "Public",
  UNLISTED: "Unlisted",
  PRIVATE: "Private",
};

/** An event page's banner. */
export const HEADLINES: Record<Tone, string> = {
  draft: "This is a draft",
  upcoming: "This event has not begun yet",
  now: "Happening now",
  over: "This event is over",
  cancelled: "This event was cancelled",
};

export interface Banner {
  tone: Tone;
  headline: string;
  /** Empty when the headline says it all. */
  detail: string;
}

/** The banner of an event, settled at `now`. */
export function bannerOf(
  event: EventRecord,
  { now, openEndedMs }: { now: number; openEndedMs: number },
): Banner {
  const tone = event.archivedFrom === "CANCELLED" ? "cancelled" : TONES[event.status];
  if (event.status === "ARCHIVED") return banner(tone, "It has been put away in the archive.");
  if (event.status === "ONGOING" && event.endDate === null) {
    if (listedUntil(event, openEndedMs) > now) return banner("now", "No end was given.");
    return {
      tone: "over",
      headline: "This event has begun",
      detail: "No end was given; it is no longer listed.",
    };
  }
  return banner(tone);
}

/** Who can see this page, when that is not everybody. */
export function audienceNotice(
  event: Pick<EventRecord, "status" | "visibility" | "isWithheld">,
): string | null {
  const { status } = event;
  const visibility = listedVisibility(event);
  if (status === "DRAFT") return "Not announced yet: only the people of this event see this page.";
  if (visibility === "PRIVATE") return "Private: only the people of this event see this page.";
  if (visibility === "UNLISTED") {
    return "Unlisted: no list shows this event; everyone who has this address sees this page.";
  }
  return null;
}

const TONES: Record<EventStatus, Tone> = {
  DRAFT: "draft",
  CONFIRMED: "upcoming",
  ONGOING: "now",
  COMPLETED: "over",
  CANCELLED: "cancelled",
  ARCHIVED: "over",
};

function banner(tone: Tone, detail = ""): Banner {
  return { tone, headline: HEADLINES[tone], detail };
}
