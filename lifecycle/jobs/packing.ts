/** Which writes go into one commit: as many as its checks, its bytes and its journal entry take. */
import { cardOf } from "../../kv/event_record.ts";
import type { EventWrite } from "../../kv/events.ts";
import {
  MAX_CHECKS_PER_COMMIT,
  MAX_COMMIT_BYTES,
  MAX_JOURNAL_ENTRY_BYTES,
  sizeBound,
} from "../../kv/limits.ts";
import { takesExternalId } from "../edit_event.ts";

/** The writes of a batch in as few commits as hold them; usually one; pure. */
export function packed(writes: EventWrite[]): EventWrite[][] {
  const commits: EventWrite[][] = [];
  let checks = Infinity;
  let entryBytes = Infinity;
  let commitBytes = Infinity;
  for (const write of writes) {
    const needs = needsOf(write);
    if (
      checks + needs.checks > MAX_CHECKS_PER_COMMIT ||
      entryBytes + needs.entryBytes > MAX_JOURNAL_ENTRY_BYTES ||
      commitBytes + needs.commitBytes > MAX_COMMIT_BYTES
    ) {
      commits.push([]);
      checks = entryBytes = commitBytes = 0;
    }
    checks += needs.checks;
    entryBytes += needs.entryBytes;
    commitBytes += needs.commitBytes;
    commits.at(-1)!.push(write);
  }
  return commits;
}

function needsOf({ read: { record }, steps }: EventWrite) {
  // With what a change says of the event before.
  const cardBytes = sizeBound(cardOf(record)) + 1024;
  return {
    checks: takesExternalId(record, steps.at(-1)!.next) ? 2 : 1,
    entryBytes: cardBytes * steps.length,
    // A card for each tag, for the four other lists that show it, and for each change.
    commitBytes: sizeBound(record) + cardBytes * (record.tags.length + 4 + steps.length),
  };
}
