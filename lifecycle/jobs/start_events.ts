/**
 * What has started becomes ONGOING for the record.
 *
 * Every minute by the tick. An event that is over already is left to `complete_events`. In batches
 * of ten events a commit; a crash midway leaves the rest due.
 */
import { CONFIRMED_BY_START } from "../../kv/keys.ts";
import type { Job } from "./job.ts";
import { sweepDue } from "./sweep.ts";

export const START_EVENTS: Job = {
  name: "start_events",
  intervalMs: 60_000,
  description: "Starts the confirmed events whose start has passed.",
  run: (store, context) =>
    sweepDue(store, { prefixes: [CONFIRMED_BY_START], to: "ONGOING" }, context),
};
