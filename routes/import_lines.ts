/**
 * The wire form of what imports take, line by line: what an export writes, and less. An event is
 * what a POST takes, with what only administrators may say of its past.
 */
import { z } from "@hono/zod-openapi";
import { invalidFields } from "../kv/errors.ts";
import {
  type Actor,
  EVENT_STATUSES,
  type EventId,
  type HistoryEntry,
  type OrganizerId,
  type UserId,
} from "../kv/event_record.ts";
import { MAX_REASON_LENGTH } from "../kv/limits.ts";
import type { EventPast } from "../lifecycle/event_past.ts";
import { USER_ID } from "../lifecycle/ids.ts";
import type { ImportedThing } from "../lifecycle/import_lines.ts";
import {
  characters,
  editable,
  editOf,
  eventId,
  externalId,
  line,
  organizerId,
  webAddress,
} from "./event_schemas.ts";
import { instant } from "./query_schemas.ts";
import { bodyProblems } from "./validation.ts";

const format = z.int().min(1);
const version = z.int().min(1).max(1_000_000_000);
const userId = z.string().regex(USER_ID, "This must be a user id, usr_…");
const reason = characters(MAX_REASON_LENGTH);

const home = {
  organizer_id: organizerId.optional(),
  organizer_external_id: externalId.optional(),
};

const shortValue = characters(200).nullable();

const historyEntry = z.strictObject({
  version,
  at: instant,
  by: z.string().regex(
    /^(usr_[0-9A-Za-z]{1,40}|job:run_[0-9A-Za-z]{1,40}|clock)$/,
    'This must be a user id, "job:" with a run id, or "clock"',
  ),
  transition: z.strictObject({
    name: z.string().min(1).max(50),
    from: z.enum(EVENT_STATUSES).nullable(),
    to: z.enum(EVENT_STATUSES),
  }).nullable(),
  reason: reason.nullable(),
  fields: z.array(
    z.strictObject({ field: z.string().min(1).max(50), before: shortValue, after: shortValue }),
  ),
});

export const EventLine = editable.required({ title: true, start_date: true }).extend({
  type: z.literal("event").optional(),
  id: eventId.optional(),
  status: z.enum(EVENT_STATUSES).optional(),
  ...home,
  format: format.optional(),
  version: version.optional(),
  history: z.array(historyEntry).optional(),
  created_at: instant.optional(),
  updated_at: instant.optional(),
  completed_at: instant.nullable().optional(),
  archived_from: z.enum(["COMPLETED", "CANCELLED"]).nullable().optional(),
  starts_at: instant.optional(),
  ends_at: instant.nullable().optional(),
}).meta({ id: "EventLine" });

export const DeletionLine = z.strictObject({
  type: z.literal("event").optional(),
  id: eventId.optional(),
  external_id: externalId.nullable().optional(),
  ...home,
  deleted: z.literal(true),
  reason: line(MAX_REASON_LENGTH, 1).optional(),
}).meta({ id: "DeletionLine" });

export const OrganizerLine = z.strictObject({
  type: z.literal("organizer"),
  format: format.optional(),
  id: organizerId.optional(),
  external_id: externalId.nullable().optional(),
  name: line(200, 1),
  url: webAddress.nullable().optional(),
  created_at: instant.optional(),
  updated_at: instant.optional(),
  members: z.array(z.strictObject({
    user_id: userId,
    role: z.enum(["owner", "editor", "viewer"]),
  })).refine(
    (members) => new Set(members.map((member) => member.user_id)).size === members.length,
    "Nobody may be named twice",
  ).optional(),
}).meta({ id: "OrganizerLine" });

/** What one line says. @throws {DomainError} `invalid_body` at the fields that are wrong. */
export function importedThingOf(value: unknown): ImportedThing {
  const { type, deleted } = (value ?? {}) as { type?: unknown; deleted?: unknown };
  if (type !== undefined && type !== "event" && type !== "organizer") {
    throw invalidFields([{
      pointer: "/type",
      code: "invalid_value",
      detail: 'A line is of type "event" or "organizer".',
    }]);
  }
  if (type === "organizer") return organizerOf(parse(OrganizerLine, value));
  return deleted === undefined
    ? eventOf(parse(EventLine, value))
    : deletionOf(parse(DeletionLine, value));
}

function parse<Schema extends z.ZodType>(schema: Schema, value: unknown): z.output<Schema> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  throw invalidFields(bodyProblems(result.error.issues));
}

function requireKey(...keys: unknown[]): void {
  if (keys.some((key) => key !== undefined && key !== null)) return;
  throw invalidFields([{
    pointer: "",
    code: "required",
    detail: "This line needs an id or an external_id, to say what it is about.",
  }]);
}

function eventOf(body: z.output<typeof EventLine>): ImportedThing {
  return {
    type: "event",
    event: {
      ...editOf(body),
      id: body.id as EventId | undefined,
      organizerId: body.organizer_id as OrganizerId | undefined,
      organizerExternalId: body.organizer_external_id,
      status: body.status,
      past: pastOf(body),
    },
  };
}

/** Undefined when the line says nothing of it. */
function pastOf(body: z.output<typeof EventLine>): EventPast | undefined {
  const past: EventPast = {
    format: body.format,
    version: body.version,
    history: body.history?.map(historyOf),
    createdAt: body.created_at,
    updatedAt: body.updated_at,
    completedAt: body.completed_at,
    archivedFrom: body.archived_from,
    startsAt: body.starts_at,
    endsAt: body.ends_at,
  };
  return Object.values(past).every((member) => member === undefined) ? undefined : past;
}

function historyOf({ fields, by, ...entry }: z.output<typeof historyEntry>): HistoryEntry {
  return {
    ...entry,
    by: by as Actor,
    fields: fields.length === 0
      ? null
      : Object.fromEntries(fields.map(({ field, before, after }) => [field, [before, after]])),
  };
}

function deletionOf(body: z.output<typeof DeletionLine>): ImportedThing {
  requireKey(body.id, body.external_id);
  return {
    type: "deletion",
    deletion: {
      id: body.id as EventId | undefined,
      externalId: body.external_id ?? undefined,
      organizerId: body.organizer_id as OrganizerId | undefined,
      organizerExternalId: body.organizer_external_id,
      reason: body.reason,
    },
  };
}

function organizerOf(body: z.output<typeof OrganizerLine>): ImportedThing {
  requireKey(body.id, body.external_id);
  return {
    type: "organizer",
    organizer: {
      format: body.format,
      id: body.id as OrganizerId | undefined,
      externalId: body.external_id,
      name: body.name,
      url: body.url,
      createdAt: body.created_at,
      updatedAt: body.updated_at,
      members: body.members?.map(({ user_id, role }) => ({ userId: user_id as UserId, role })),
    },
  };
}
