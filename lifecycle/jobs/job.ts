/** What a job is, and what its run is given and answers. */
import type { EventId, EventStatus, RunId } from "../../kv/event_record.ts";
import type { RunCounts, RunFailure, RunTrigger } from "../../kv/jobs.ts";
import type { Store } from "../../kv/store.ts";
import type { Logger } from "../log.ts";

export interface Job {
  name: string;
  /** How often it is due unless its record says otherwise. */
  intervalMs: number;
  description: string;
  /** Run by a cron of its own and not by the tick, so its interval is fixed. */
  hasOwnCron?: true;
  /** A run ends itself after this long and says that work is left; four minutes unless set. */
  budgetMs?: number;
  run(store: Store, context: RunContext): Promise<RunReport>;
}

export interface RunContext {
  runId: RunId;
  trigger: RunTrigger;
  /** The instant the run decides at, epoch milliseconds. */
  now: number;
  /** Report what would change instead of changing it. */
  dryRun: boolean;
  /** True once the run is to end at its next batch: shutdown, a lost lease, or no time left. */
  shouldStop(): boolean;
  log: Logger;
}

/** What a dry run answers for each event. */
export interface PlannedChange {
  id: EventId;
  from: EventStatus;
  to: EventStatus;
}

export interface RunReport extends RunCounts {
  moreLeft: boolean;
  /** The first few events that could not be handled. */
  failures: RunFailure[];
  /** Of a dry run only. */
  planned: PlannedChange[];
}
