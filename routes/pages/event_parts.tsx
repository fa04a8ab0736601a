/** The pieces that a card in the list and an event's own page have in common. */
import type { EventCard } from "../../kv/event_record.ts";
import { countdownText, whenOf } from "./when_text.ts";

/** From when on a page counts down to the end. */
const COUNTDOWN_MS = 60 * 60_000;

// A name, because the formatter takes the blanks off a literal.
const SEPARATOR = " · ";

/** The event's time, in its own zone. */
export function When({ event }: { event: EventCard }) {
  const { start, dash, end, zone } = whenOf(event);
  return (
    <>
      <time datetime={event.startText}>{start}</time>
      {end === null ? null : (
        <>
          {dash}
          <time datetime={event.endText ?? undefined}>{end}</time>
        </>
      )}
      {zone === null ? null : (
        <>
          <span class="dot">{SEPARATOR}</span>
          <span class="zone">{zone}</span>
        </>
      )}
    </>
  );
}

/** City and country, or what else is known of the place; null when nothing is. */
export function placeText({ location, online }: Pick<EventCard, "location" | "online">) {
  const { name, city, country } = location;
  // Singapore, Monaco: a city of its country's name is said once.
  const parts = new Set([city, country].filter((part) => part !== null && part !== ""));
  const place = parts.size > 0 ? [...parts].join(", ") : name;
  if (!place) return online ? "Online" : null;
  return online ? `${place} · also online` : place;
}

export function Tags({ tags }: { tags: string[] }) {
  if (tags.length === 0) return null;
  return (
    <ul class="tags" aria-label="Tags">
      {tags.map((tag) => (
        <li key={tag}>
          <a href={`/?${new URLSearchParams({ tag })}`} dir="auto">{tag}</a>
        </li>
      ))}
    </ul>
  );
}

/** Counts down during the last hour; the script shows it when that begins. */
export function Countdown({ endDate, now }: { endDate: number | null; now: number }) {
  const left = endDate === null ? Infinity : endDate - now;
  const shown = left > 0 && left <= COUNTDOWN_MS;
  return (
    <span class="countdown" data-countdown hidden={!shown}>{shown ? countdownText(left) : ""}</span>
  );
}

/** A picture in a box whose shape is known before it is there. */
export function Picture({ url }: { url: string | null }) {
  // The page's policy lets pictures come by https only.
  const safe = webAddress(url);
  if (safe?.protocol !== "https:") return null;
  return (
    <div class="picture">
      <img
        src={safe.href}
        alt=""
        loading="lazy"
        decoding="async"
        width="960"
        height="384"
        referrerpolicy="no-referrer"
      />
    </div>
  );
}

/** The address, if it is one that a link may lead to: http or https, nothing that runs. */
export function webAddress(url: string | null): URL | null {
  const parsed = url === null ? null : URL.parse(url);
  return parsed?.protocol === "https:" || parsed?.protocol === "http:" ? parsed : null;
}
