/**
 * Asks a running server to look through all its indexes and to repair what is wrong in them.
 * `deno task reindex [--url URL] [--token TOKEN] [--dry-run]`
 */
import { bodyOf, type Client } from "../routes/client.ts";
import {
  ask,
  drawProgress,
  endProgress,
  readArguments,
  runTask,
  SERVER_OPTIONS,
} from "./server.ts";

const WATCH_MS = 1_000;

const USAGE = "Usage: deno task reindex [--url URL] [--token TOKEN] [--dry-run]";

await runTask(async () => {
  const { values } = readArguments(USAGE, {
    options: { ...SERVER_OPTIONS, "dry-run": { type: "boolean", default: false } },
  });
  let examined = 0;
  let changed = 0;
  let failed = 0;
  // One run looks through as much as fits its time; the next goes on where it stopped.
  for (let moreLeft = true; moreLeft;) {
    const run = await ask(values, (client) => finished(client, values["dry-run"]));
    if (run.status === "failed" || run.status === "skipped_overlap") {
      console.error(`The run ${run.id} ended as ${run.status}: ${run.error ?? "another one runs"}`);
      return 1;
    }
    examined += run.examined;
    changed += run.changed;
    failed += run.failed;
    moreLeft = run.more_left && !values["dry-run"];
    for (const { event_id, error } of run.failures) console.error(`${event_id}: ${error}`);
    drawProgress(null, `${examined} events looked through, ${changed} repairs`);
  }
  endProgress();
  console.log(
    `${examined} events looked through, ${changed} repairs ${
      values["dry-run"] ? "to make" : "made"
    }, ${failed} failed`,
  );
  return failed === 0 ? 0 : 1;
});

/** Runs the job to its end. Who asked again, because the answer was lost, is told where to watch. */
async function finished({ v1: { jobs } }: Client, isDry: boolean) {
  const { runs } = jobs[":name"];
  const param = { name: "reindex_events" };
  let run = await bodyOf(runs.$post({ param, query: { dry_run: isDry } }));
  while (run.status === "running") {
    await new Promise((resolve) => setTimeout(resolve, WATCH_MS));
    run = await bodyOf(runs[":run_id"].$get({ param: { ...param, run_id: run.id } }));
  }
  return run;
}
