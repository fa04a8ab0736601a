/**
 * Walking index ranges for one page of a list: rows are read in batches, decided on their cards,
 * and bounded, so that no page is slow however few rows pass the filter.
 */
import { openCursor, sealCursor } from "../kv/cursor.ts";
import { cardOf, type EventCard, type EventId } from "../kv/event_record.ts";
import { getEvents } from "../kv/events.ts";
import { requireWhole } from "../kv/index_state.ts";
import { readPosition } from "../kv/journal_places.ts";
import { MAX_ROWS_PER_BATCH } from "../kv/limits.ts";
import { type IndexRange, type IndexRow, readRanges } from "../kv/ranges.ts";
import type { Store } from "../kv/store.ts";

/** Rows looked at for one page. */
export const MAX_ROWS_WALKED = 1_000;

export interface Walk {
  /** Read one after the other; the ranges of one segment are merged by `(date, id)`. */
  segments: IndexRange[][];
  reverse: boolean;
  /** Says which list this is: a cursor fits only the list that gave it. */
  query: string;
  accept: (card: EventCard) => boolean;
}

export interface EventPage {
  items: EventCard[];
  nextCursor: string | null;
  /** The journal position read before the first page's items. */
  position: string;
}

/** One page. @throws {DomainError} `invalid_cursor`, `index_incomplete`, `store_unavailable`. */
export async function walkPage(
  store: Store,
  { segments, reverse, query, accept }: Walk,
  { limit, cursor }: { limit: number; cursor: string | undefined },
): Promise<EventPage> {
  const place = cursor === undefined ? null : openCursor(store, cursor, query);
  const indexes = [...new Set(segments.flat().map(({ prefix }) => prefix[0] as string))];
  if (place !== null) await requireWhole(store, indexes);
  const position = place?.position ?? await readPosition(store, indexes);
  const items: EventCard[] = [];
  const places: { segment: number; date: number; id: string }[] = [];
  const seen = new Set<EventId>();
  let at = place === null ? { segment: 0, after: undefined } : {
    segment: place.segment,
    after: { date: place.date, id: place.id } as { date: number; id: string } | undefined,
  };
  let walked = 0;
  let batch = limit + 1;
  while (at.segment < segments.length) {
    const { segment, after } = at;
    const { rows, done } = await readRanges(store, segments[segment]!, { after, reverse, batch });
    const cards = await cardsOf(store, rows);
    for (const [i, row] of rows.entries()) {
      const card = cards[i];
      if (!card || seen.has(row.id) || !accept(card)) continue;
      if (items.length === limit) {
        return { items, position, nextCursor: seal(places.at(-1)!) };
      }
      seen.add(row.id);
      items.push(card);
      places.push({ segment, date: row.date, id: row.id });
    }
    const last = rows.at(-1);
    at = done || last === undefined
      ? { segment: segment + 1, after: undefined }
      : { segment, after: { date: last.date, id: last.id } };
    walked += rows.length;
    if (walked >= MAX_ROWS_WALKED && at.after !== undefined) {
      return { items, position, nextCursor: seal({ segment, ...at.after }) };
    }
    batch = Math.min(MAX_ROWS_PER_BATCH, batch * 4);
  }
  return { items, position, nextCursor: null };

  function seal(next: { segment: number; date: number; id: string }): string {
    return sealCursor(store, { ...next, position }, query);
  }
}

/** The rows' cards; read from the records where the index holds none. */
async function cardsOf(store: Store, rows: IndexRow[]): Promise<(EventCard | null)[]> {
  const missing = rows.filter((row) => row.card === null);
  if (missing.length === 0) return rows.map((row) => row.card);
  const records = await getEvents(store, missing.map((row) => row.id));
  const found = new Map(missing.map((row, i) => [row.id, records[i]]));
  return rows.map((row) => {
    const record = found.get(row.id)?.record;
    return row.card ?? (record === undefined ? null : cardOf(record));
  });
}
