/**
 * The wire form of events: what is taken and what is answered. The limits of single fields stand
 * here; what a whole event may take is measured where it is stored.
 */
import { z } from "@hono/zod-openapi";
import { type Actor, EVENT_STATUSES, type UserId, VISIBILITIES } from "../kv/event_record.ts";
import {
  MAX_EXTERNAL_ID_BYTES,
  MAX_METADATA_PAIRS,
  MAX_REASON_LENGTH,
  MAX_STAFF,
  MAX_TAG_LENGTH,
  MAX_TAGS,
} from "../kv/limits.ts";
import type { EventEdit } from "../lifecycle/edit_event.ts";
import type { EventContent } from "../lifecycle/event_content.ts";
import { EVENT_ID, ORGANIZER_ID, USER_ID } from "../lifecycle/ids.ts";
import type { TimeInput } from "../lifecycle/time_input.ts";

// deno-lint-ignore no-control-regex -- control characters are what it refuses
const CONTROL = /[\u0000-\u001f\u007f]/;
// deno-lint-ignore no-control-regex -- all but tab, line feed and carriage return
const CONTROL_IN_TEXT = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]/;

/**
 * A length as people and JSON Schema count it, which the contract is written in: one of code points.
 * zod's own `max` counts those beyond the first 65,536 twice.
 */
const atMost = (maximum: number): z.core.CheckFn<string> => ({ value, issues }) => {
  if (value.length <= maximum || [...value].length <= maximum) return;
  issues.push({ code: "too_big", origin: "string", maximum, inclusive: true, input: value });
};

/** Text of `min` to `max` characters. */
export const characters = (max: number, min = 0) =>
  z.string().min(min).check(atMost(max)).meta({ maxLength: max });

/** One line of text, trimmed. */
export const line = (max: number, min = 0) =>
  z.string().trim().min(min).check(atMost(max))
    .refine((text) => !CONTROL.test(text), "Control characters are not allowed")
    .refine((text) => text.isWellFormed(), "This is not well-formed Unicode")
    .meta({ maxLength: max });

/** Text of several lines. */
const text = (max: number) =>
  z.string().check(atMost(max))
    .refine((value) => !CONTROL_IN_TEXT.test(value), "Control characters are not allowed")
    .refine((value) => value.isWellFormed(), "This is not well-formed Unicode")
    .meta({ maxLength: max });

export const webAddress = z.url({
  protocol: /^https?$/,
  error: "This must be an http or https URL",
}).max(2_000).refine((url) => url.isWellFormed(), "This is not well-formed Unicode");

export const externalId = line(MAX_EXTERNAL_ID_BYTES, 1).refine(
  (id) => new TextEncoder().encode(id).length <= MAX_EXTERNAL_ID_BYTES,
  `An external id takes at most ${MAX_EXTERNAL_ID_BYTES} bytes`,
);

const location = z.strictObject({
  name: line(200).nullable(),
  address: line(500).nullable(),
  city: line(100).nullable(),
  country: line(100).nullable(),
  latitude: z.number("This must be a number from -90 to 90").min(-90).max(90).nullable(),
  longitude: z.number("This must be a number from -180 to 180").min(-180).max(180).nullable(),
});

const staff = z.array(z.strictObject({
  user_id: z.string().regex(USER_ID, "This must be a user id, usr_…"),
  role: z.enum(["editor", "viewer"]),
})).max(MAX_STAFF).refine(
  (people) => new Set(people.map((person) => person.user_id)).size === people.length,
  "Nobody may be named twice",
);

/** The times, as text: `lifecycle/time_input.ts` says what they mean. */
const times = {
  start_date: z.string().max(100).meta({
    description: "An instant with offset, a local time with `time_zone`, or a day.",
    example: "2026-12-05T19:30",
  }),
  end_date: z.string().max(100).nullable().meta({
    description: "As `start_date`; the last day, inclusive, when all-day; null: open-ended.",
    example: "2026-12-05T23:00",
  }),
  time_zone: z.string().max(100).nullable().meta({
    description: "An IANA name.",
    example: "Europe/London",
  }),
  all_day: z.boolean(),
  disambiguation: z.enum(["reject", "earlier", "later"]).meta({
    description: "Which instant a local time means that the clocks skip or repeat.",
  }),
};

