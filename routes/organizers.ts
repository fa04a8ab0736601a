/** `/v1/organizers`: whom events belong to. */
import { createRoute, z } from "@hono/zod-openapi";
import { instantText, type OrganizerId } from "../kv/event_record.ts";
import { findOrganizer, getOrganizer, listOrganizers, type Organizer } from "../kv/organizers.ts";
import { listEvents } from "../lifecycle/discovery.ts";
import { editOrganizer, submitOrganizer } from "../lifecycle/organizers.ts";
import { notFound } from "../lifecycle/policy.ts";
import {
  answer,
  apiApp,
  json,
  jsonBody,
  located,
  NOT_MODIFIED,
  problems,
  writesJson,
} from "./api.ts";
import type { AppDeps } from "./app_deps.ts";
import {
  characters,
  EventList,
  externalId,
  line,
  organizerId,
  webAddress,
} from "./event_schemas.ts";
import { answerPage } from "./events.ts";
import { remembered } from "./idempotency.ts";
import { limit, PageQuery } from "./query_schemas.ts";

const OrganizerSchema = z.object({
  id: z.string(),
  external_id: z.string().nullable(),
  name: z.string(),
  url: z.string().nullable(),
  created_at: z.string(),
  updated_at: z.string(),
}).meta({ id: "Organizer" });

const OrganizerInput = z.strictObject({
  name: line(200, 1),
  url: webAddress.nullable().optional(),
  external_id: externalId.nullable().optional(),
}).meta({ id: "OrganizerInput" });

const OrganizerPatch = OrganizerInput.partial().meta({ id: "OrganizerPatch" });

export const OrganizerPath = z.object({ id: organizerId });

const listRoute = createRoute({
  method: "get",
  path: "/v1/organizers",
  summary: "List organizers",
  description: "By id; `after` takes the `next_after` of the page before.",
  request: {
    query: z.strictObject({
      limit,
      after: organizerId.optional().meta({ description: "`next_after` of the page before." }),
      external_id: characters(200, 1).optional().meta({
        description: "The organizer of this external id, or none.",
      }),
    }),
  },
  responses: {
    200: json(
      z.object({ items: z.array(OrganizerSchema), next_after: z.string().nullable() }),
      "Organizers by id",
    ),
    ...problems(400, 401, 503),
  },
});

const createOrganizerRoute = createRoute({
  method: "post",
  path: "/v1/organizers",
  summary: "Create an organizer",
  description: "The caller becomes its owner.",
  request: { body: jsonBody(OrganizerInput) },
  middleware: writesJson,
  responses: {
    201: located(OrganizerSchema, "The organizer", "The organizer's address."),
    ...problems(400, 401, 403, 409, 413, 415, 422, 503),
  },
});

const getRoute = createRoute({
  method: "get",
  path: "/v1/organizers/{id}",
  summary: "Get an organizer",
  description: "Its name, its address on the web and its external id.",
  request: { params: OrganizerPath },
  responses: { 200: json(OrganizerSchema, "The organizer"), ...problems(401, 404, 503) },
});

const patchRoute = createRoute({
  method: "patch",
  path: "/v1/organizers/{id}",
  summary: "Change an organizer",
  description: "A merge patch (RFC 7396), by its owners or an administrator.",
  request: {
    params: OrganizerPath,
    body: {
      required: true,
      content: { "application/merge-patch+json": { schema: OrganizerPatch } },
    },
  },
  middleware: writesJson,
  responses: {
    200: json(OrganizerSchema, "The organizer"),
    ...problems(400, 401, 403, 404, 409, 413, 415, 422, 503),
  },
});

const eventsRoute = createRoute({
  method: "get",
  path: "/v1/organizers/{id}/events",
  summary: "List an organizer's public events",
  description: "What is live by start; with `past=true` what is over, newest start first.",
  request: {
    params: OrganizerPath,
    query: PageQuery.extend({
      past: z.enum(["true", "false"]).default("false").meta({
        description: "What is over, in place of what is live.",
      }),
    }),
  },
  responses: {
    200: json(EventList, "A page of events"),
    ...NOT_MODIFIED,
    ...problems(400, 401, 404, 503),
  },
});

export function organizers(deps: AppDeps) {
  const { store, runner, clock, openEndedMs } = deps;

  async function requireOrganizer(id: string): Promise<Organizer> {
    const organizer = await getOrganizer(store, id as OrganizerId);
    if (organizer === null) throw notFound(id);
    return organizer;
  }

  return apiApp()
    .openapi(listRoute, async (c) => {
      const { limit, after, external_id } = c.req.valid("query");
      if (external_id !== undefined) {
        const id = await findOrganizer(store, external_id);
        const found = id === null ? null : await getOrganizer(store, id);
        return answer(
          c,
          { items: found === null ? [] : [organizerView(found)], next_after: null },
          200,
        );
      }
      const found = await listOrganizers(store, {
        limit: limit + 1,
        after: after as OrganizerId | undefined,
      });
      const items = found.slice(0, limit).map(({ organizer }) => organizerView(organizer));
      return answer(c, { items, next_after: found.length > limit ? items.at(-1)!.id : null }, 200);
    })
    .openapi(createOrganizerRoute, async (c) => {
      const { name, url, external_id: externalId } = c.req.valid("json");
      const answerOf = (organizer: Organizer) => ({
        status: 201 as const,
        body: organizerView(organizer),
        headers: { location: `/v1/organizers/${organizer.id}` },
      });
      const organizer = await submitOrganizer(store, { name, url, externalId }, {
        principal: c.get("principal"),
        now: clock(),
        remember: remembered(c, answerOf),
      });
      const { body, headers } = answerOf(organizer);
      return answer(c, body, 201, headers);
    })
    .openapi(getRoute, async (c) => {
      return answer(c, organizerView(await requireOrganizer(c.req.valid("param").id)), 200);
    })
    .openapi(patchRoute, async (c) => {
      const { name, url, external_id: externalId } = c.req.valid("json");
      const organizer = await editOrganizer(store, c.req.valid("param").id as OrganizerId, {
        content: { name, url, externalId },
        principal: c.get("principal"),
        now: clock(),
      });
      return answer(c, organizerView(organizer), 200);
    })
    .openapi(eventsRoute, async (c) => {
      const { id } = await requireOrganizer(c.req.valid("param").id);
      const { past, limit, cursor } = c.req.valid("query");
      const now = clock();
      const isPast = past === "true";
      const query = {
        organizerId: id,
        statuses: isPast ? ["COMPLETED" as const] : undefined,
        sort: isPast ? "-start_date" as const : undefined,
      };
      const page = await listEvents(store, query, {
        principal: c.get("principal"),
        now,
        openEndedMs,
        limit,
        cursor,
        onDue: () => runner.wake(),
      });
      return answerPage(c, page, { deps, now, statuses: query.statuses });
    });
}

function organizerView(organizer: Organizer) {
  return {
    id: organizer.id,
    external_id: organizer.externalId,
    name: organizer.name,
    url: organizer.url,
    created_at: instantText(organizer.createdAt),
    updated_at: instantText(organizer.updatedAt),
  };
}
