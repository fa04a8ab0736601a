/**
 * The pages for people: what is on, and one page an event. Rendered here, without a build; what
 * happens on them later is `live_script.ts`.
 */
import { Hono } from "hono";
import { getEvent } from "../../kv/events.ts";
import { readPosition } from "../../kv/journal_places.ts";
import { MAX_TAG_LENGTH } from "../../kv/limits.ts";
import { getOrganizer } from "../../kv/organizers.ts";
import { listEvents, listInternalEvents } from "../../lifecycle/discovery.ts";
import type { EventQuery } from "../../lifecycle/event_filter.ts";
import { isEventId, isOrganizerId } from "../../lifecycle/ids.ts";
import { canSee, notFound, relationTo } from "../../lifecycle/policy.ts";
import { settle } from "../../lifecycle/status.ts";
import type { AppDeps, AppEnv } from "../app_deps.ts";
import { EventPage } from "./event_page.tsx";
import { type Followed, sendAsset, sendPage } from "./layout.tsx";
import { ListPage } from "./list_page.tsx";
import { LIVE_SCRIPT } from "./live_script.ts";
import { OrganizerPage } from "./organizer_page.tsx";
import { pageErrors } from "./page_errors.tsx";
import { sharedPages } from "./shared_pages.ts";
import { STYLESHEET } from "./stylesheet.ts";

const PAGE_SIZE = 30;
const PAST_PAGE_SIZE = 10;

/** The pages' app; `principal` must have been set before. */
export function pages(deps: Omit<AppDeps, "realtime">): Hono<AppEnv> {
  const { store, runner, clock, openEndedMs } = deps;
  const app = new Hono<AppEnv>();
  const shared = sharedPages(deps);

  app.get("/", shared, async (c) => {
    const now = clock();
    const cursor = c.req.query("cursor") || undefined;
    const tag = c.req.query("tag")?.trim() || null;
    // No event has such a tag, and the store refuses a key that long.
    const nothing = tag !== null && [...tag].length > MAX_TAG_LENGTH;
    // The cursor's own position is its first page's, which may be long ago.
    const before = cursor === undefined ? undefined : await readPosition(store);
    const page = nothing ? null : await listEvents(
      store,
      { tag: tag ?? undefined },
      {
        principal: c.get("principal"),
        now,
        openEndedMs,
        limit: PAGE_SIZE,
        cursor,
        onDue: () => runner.wake(),
      },
    );
    return sendPage(
      c,
      <ListPage
        events={page?.items ?? []}
        tag={tag}
        continued={cursor !== undefined}
        nextCursor={page?.nextCursor ?? null}
        now={now}
        openEndedMs={openEndedMs}
        followed={page === null
          ? undefined
          : followed(tag === null ? {} : { tag }, before ?? page.position)}
      />,
    );
  });

  app.get("/events/:id", shared, async (c) => {
    const now = clock();
    const id = c.req.param("id");
    if (!isEventId(id)) throw notFound(id);
    const position = await readPosition(store);
    const stored = await getEvent(store, id);
    if (stored === null) throw notFound(id);
    const event = settle(stored.record, now);
    if (!canSee(event, await relationTo(store, c.get("principal"), event))) throw notFound(id);
    const organizer = await getOrganizer(store, event.organizerId);
    return sendPage(
      c,
      <EventPage
        event={event}
        organizer={organizer}
        now={now}
        openEndedMs={openEndedMs}
        followed={followed({ event: event.id }, position)}
      />,
    );
  });

  app.get("/organizers/:id", shared, async (c) => {
    const now = clock();
    const id = c.req.param("id");
    const organizer = isOrganizerId(id) ? await getOrganizer(store, id) : null;
    if (organizer === null) throw notFound(id);
    const list = (query: EventQuery, limit: number, cursor: string | undefined) =>
      listEvents(store, { organizerId: organizer.id, ...query }, {
        principal: c.get("principal"),
        now,
        openEndedMs,
        limit,
        cursor,
        onDue: () => runner.wake(),
      });
    const cursor = c.req.query("cursor") || undefined;
    const before = cursor === undefined ? undefined : await readPosition(store);
    const live = await list({}, PAGE_SIZE, cursor);
    const past = await list(
      { statuses: ["COMPLETED"], sort: "-start_date" },
      PAST_PAGE_SIZE,
      c.req.query("past") || undefined,
    );
    const principal = c.get("principal");
    const relation = await relationTo(store, principal, { organizerId: organizer.id, staff: [] });
    const internal = await listInternalEvents(store, organizer.id, {
      principal,
      now,
      limit: PAGE_SIZE,
    });
    return sendPage(
      c,
      <OrganizerPage
        organizer={organizer}
        isTheirs={relation !== "none"}
        internal={internal}
        continued={cursor !== undefined}
        live={live}
        past={past}
        now={now}
        openEndedMs={openEndedMs}
        followed={followed({ organizer: organizer.id }, before ?? live.position)}
      />,
    );
  });

  app.get("/assets/curtain.css", (c) => sendAsset(c, STYLESHEET, "text/css"));
  app.get("/assets/live.js", (c) => sendAsset(c, LIVE_SCRIPT, "text/javascript"));

  app.onError(pageErrors(deps));

  return app;
}

/** What of the changes a page follows, from before it was read. */
function followed(filter: Record<string, string>, position: string): Followed {
  const query = new URLSearchParams(filter);
  return { stream: `/v1/events/stream${query.size === 0 ? "" : `?${query}`}`, position };
}
