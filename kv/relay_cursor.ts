/** How far the journal was published on a channel. */
import { FORMATS, upgraded } from "./formats.ts";
import type { JournalPlace } from "./journal_places.ts";
import { relayKey } from "./keys.ts";
import type { Store } from "./store.ts";

/** As it was read; what moves it checks that. */
export interface RelayCursor {
  /** Null: nothing was ever published there. */
  place: JournalPlace | null;
  entry: Deno.KvEntryMaybe<unknown>;
}

export async function getRelayCursor(store: Store, channel: string): Promise<RelayCursor> {
  const entry = await store.get<unknown>(relayKey(channel));
  return {
    entry,
    place: entry.value === null
      ? null
      : upgraded<JournalPlace>(entry.value, store.schema.formats.relay),
  };
}

/** False when somebody else has moved it. */
export async function moveRelayCursor(
  store: Store,
  { entry }: RelayCursor,
  { versionstamp, n }: JournalPlace,
): Promise<boolean> {
  const value = { format: FORMATS.relay.current, versionstamp, n };
  const { ok } = await store.commit(store.kv.atomic().check(entry).set(entry.key, value));
  return ok;
}
