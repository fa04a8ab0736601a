/** Sending an event from one status to another, because somebody asked for it. */
import { DomainError, invalidFields } from "../kv/errors.ts";
import type { Actor, EventId, EventRecord, EventStatus } from "../kv/event_record.ts";
import type { EventStep } from "../kv/events.ts";
import type { Remember } from "../kv/outcomes.ts";
import type { Store } from "../kv/store.ts";
import { type ChangedEvent, changeEvent, transitionStep } from "./change_event.ts";
import { requireTimes } from "./edit_event.ts";
import { changedFields } from "./event_content.ts";
import { requireMatch, type TagCondition } from "./event_tag.ts";
import { type Principal, relationTo, requireEdit, requireSignedIn } from "./policy.ts";
import { decideTransition } from "./transitions.ts";

export interface TransitionInput {
  to: EventStatus;
  reason: string | null;
  /** A new end, for publishing or reopening what would otherwise be over. */
  endDate?: string | null | undefined;
}

/**
 * Makes the transition as the caller.
 * @throws {DomainError} `illegal_transition` with the current status and the allowed ones;
 * `not_found`, `unauthenticated`, `forbidden`, `precondition_failed`, `invalid_body`, `conflict`.
 */
export function transitionEvent(
  store: Store,
  id: EventId,
  { input, principal, now, ifMatch, remember }: {
    input: TransitionInput;
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
      const differences = () =>
        event.status === input.to ? [] : [{ field: "status", current: event.status }];
      requireMatch(stored, ifMatch, { now, differences });
      const isAdmin = principal.role === "admin";
      return [requestedStep(event, input, { now, by: principal.userId, isAdmin })];
    },
  });
}

/** The step of a transition from a settled event; pure. @throws {DomainError} as above. */
export function requestedStep(
  event: EventRecord,
  { to, reason, endDate }: TransitionInput,
  { now, by, isAdmin, isImport = false }: {
    now: number;
    by: Actor;
    isAdmin: boolean;
    isImport?: boolean;
  },
): EventStep {
  let next = event;
  if (endDate !== undefined) {
    if (to !== "CONFIRMED") {
      throw invalidFields([{
        pointer: "/end_date",
        code: "not_applicable",
        detail: `A new end goes with "to": "CONFIRMED" only, not with "${to}".`,
      }]);
    }
    next = { ...event, ...requireTimes({ endDate }, event) };
  }
  const decision = decideTransition(next, to, { now, isAdmin, isImport });
  if (decision.outcome === "refused") {
    throw new DomainError(
      "illegal_transition",
      `Cannot take event "${event.id}" to ${to}: its status is ${event.status}, and ` +
        `${decision.reason}. Allowed now: ${decision.allowed.join(", ") || "nothing"}.`,
      { status: event.status, allowed: decision.allowed },
    );
  }
  const fields = changedFields(event, next);
  return transitionStep(next, decision.transition, { now, by, reason, fields });
}
