/** What a line of an import may say, on whose behalf, and what becomes of it. */
import type { EventId, EventStatus, OrganizerId, UserId } from "../kv/event_record.ts";
import type { OrganizerMember } from "../kv/organizers.ts";
import type { NewEvent } from "./create_event.ts";
import type { EventPast } from "./event_past.ts";
import type { Principal } from "./policy.ts";

/** One line of the file: what it says, or why it could not be read. */
export type ImportLine =
  | { line: number; outcome: "parsed"; says: ImportedThing }
  | { line: number; outcome: "invalid"; code: string; detail: string };

export type ImportedThing =
  | { type: "event"; event: ImportedEvent }
  | { type: "deletion"; deletion: ImportedDeletion }
  | { type: "organizer"; organizer: ImportedOrganizer };

export interface ImportOptions {
  principal: Principal & { userId: UserId };
  clock: () => number;
  dryRun: boolean;
}

export type LineOutcome = "created" | "updated" | "unchanged" | "deleted";

/** Whose an event is: by id, else by external id; neither: the caller's own organizer. */
export interface ImportedHome {
  organizerId?: OrganizerId | undefined;
  organizerExternalId?: string | undefined;
}

/** `status` absent leaves a stored event's status alone and creates a DRAFT. */
export interface ImportedEvent extends Omit<NewEvent, "status">, ImportedHome {
  status?: EventStatus | undefined;
  past?: EventPast | undefined;
}

/** At least one of id and external id is there. */
export interface ImportedDeletion extends ImportedHome {
  id?: EventId | undefined;
  externalId?: string | undefined;
  reason?: string | undefined;
}

/** At least one of id and external id is there; an absent member stays as it is stored. */
export interface ImportedOrganizer {
  format?: number | undefined;
  id?: OrganizerId | undefined;
  externalId?: string | null | undefined;
  name: string;
  url?: string | null | undefined;
  createdAt?: number | undefined;
  updatedAt?: number | undefined;
  /** All of them. */
  members?: OrganizerMember[] | undefined;
}

/**
 * The names by which a line says what it is about; none for one that makes something without a name.
 * Of an event the external id whosever it is, because its organizer has two names as well.
 */
export function namesOf(says: ImportedThing): string[] {
  const [id, externalId] = says.type === "organizer"
    ? [says.organizer.id, says.organizer.externalId]
    : says.type === "event"
    ? [says.event.id, says.event.content.externalId]
    : [says.deletion.id, says.deletion.externalId];
  return [...id ? [id] : [], ...externalId ? [`external ${externalId}`] : []];
}
