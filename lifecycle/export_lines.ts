/**
 * What an export writes of an event and of an organizer: everything that is stored, under the names
 * that clients know, so that an import of the line stores the same again. The stored status, not
 * the settled one; `by` with the runs of jobs. The order of the members is part of the form: the
 * same store gives the same bytes.
 */
import { type EventRecord, type HistoryEntry, instantText } from "../kv/event_record.ts";
import type { Organizer, OrganizerMember } from "../kv/organizers.ts";

/** One line, before it is JSON. */
export type ExportLine = Record<string, unknown> & { type: "event" | "organizer" };

/** `history` is all of it, oldest first. */
export function eventLine(record: EventRecord, history: HistoryEntry[]): ExportLine {
  return {
    type: "event",
    format: record.format,
    id: record.id,
    version: record.version,
    external_id: record.externalId,
    organizer_id: record.organizerId,
    title: record.title,
    summary: record.summary,
    description: record.description,
    url: record.url,
    image_url: record.imageUrl,
    status: record.status,
    archived_from: record.archivedFrom,
    visibility: record.visibility,
    all_day: record.allDay,
    time_zone: record.timeZone,
    start_date: record.startText,
    end_date: record.endText,
    starts_at: instantText(record.startDate),
    ends_at: record.endDate === null ? null : instantText(record.endDate),
    location: {
      name: record.location.name,
      address: record.location.address,
      city: record.location.city,
      country: record.location.country,
      latitude: record.location.latitude,
      longitude: record.location.longitude,
    },
    online: record.online,
    tags: record.tags,
    metadata: record.metadata,
    staff: record.staff.map(({ userId, role }) => ({ user_id: userId, role })),
    created_at: instantText(record.createdAt),
    updated_at: instantText(record.updatedAt),
    completed_at: record.completedAt === null ? null : instantText(record.completedAt),
    history: history.map(historyLine),
  };
}

function historyLine({ version, at, by, transition, reason, fields }: HistoryEntry) {
  return {
    version,
    at: instantText(at),
    by,
    transition: transition &&
      { name: transition.name, from: transition.from, to: transition.to },
    reason,
    fields: Object.entries(fields ?? {})
      .map(([field, [before, after]]) => ({ field, before, after })),
  };
}

export function organizerLine(organizer: Organizer, members: OrganizerMember[]): ExportLine {
  return {
    type: "organizer",
    format: organizer.format,
    id: organizer.id,
    external_id: organizer.externalId,
    name: organizer.name,
    url: organizer.url,
    created_at: instantText(organizer.createdAt),
    updated_at: instantText(organizer.updatedAt),
    members: members.map(({ userId, role }) => ({ user_id: userId, role })),
  };
}

/** Says that an event there was is gone. */
export function deletionLine({ id, externalId }: Pick<EventRecord, "id" | "externalId">) {
  return { type: "event" as const, id, external_id: externalId, deleted: true };
}
