/** How much an event may take: what people wrote is measured at the edge, the rest is headroom. */
import { DomainError, type FieldProblem } from "./errors.ts";
import { cardOf, type EventRecord, type HistoryEntry } from "./event_record.ts";
import { beforeOf } from "./journal.ts";
import { MAX_CARD_BYTES, MAX_HISTORY_BYTES, MAX_RECORD_BYTES, sizeBound } from "./limits.ts";

/**
 * What a record from another store must fit: only what people wrote of it is measured, as it was
 * there, and its history entry by entry.
 * @throws {DomainError} `event_too_large`.
 */
export function requireRestorable(record: EventRecord, history: HistoryEntry[]): void {
  requireFits({ ...record, status: "DRAFT", archivedFrom: null, completedAt: null }, null);
  for (const entry of history) {
    const bytes = sizeBound(entry);
    if (bytes <= MAX_HISTORY_BYTES) continue;
    throw new DomainError(
      "event_too_large",
      `The history's entry of version ${entry.version} takes ${bytes} bytes; ` +
        `${MAX_HISTORY_BYTES} can be stored.`,
    );
  }
}

/**
 * Only what people wrote is measured: the lifecycle's own changes fit the headroom that is left.
 * @throws {DomainError} `event_too_large`.
 */
export function requireFits(record: EventRecord, before: EventRecord | null): void {
  const { isWithheld: _, ...written } = record;
  const bytes = sizeBound({ ...written, history: [] });
  const cardBytes = sizeBound(cardOf(shown(record))) +
    (before === null ? 0 : sizeBound(beforeOf(shown(before), record)));
  if (bytes > MAX_RECORD_BYTES) {
    const detail = `The event takes ${bytes} bytes; ${MAX_RECORD_BYTES} can be stored.`;
    throw tooLarge(detail, record, [...MEMBERS_OF_CARD, "description", "metadata"]);
  }
  if (cardBytes > MAX_CARD_BYTES) {
    const detail =
      `What lists show of the event takes ${cardBytes} bytes; ${MAX_CARD_BYTES} can be stored.`;
    throw tooLarge(detail, record, MEMBERS_OF_CARD);
  }
}

/** That an event is withheld is nobody's text, and takes nobody's room. */
function shown(record: EventRecord): EventRecord {
  return record.isWithheld ? { ...record, isWithheld: false } : record;
}

/** What people write of a card; what the server adds is small. */
const MEMBERS_OF_CARD = [
  "externalId",
  "title",
  "summary",
  "url",
  "imageUrl",
  "location",
  "tags",
  "staff",
] as const;

/** Names the largest of `members`: where there is most to be saved. */
function tooLarge(
  detail: string,
  record: EventRecord,
  members: readonly (keyof EventRecord)[],
): DomainError {
  const sizes = members.map((member) => ({ member, bytes: sizeBound(record[member]) }));
  const { member, bytes } = sizes.reduce((a, b) => (b.bytes > a.bytes ? b : a));
  const name = member.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
  const problem: FieldProblem = {
    pointer: `/${name}`,
    code: "event_too_large",
    detail: `${detail} The largest member is ${name}, with ${bytes}.`,
  };
  return new DomainError("event_too_large", detail, { errors: [problem] });
}
