/**
 * Query parameters. A parameter that is not named here is refused, so that typing errors show.
 *
 * In an address everything is text. The casts say what a program writes in place of it, since the
 * typed client takes its types from here: `limit: 50`, and statuses that there are.
 */
import { z } from "@hono/zod-openapi";
import { EVENT_STATUSES, type EventStatus, type OrganizerId } from "../kv/event_record.ts";
import { type EventQuery, SORTS } from "../lifecycle/event_filter.ts";
import { characters, eventId, organizerId } from "./event_schemas.ts";

const INSTANT = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:\d{2})$/i;

/** An RFC 3339 instant; a "+" that arrived as a blank, because nobody escaped it, is put back. */
export const instant = z.string().transform((text, context) => {
  const restored = text.replace(" ", "+");
  try {
    // Not `Date.parse`, which takes 30 February for 2 March.
    if (INSTANT.test(restored)) return Temporal.Instant.from(restored).epochMilliseconds;
  } catch {
    // No such instant: told below.
  }
  context.addIssue({
    code: "custom",
    message: "This must be an instant with offset, such as 2026-12-05T19:30:00Z",
  });
  return z.NEVER;
}).meta({ type: "string", format: "date-time" });

const wholeNumber = (pattern: RegExp, message: string) =>
  z.string().regex(pattern, message).transform(Number) as z.ZodType<number, number | `${number}`>;

export const limit = wholeNumber(
  /^([1-9]\d?|100)$/,
  "This must be a whole number from 1 to 100",
).default(20).meta({
  type: "integer",
  minimum: 1,
  maximum: 100,
  default: 20,
  description: "How many at most.",
});

export const version = wholeNumber(/^[1-9]\d{0,8}$/, "This must be a version, 1 or more")
  .meta({ type: "integer", minimum: 1, maximum: 999_999_999 });

const cursor = z.string().min(1).max(1_000).optional().meta({
  description: "`next_cursor` of the page before, with the same other parameters.",
});

export const flag = z.enum(["true", "false"], 'This must be "true" or "false"')
  .transform((text) => text === "true").meta({ type: "boolean" }) as z.ZodType<
    boolean,
    boolean | "true" | "false"
  >;

export const dryRun = flag.default(false).meta({
  default: false,
  description: "Tells what would happen, and changes nothing.",
});

/** One or several statuses: repeated, or separated by commas. */
const statuses = z.union([z.string(), z.array(z.string())]).transform((given, context) => {
  const names = [given].flat().flatMap((text) => text.split(","));
  const unknown = names.find((name) => !(EVENT_STATUSES as readonly string[]).includes(name));
  if (unknown === undefined) return [...new Set(names)] as EventStatus[];
  context.addIssue({
    code: "custom",
    message: `"${unknown.slice(0, 40)}" is no status; there are ${EVENT_STATUSES.join(", ")}`,
  });
  return z.NEVER;
}).meta({
  type: "string",
  description: "Statuses as they are now, separated by commas.",
}) as z.ZodType<EventStatus[], EventStatus | EventStatus[]>;

export const PageQuery = z.strictObject({ limit, cursor });

const eventsQuery = {
  limit,
  cursor,
  status: statuses.optional(),
  sort: z.enum(SORTS, `This must be one of ${SORTS.join(", ")}`).optional().meta({
    description: "By start or by end; with a minus the latest first.",
  }),
  starts_after: instant.optional().meta({ description: "Those that start later than this." }),
  starts_before: instant.optional().meta({ description: "Those that start earlier than this." }),
  ends_after: instant.optional().meta({ description: "Those that end later than this, or never." }),
  tag: characters(50, 1).optional().meta({ description: "Those that have this tag." }),
  organizer: organizerId.optional().meta({ description: "Those of this organizer." }),
  city: characters(100, 1).optional().meta({ description: "Those in this city." }),
  country: characters(100, 1).optional().meta({ description: "Those in this country." }),
  online: flag.optional().meta({ description: "Those that are online, or that are not." }),
  external_id: characters(200, 1).optional().meta({
    description: "The events of this external id; takes only `organizer` beside it.",
  }),
};

/** Says what there is when something else was asked for. */
function knownOnly<Shape extends z.ZodRawShape>(shape: Shape) {
  return z.strictObject(shape, {
    error: ({ code, keys }) =>
      code === "unrecognized_keys"
        ? `There is no "${String(keys?.[0]).slice(0, 100)}"; there are ${
          Object.keys(shape).join(", ")
        }`
        : undefined,
  });
}

export const EventsQuery = knownOnly(eventsQuery);

const { limit: _, cursor: __, sort: ___, external_id: ____, ...watched } = eventsQuery;

/** What a stream is about: the filters of the list, or one event. */
export const StreamQuery = knownOnly({
  ...watched,
  event: eventId.optional().meta({ description: "This event only, whatever its status." }),
  last_event_id: z.string().max(200).optional().meta({
    description: "Where to go on, for who cannot send `Last-Event-ID`.",
  }),
});

export const MyEventsQuery = PageQuery.extend({
  include_completed: flag.default(true).meta({
    default: true,
    description: "Whether what is over is listed too.",
  }),
});

/** The query as the lifecycle takes it. */
export function eventQueryOf(
  query: Partial<z.output<typeof EventsQuery>>,
): EventQuery {
  return {
    statuses: query.status,
    sort: query.sort,
    startsAfter: query.starts_after,
    startsBefore: query.starts_before,
    endsAfter: query.ends_after,
    tag: query.tag,
    organizerId: query.organizer as OrganizerId | undefined,
    city: query.city,
    country: query.country,
    online: query.online,
  };
}
