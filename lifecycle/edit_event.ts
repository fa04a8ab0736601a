/** Editing an event: its content and its times, and what a new date does to its status. */
import { withStaffLines } from "./grants.ts";
import { DomainError, type FieldProblem, invalidFields } from "../kv/errors.ts";
import type { Actor, EventId, EventRecord, EventTimes, OrganizerId } from "../kv/event_record.ts";
import { type EventStep, findByExternalId } from "../kv/events.ts";
import { MAX_METADATA_PAIRS } from "../kv/limits.ts";
import { type EventHome, readEventHome } from "../kv/organizers.ts";
import type { Remember } from "../kv/outcomes.ts";
import type { Store } from "../kv/store.ts";
import { type ChangedEvent, changeEvent, transitionStep } from "./change_event.ts";
import { changedFields, type EventContent, withContent } from "./event_content.ts";
import { type Difference, requireMatch, type TagCondition } from "./event_tag.ts";
import { type Principal, relationOf, relationTo, requireEdit, requireSignedIn } from "./policy.ts";
import { allowsEver } from "./policy_table.ts";
import { resolveTimes, type TimeInput } from "./time_input.ts";
import { decideTransition } from "./transitions.ts";

export interface EventEdit {
  content: EventContent;
  times: TimeInput;
  /** Where it is moved to; administrators only. */
  organizerId?: OrganizerId | undefined;
}

/**
 * Applies `edit` to the event as the caller. An edit that changes nothing writes nothing.
 * @throws {DomainError} `not_found`, `unauthenticated`, `forbidden`, `precondition_failed`,
 * `invalid_body`, `event_archived`, `reopen_required`, `external_id_taken`, `event_too_large`, `conflict`.
 */
export function editEvent(
  store: Store,
  id: EventId,
  { edit, principal, now, ifMatch, remember }: {
    edit: EventEdit;
    principal: Principal;
    now: number;
    ifMatch?: TagCondition | undefined;
    remember?: Remember<EventRecord> | undefined;
  },
): Promise<ChangedEvent> {
  return changeEvent(store, id, {
    now,
    remember,
    async decide(event, stored) {
      requireEdit(event, await relationTo(store, principal, event), principal);
      requireSignedIn(principal);
      requireMatch(stored, ifMatch, { now, differences: () => differencesOf(event, edit) });
      const home = await requireMovable(store, event, { edit, principal });
      const steps = editSteps(event, edit, { now, by: principal.userId, home });
      await requireFreeExternalId(store, event, steps);
      return withStaffLines(event, steps, { principal, now });
    },
  });
}

/**
 * The steps of an edit from a settled event; empty when it changes nothing; pure. `home` is the
 * organizer that it is moved to, null where it stays.
 */
export function editSteps(
  event: EventRecord,
  edit: EventEdit,
  { now, by, home = null, isImport = false }: {
    now: number;
    by: Actor;
    home?: EventHome | null;
    isImport?: boolean;
  },
): EventStep[] {
  let next: EventRecord = withContent(event, edit.content, { isWhole: isImport });
  if (edit.content.metadata) requireFewPairs(next);
  next = { ...next, ...requireTimes(edit.times, event) };
  if (home !== null) next = atHome(next, home);
  const step = editStep(event, next, { now, by, home });
  if (step === null) return [];
  if (event.status === "ARCHIVED" && !isImport) {
    throw new DomainError("event_archived", `Cannot change event "${event.id}": it is ARCHIVED.`);
  }
  if (event.status === "COMPLETED" && next.endDate !== event.endDate) {
    const isOver = next.endDate !== null && next.endDate <= now;
    if (!isOver && !isImport) throw reopenRequired(event);
    // The clock completed it at its end; a corrected end corrects that, too.
    if (isOver && event.completedAt === event.endDate) next.completedAt = next.endDate;
  }
  const steps = [step];
  if (event.status === "ONGOING" && next.startDate !== event.startDate && next.startDate > now) {
    const decision = decideTransition(next, "CONFIRMED", { now, isAdmin: false });
    if (decision.outcome === "allowed") {
      const { transition } = decision;
      steps.push(transitionStep(next, transition, { now, by, reason: null, fields: null }));
    }
  }
  return steps;
}

/** Few enough with those that stay: an import takes no more, so an export must not have more. */
function requireFewPairs({ metadata }: EventRecord): void {
  const count = Object.keys(metadata).length;
  if (count <= MAX_METADATA_PAIRS) return;
  throw invalidFields([{
    pointer: "/metadata",
    code: "too_big",
    detail: `That would make ${count} pairs; an event takes at most ${MAX_METADATA_PAIRS}.`,
  }]);
}

