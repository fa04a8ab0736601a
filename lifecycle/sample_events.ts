/**
 * Sample events for `deno task dev`: a few dozen live ones, of which some always end within the
 * next two minutes, so that a newcomer sees the curtain fall.
 */
import { ROOT } from "./policy.ts";
import type { Store } from "../kv/store.ts";
import { submitEvent } from "./create_event.ts";
import { listEvents } from "./discovery.ts";
import { instantText } from "../kv/event_record.ts";
import type { Logger } from "./log.ts";

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** How many end within two minutes, and how many are live in all. */
const ENDING_SOON = 5;
const LIVE = 36;
const REFILL_MS = 20 * SECOND;

const PLACES: [city: string, country: string, zone: string][] = [
  ["London", "U.K.", "Europe/London"],
  ["Lisbon", "Portugal", "Europe/Lisbon"],
  ["New York", "U.S.A.", "America/New_York"],
  ["Kathmandu", "Nepal", "Asia/Kathmandu"],
  ["São Paulo", "Brazil", "America/Sao_Paulo"],
  ["東京", "Japan", "Asia/Tokyo"],
  ["Sydney", "Australia", "Australia/Sydney"],
  ["Nairobi", "Kenya", "Africa/Nairobi"],
];

const SUBJECTS: [title: string, summary: string, tags: string[]][] = [
  ["Winter Gala", "An evening in black tie, with an orchestra.", ["music", "gala"]],
  ["TypeScript Meet-up", "Three talks, one whiteboard, cold drinks.", ["typescript", "meet-up"]],
  ["Chamber Music at Noon", "Forty minutes of Schubert.", ["music", "classical"]],
  ["Edge Computing Day", "What runs close to the people who use it.", ["edge", "conference"]],
  ["Open-Mic Comedy", "Five minutes each, mercy optional.", ["comedy"]],
  ["Jazz in the Cellar", "A trio, two sets, no phones.", ["music", "jazz"]],
  ["Data Privacy Forum", "Law meets practice.", ["privacy", "conference"]],
  ["Book Swap", "Bring three, take three.", ["books", "community"]],
  ["Film Night", "A restored print, introduced by its editor.", ["film"]],
  ["Hack & Tell", "Show what you made, tell what broke.", ["meet-up", "community"]],
];

export interface SampleOptions {
  clock: () => number;
  log: Logger;
}

/** Fills up at once and then again and again; the answer stops it. */
export async function keepSampleEvents(
  store: Store,
  options: SampleOptions,
): Promise<() => void> {
  await fillUp(store, options.clock());
  const timer = setInterval(() => {
    fillUp(store, options.clock()).catch((error) => {
      options.log.warn("sample events could not be made", { error });
    });
  }, REFILL_MS);
  return () => clearInterval(timer);
}

/** Makes what is missing; answers how many that was. */
export async function fillUp(store: Store, now: number): Promise<number> {
  const page = await listEvents(store, { sort: "end_date" }, {
    principal: ROOT,
    now,
    openEndedMs: DAY,
    limit: 100,
  });
  const soon = page.items.filter(({ endDate }) => endDate !== null && endDate <= now + 2 * MINUTE);
  let made = 0;
  for (let i = soon.length; i < ENDING_SOON; i++) {
    const end = Math.floor(now / SECOND) * SECOND + (15 + Math.floor(Math.random() * 100)) * SECOND;
    await submit(store, { number: made++, start: end - HOUR, end, now });
  }
  for (let i = page.items.length + made; i < LIVE; i++) {
    // From running ones to some weeks ahead; now and then open-ended.
    const quarter = Math.floor(now / (15 * MINUTE)) * 15 * MINUTE;
    const start = quarter - 30 * MINUTE + Math.round(made ** 1.8) * 45 * MINUTE;
    const end = made % 9 === 8 ? null : start + (2 + made % 5) * HOUR;
    await submit(store, { number: made++, start, end, now });
  }
  return made;
}

async function submit(
  store: Store,
  { number, start, end, now }: { number: number; start: number; end: number | null; now: number },
): Promise<void> {
  const [city, country, zone] = PLACES[(number * 3 + Math.floor(now / 1000)) % PLACES.length]!;
  const [title, summary, tags] = SUBJECTS[(number + Math.floor(now / 7000)) % SUBJECTS.length]!;
  const online = number % 6 === 5;
  const isAllDay = number % 7 === 6 && end !== null;
  const day = (at: number) => instantText(at + DAY).slice(0, 10);
  await submitEvent(store, {
    content: {
      title: `${title}${online ? " (online)" : ""}`,
      summary,
      description: `${summary}\n\nThis is a sample event, made by \`deno task dev\`.`,
      tags,
      online,
      location: online ? null : { name: `Hall ${1 + number % 9}`, city, country },
    },
    times: isAllDay ? { startDate: day(start), endDate: day(start + DAY), timeZone: zone } : {
      startDate: instantText(start),
      endDate: end === null ? null : instantText(end),
      timeZone: zone,
    },
    status: "CONFIRMED",
  }, { principal: ROOT, now });
}
