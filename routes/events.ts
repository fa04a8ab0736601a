/** `/v1/events`: discovery, one event, and writing it. */
import { createRoute, z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { DomainError } from "../kv/errors.ts";
import type { EventId, EventRecord, EventStatus, OrganizerId } from "../kv/event_record.ts";
import { getEvent } from "../kv/events.ts";
import { MAX_REASON_LENGTH } from "../kv/limits.ts";
import { submitEvent } from "../lifecycle/create_event.ts";
import { removeEvent } from "../lifecycle/delete_event.ts";
import { listEvents, listEventsByExternalId } from "../lifecycle/discovery.ts";
import { editEvent } from "../lifecycle/edit_event.ts";
import { eventTag } from "../lifecycle/event_tag.ts";
import { cardView, type EventView, eventView } from "../lifecycle/event_view.ts";
import type { EventPage } from "../lifecycle/event_walk.ts";
import { isEventId } from "../lifecycle/ids.ts";
import { canSee, notFound, relationTo } from "../lifecycle/policy.ts";
import { nextChange } from "../lifecycle/status.ts";
import {
  answer,
  answerUnlessKnown,
  apiApp,
  json,
  jsonBody,
  located,
  mayTakeJson,
  NOT_MODIFIED,
  problems,
  writesJson,
} from "./api.ts";
import type { AppDeps, AppEnv } from "./app_deps.ts";
import {
  entersByTime,
  EVENT_SECONDS,
  keptUntil,
  LIST_SECONDS,
  neverKept,
  pageTag,
} from "./caching.ts";
import { requireIfMatch } from "./conditions.ts";
import {
  editOf,
  eventId,
  EventInput,
  EventList,
  EventPatch,
  EventSchema,
  line,
} from "./event_schemas.ts";
import { remembered } from "./idempotency.ts";
import { eventQueryOf, EventsQuery } from "./query_schemas.ts";

export const EventPath = z.object({ id: eventId });

const listRoute = createRoute({
  method: "get",
  path: "/v1/events",
  summary: "List events",
  description: "Public events that are live now, by start; other statuses when asked for by name.",
  request: { query: EventsQuery },
  responses: {
    200: json(EventList, "A page of events"),
    ...NOT_MODIFIED,
    ...problems(400, 401, 403, 503),
  },
});

const createEventRoute = createRoute({
  method: "post",
  path: "/v1/events",
  summary: "Create an event",
  description:
    "A draft, unless `status` says CONFIRMED. Without `organizer_id` it is the caller's own; the " +
    "first event makes its organizer.",
  request: { body: jsonBody(EventInput) },
  middleware: writesJson,
  responses: {
    201: located(EventSchema, "The event", "The event's address."),
    ...problems(400, 401, 403, 404, 409, 413, 415, 422, 503),
  },
});

const getRoute = createRoute({
  method: "get",
  path: "/v1/events/{id}",
  summary: "Get an event",
  description: "Any status by direct URL; drafts and private events for their people only.",
  // Said here and not validated: no other id is found, and the validator costs this route a tenth.
  parameters: [{
    name: "id",
    in: "path",
    required: true,
    description: "The event's id, evt_…",
    schema: { type: "string" },
  }],
  responses: { 200: json(EventSchema, "The event"), ...NOT_MODIFIED, ...problems(401, 404, 503) },
});

const patchRoute = createRoute({
  method: "patch",
  path: "/v1/events/{id}",
  summary: "Edit an event",
  description: "A merge patch (RFC 7396). A patch that changes nothing writes nothing.",
  request: {
    params: EventPath,
    body: {
      required: true,
      content: {
        "application/merge-patch+json": { schema: EventPatch },
      },
    },
  },
  middleware: writesJson,
  responses: {
    200: json(EventSchema, "The event"),
    ...problems(400, 401, 403, 404, 409, 412, 413, 415, 422, 428, 503),
  },
});

const Reason = z.strictObject({
  reason: line(MAX_REASON_LENGTH, 1).optional().meta({
    description: "Why, for the journal; here or in the body.",
  }),
});

const deleteRoute = createRoute({
  method: "delete",
  path: "/v1/events/{id}",
  summary: "Delete an event",
  description: "A draft; administrators anything, with a reason.",
  request: {
    params: EventPath,
    query: Reason,
    // Some clients find a body easier to write than an address.
    body: { content: { "application/json": { schema: Reason } }, required: false },
  },
  middleware: mayTakeJson,
  responses: {
    204: { description: "Gone" },
    ...problems(400, 401, 403, 404, 409, 412, 413, 415, 422, 428, 503),
  },
});

export function events(deps: AppDeps) {
  const { store, runner, clock, openEndedMs } = deps;

  /** Whoever wrote an event is one of its people. */
  function writersView(record: EventRecord, now: number): EventView {
    return eventView(record, { now, openEndedMs, showStaff: true });
  }

  return apiApp()
    .openapi(listRoute, async (c) => {
      const query = c.req.valid("query");
      const principal = c.get("principal");
      const now = clock();
      const { limit, cursor, external_id } = query;
      const page = external_id === undefined
        ? await listEvents(store, eventQueryOf(query), {
          principal,
          now,
          openEndedMs,
          limit,
          cursor,
          onDue: () => runner.wake(),
        })
        : await listEventsByExternalId(store, external_id, {
          principal,
          organizerId: requireOnlyOrganizer(query),
        });
      return answerPage(c, page, { deps, now, statuses: query.status, isKept: !external_id });
    })
    .openapi(createEventRoute, async (c) => {
      const { status, organizer_id, ...body } = c.req.valid("json");
      const principal = c.get("principal");
      const now = clock();
      const answerOf = (record: EventRecord) => ({
        status: 201 as const,
        body: writersView(record, now),
        headers: {
          location: `/v1/events/${record.id}`,
          etag: eventTag(record, { now, showStaff: true }),
          ...neverKept(c),
        },
      });
      const record = await submitEvent(store, {
        ...editOf(body),
        status,
        organizerId: organizer_id as OrganizerId | undefined,
      }, { principal, now, remember: remembered(c, answerOf) });
      const { body: view, headers } = answerOf(record);
      return answer(c, view, 201, headers);
    })
    .openapi(getRoute, async (c) => {
      const id = c.req.param("id")!;
      const stored = isEventId(id) ? await getEvent(store, id) : null;
      if (stored === null) throw notFound(id);
      const principal = c.get("principal");
      const relation = await relationTo(store, principal, stored.record);
      if (!canSee(stored.record, relation)) throw notFound(id);
      const showStaff = relation !== "none";
      const now = clock();
      const { record } = stored;
      return answerUnlessKnown(c, eventView(record, { now, openEndedMs, showStaff }), {
        etag: eventTag(record, { now, showStaff }),
        ...keptUntil(c, nextChange([record], { now, openEndedMs }), { now, cap: EVENT_SECONDS }),
      });
    })
    .openapi(patchRoute, async (c) => {
      const { id } = c.req.valid("param");
      const principal = c.get("principal");
      const now = clock();
      const body = c.req.valid("json");
      const answerOf = (record: EventRecord) => ({
        status: 200,
        body: writersView(record, now),
        headers: { etag: eventTag(record, { now, showStaff: true }), ...neverKept(c) },
      });
      const { record } = await editEvent(store, id as EventId, {
        edit: { ...editOf(body), organizerId: body.organizer_id as OrganizerId | undefined },
        principal,
        now,
        ifMatch: requireIfMatch(c),
        remember: remembered(c, answerOf),
      });
      const { body: view, headers } = answerOf(record);
      return answer(c, view, 200, headers);
    })
    .openapi(deleteRoute, async (c) => {
      await removeEvent(store, c.req.valid("param").id as EventId, {
        reason: c.req.valid("query").reason ?? c.req.valid("json")?.reason ?? null,
        principal: c.get("principal"),
        now: clock(),
        ifMatch: requireIfMatch(c),
      });
      return c.body(null, 204);
    });
}

/** A page of events, with what caches may do with it; `isKept` unless it is asked for each time. */
export function answerPage(
  c: Context<AppEnv>,
  page: EventPage,
  { deps: { store, openEndedMs }, now, statuses, isKept = true }: {
    deps: AppDeps;
    now: number;
    statuses?: EventStatus[] | undefined;
    isKept?: boolean;
  },
) {
  const { items, nextCursor, position } = page;
  const options = { now, openEndedMs };
  const view = {
    items: items.map((card) => cardView(card, options)),
    next_cursor: nextCursor,
    position,
  };
  const caching = isKept && !entersByTime(statuses)
    ? keptUntil(c, nextChange(items, options), { now, cap: LIST_SECONDS })
    : neverKept(c);
  return answerUnlessKnown(c, view, {
    etag: pageTag(page, { epoch: store.epoch, now }),
    ...caching,
  });
}

/** `external_id` finds one event whatever its status; only its organizer may narrow it. */
function requireOnlyOrganizer(query: z.output<typeof EventsQuery>): OrganizerId | undefined {
  const { external_id: _, limit: __, organizer, ...others } = query;
  const other = Object.keys(others).find((name) =>
    others[name as keyof typeof others] !== undefined
  );
  if (other === undefined) return organizer as OrganizerId | undefined;
  throw new DomainError(
    "unsupported_query",
    `"external_id" goes together with "organizer" only, not with "${other}".`,
    { parameter: other },
  );
}
