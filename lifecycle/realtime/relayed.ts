/** What goes over Redis: consecutive changes, and where they stand in the journal. */
import { z } from "zod";
import type { Change } from "../../kv/journal.ts";
import {
  endOf,
  type JournalPlace,
  parsePlace,
  type PlacedChanges,
  placeText,
} from "../../kv/journal_places.ts";
import type { Store } from "../../kv/store.ts";
import type { Batch } from "./hub.ts";

/** Of a message, in bytes. An entry of the journal is smaller. */
const MAX_MESSAGE_BYTES = 256 * 1024;

/** As much as is relied upon: whoever may publish here is one of us, but may be of another version. */
const RelayedChange = z.looseObject({
  /** Its id: the place. */
  id: z.string(),
  type: z.enum(["created", "updated", "transitioned", "deleted"]),
  at: z.number(),
  version: z.int(),
  event: z.looseObject({
    id: z.string(),
    status: z.string(),
    visibility: z.string(),
    organizerId: z.string(),
    startDate: z.number(),
    endDate: z.number().nullable(),
    tags: z.array(z.string()),
    staffIds: z.array(z.string()),
    location: z.looseObject({}),
  }),
  was: z.looseObject({ status: z.string(), visibility: z.string() }).nullable(),
});

const RelayedBatch = z.object({
  prev: z.string(),
  position: z.string(),
  changes: z.array(RelayedChange).min(1),
});

/** The entries as messages of at most 256 KiB, each going on from the one before. */
export function* messagesOf(
  store: Store,
  { prev, entries }: Batch,
): Generator<{ message: string; position: JournalPlace }> {
  let from = prev;
  let taken: string[] = [];
  let size = 0;
  let last: PlacedChanges | undefined;
  for (const entry of entries) {
    const texts = entry.changes.map((change, i) => {
      const id = placeText(store, { versionstamp: entry.versionstamp, n: entry.before + i + 1 });
      return JSON.stringify({ id, ...change });
    });
    const bytes = texts.reduce((sum, text) => sum + byteLength(text) + 1, 0);
    if (last !== undefined && size + bytes > MAX_MESSAGE_BYTES - 200) {
      yield close(last);
    }
    taken.push(...texts);
    size += bytes;
    last = entry;
  }
  if (last !== undefined) yield close(last);

  function close(entry: PlacedChanges): { message: string; position: JournalPlace } {
    const position = endOf(entry);
    const [prevText, positionText] = [from, position].map((place) => placeText(store, place));
    const message = `{"prev":"${prevText}","position":"${positionText}","changes":[${
      taken.join(",")
    }]}`;
    from = position;
    taken = [];
    size = 0;
    return { message, position };
  }
}

/** Null for what is no message of ours, or not of this store. */
export function parseMessage(store: Store, text: string): Batch | null {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return null;
  }
  const parsed = RelayedBatch.safeParse(value);
  if (!parsed.success) return null;
  const prev = placeOf(store, parsed.data.prev);
  if (prev === null) return null;
  const entries: PlacedChanges[] = [];
  let at = prev;
  for (const { id, ...relayed } of parsed.data.changes) {
    const place = placeOf(store, id);
    if (place === null) return null;
    const { versionstamp, n } = place;
    const isNext = versionstamp === at.versionstamp ? n === at.n + 1 : n === 1;
    if (!isNext || versionstamp < at.versionstamp) return null;
    const change = relayed as unknown as Change;
    const last = entries.at(-1);
    if (last?.versionstamp === versionstamp) last.changes.push(change);
    else entries.push({ versionstamp, before: n - 1, changes: [change] });
    at = place;
  }
  return parsed.data.position === placeText(store, at) ? { prev, entries } : null;
}

/** Null for what is no place in this store. */
function placeOf(store: Store, text: string): JournalPlace | null {
  const parsed = parsePlace(text);
  if (parsed === null || parsed.epoch !== store.epoch) return null;
  return { versionstamp: parsed.versionstamp, n: parsed.n };
}

const encoder = new TextEncoder();

function byteLength(text: string): number {
  return encoder.encode(text).length;
}
