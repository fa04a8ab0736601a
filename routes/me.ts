/** `/v1/me`: what belongs to the caller. */
import { createRoute } from "@hono/zod-openapi";
import { listMyEvents } from "../lifecycle/discovery.ts";
import { apiApp, json, NOT_MODIFIED, problems } from "./api.ts";
import type { AppDeps } from "./app_deps.ts";
import { EventList } from "./event_schemas.ts";
import { answerPage } from "./events.ts";
import { MyEventsQuery } from "./query_schemas.ts";

const myEventsRoute = createRoute({
  method: "get",
  path: "/v1/me/events",
  summary: "List my events",
  description: "Of the caller's organizers and those they staff, all statuses, newest first.",
  request: { query: MyEventsQuery },
  responses: {
    200: json(EventList, "A page of events"),
    ...NOT_MODIFIED,
    ...problems(400, 401, 503),
  },
});

export function me(deps: AppDeps) {
  const { store, runner, clock } = deps;

  return apiApp()
    .openapi(myEventsRoute, async (c) => {
      const { include_completed, limit, cursor } = c.req.valid("query");
      const now = clock();
      const page = await listMyEvents(store, include_completed, {
        principal: c.get("principal"),
        now,
        limit,
        cursor,
        onDue: () => runner.wake(),
      });
      return answerPage(c, page, { deps, now, isKept: false });
    });
}
