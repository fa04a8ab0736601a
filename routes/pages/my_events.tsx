/** A person's events, of every status, on pages that only their people see. */
import { isListed, listedVisibility } from "../../kv/event_indexes.ts";
import type { EventCard } from "../../kv/event_record.ts";
import { statusAt } from "../../lifecycle/status.ts";
import { When } from "./event_parts.tsx";
import { STATUS_WORDS, VISIBILITY_WORDS } from "./status_words.ts";

export interface MyEventsProps {
  upcoming: EventCard[];
  past: EventCard[];
  isMore: boolean;
  now: number;
}

export function MyEvents({ upcoming, past, isMore, now }: MyEventsProps) {
  return (
    <section aria-labelledby="events">
      <h2 id="events">My events</h2>
      {upcoming.length === 0 ? <p class="note">Nothing is on, announced or drafted.</p> : null}
      <EventRows events={upcoming} now={now} />
      {past.length === 0 ? null : (
        <>
          <h3>Lately</h3>
          <EventRows events={past} now={now} />
        </>
      )}
      {isMore ? <p class="note">Not all are shown: the API lists every one.</p> : null}
    </section>
  );
}

/** Links to events, each with its status. */
export function EventRows({ events, now }: { events: EventCard[]; now: number }) {
  if (events.length === 0) return null;
  return (
    <ul class="rows" role="list">
      {events.map((event) => (
        <li key={event.id}>
          <p class="row-text">
            <a href={`/events/${event.id}`} dir="auto">{event.title}</a>
            <span class="note">
              <When event={event} />
            </span>
          </p>
          <p class="state">
            {isListed(event)
              ? null
              : <span class="chip">{VISIBILITY_WORDS[listedVisibility(event)]}</span>}
            <span class="chip">{STATUS_WORDS[statusAt(event, now)]}</span>
          </p>
        </li>
      ))}
    </ul>
  );
}
