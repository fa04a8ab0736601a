/** The journal as pages: everything that changed, as far as the caller may know of it. */
import { DomainError } from "../../kv/errors.ts";
import {
  endOf,
  type JournalPlace,
  parsePlace,
  placeText,
  readPlace,
  readTrimmedTo,
} from "../../kv/journal_places.ts";
import type { Store } from "../../kv/store.ts";
import type { Principal } from "../policy.ts";
import { audienceOf } from "./audience.ts";
import type { ChangeMessage } from "./message.ts";
import { readReplay } from "./replays.ts";
import { subscriptionOf } from "./subscription.ts";
import { messagesOf } from "./telling.ts";

/** Slices of the journal looked at for one page. */
const SLICES_PER_PAGE = 10;

export interface ChangesPage {
  items: ChangeMessage[];
  /** Where the next page goes on. */
  position: string;
  hasMore: boolean;
}

/**
 * The changes after `after`, or from the oldest that is kept, oldest first. A page may hold fewer
 * than `limit` and still have more after it.
 * @throws {DomainError} `position_gone`.
 */
export async function listChanges(
  store: Store,
  { after, limit, principal, now, openEndedMs }: {
    after: string | undefined;
    limit: number;
    principal: Principal;
    now: number;
    openEndedMs: number;
  },
): Promise<ChangesPage> {
  const audience = await audienceOf(store, principal);
  const subscription = subscriptionOf({ query: {}, statuses: "any" }, audience);
  const items: ChangeMessage[] = [];
  let place = await placeAfter(store, after);
  for (let slice = 0; slice < SLICES_PER_PAGE; slice++) {
    const { entries, currentOf, done } = await readReplay(store, place);
    await requireKept(store, place);
    for (const entry of entries) {
      const options = { store, now, openEndedMs, currentOf };
      for (const { id, message } of messagesOf(entry, subscription, options)) {
        if (items.length === limit) {
          return { items, position: placeText(store, place), hasMore: true };
        }
        items.push(message);
        place = parsePlace(id)!;
      }
      // What is left of the entry is nothing to this caller.
      place = endOf(entry);
    }
    if (done) return { items, position: placeText(store, place), hasMore: false };
  }
  return { items, position: placeText(store, place), hasMore: true };
}

async function placeAfter(store: Store, after: string | undefined): Promise<JournalPlace> {
  if (after === undefined) return await readTrimmedTo(store);
  const place = await readPlace(store, after, "after");
  if (place !== null) return place;
  throw new DomainError("position_gone", "This is no position of a change; start anew.", {
    parameter: "after",
    reason: "malformed",
  });
}

/** What was removed while it was read would be a hole. */
async function requireKept(store: Store, place: JournalPlace): Promise<void> {
  await readPlace(store, placeText(store, place), "after");
}
