/**
 * The lists of events: discovery, what an external id stands for, and "my events".
 *
 * A query becomes a plan of index ranges; everything the ranges do not say is decided on the cards,
 * at `now`. That is why no list shows an ended event as live, whatever the sweep has done.
 */
import { DomainError } from "../kv/errors.ts";
import { isListed } from "../kv/event_indexes.ts";
import type { EventCard, EventStatus, OrganizerId } from "../kv/event_record.ts";
import { cardOf } from "../kv/event_record.ts";
import { getEvents, listByExternalId } from "../kv/events.ts";
import {
  byOrganizerPrefix,
  byStaffPrefix,
  closedPrefix,
  LIVE_BY_END,
  liveByOrganizerPrefix,
  liveByTagPrefix,
  livePrefix,
  PAST_BY_END,
  statusPrefix,
} from "../kv/keys.ts";
import { readPosition } from "../kv/journal_places.ts";
import { listOrganizersOf } from "../kv/organizers.ts";
import type { IndexRange } from "../kv/ranges.ts";
import type { Store } from "../kv/store.ts";
import { eventFilter, type EventQuery } from "./event_filter.ts";
import { type EventPage, walkPage } from "./event_walk.ts";
import { type Principal, relationTo, requireAdmin, requireSignedIn } from "./policy.ts";
import { allows } from "./policy_table.ts";
import { listedUntil, statusAt } from "./status.ts";

export interface ListOptions {
  principal: Principal;
  now: number;
  openEndedMs: number;
  limit: number;
  cursor?: string | undefined;
  /** Called when a page met events whose completion is not recorded yet. */
  onDue?: () => void;
}

interface ListTime {
  now: number;
  openEndedMs: number;
}

interface Plan {
  segments: IndexRange[][];
  reverse: boolean;
}

/**
 * Public events for `query`. A filtered page may be short and still have a `nextCursor`.
 * @throws {DomainError} `unsupported_query`, `invalid_cursor`, `unauthenticated`, `forbidden`.
 */
export async function listEvents(
  store: Store,
  query: EventQuery,
  { principal, now, openEndedMs, limit, cursor, onDue }: ListOptions,
): Promise<EventPage> {
  const wanted = new Set<EventStatus>(query.statuses ?? ["CONFIRMED", "ONGOING"]);
  if (wanted.has("DRAFT")) requireAdmin(principal);
  const plan = planOf(query, wanted, { now, openEndedMs });
  const matches = filterOf(query, wanted, { now, openEndedMs });
  let due = false;
  const page = await walkPage(store, {
    ...plan,
    query: JSON.stringify([query, [...wanted].sort()]),
    accept(card) {
      const status = statusAt(card, now);
      if (status === "COMPLETED" && card.status !== "COMPLETED") due = true;
      return matches(card, status);
    },
  }, { limit, cursor });
  if (due) onDue?.();
  return page;
}

/** The index ranges that hold everything `query` may answer; pure. */
function planOf(query: EventQuery, wanted: Set<EventStatus>, time: ListTime): Plan {
  const onlyLive = [...wanted].every((status) => status === "CONFIRMED" || status === "ONGOING");
  const sort = query.sort ?? (onlyLive ? "start_date" : "-end_date");
  const reverse = sort.startsWith("-");
  if (sort.endsWith("end_date")) {
    return { segments: segmentsByEnd(query, wanted, { ...time, reverse }), reverse };
  }
  if (!onlyLive && query.organizerId === undefined) {
    throw new DomainError(
      "unsupported_query",
      `No index serves status ${[...wanted].join(",")} sorted by start_date. Sort by end_date ` +
        "or -end_date, or name an organizer.",
      { parameter: "sort" },
    );
  }
  return { segments: [rangesByStart(query, wanted, { ...time, onlyLive })], reverse };
}

function rangesByStart(
  query: EventQuery,
  wanted: Set<EventStatus>,
  { now, openEndedMs, onlyLive }: ListTime & { onlyLive: boolean },
): IndexRange[] {
  const starts = {
    from: query.startsAfter === undefined ? -Infinity : query.startsAfter + 1,
    to: query.startsBefore ?? Infinity,
  };
  const { organizerId } = query;
  if (organizerId !== undefined && !onlyLive) {
    return [{ prefix: byOrganizerPrefix(organizerId), ...starts }];
  }
  // What has not started yet cannot stand before now.
  if (!wanted.has("ONGOING")) starts.from = Math.max(starts.from, now + 1);
  if (organizerId !== undefined) {
    return [{ prefix: liveByOrganizerPrefix(organizerId), ...starts }];
  }
  if (query.tag !== undefined) return [{ prefix: liveByTagPrefix(query.tag), ...starts }];
  const openEnded = { ...starts, from: Math.max(starts.from, now - openEndedMs + 1) };
  return [
    { prefix: livePrefix("open_ended"), ...openEnded },
    { prefix: livePrefix("dated"), ...starts },
  ];
}

