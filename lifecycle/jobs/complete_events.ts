/**
 * The main job: what has ended becomes COMPLETED for the record.
 *
 * Every five minutes by cron, at start-up when overdue, by hand, and by traffic. Readers never wait
 * for it: they are shown the settled status. In batches of ten events a commit; a crash midway
 * leaves the rest due, and the next run takes it up.
 */
import { statusPrefix } from "../../kv/keys.ts";
import type { Job } from "./job.ts";
import { sweepDue } from "./sweep.ts";

export const COMPLETE_EVENTS: Job = {
  name: "complete_events",
  intervalMs: 5 * 60_000,
  hasOwnCron: true,
  description: "Completes the events whose end has passed.",
  run: (store, context) =>
    sweepDue(store, {
      // In the direction events move, so that none slips from behind the sweep to ahead of it.
      prefixes: [statusPrefix("CONFIRMED"), statusPrefix("ONGOING")],
      to: "COMPLETED",
    }, context),
};
