/** Sweeps for their tests: of what ended, at an instant two hours after `NOW`. */
import type { EventId } from "../../kv/event_record.ts";
import { statusPrefix } from "../../kv/keys.ts";
import type { Store } from "../../kv/store.ts";
import type { RunContext } from "../../lifecycle/jobs/job.ts";
import { sweepDue, type SweepPlan } from "../../lifecycle/jobs/sweep.ts";
import { allRecords, HOUR, NOW, storeEvents } from "../support/fixture.ts";
import { aRunContext } from "./lifecycle_fixture.ts";

export const LATER = NOW + 2 * HOUR;
const COMPLETION: SweepPlan = {
  prefixes: [statusPrefix("CONFIRMED"), statusPrefix("ONGOING")],
  to: "COMPLETED",
};

export const AT_LATER: RunContext = aRunContext({ now: LATER });

export function sweep(store: Store, context: Partial<RunContext> = {}) {
  return sweepDue(store, COMPLETION, { ...AT_LATER, ...context });
}

/** `count` events that ended an hour before `LATER`. */
export async function storeDue(store: Store, count: number): Promise<EventId[]> {
  return (await storeEvents(store, count)).map(({ record }) => record.id);
}

export async function completed(store: Store): Promise<EventId[]> {
  const records = await allRecords(store);
  return records.filter((record) => record.status === "COMPLETED").map((record) => record.id);
}
