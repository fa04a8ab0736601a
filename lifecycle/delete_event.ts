/** Deleting an event: a draft by its editors, anything by an administrator who says why. */
import { DomainError, invalidFields } from "../kv/errors.ts";
import type { EventId, EventRecord } from "../kv/event_record.ts";
import { deleteEvent, getEvent } from "../kv/events.ts";
import type { Store } from "../kv/store.ts";
import { requireMatch, type TagCondition } from "./event_tag.ts";
import { notFound, type Principal, relationTo, requireEdit, requireSignedIn } from "./policy.ts";
import { allows } from "./policy_table.ts";
import { settle } from "./status.ts";

const ATTEMPTS = 5;

/**
 * Deletes the event as the caller; a tombstone stays in the journal.
 * @throws {DomainError} `illegal_transition` for more than a draft by who is no admin;
 * `invalid_body` for it without a reason; `not_found`, `unauthenticated`, `forbidden`,
 * `precondition_failed`, `conflict`.
 */
export async function removeEvent(
  store: Store,
  id: EventId,
  { reason, principal, now, ifMatch }: {
    reason: string | null;
    principal: Principal;
    now: number;
    ifMatch?: TagCondition | undefined;
  },
): Promise<void> {
  requireSignedIn(principal);
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const stored = await getEvent(store, id);
    if (stored === null) throw notFound(id);
    const { record } = stored;
    requireEdit(record, await relationTo(store, principal, record), principal);
    requireMatch(record, ifMatch, { now, differences: () => [] });
    requireDeletable(record, { reason, principal, now });
    const outcome = await deleteEvent(store, stored, { by: principal.userId, at: now, reason });
    if (outcome.outcome === "committed") return;
  }
  throw new DomainError("conflict");
}

/**
 * Of an event that the caller may edit.
 * @throws {DomainError} `illegal_transition`, `invalid_body`, as `removeEvent`.
 */
export function requireDeletable(
  record: EventRecord,
  { reason, principal, now }: { reason: string | null; principal: Principal; now: number },
): void {
  const { id } = record;
  const event = settle(record, now);
  const { status } = event;
  if (allows("delete", "editor", event)) return;
  if (principal.role !== "admin" || !allows("delete", "admin", event)) {
    throw new DomainError(
      "illegal_transition",
      `Cannot delete event "${id}": its status is ${status}; only a DRAFT can be deleted.`,
      { status, allowed: [] },
    );
  }
  if (reason !== null) return;
  throw invalidFields([{
    parameter: "reason",
    code: "required",
    detail: `Event "${id}" is ${status}, no draft: say why it is to be deleted.`,
  }]);
}
