/** The list of what is on: a grid of cards, each of which falls when its time comes. */
import type { EventCard } from "../../kv/event_record.ts";
import { listedUntil, statusAt } from "../../lifecycle/status.ts";
import { Countdown, Picture, placeText, Tags, When } from "./event_parts.tsx";
import { Layout } from "./layout.tsx";
import { CHIPS } from "./status_words.ts";
import { startLeaf } from "./when_text.ts";

export interface ListPageProps {
  events: EventCard[];
  tag: string | null;
  /** Whether pages come before this one. */
  continued: boolean;
  nextCursor: string | null;
  now: number;
  openEndedMs: number;
}

export function ListPage(
  { events, tag, continued, nextCursor, now, openEndedMs }: ListPageProps,
) {
  const onePage = !continued && nextCursor === null;
  return (
    <Layout
      title={tag === null ? "What’s on" : `What’s on: ${tag}`}
      description="Events that are happening now or coming up."
      now={now}
    >
      <div class="list-head">
        <hgroup>
          <h1 tabindex={-1}>
            What’s on
            {tag === null ? null : (
              <>
                : <span class="tag-name" dir="auto">{tag}</span>
              </>
            )}
          </h1>
          <p class="count">
            <span data-count>{events.length}</span>{" "}
            <span data-noun>{events.length === 1 ? "event" : "events"}</span>
            {onePage ? null : " on this page"}
          </p>
        </hgroup>
        {tag === null ? null : <a class="quiet" href="/">Show all events</a>}
      </div>
      <div class="visually-hidden" aria-live="polite" data-announcer></div>
      <ul class="cards" role="list" hidden={events.length === 0}>
        {events.map((event) => (
          <Card key={event.id} event={event} now={now} openEndedMs={openEndedMs} />
        ))}
      </ul>
      <div class="empty" data-empty hidden={events.length > 0}>
        <p class="empty-title">The stage is empty</p>
        <p>
          {nextCursor !== null
            ? "Nothing more is on among these; the next page goes on."
            : tag === null
            ? "Nothing is on, and nothing is announced yet."
            : "Nothing with this tag is on or announced."}
        </p>
      </div>
      {onePage ? null : (
        <nav class="pager" aria-label="Pages">
          {continued ? <a href={listUrl(tag, null)}>Back to the start</a> : null}
          {nextCursor === null
            ? null
            : <a class="next" rel="next" href={listUrl(tag, nextCursor)}>Later events</a>}
        </nav>
      )}
    </Layout>
  );
}

export function Card(
  { event, now, openEndedMs }: { event: EventCard; now: number; openEndedMs: number },
) {
  const tone = statusAt(event, now) === "ONGOING" ? "now" : "upcoming";
  const leaf = startLeaf(event);
  const place = placeText(event);
  return (
    <li
      class="card"
      data-live="card"
      data-tone={tone}
      data-starts-at={tone === "upcoming" ? String(event.startDate) : undefined}
      data-ends-at={event.endDate === null ? undefined : String(event.endDate)}
      data-listed-until={String(listedUntil(event, openEndedMs))}
    >
      <article>
        <Picture url={event.imageUrl} />
        <div class="leaf" aria-hidden="true">
          {leaf === null ? null : (
            <>
              <span>{leaf.weekday}</span>
              <b>{leaf.day}</b>
              <span>{leaf.month}</span>
            </>
          )}
        </div>
        <div class="card-body">
          <p class="state">
            <span class="chip" data-chip>{CHIPS[tone]}</span>
            <Countdown endDate={event.endDate} now={now} />
          </p>
          <h2 dir="auto">
            <a href={`/events/${event.id}`} data-title>{event.title}</a>
          </h2>
          <p class="when">
            <When event={event} />
          </p>
          {place === null ? null : <p class="place" dir="auto">{place}</p>}
          {event.summary === "" ? null : <p class="card-summary" dir="auto">{event.summary}</p>}
          <Tags tags={event.tags} />
        </div>
      </article>
    </li>
  );
}

function listUrl(tag: string | null, cursor: string | null): string {
  const query = new URLSearchParams();
  if (tag !== null) query.set("tag", tag);
  if (cursor !== null) query.set("cursor", cursor);
  return query.size === 0 ? "/" : `/?${query}`;
}
