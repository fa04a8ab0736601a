/** Which writes go into one commit: as many as its checks, its bytes and its journal entry take. */
import { cardOf } from "../../kv/event_record.ts";
import type { EventWrite } from "../../kv/events.ts";
import {
  MAX_CHECKS_PER_COMMIT,
  MAX_COMMIT_BYTES,
  MAX_JOURNAL_ENTRY_BYTES,
  sizeBound,
} from "../../kv/limits.ts";
import { packed } from "../../kv/packing.ts";
import { takesExternalId } from "../edit_event.ts";

/** As many events as one commit takes that checks their organizer, too. */
export const EVENTS_WITH_HOME = MAX_CHECKS_PER_COMMIT - 1;

/**
 * The writes of a batch in as few commits as hold them; usually one; pure. All that take over an
 * organizer's flag take it from the same read of the same organizer.
 */
export function commitsOf(writes: EventWrite[]): EventWrite[][] {
  const hasHome = writes.some(({ steps }) => steps.some((step) => step.home !== undefined));
  const checks = hasHome ? EVENTS_WITH_HOME : MAX_CHECKS_PER_COMMIT;
  return packed(writes, { limits: [checks, MAX_JOURNAL_ENTRY_BYTES, MAX_COMMIT_BYTES], needsOf });
}

/** What a write needs of each of the limits. */
function needsOf({ read: { record }, steps }: EventWrite): number[] {
  // With what a change says of the event before.
  const cardBytes = sizeBound(cardOf(record)) + 1024;
  return [
    takesExternalId(record, steps.at(-1)!.next) ? 2 : 1,
    cardBytes * steps.length,
    // A card for each tag, for the four other lists that show it, and for each change.
    sizeBound(record) + cardBytes * (record.tags.length + 4 + steps.length),
  ];
}
