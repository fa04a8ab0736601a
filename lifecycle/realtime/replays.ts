/** Slices of the journal, each with what its events are now; read once for all who want the same. */
import type { EventCard, EventId } from "../../kv/event_record.ts";
import { cardOf } from "../../kv/event_record.ts";
import { getEvents } from "../../kv/events.ts";
import type { Change } from "../../kv/journal.ts";
import {
  ENTRIES_PER_READ,
  type JournalPlace,
  type PlacedChanges,
  placeText,
  readEntries,
} from "../../kv/journal_places.ts";
import type { Store } from "../../kv/store.ts";

/** The event of a change as it is now; null: it is gone; undefined: the change is its newest. */
export type CurrentOf = (change: Change) => EventCard | null | undefined;

export interface Replay {
  entries: PlacedChanges[];
  currentOf: CurrentOf;
  /** Whether nothing follows. */
  done: boolean;
}

export class Replays {
  readonly #store: Store;
  readonly #reading = new Map<string, Promise<Replay>>();

  constructor(store: Store) {
    this.#store = store;
  }

  /** The slice after a place. After a restart many come back at once, and from the same one. */
  after(place: JournalPlace): Promise<Replay> {
    const key = placeText(this.#store, place);
    const known = this.#reading.get(key);
    if (known !== undefined) return known;
    const reading = readReplay(this.#store, place).finally(() => this.#reading.delete(key));
    this.#reading.set(key, reading);
    return reading;
  }
}

/** @throws {DomainError} `store_unavailable`. */
export async function readReplay(store: Store, place: JournalPlace): Promise<Replay> {
  const { entries, done } = await readEntries(store, place, ENTRIES_PER_READ);
  const ids = [...new Set(entries.flatMap(({ changes }) => changes.map(({ event }) => event.id)))];
  // After the changes: what they led to, or what came later.
  const records = await getEvents(store, ids);
  const current = new Map<EventId, EventCard | null>(ids.map((id, i) => {
    const stored = records[i];
    return [id, stored ? cardOf(stored.record) : null];
  }));
  return { entries, done, currentOf: ({ event }) => current.get(event.id) };
}
