/**
 * What a line of an import makes of an event: the record it creates, or the steps from the stored
 * event to what it says. Pure.
 */
import { invalidFields } from "../kv/errors.ts";
import type { EventRecord, EventStatus, OrganizerId, UserId } from "../kv/event_record.ts";
import type { EventStep } from "../kv/events.ts";
import type { EventHome } from "../kv/organizers.ts";
import { newRecord } from "./create_event.ts";
import { editSteps } from "./edit_event.ts";
import type { EventPast } from "./event_past.ts";
import type { ImportedEvent } from "./import_lines.ts";
import { statusAt } from "./status.ts";
import { storedTimes } from "./stored_times.ts";
import { requestedStep } from "./transition_event.ts";

/** The record a line creates. What is over already may be imported as such. */
export function importedRecord(
  input: ImportedEvent,
  { organizerId, now, by, isWithheld }: {
    organizerId: OrganizerId;
    now: number;
    by: UserId;
    /** What the organizer is here; no line says it. */
    isWithheld?: boolean | undefined;
  },
): EventRecord {
  const { past } = input;
  const times = givenTimes(input);
  const record = newRecord({ ...input, status: input.status ?? "DRAFT" }, {
    organizerId,
    now,
    isWithheld,
    ...(times === null ? {} : { times }),
  });
  const isOver = record.endDate !== null && record.endDate <= now;
  const over = isOver ? record.endDate : now;
  if (record.status === "COMPLETED") record.completedAt = over;
  if (record.status === "ARCHIVED") {
    record.archivedFrom = isOver ? "COMPLETED" : "CANCELLED";
    if (isOver) record.completedAt = over;
  }
  return past === undefined ? record : { ...record, ...pastMembers(record, past, by) };
}

/** What a record takes over from its past in another store. */
function pastMembers(record: EventRecord, past: EventPast, by: UserId): Partial<EventRecord> {
  const { createdAt = record.createdAt, version = 1 } = past;
  const transition = { name: "create", from: null, to: record.status };
  return {
    version,
    createdAt,
    updatedAt: past.updatedAt ?? createdAt,
    completedAt: past.completedAt === undefined ? record.completedAt : past.completedAt,
    archivedFrom: past.archivedFrom === undefined ? record.archivedFrom : past.archivedFrom,
    history: past.history ??
      [{ version, at: createdAt, by, transition, reason: null, fields: null }],
  };
}

/** What a line says of the past, and of what it leaves out what is stored: not the hour it came. */
export function pastBeside(stored: EventRecord, past: EventPast): EventPast {
  const { createdAt, updatedAt, completedAt, archivedFrom } = stored;
  const isSame = past.version === stored.version;
  const known = isSame ? { createdAt, updatedAt, completedAt, archivedFrom } : { createdAt };
  const said = Object.entries(past).filter(([, value]) => value !== undefined);
  return { ...known, ...Object.fromEntries(said) };
}

/** The times as they were stored elsewhere; null when they are to be read as in any request. */
function givenTimes({ times, past: { startsAt, endsAt } = {} }: ImportedEvent) {
  if (startsAt === undefined && endsAt === undefined) return null;
  if (startsAt === undefined || endsAt === undefined) {
    const pointer = startsAt === undefined ? "/starts_at" : "/ends_at";
    const detail = "starts_at and ends_at go together, as an export writes them, or not at all.";
    throw invalidFields([{ pointer, code: "required", detail }]);
  }
  const result = storedTimes(times, { startsAt, endsAt });
  if (result.outcome === "taken") return result.times;
  const { field, ...problem } = result.problem;
  throw invalidFields([{ pointer: `/${field}`, ...problem }]);
}

/** The steps from a settled event to what the line says; empty when it says nothing new; pure. */
export function importSteps(
  event: EventRecord,
  input: ImportedEvent,
  { now, by, home = null, isAdmin = true }: {
    now: number;
    by: UserId;
    /** The organizer that it is moved to, null where it stays. */
    home?: EventHome | null;
    isAdmin?: boolean;
  },
): EventStep[] {
  const steps = editSteps(event, input, { now, by, home, isImport: true });
  const edited = steps.at(-1)?.next ?? event;
  const target = wantedStatus(event, edited, { status: input.status, now });
  if (target === null) return steps;
  const request = { to: target, reason: null };
  return [...steps, requestedStep(edited, request, { now, by, isAdmin, isImport: true })];
}

/** Where the transition table is to be asked to take the event; null: it may stay as it is. */
function wantedStatus(
  event: EventRecord,
  edited: EventRecord,
  { status, now }: { status: EventStatus | undefined; now: number },
): EventStatus | null {
  const endMoved = edited.endDate !== event.endDate &&
    (edited.endDate === null || edited.endDate > now);
  if (status === undefined) {
    return edited.status === "COMPLETED" && endMoved ? "CONFIRMED" : null;
  }
  // Both sides as the clock has them: a file says CONFIRMED of what has ended since.
  const told = statusAt({ ...edited, status }, now);
  const held = edited.status === "ARCHIVED" ? edited.archivedFrom : statusAt(edited, now);
  if (told === held || told === edited.status) return null;
  // Began early: the file does not know, and its start is the old one.
  if (held === "ONGOING" && told === "CONFIRMED") return null;
  // Finished early: the file does not know, and its end is the old one.
  if (held === "COMPLETED" && (told === "CONFIRMED" || told === "ONGOING") && !endMoved) {
    return null;
  }
  return status;
}
