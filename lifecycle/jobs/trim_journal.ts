/**
 * What is older than is kept leaves the journal.
 *
 * Every hour by the tick, 25 entries a commit. A crash midway leaves the rest for the next run; how
 * far it went is in the commit that removes.
 */
import { countTrimmable, trimJournal } from "../../kv/journal_trim.ts";
import type { Job } from "./job.ts";
import { newReport } from "./run_record.ts";

const DAY_MS = 86_400_000;

/** The job for a journal that keeps `retentionDays`. */
export function trimJournalJob(retentionDays: number): Job {
  return {
    name: "trim_journal",
    intervalMs: 3_600_000,
    description: `Removes what is older than ${retentionDays} days from the journal of changes.`,
    async run(store, { now, dryRun, shouldStop }) {
      const before = now - retentionDays * DAY_MS;
      const report = newReport();
      if (dryRun) return { ...report, changed: await countTrimmable(store, before) };
      for (let moreLeft = true; moreLeft;) {
        if (shouldStop()) return { ...report, moreLeft };
        const trimmed = await trimJournal(store, before);
        report.examined += trimmed.removed;
        report.changed += trimmed.removed;
        moreLeft = trimmed.moreLeft;
      }
      return report;
    },
  };
}
