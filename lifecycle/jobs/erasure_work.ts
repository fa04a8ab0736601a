/** What the parts of somebody's erasure are given. */
import type { StoredErasure } from "../../kv/erasures.ts";
import type { RunContext, RunReport } from "./job.ts";

/** One person's erasure within a run. */
export interface ErasureWork {
  stored: StoredErasure;
  /** No request of theirs can still be writing. */
  isSettled: boolean;
  context: RunContext;
  report: RunReport;
}
