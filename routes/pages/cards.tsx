/** A grid of cards, each of which falls when its time comes. */
import type { EventCard } from "../../kv/event_record.ts";
import { listedUntil, statusAt } from "../../lifecycle/status.ts";
import { Countdown, Picture, placeText, Tags, When } from "./event_parts.tsx";
import { CHIPS } from "./status_words.ts";
import { startLeaf } from "./when_text.ts";

export interface CardsProps {
  events: EventCard[];
  /** Which part of the list they are. */
  part: { continued: boolean; nextCursor: string | null };
  /** Whether what is over goes on elsewhere on the page. */
  past?: boolean;
  now: number;
  openEndedMs: number;
}

/** The grid; it says between which starts it shows all there are, for what is added later. */
export function Cards({ events, part, past = false, now, openEndedMs }: CardsProps) {
  const from = part.continued ? events[0]?.startDate : undefined;
  const to = part.nextCursor === null ? undefined : events.at(-1)?.startDate;
  return (
    <ul
      class="cards"
      role="list"
      hidden={events.length === 0}
      data-past={past ? "below" : undefined}
      data-from={from === undefined ? undefined : String(from)}
      data-to={to === undefined ? undefined : String(to)}
    >
      {events.map((event) => (
        <Card key={event.id} event={event} now={now} openEndedMs={openEndedMs} />
      ))}
    </ul>
  );
}

function Card(
  { event, now, openEndedMs }: { event: EventCard; now: number; openEndedMs: number },
) {
  const tone = statusAt(event, now) === "ONGOING" ? "now" : "upcoming";
  const leaf = startLeaf(event);
  const place = placeText(event);
  return (
    <li
      class="card"
      data-live="card"
      data-id={event.id}
      data-version={String(event.version)}
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
