/**
 * What time does to an event. The stored status never hides an ended event: whatever a reader is
 * shown is computed here, from the record and `now`.
 */
import type { EventCard, EventRecord, EventStatus } from "../kv/event_record.ts";

type Timed = Pick<EventCard, "status" | "startDate" | "endDate">;

/**
 * The status at `now` (epoch milliseconds) of what is stored.
 * Events are half-open intervals `[startDate, endDate)`: at `endDate` itself the event is over.
 */
export function statusAt(event: Timed, now: number): EventStatus {
  if (event.status !== "CONFIRMED" && event.status !== "ONGOING") return event.status;
  if (event.endDate !== null && event.endDate <= now) return "COMPLETED";
  return event.startDate <= now ? "ONGOING" : event.status;
}

/** The event after the transition that the clock already made; itself when it made none. */
export function settle(event: EventRecord, now: number): EventRecord {
  const status = statusAt(event, now);
  if (status === event.status) return event;
  return {
    ...event,
    status,
    completedAt: status === "COMPLETED" ? event.endDate : event.completedAt,
  };
}

/**
 * Until when discovery lists a live event, epoch milliseconds: its end, or for an open-ended one
 * some hours after its start (iCalendar reads a missing end as "at once" or "that day").
 */
export function listedUntil(
  event: Pick<EventCard, "startDate" | "endDate">,
  openEndedMs: number,
): number {
  return event.endDate ?? event.startDate + openEndedMs;
}

/** The next instant at which time alone changes what is shown of the events; null when none does. */
export function nextChange(
  cards: Pick<EventCard, "startDate" | "endDate">[],
  { now, openEndedMs }: { now: number; openEndedMs: number },
): number | null {
  let next = Infinity;
  for (const card of cards) {
    for (const at of [card.startDate, card.endDate ?? Infinity, listedUntil(card, openEndedMs)]) {
      if (at > now && at < next) next = at;
    }
  }
  return next === Infinity ? null : next;
}