const content = {
  external_id: externalId.nullable().meta({
    description: "The id that it has elsewhere, one event's alone within its organizer; up to " +
      `${MAX_EXTERNAL_ID_BYTES} bytes.`,
  }),
  title: line(200, 1),
  summary: text(500),
  description: text(20_000),
  url: webAddress.nullable(),
  image_url: webAddress.nullable(),
  visibility: z.enum(VISIBILITIES).meta({
    description: "UNLISTED is shown to whoever has its address, PRIVATE to its people only.",
  }),
  location: location.partial().nullable(),
  online: z.boolean().meta({ description: "Whether it can be followed online, too." }),
  tags: z.array(line(MAX_TAG_LENGTH, 1)).max(MAX_TAGS),
  staff,
};

/** zod passes over a key "__proto__" without a word; here it is named to whoever sent it. */
const pairsOf = <Value extends z.ZodType>(value: Value) =>
  z.preprocess(
    (given, context) => {
      if (typeof given === "object" && given !== null && Object.hasOwn(given, "__proto__")) {
        const message = "This key is reserved";
        context.addIssue({ code: "custom", path: ["__proto__"], message, input: given });
      }
      return given;
    },
    z.record(line(64, 1), value, {
      error: ({ code }) =>
        code === "invalid_key" ? "A key is one line of 1 to 64 characters" : undefined,
    }),
    // For the typed client, since what is preprocessed may be anything.
  ) as z.ZodType<Record<string, z.output<Value>>, Record<string, z.input<Value>>>;

/** What the generator of the document does not see. */
const pairNames = {
  type: "string" as const,
  minLength: 1,
  maxLength: 64,
  description: "Any line of text but `__proto__`.",
};

const metadata = pairsOf(line(500)).refine(
  (pairs) => Object.keys(pairs).length <= MAX_METADATA_PAIRS,
  `At most ${MAX_METADATA_PAIRS} pairs`,
).meta({
  description: "Pairs of text, for whatever the client needs.",
  maxProperties: MAX_METADATA_PAIRS,
  propertyNames: pairNames,
});

export const editable = z.strictObject({ ...content, ...times, metadata }).partial();

export const organizerId = z.string().regex(ORGANIZER_ID, "This must be an organizer id, org_…")
  .meta({ description: "An organizer's id, org_…" });
export const eventId = z.string().regex(EVENT_ID, "This must be an event id, evt_…")
  .meta({ description: "The event's id, evt_…" });

/** `POST /v1/events` */
export const EventInput = editable.required({ title: true, start_date: true }).extend({
  status: z.enum(["DRAFT", "CONFIRMED"]).default("DRAFT"),
  organizer_id: organizerId.optional(),
}).meta({ id: "EventInput" });

/** `PATCH /v1/events/{id}`: a merge patch (RFC 7396); null empties what can be empty. */
export const EventPatch = editable.extend({
  summary: text(500).nullable().transform((value) => value ?? "").optional(),
  description: text(20_000).nullable().transform((value) => value ?? "").optional(),
  tags: content.tags.nullable().transform((value) => value ?? []).optional(),
  staff: staff.nullable().transform((value) => value ?? []).optional(),
  metadata: pairsOf(line(500).nullable()).nullable().optional().meta({
    description:
      `Merged into what is there, up to ${MAX_METADATA_PAIRS}; null removes a pair, or all.`,
    propertyNames: pairNames,
  }),
  organizer_id: organizerId.optional().meta({ description: "For administrators." }),
}).meta({ id: "EventPatch" });

export const TransitionBody = z.strictObject({
  to: z.enum(EVENT_STATUSES),
  reason: text(MAX_REASON_LENGTH).nullable().optional(),
  end_date: times.end_date.optional(),
}).meta({ id: "TransitionInput" });

