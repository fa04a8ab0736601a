/**
 * Cursors: where a list goes on. Opaque and bound to the query they came from.
 *
 * Deno's own cursor is base64 of raw key parts and fits any query, so it neither hides a private
 * event's date nor refuses another list's cursor. Ours is sealed (`sealed_text.ts`) with the query as
 * its purpose, and the same place is sealed the same: the ETag of a page depends on it.
 */
import { DomainError } from "./errors.ts";
import { open, seal } from "./sealed_text.ts";
import type { Store } from "./store.ts";

/** A place in a list: rows sort by `(date, id)` within the `segment`th part of the list's plan. */
export interface ListPlace {
  segment: number;
  date: number;
  id: string;
  /** The journal position read before the first page. */
  position: string;
}

/** Sealing takes as long as a read, and everybody's first page ends in the same place. */
const MAX_KEPT = 1_000;

/** `query` is any text that says which list this is; the same text opens the cursor again. */
export function sealCursor(store: Store, place: ListPlace, query: string): string {
  // JSON has no infinities, and an open-ended event sorts at one.
  const plain = JSON.stringify([place.segment, String(place.date), place.id, place.position]);
  const known = store.sealedCursors.get(query + plain);
  if (known !== undefined) return known;
  const cursor = seal(store, plain, query);
  if (store.sealedCursors.size >= MAX_KEPT) store.sealedCursors.clear();
  store.sealedCursors.set(query + plain, cursor);
  return cursor;
}

/** @throws {DomainError} `invalid_cursor`: forged, cut, or of another query or store. */
export function openCursor(store: Store, cursor: string, query: string): ListPlace {
  const plain = open(store, cursor, query);
  // Whatever is wrong with it, the caller can only do one thing: start again.
  if (plain === null) throw new DomainError("invalid_cursor");
  const [segment, date, id, position] = JSON.parse(plain);
  return { segment, date: Number(date), id, position };
}