/** In each segment in the direction events move: draft, live, past, cancelled, archived. */
function segmentsByEnd(
  query: EventQuery,
  wanted: Set<EventStatus>,
  { now, openEndedMs, reverse }: ListTime & { reverse: boolean },
): IndexRange[][] {
  const from = query.endsAfter === undefined ? -Infinity : query.endsAfter + 1;
  const wantsLive = wanted.has("CONFIRMED") || wanted.has("ONGOING");
  const drafts = wanted.has("DRAFT") ? [statusPrefix("DRAFT")] : [];
  const over = wanted.has("COMPLETED") ? [PAST_BY_END] : [];
  for (const status of ["CANCELLED", "ARCHIVED"] as const) {
    if (wanted.has(status)) over.push(closedPrefix(status));
  }
  const live: IndexRange[] = [];
  if (wantsLive || wanted.has("COMPLETED")) {
    live.push({
      prefix: LIVE_BY_END,
      from: wanted.has("COMPLETED") ? from : Math.max(from, now + 1),
      to: wantsLive ? Infinity : now + 1,
    });
  }
  const ranges = (prefixes: Deno.KvKey[], bounds: Omit<IndexRange, "prefix">): IndexRange[] =>
    prefixes.map((prefix) => ({ prefix, ...bounds }));
  if (!wantsLive) return [[...ranges(drafts, { from }), ...live, ...ranges(over, { from })]];

  const dated = { from, to: Infinity };
  const ended = [...ranges(drafts, dated), ...live, ...ranges(over, dated)];
  // The open-ended stand at Infinity, but the live ones are read by start: segments of their own.
  // Live before past in both orders, else what is finished by hand meanwhile would be in neither.
  const openEnded = [
    ranges(drafts, { from: Infinity }),
    ranges([livePrefix("open_ended")], { from: now - openEndedMs + 1 }),
    ranges(over, { from: Infinity }),
  ];
  return reverse ? [...openEnded, ended] : [ended, ...openEnded];
}

/** Whether a card with this effective status belongs in the answer; pure. */
function filterOf(
  query: EventQuery,
  wanted: Set<EventStatus>,
  { now, openEndedMs }: ListTime,
): (card: EventCard, status: EventStatus) => boolean {
  const fits = eventFilter(query);
  return (card, status) =>
    wanted.has(status) &&
    // A draft is one by the clock, too.
    (status === "DRAFT" || allows("find", "none", card)) &&
    (card.endDate !== null || (status !== "CONFIRMED" && status !== "ONGOING") ||
      listedUntil(card, openEndedMs) > now) &&
    fits(card);
}

/** The events with this external id that the caller may see, whatever their status. */
export async function listEventsByExternalId(
  store: Store,
  externalId: string,
  { principal, organizerId }: { principal: Principal; organizerId?: OrganizerId | undefined },
): Promise<EventPage> {
  const position = await readPosition(store);
  const items: EventCard[] = [];
  for (const stored of await getEvents(store, await listByExternalId(store, externalId))) {
    if (stored === null) continue;
    const { record } = stored;
    if (organizerId !== undefined && record.organizerId !== organizerId) continue;
    const relation = await relationTo(store, principal, record);
    // Who has only an external id, which can be guessed, is not who was given the event's own.
    if (allows("find", relation, record)) items.push(cardOf(record));
  }
  return { items, nextCursor: null, position };
}

/**
 * The events of the caller's organizers and those they staff, all statuses, newest start first.
 * @throws {DomainError} `unauthenticated`, `invalid_cursor`.
 */
export async function listMyEvents(
  store: Store,
  includeCompleted: boolean,
  { principal, now, limit, cursor, onDue }: Omit<ListOptions, "openEndedMs">,
): Promise<EventPage> {
  requireSignedIn(principal);
  const { userId } = principal;
  const organizers = await listOrganizersOf(store, userId);
  let due = false;
  const page = await walkPage(store, {
    segments: [[
      ...organizers.map((id) => ({ prefix: byOrganizerPrefix(id) })),
      { prefix: byStaffPrefix(userId) },
    ]],
    reverse: true,
    query: JSON.stringify(["me", userId, includeCompleted]),
    accept(card) {
      const status = statusAt(card, now);
      if (status === "COMPLETED" && card.status !== "COMPLETED") due = true;
      return includeCompleted || (status !== "COMPLETED" && status !== "ARCHIVED");
    },
  }, { limit, cursor });
  if (due) onDue?.();
  return page;
}

/**
 * The events of an organizer that no list shows to everybody and that are not over, newest start
 * first: drafts, private and unlisted ones. For its people; nothing for others. `isMore`: there may be
 * others further on.
 */
export async function listInternalEvents(
  store: Store,
  organizerId: OrganizerId,
  { principal, now, limit }: Pick<ListOptions, "principal" | "now" | "limit">,
): Promise<{ items: EventCard[]; isMore: boolean }> {
  const relation = await relationTo(store, principal, { organizerId, staff: [] });
  if (relation === "none") return { items: [], isMore: false };
  const { items, nextCursor } = await walkPage(store, {
    segments: [[{ prefix: byOrganizerPrefix(organizerId) }]],
    reverse: true,
    query: JSON.stringify(["internal", organizerId]),
    accept(card) {
      const status = statusAt(card, now);
      if (status === "DRAFT") return true;
      return !isListed(card) && (status === "CONFIRMED" || status === "ONGOING");
    },
  }, { limit, cursor: undefined });
  return { items, isMore: nextCursor !== null };
}
