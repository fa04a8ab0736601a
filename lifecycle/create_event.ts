/** Making an event, and with a user's first one their organizer. */
import type { NewAuditLine } from "../kv/audit.ts";
import { DomainError, invalidFields } from "../kv/errors.ts";
import type {
  EventId,
  EventRecord,
  EventStatus,
  EventTimes,
  OrganizerId,
  UserId,
} from "../kv/event_record.ts";
import { INDEX_GENERATION } from "../kv/event_indexes.ts";
import { FORMATS } from "../kv/formats.ts";
import { createEvent, findByExternalId } from "../kv/events.ts";
import {
  type EventHome,
  eventHomeOf,
  getOrganizerRole,
  listOrganizersOf,
  type Organizer,
  readEventHome,
  readOrganizer,
} from "../kv/organizers.ts";
import type { Remember } from "../kv/outcomes.ts";
import type { Store } from "../kv/store.ts";
import { externalIdTaken, requireTimes, unknownOrganizer } from "./edit_event.ts";
import { NO_LOCATION, withContent } from "./event_content.ts";
import type { EventEdit } from "./edit_event.ts";
import { ownerLine, staffLines } from "./grants.ts";
import { newEventId, ownOrganizerId } from "./ids.ts";
import { newOrganizer } from "./organizers.ts";
import { isAddress } from "./person_name.ts";
import { mayWriteFor, type Principal, relationOf, requireMember } from "./policy.ts";
import { allowsFor } from "./policy_table.ts";

export interface NewEvent extends EventEdit {
  status: EventStatus;
  organizerId?: OrganizerId | undefined;
  /** Imports bring their own. */
  id?: EventId | undefined;
}

/** Where an event is to belong: an organizer there is, or the caller's own that is to be made. */
export interface Home {
  organizerId: OrganizerId;
  first: { first: Organizer; owner: UserId } | null;
  /** As it was read; null while it is still to be made. */
  read: EventHome | null;
}

const ATTEMPTS = 4;

/**
 * Stores a new event as the caller.
 * @throws {DomainError} `unauthenticated`, `forbidden`, `invalid_body`, `external_id_taken`,
 * `event_too_large`, `conflict`.
 */
export async function submitEvent(
  store: Store,
  input: NewEvent,
  { principal, now, remember }: {
    principal: Principal;
    now: number;
    remember?: Remember<EventRecord> | undefined;
  },
): Promise<EventRecord> {
  requireMember(principal);
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const home = await requireHome(store, principal, { wanted: input.organizerId, now });
    const { organizerId, read } = home;
    const record = newRecord(input, { organizerId, now, isWithheld: read?.isWithheld });
    requireFutureEnd(record, now);
    const { externalId } = record;
    if (externalId !== null) {
      const taken = await findByExternalId(store, externalId, organizerId);
      if (taken !== null) throw externalIdTaken(externalId, taken);
    }
    const result = await createEvent(store, record, principal.userId, {
      organizer: home.first,
      home: read,
      audit: creationLines(record, home, { principal, now }),
      remember,
    });
    // Not read again: a read that fails would be told as "nothing was changed".
    if (result.outcome === "committed") return result.stored.record;
  }
  throw new DomainError("conflict");
}

/** What comes with a new event: a first organizer's ownership, and the rights of its staff. */
export function creationLines(
  record: EventRecord,
  { first }: Home,
  by: { principal: Principal; now: number },
): NewAuditLine[] {
  const owned = first === null ? [] : [ownerLine(first.first, by)];
  return [...owned, ...staffLines(null, record, by)];
}

/** The record of a new event, before it is stored; `times` are those it names; pure. */
export function newRecord(
  input: NewEvent,
  { organizerId, now, isWithheld = false, times = requireTimes(input.times, null) }: {
    organizerId: OrganizerId;
    now: number;
    /** The organizer's. */
    isWithheld?: boolean | undefined;
    times?: EventTimes;
  },
): EventRecord {
  const empty: EventRecord = {
    format: FORMATS.event.current,
    generation: INDEX_GENERATION,
    id: input.id ?? newEventId(now),
    version: 1,
    externalId: null,
    organizerId,
    title: "",
    summary: "",
    description: "",
    url: null,
    imageUrl: null,
    status: input.status,
    archivedFrom: null,
    visibility: "PUBLIC",
    isWithheld,
    location: NO_LOCATION,
    online: false,
    tags: [],
    metadata: {},
    staff: [],
    createdAt: now,
    updatedAt: now,
    completedAt: null,
    history: [],
    ...times,
  };
  return withContent(empty, input.content);
}

/**
 * The organizer an event of the caller's is to belong to: the one named, else the only one they
 * write for, else their own, which is then to be made.
 * @throws {DomainError} `invalid_body` when there is no such organizer, they write for several, or
 * their own is others' by now; `forbidden`.
 */
export async function requireHome(
  store: Store,
  principal: Principal & { userId: UserId },
  { wanted, now }: { wanted: OrganizerId | undefined; now: number },
): Promise<Home> {
  const { userId } = principal;
  if (wanted !== undefined) {
    const read = await readOrganizer(store, wanted);
    if (read === null) throw unknownOrganizer(wanted);
    const relation = relationOf(principal, await getOrganizerRole(store, wanted, userId));
    if (allowsFor("create", relation)) {
      return { organizerId: wanted, first: null, read: eventHomeOf(read) };
    }
    throw new DomainError("forbidden", `The caller is no editor of organizer "${wanted}".`);
  }
  const memberships = await listOrganizersOf(store, userId);
  const writable: OrganizerId[] = [];
  for (const id of memberships) {
    if (mayWriteFor(await getOrganizerRole(store, id, userId))) writable.push(id);
  }
  if (writable.length > 1) {
    throw invalidFields([{
      pointer: "/organizer_id",
      code: "required",
      detail: `The caller writes for several organizers; name one of ${writable.join(", ")}.`,
    }]);
  }
  const [only] = writable;
  if (only !== undefined) {
    return { organizerId: only, first: null, read: await readEventHome(store, only) };
  }
  const id = await ownOrganizerId(userId);
  const made = await readOrganizer(store, id);
  if (made !== null) {
    // Their first event was stored since the memberships were read; or they gave it up.
    if (!mayWriteFor(await getOrganizerRole(store, id, userId))) throw ownGivenUp(id);
    return { organizerId: id, first: null, read: eventHomeOf(made) };
  }
  const { name } = principal;
  // Everybody reads it.
  const isTold = name !== null && !isAddress(name);
  const first = newOrganizer({ id, name: isTold ? name : userId, now });
  return { organizerId: id, first: { first, owner: userId }, read: null };
}

/** It is made once, so that many first events at once make one. */
function ownGivenUp(id: OrganizerId): DomainError {
  return invalidFields([{
    pointer: "/organizer_id",
    code: "required",
    detail:
      `The caller writes for no organizer, and their first event's, "${id}", is others' now; ` +
      "make another one with POST /v1/organizers, or name one.",
  }]);
}

function requireFutureEnd({ status, endDate, endText }: EventRecord, now: number): void {
  if (status !== "CONFIRMED" || endDate === null || endDate > now) return;
  throw invalidFields([{
    pointer: "/end_date",
    code: "end_in_past",
    detail: `A CONFIRMED event needs an end in the future; ${endText} has passed. ` +
      "Make it a DRAFT, or import it.",
  }]);
}
