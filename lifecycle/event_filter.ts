/** Which events a query is about, apart from what time and rights decide. */
import type { EventCard, EventStatus, OrganizerId } from "../kv/event_record.ts";

export const SORTS = ["start_date", "-start_date", "end_date", "-end_date"] as const;
export type Sort = typeof SORTS[number];

/** What a list is asked for; dates are epoch milliseconds, bounds exclusive. */
export interface EventQuery {
  /** Effective statuses; absent: what is live. */
  statuses?: EventStatus[] | undefined;
  sort?: Sort | undefined;
  startsAfter?: number | undefined;
  startsBefore?: number | undefined;
  endsAfter?: number | undefined;
  tag?: string | undefined;
  organizerId?: OrganizerId | undefined;
  city?: string | undefined;
  country?: string | undefined;
  online?: boolean | undefined;
}

/** What of an event the filters look at. */
export type Filtered =
  & Pick<EventCard, "startDate" | "endDate" | "tags" | "organizerId" | "online">
  & { location: { city: string | null; country: string | null } };

/** Whether an event is one that the query is about; its status, rights and listing are others' to judge. */
export function eventFilter(query: EventQuery): (event: Filtered) => boolean {
  const { startsAfter, startsBefore, endsAfter, tag, organizerId, online } = query;
  const city = query.city?.toLowerCase();
  const country = query.country?.toLowerCase();
  return (event) =>
    (startsAfter === undefined || event.startDate > startsAfter) &&
    (startsBefore === undefined || event.startDate < startsBefore) &&
    (endsAfter === undefined || event.endDate === null || event.endDate > endsAfter) &&
    (tag === undefined || event.tags.includes(tag)) &&
    (organizerId === undefined || event.organizerId === organizerId) &&
    (city === undefined || event.location.city?.toLowerCase() === city) &&
    (country === undefined || event.location.country?.toLowerCase() === country) &&
    (online === undefined || event.online === online);
}
