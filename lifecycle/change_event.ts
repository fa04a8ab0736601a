/**
 * Changing one event: load, decide, replace; a lost race is decided again on what is there now.
 */
import { DomainError } from "../kv/errors.ts";
import type { Actor, EventId, EventRecord } from "../kv/event_record.ts";
import { type EventStep, getEvent, replaceEvent } from "../kv/events.ts";
import type { Remember } from "../kv/outcomes.ts";
import type { Store } from "../kv/store.ts";
import { notFound } from "./policy.ts";
import { settle } from "./status.ts";
import { afterTransition, type Transition, TRANSITIONS } from "./transitions.ts";

/** Each round of a race has a winner, so this many may change one event at once. */
const ATTEMPTS = 32;

export interface ChangedEvent {
  record: EventRecord;
  /** How many versions were added; 0 when there was nothing to change. */
  steps: number;
}

/**
 * Loads the event, lets `decide` answer the steps from its settled record, and commits them.
 *
 * The transition that the clock already made is committed with them, as a step of its own, so the
 * history never misses one. No steps: nothing is written. What `decide` throws ends the change.
 * @throws {DomainError} `not_found`; `conflict` when others were faster every time.
 */
export async function changeEvent(
  store: Store,
  id: EventId,
  { now, decide, remember }: {
    now: number;
    decide: (settled: EventRecord, stored: EventRecord) => EventStep[] | Promise<EventStep[]>;
    /** What to keep of the answer, in the same commit. */
    remember?: Remember<EventRecord> | undefined;
  },
): Promise<ChangedEvent> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const read = await getEvent(store, id);
    if (read === null) throw notFound(id);
    const steps = await decide(settle(read.record, now), read.record);
    if (steps.length === 0) return { record: read.record, steps: 0 };
    const clock = settleStep(read.record, { now, by: "clock" });
    const all = clock === null ? steps : [clock, ...steps];
    const result = await replaceEvent(store, read, all, remember);
    if (result.outcome === "committed") {
      return { record: result.stored[0]!.record, steps: all.length };
    }
  }
  throw new DomainError("conflict", `Event "${id}" changed too often meanwhile; try again.`);
}

/** The step that records what the clock did to the event; null when it did nothing. */
export function settleStep(
  record: EventRecord,
  { now, by }: { now: number; by: Actor },
): EventStep | null {
  const next = settle(record, now);
  if (next === record) return null;
  const transition = TRANSITIONS.find((row) =>
    row.byClock && row.from === record.status && row.to === next.status
  );
  return transition === undefined ? null : {
    next,
    type: "transitioned",
    by,
    at: now,
    entry: {
      // The same whether it is recorded at once or by a late sweep.
      at: transition.to === "COMPLETED" ? record.endDate! : record.startDate,
      transition: shortTransition(transition),
      reason: null,
      fields: null,
    },
  };
}

/** The step of a transition that somebody asked for; `event` is settled and may be edited. */
export function transitionStep(
  event: EventRecord,
  transition: Transition,
  { now, by, reason, fields }: {
    now: number;
    by: Actor;
    reason: string | null;
    fields: EventStep["entry"]["fields"];
  },
): EventStep {
  return {
    next: afterTransition(event, transition, now),
    type: "transitioned",
    by,
    at: now,
    entry: { transition: shortTransition(transition), reason, fields },
  };
}

function shortTransition({ name, from, to }: Transition) {
  return { name, from, to };
}
