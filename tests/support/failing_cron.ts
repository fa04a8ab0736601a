/**
 * A program whose completion job always fails, run by a cron as `main.ts` registers it but with
 * short waits. `DENO_CRON_TEST_SCHEDULE_OFFSET` is how many ms the runtime waits for each turn.
 */
import { Store } from "../../kv/store.ts";
import { COMPLETE_EVENTS } from "../../lifecycle/jobs/complete_events.ts";
import { JobRunner } from "../../lifecycle/jobs/runner.ts";
import { createLogger } from "../../lifecycle/log.ts";

Deno.cron("complete events", "*/5 * * * *", { backoffSchedule: [10, 20, 30] }, async () => {
  await (await program).runByCron(COMPLETE_EVENTS.name);
});

const program = start();

async function start(): Promise<JobRunner> {
  const store = await Store.over(await Deno.openKv(":memory:"));
  return new JobRunner(store, {
    clock: Date.now,
    log: createLogger({ level: "info", readable: false, timeZone: "UTC" }),
    jobs: [{ ...COMPLETE_EVENTS, run: () => Promise.reject(new Error("the disk is full")) }],
  });
}
