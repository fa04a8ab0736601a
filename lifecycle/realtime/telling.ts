/** The messages of an entry of the journal for one subscription, made once for all of its kind. */
import type { PlacedChanges } from "../../kv/journal_places.ts";
import { placeText } from "../../kv/journal_places.ts";
import type { Store } from "../../kv/store.ts";
import { nextChange } from "../status.ts";
import { type ChangeMessage, messageOf } from "./message.ts";
import type { CurrentOf } from "./replays.ts";
import type { Subscription } from "./subscription.ts";

/** A change's id, and its message in JSON. */
export interface Told {
  id: string;
  json: string;
}

export interface TellingOptions {
  store: Store;
  now: number;
  openEndedMs: number;
  currentOf: CurrentOf;
  /** Whether others will be told the same of this entry: what is made of it is kept with it. */
  isShared: boolean;
}

/** Kinds of subscriptions for which an entry's messages are kept. */
const KINDS_KEPT = 16;

/** By the entry, so that they go with it. */
const kept = new WeakMap<PlacedChanges, Map<string, { until: number; told: Told[] }>>();

export function tell(
  entry: PlacedChanges,
  subscription: Subscription,
  { isShared, ...options }: TellingOptions,
): Told[] {
  if (!isShared) return told(entry, subscription, options);
  const kinds = kept.get(entry) ?? new Map();
  const known = kinds.get(subscription.key);
  if (known !== undefined && options.now < known.until) return known.told;
  const made = told(entry, subscription, options);
  if (kinds.size >= KINDS_KEPT) kinds.clear();
  const timed = entry.changes.flatMap(({ event, was }) => was === null ? [event] : [event, was]);
  const until = nextChange(timed, options) ?? Infinity;
  kinds.set(subscription.key, { until, told: made });
  kept.set(entry, kinds);
  return made;
}

/** The messages with their changes' ids. */
export function* messagesOf(
  { versionstamp, before, changes }: PlacedChanges,
  subscription: Subscription,
  { store, now, openEndedMs, currentOf }: Omit<TellingOptions, "isShared">,
): Generator<{ id: string; message: ChangeMessage }> {
  for (const [i, change] of changes.entries()) {
    const telling = subscription.tellingOf(change, currentOf(change), { now, openEndedMs });
    if (telling === null) continue;
    const id = placeText(store, { versionstamp, n: before + i + 1 });
    yield { id, message: messageOf(id, change, { telling, now, openEndedMs }) };
  }
}

function told(
  entry: PlacedChanges,
  subscription: Subscription,
  options: Omit<TellingOptions, "isShared">,
): Told[] {
  const all = messagesOf(entry, subscription, options);
  return [...all].map(({ id, message }) => ({ id, json: JSON.stringify(message) }));
}