const instant = z.string().meta({ format: "date-time" });

const cardFields = {
  id: z.string(),
  external_id: z.string().nullable(),
  title: z.string(),
  summary: z.string(),
  url: z.string().nullable(),
  image_url: z.string().nullable(),
  status: z.enum(EVENT_STATUSES).meta({ description: "As it is now, whatever was recorded." }),
  visibility: z.enum(VISIBILITIES),
  all_day: z.boolean(),
  start_date: z.string().meta({
    description: "In the event's own zone, with offset; a day when all-day.",
  }),
  end_date: z.string().nullable().meta({
    description: "As `start_date`; the last day, inclusive, when all-day; null: open-ended.",
  }),
  time_zone: z.string().nullable().meta({ description: "An IANA name." }),
  starts_at: instant.meta({ description: "The instant of the start, in UTC." }),
  ends_at: instant.nullable().meta({
    description: "The instant of the end, in UTC; from it on the event is over.",
  }),
  location: z.object({
    name: z.string().nullable(),
    address: z.string().nullable(),
    city: z.string().nullable(),
    country: z.string().nullable(),
    latitude: z.number().nullable(),
    longitude: z.number().nullable(),
  }),
  online: z.boolean(),
  tags: z.array(z.string()),
  organizer_id: z.string(),
  version: z.int().meta({ description: "Counts the changes that were recorded." }),
  listed_until: instant.meta({
    description: "From when on no list of what is live has it; later for an open-ended event.",
  }),
  created_at: instant,
  updated_at: instant,
  completed_at: instant.nullable(),
};

/** A list item. */
export const EventCardSchema = z.object(cardFields).meta({ id: "EventCard" });

/** The whole event. */
export const EventSchema = z.object({
  ...cardFields,
  description: z.string(),
  metadata: z.record(z.string(), z.string()),
  staff: z.array(z.object({ user_id: z.string(), role: z.enum(["editor", "viewer"]) })),
}).meta({ id: "Event" });

export const EventList = z.object({
  items: z.array(EventCardSchema),
  next_cursor: z.string().nullable().meta({ description: "Null on the last page." }),
  position: z.string().meta({
    description: "Where the journal of changes stood before the first page was read.",
  }),
}).meta({ id: "EventList" });

export const TransitionSchema = z.object({
  name: z.string(),
  from: z.enum(EVENT_STATUSES).nullable(),
  to: z.enum(EVENT_STATUSES),
  at: instant,
  by: z.string(),
  reason: z.string().nullable(),
  version: z.int(),
}).meta({ id: "Transition" });

type Fields = z.output<typeof EventPatch> & { external_id?: string | null | undefined };

/** The members of a body that are content, and those that are times. */
export function editOf(body: Fields): EventEdit {
  return { content: contentOf(body), times: timesOf(body) };
}

function contentOf(body: Fields): EventContent {
  return {
    externalId: body.external_id,
    title: body.title,
    summary: body.summary,
    description: body.description,
    url: body.url,
    imageUrl: body.image_url,
    visibility: body.visibility,
    location: body.location,
    online: body.online,
    tags: body.tags,
    metadata: body.metadata,
    staff: body.staff?.map(({ user_id, role }) => ({ userId: user_id as UserId, role })),
  };
}

function timesOf({ start_date, end_date, time_zone, all_day, disambiguation }: Fields): TimeInput {
  return {
    ...(start_date === undefined ? {} : { startDate: start_date }),
    ...(end_date === undefined ? {} : { endDate: end_date }),
    ...(time_zone === undefined ? {} : { timeZone: time_zone }),
    ...(all_day === undefined ? {} : { allDay: all_day }),
    ...(disambiguation === undefined ? {} : { disambiguation }),
  };
}

/** Who made a change, to clients: a job is the clock at work. */
export function actorText(by: Actor): string {
  return by.startsWith("job:") ? "clock" : by;
}
