/** What a job is, and what its run is given and answers. */
import type { RunId } from "../../kv/event_record.ts";
import type { PlannedChange, RunCounts, RunFailure, RunTrigger } from "../../kv/jobs.ts";
import type { Store } from "../../kv/store.ts";
import type { Logger } from "../log.ts";

export interface Job {
  name: string;
  /** How often it is due unless its record says otherwise. */
  intervalMs: number;
  description: string;
  /** Run by a cron of its own and not by the tick, so its interval is fixed. */
  hasOwnCron?: true;
  /** How long a run may take before it ends itself and says that work is left; else 4 minutes. */
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

export interface RunReport extends RunCounts {
  moreLeft: boolean;
  /** The first few events that could not be handled. */
  failures: RunFailure[];
  /** Of a dry run only. */
  planned: PlannedChange[];
}
