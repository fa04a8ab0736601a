/** An organizer's page: what is on, and what has been. */
import type { EventCard } from "../../kv/event_record.ts";
import type { Organizer } from "../../kv/organizers.ts";
import { Cards } from "./cards.tsx";
import { webAddress, When } from "./event_parts.tsx";
import { type Followed, Layout } from "./layout.tsx";
import { EventRows } from "./my_events.tsx";
import { peoplePath } from "./people_page.tsx";

export interface OrganizerPageProps {
  organizer: Organizer;
  /** Whether who looks at it is one of its people, or an administrator. */
  isTheirs: boolean;
  /** What only its people see here. */
  internal: { items: EventCard[]; isMore: boolean };
  /** Whether pages of live events come before this one. */
  continued: boolean;
  live: { items: EventCard[]; nextCursor: string | null };
  past: { items: EventCard[]; nextCursor: string | null };
  now: number;
  openEndedMs: number;
  followed: Followed;
}

export function OrganizerPage(
  props: OrganizerPageProps,
) {
  const { organizer, isTheirs, internal, continued, live, past, now, openEndedMs, followed } =
    props;
  const { items } = live;
  const onePage = !continued && live.nextCursor === null;
  const link = webAddress(organizer.url);
  const path = `/organizers/${organizer.id}`;
  return (
    <Layout
      title={organizer.name}
      description={`Events by ${organizer.name}.`}
      now={now}
      followed={followed}
    >
      <div class="list-head">
        <hgroup>
          <h1 tabindex={-1} dir="auto">{organizer.name}</h1>
          <p class="count">
            <span data-count>{items.length}</span>{" "}
            <span data-noun>{items.length === 1 ? "event" : "events"}</span>
            {onePage ? " on" : " on this page"}
          </p>
        </hgroup>
        {link === null
          ? null
          : <a class="quiet" href={link.href} rel="noopener nofollow">{link.host}</a>}
        {isTheirs ? <a class="quiet" href={peoplePath(organizer.id)}>People</a> : null}
      </div>
      <Cards
        events={items}
        part={{ continued, nextCursor: live.nextCursor }}
        past
        now={now}
        openEndedMs={openEndedMs}
      />
      <div class="empty" data-empty hidden={items.length > 0}>
        <p class="empty-title">The stage is empty</p>
        <p>Nothing is on, and nothing is announced yet.</p>
      </div>
      {live.nextCursor === null ? null : (
        <nav class="pager" aria-label="More events">
          <a class="next" rel="next" href={`${path}?cursor=${live.nextCursor}`}>Later events</a>
        </nav>
      )}
      {internal.items.length === 0 ? null : (
        <section class="internal" aria-labelledby="internal">
          <h2 id="internal">Only for your people</h2>
          <EventRows events={internal.items} now={now} />
          {internal.isMore ? <p class="note">There may be more: the API lists every one.</p> : null}
        </section>
      )}
      {past.items.length === 0 ? null : (
        <section class="past" aria-labelledby="past">
          <h2 id="past">Past events</h2>
          <ul role="list">
            {past.items.map((event) => (
              <li key={event.id}>
                <a href={`/events/${event.id}`} dir="auto">{event.title}</a>{" "}
                <span class="when">
                  <When event={event} />
                </span>
              </li>
            ))}
          </ul>
          {past.nextCursor === null
            ? null
            : <a class="quiet" href={`${path}?past=${past.nextCursor}#past`}>Earlier events</a>}
        </section>
      )}
      <p class="back">
        <a class="quiet" href="/">See what’s on</a>
      </p>
    </Layout>
  );
}
