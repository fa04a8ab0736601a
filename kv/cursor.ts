/**
 * Cursors: where a list goes on. Opaque and bound to the query they came from.
 *
 * Deno's own cursor is base64 of raw key parts and fits any query, so it neither hides a private
 * event's date nor refuses another list's cursor. Ours is encrypted with the store's key, with the
 * query as associated data; the nonce is derived from the content, so that the same page always
 * answers the same cursor (its ETag depends on it).
 */
import { createCipheriv, createDecipheriv, createHmac } from "node:crypto";
import { Buffer } from "node:buffer";
import { DomainError } from "./errors.ts";
import type { Store } from "./store.ts";

/** A place in a list: rows sort by `(date, id)` within the `segment`th part of the list's plan. */
export interface ListPlace {
  segment: number;
  date: number;
  id: string;
  /** The journal position read before the first page. */
  position: string;
}

const NONCE_BYTES = 12;
const TAG_BYTES = 16;
/** Sealing takes as long as a read, and everybody's first page ends in the same place. */
const MAX_KEPT = 1_000;

/** `query` is any text that says which list this is; the same text opens the cursor again. */
export function sealCursor(store: Store, place: ListPlace, query: string): string {
  // JSON has no infinities, and an open-ended event sorts at one.
  const plain = JSON.stringify([place.segment, String(place.date), place.id, place.position]);
  const known = store.sealedCursors.get(query + plain);
  if (known !== undefined) return known;
  const nonce = createHmac("sha256", store.cursorKey).update(query).update("\u0000").update(plain)
    .digest().subarray(0, NONCE_BYTES);
  const cipher = createCipheriv("aes-256-gcm", store.cursorKey, nonce);
  cipher.setAAD(Buffer.from(query));
  const sealed = Buffer.concat([nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
  const cursor = sealed.toString("base64url");
  if (store.sealedCursors.size >= MAX_KEPT) store.sealedCursors.clear();
  store.sealedCursors.set(query + plain, cursor);
  return cursor;
}

/** @throws {DomainError} `invalid_cursor`: forged, cut, or of another query or store. */
export function openCursor(store: Store, cursor: string, query: string): ListPlace {
  try {
    const sealed = Buffer.from(cursor, "base64url");
    // Checked first, because a decipher that is given too short a tag is never freed.
    if (sealed.length < NONCE_BYTES + TAG_BYTES) throw new RangeError("too short");
    // Decoding passes over bits and characters that mean nothing: they would be other cursors.
    if (sealed.toString("base64url") !== cursor) throw new Error("Not as we write it");
    const decipher = createDecipheriv(
      "aes-256-gcm",
      store.cursorKey,
      sealed.subarray(0, NONCE_BYTES),
    );
    decipher.setAAD(Buffer.from(query));
    decipher.setAuthTag(sealed.subarray(-TAG_BYTES));
    const plain = Buffer.concat([
      decipher.update(sealed.subarray(NONCE_BYTES, -TAG_BYTES)),
      decipher.final(),
    ]);
    const [segment, date, id, position] = JSON.parse(plain.toString());
    return { segment, date: Number(date), id, position };
  } catch {
    // Whatever is wrong with it, the caller can only do one thing: start again.
    throw new DomainError("invalid_cursor");
  }
}
