/** An event's own page. It stays where it is when the event is over, and says so. */
import { cardOf, type EventRecord } from "../../kv/event_record.ts";
import type { Organizer } from "../../kv/organizers.ts";
import { Countdown, Picture, placeText, Tags, webAddress, When } from "./event_parts.tsx";
import { type Followed, Layout } from "./layout.tsx";
import { audienceNotice, bannerOf } from "./status_words.ts";

export interface EventPageProps {
  /** Settled at `now`. */
  event: EventRecord;
  organizer: Organizer | null;
  now: number;
  openEndedMs: number;
  followed: Followed;
}

export function EventPage({ event, organizer, now, openEndedMs, followed }: EventPageProps) {
  const { tone, headline, detail } = bannerOf(event, { now, openEndedMs });
  const notice = audienceNotice(event);
  const isLive = event.status === "CONFIRMED" || event.status === "ONGOING";
  return (
    <Layout
      title={event.title}
      description={event.summary}
      now={now}
      followed={followed}
      indexed={notice === null}
    >
      <article
        class="event"
        data-id={event.id}
        data-version={String(event.version)}
        data-live={isLive ? "page" : undefined}
        data-tone={tone}
        data-starts-at={event.status === "CONFIRMED" ? String(event.startDate) : undefined}
        data-ends-at={isLive && event.endDate !== null ? String(event.endDate) : undefined}
      >
        <div class="stage">
          <Picture url={event.imageUrl} />
          <div class="banner">
            <p role="status">
              <strong data-headline>{headline}</strong> <span data-detail>{detail}</span>
            </p>
            <Countdown endDate={isLive ? event.endDate : null} now={now} />
          </div>
        </div>
        {notice === null ? null : <p class="notice">{notice}</p>}
        <h1 dir="auto">{event.title}</h1>
        {event.summary === "" ? null : <p class="summary" dir="auto">{event.summary}</p>}
        <Facts event={event} organizer={organizer} />
        {event.description === ""
          ? null
          : <div class="description" dir="auto">{event.description}</div>}
        <Tags tags={event.tags} />
      </article>
      <p class="back">
        <a class="quiet" href="/">See what’s on</a>
      </p>
    </Layout>
  );
}

function Facts({ event, organizer }: { event: EventRecord; organizer: Organizer | null }) {
  const { name, address } = event.location;
  const city = placeText(event);
  const lines = [...new Set([name, address, city].filter((line) => line !== null && line !== ""))];
  const link = webAddress(event.url);
  return (
    <dl class="facts">
      <div>
        <dt>When</dt>
        <dd>
          <When event={cardOf(event)} />
        </dd>
      </div>
      {lines.length === 0 ? null : (
        <div>
          <dt>Where</dt>
          {lines.map((line) => <dd key={line} dir="auto">{line}</dd>)}
        </div>
      )}
      {organizer === null ? null : (
        <div>
          <dt>By</dt>
          <dd dir="auto">
            <a href={`/organizers/${organizer.id}`}>{organizer.name}</a>
          </dd>
        </div>
      )}
      {link === null ? null : (
        <div>
          <dt>More</dt>
          <dd>
            <a href={link.href} rel="noopener nofollow">{link.host}</a>
          </dd>
        </div>
      )}
    </dl>
  );
}
