/** A sweep that finds nothing costs the same, whatever is stored. */
import { openStore, type Store } from "../../kv/store.ts";
import { COMPLETE_EVENTS } from "../../lifecycle/jobs/complete_events.ts";
import { SILENT } from "../../lifecycle/log.ts";
import { HOUR, NOW } from "../support/fixture.ts";
import { median, verdict } from "./figures.ts";
import { seed } from "./sizes.ts";

/** One is over in a tenth of a millisecond: only many in a row can be compared. */
const SWEEPS_PER_TURN = 50;
/** Turns that only warm up. */
const WARM_UP = 20;

export async function idleSweeps(
  { quick, folder }: { quick: boolean; folder: string },
): Promise<void> {
  console.log("\nA sweep with nothing due");
  const [few, many] = await Promise.all([1_000, quick ? 20_000 : 200_000].map(async (count) => {
    const path = `${folder}/idle-${count}.sqlite3`;
    await seed(path, { size: "minimal", count, firstEnd: NOW + HOUR });
    return { count, store: await openStore(path), times: [] as number[] };
  }));
  const pair = [few!, many!];
  for (let round = -WARM_UP; round < (quick ? 50 : 400); round++) {
    // Who goes first changes.
    for (const { store, times } of round % 2 === 0 ? pair : pair.toReversed()) {
      const began = performance.now();
      for (let i = 0; i < SWEEPS_PER_TURN; i++) await sweepNothing(store);
      if (round >= 0) times.push((performance.now() - began) / SWEEPS_PER_TURN);
    }
  }
  for (const { count, store, times } of pair) {
    console.log(`  ${String(count).padStart(7)} stored  ${median(times).toFixed(3)} ms`);
    store.close();
  }
  const ratio = median(many!.times.map((ms, i) => ms / few!.times[i]!));
  console.log(`  ratio ${ratio.toFixed(2)} ${verdict(ratio <= 1.3, "1.3")}`);
}

async function sweepNothing(store: Store): Promise<void> {
  const { examined } = await COMPLETE_EVENTS.run(store, {
    runId: "run_bench",
    trigger: "cron",
    now: NOW,
    dryRun: false,
    shouldStop: () => false,
    log: SILENT,
  });
  if (examined !== 0) throw new Error(`${examined} events were due`);
}
