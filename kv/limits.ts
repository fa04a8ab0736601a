/** The limits this program lives within, each with its source. */

/** A commit's checks: denokv refuses an eleventh (its `limits.rs`); the file store takes 100. */
export const MAX_CHECKS_PER_COMMIT = 10;
/** A commit's mutations: Deno KV. */
export const MAX_MUTATIONS_PER_COMMIT = 1000;
/** A commit's bytes: Deno KV takes 800 KiB and counts some keys twice; the rest is headroom. */
export const MAX_COMMIT_BYTES = 640 * 1024;
/** A value as serialised: Deno KV. */
export const MAX_VALUE_BYTES = 64 * 1024;
/** A journal entry's changes: `MAX_VALUE_BYTES` less the entry's own frame. */
export const MAX_JOURNAL_ENTRY_BYTES = 60 * 1024;
/** What a dry run would change, in its record: `MAX_VALUE_BYTES` less the rest of the record. */
export const MAX_PLAN_BYTES = 48 * 1024;
/** Keys in one `getMany`: Deno KV. */
export const MAX_KEYS_PER_GET = 10;
/** Rows of one `list` batch: Deno KV takes 1,000. */
export const MAX_ROWS_PER_BATCH = 500;

/** A record at the edge, without its history: leaves room for history and lifecycle. */
export const MAX_RECORD_BYTES = 48 * 1024;
/** A card with what a change says of the event before. */
export const MAX_CARD_BYTES = 12 * 1024;
/** History kept in the record; older entries move to keys of their own. */
export const MAX_HISTORY_ENTRIES = 50;
export const MAX_HISTORY_BYTES = 12 * 1024;

export const MAX_TAGS = 20;
export const MAX_TAG_LENGTH = 50;
export const MAX_STAFF = 50;
export const MAX_METADATA_PAIRS = 50;
export const MAX_EXTERNAL_ID_BYTES = 200;
export const MAX_REASON_LENGTH = 500;

/**
 * An upper bound, in bytes, of what `value` takes when Deno KV serialises it.
 *
 * A bound and not the size, because serialising everything twice would cost a sweep a tenth of its
 * speed. Non-Latin text takes two bytes a character (V8's two-byte strings).
 */
export function sizeBound(value: unknown): number {
  if (typeof value === "string") return stringBound(value);
  if (typeof value === "number") return 10;
  if (typeof value !== "object" || value === null) return 2;
  let bytes = 8;
  if (Array.isArray(value)) {
    for (const item of value) bytes += sizeBound(item);
    return bytes;
  }
  for (const key in value) {
    bytes += stringBound(key) + sizeBound((value as Record<string, unknown>)[key]);
  }
  return bytes;
}

// deno-lint-ignore no-control-regex -- the range is "all of Latin-1", control characters included
const BEYOND_LATIN_1 = /[^\u0000-\u00ff]/;

function stringBound(text: string): number {
  return 6 + text.length * (BEYOND_LATIN_1.test(text) ? 2 : 1);
}
