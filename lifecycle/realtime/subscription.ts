/**
 * What a subscriber is told of a change. Whoever fetched a list and then applies what they are told
 * has, at every moment, what a fresh list would show them.
 */
import type { EventCard, EventId, EventStatus } from "../../kv/event_record.ts";
import type { Change, EventBefore } from "../../kv/journal.ts";
import { eventFilter, type EventQuery, type Filtered } from "../event_filter.ts";
import { listedUntil, statusAt } from "../status.ts";
import { type Audience, audienceKey, sees, type Visible } from "./audience.ts";

/** How a change is told; `left`: the event is no longer among those that the subscriber watches. */
export type Telling = Change["type"] | "left";

export interface Subscription {
  audience: Audience;
  /** Two subscriptions of the same key are told the same. */
  key: string;
  /**
   * Null: nothing is told. `current` says who may see the event as it is now, null that it is gone;
   * undefined: the change is the newest of its event.
   */
  tellingOf: (
    change: Change,
    current: Visible | null | undefined,
    time: ListTime,
  ) => Telling | null;
}

interface ListTime {
  now: number;
  openEndedMs: number;
}

type Timed = Pick<EventCard, "status" | "startDate" | "endDate">;

/**
 * Of one event, when `eventId` names it; else of those that `query` lists. With `statuses` "any" of
 * every status. Where an end of listing counts, an event without end is among them until then.
 */
export function subscriptionOf(
  { query, eventId, statuses }: {
    query: EventQuery;
    eventId?: EventId | undefined;
    statuses: ReadonlySet<EventStatus> | "any";
  },
  audience: Audience,
): Subscription {
  const fits = eventFilter(query);
  const named = eventId !== undefined;
  const wants = (status: EventStatus) => statuses === "any" || statuses.has(status);
  const isShown = (event: Timed, time: ListTime) =>
    wants(statusAt(event, time.now)) &&
    (named || statuses === "any" || !isPastListing(event, time));
  const isAmong = (event: Visible & Filtered) => sees(audience, event, named) && fits(event);
  return {
    audience,
    key: JSON.stringify([query, eventId, statuses === "any" ? statuses : [...statuses]]) +
      audienceKey(audience),
    tellingOf(change, current, time) {
      const { event, was } = change;
      const { now } = time;
      if (named && event.id !== eventId) return null;
      const before = was === null ? null : beforeCard(event, was);
      // Any status that it was shown with: what the clock does is recorded a little later.
      const wasAmong = before !== null && isAmong(before) &&
        statusesShown(before, now).some(wants);
      if (change.type === "deleted") return wasAmong ? "deleted" : null;
      if (isAmong(event)) {
        const isHidden = current !== undefined && current !== null &&
          !sees(audience, current, named);
        if (!isHidden && isShown(event, time)) return change.type;
        // It is over by a date that it did not have: who still shows it does not know.
        if (!isHidden && wasAmong && isShown(before, time)) return "left";
        // What took it away since then has a change of its own, or comes to have one; or nothing
        // did but the end of its listing, which is told beforehand.
        if (statusesShown(event, now).some(wants)) return null;
      }
      return wasAmong ? "left" : null;
    },
  };
}

/** Whether no list shows it as live any more, though it has no end. */
function isPastListing({ status, startDate, endDate }: Timed, time: ListTime): boolean {
  const isLive = status === "CONFIRMED" || status === "ONGOING";
  return isLive && endDate === null &&
    listedUntil({ startDate, endDate }, time.openEndedMs) <= time.now;
}

/** The statuses that readers have been shown of what is stored, up to `now`. */
function statusesShown(
  { status, startDate, endDate }: Timed,
  now: number,
): EventStatus[] {
  if (status !== "CONFIRMED" && status !== "ONGOING") return [status];
  return [
    status,
    ...(startDate <= now ? ["ONGOING" as const] : []),
    ...(endDate !== null && endDate <= now ? ["COMPLETED" as const] : []),
  ];
}

/** The event before a change, as far as filters and rights look at it. */
function beforeCard(event: EventCard, was: EventBefore): Visible & Filtered {
  const { city, country, tags = event.tags, staffIds = event.staffIds, ...rest } = was;
  return { ...rest, tags, staffIds, location: { city, country } };
}