/** The event as one of the organizer's, whose flag it takes over; pure. */
export function atHome(event: EventRecord, { organizerId, isWithheld }: EventHome): EventRecord {
  return { ...event, organizerId, isWithheld };
}

/**
 * The step of an edit from `event` to `next`, which takes over the flag of `home` if there is one;
 * null when nothing was changed; pure.
 */
export function editStep(
  event: EventRecord,
  next: EventRecord,
  { now, by, reason = null, home = null }: {
    now: number;
    by: Actor;
    reason?: string | null;
    home?: EventHome | null;
  },
): EventStep | null {
  const fields = changedFields(event, next);
  if (fields === null) return null;
  const step: EventStep = {
    next,
    type: "updated",
    by,
    at: now,
    entry: { transition: null, reason, fields },
  };
  return home === null ? step : { ...step, home };
}

/** Which members of the edit say something else than the event does now. */
function differencesOf(event: EventRecord, edit: EventEdit): Difference[] {
  let next: EventRecord = withContent(event, edit.content);
  if (edit.organizerId !== undefined) next.organizerId = edit.organizerId;
  const times = resolveTimes(edit.times, event);
  if (times.outcome === "resolved") next = { ...next, ...times.times };
  return Object.entries(changedFields(event, next) ?? {})
    .map(([field, [current]]) => ({ field, current }));
}

/** The organizer that the event is to be moved to; null when it stays. */
async function requireMovable(
  store: Store,
  event: EventRecord,
  { edit: { organizerId }, principal }: { edit: EventEdit; principal: Principal },
): Promise<EventHome | null> {
  requireMayMove(event, organizerId, principal);
  const home = await newHomeOf(store, event, organizerId);
  if (home?.versionstamp === null) throw unknownOrganizer(home.organizerId);
  return home;
}

/** The organizer, if the event is not its own already; else null. */
export async function newHomeOf(
  store: Store,
  event: EventRecord,
  organizerId: OrganizerId | undefined,
): Promise<EventHome | null> {
  if (organizerId === undefined || organizerId === event.organizerId) return null;
  return await readEventHome(store, organizerId);
}

/** A body that names an organizer who is none. */
export function unknownOrganizer(id: OrganizerId): DomainError {
  return invalidFields([{
    pointer: "/organizer_id",
    code: "not_found",
    detail: `There is no organizer "${id}".`,
  }]);
}

/** @throws {DomainError} `forbidden` when the event would go to another organizer. */
export function requireMayMove(
  event: EventRecord,
  organizerId: OrganizerId | undefined,
  principal: Principal,
): void {
  if (organizerId === undefined || organizerId === event.organizerId) return;
  // Whoever may at all may do it to every event.
  if (allowsEver("move", relationOf(principal, null))) return;
  throw new DomainError(
    "forbidden",
    `Cannot move event "${event.id}" to another organizer: that is for administrators.`,
  );
}

/** @throws {DomainError} `external_id_taken`, naming the event that has it. */
export async function requireFreeExternalId(
  store: Store,
  event: EventRecord,
  steps: EventStep[],
): Promise<void> {
  const next = steps.at(-1)?.next;
  if (next === undefined || !takesExternalId(event, next)) return;
  const taken = await findByExternalId(store, next.externalId, next.organizerId);
  if (taken !== null) throw externalIdTaken(next.externalId, taken);
}

/** Whether `next` has an external id that `event` did not have with its organizer; pure. */
export function takesExternalId(
  event: EventRecord,
  next: EventRecord,
): next is EventRecord & { externalId: string } {
  return next.externalId !== null &&
    (next.externalId !== event.externalId || next.organizerId !== event.organizerId);
}

export function externalIdTaken(externalId: string, by: EventId): DomainError {
  return new DomainError(
    "external_id_taken",
    `The external id "${externalId}" belongs to event "${by}" of the same organizer.`,
    { event_id: by },
  );
}

/** The times a request means. @throws {DomainError} `invalid_body`, with JSON pointers. */
export function requireTimes(input: TimeInput, stored: EventTimes | null): EventTimes {
  const resolved = resolveTimes(input, stored);
  if (resolved.outcome === "resolved") return resolved.times;
  throw invalidFields(resolved.problems.map(({ field, ...problem }): FieldProblem => ({
    pointer: `/${field}`,
    ...problem,
  })));
}

function reopenRequired(event: EventRecord): DomainError {
  return new DomainError(
    "reopen_required",
    `Cannot move the end of event "${event.id}" into the future: its status is COMPLETED. ` +
      `To reopen it, POST { "to": "CONFIRMED", "end_date": … } to its transitions.`,
    { status: event.status, transition: { to: "CONFIRMED" } },
  );
}
