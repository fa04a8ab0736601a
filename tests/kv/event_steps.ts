/** Steps as the lifecycle makes them, without asking whether they are allowed. */
import type { EventRecord, EventStatus } from "../../kv/event_record.ts";
import type { EventStep } from "../../kv/events.ts";
import { transitionStep } from "../../lifecycle/change_event.ts";
import { TRANSITIONS } from "../../lifecycle/transitions.ts";
import { NOW } from "../support/fixture.ts";

/** An edit by a person. */
export function edit(
  record: EventRecord,
  changes: Partial<EventRecord>,
  entry: Partial<EventStep["entry"]> = {},
): EventStep {
  return {
    next: { ...record, ...changes },
    type: "updated",
    by: "usr_alice",
    at: NOW,
    entry: { transition: null, reason: null, fields: null, ...entry },
  };
}

/** A transition by a person. */
export function move(
  record: EventRecord,
  to: EventStatus,
  { reason = null, now = NOW }: { reason?: string | null; now?: number } = {},
): EventStep {
  const transition = TRANSITIONS.find((row) => row.from === record.status && row.to === to);
  if (transition === undefined) throw new Error(`No transition ${record.status} → ${to}`);
  return transitionStep(record, transition, { now, by: "usr_alice", reason, fields: null });
}
