/**
 * One measured sweep in a process of its own: `sweep_run.ts PATH NOW ours|ceiling`.
 * Prints the milliseconds, what was changed, and the highest memory seen.
 */
import { cardOf, type EventRecord } from "../../kv/event_record.ts";
import { beforeOf, type Change } from "../../kv/journal.ts";
import { openStore, type Store } from "../../kv/store.ts";
import { COMPLETE_EVENTS } from "../../lifecycle/jobs/complete_events.ts";
import { SILENT } from "../../lifecycle/log.ts";

const RUN_ID = "run_01M861G5PW051DAW1M5VJHTV48";

async function ours(store: Store): Promise<number> {
  const report = await COMPLETE_EVENTS.run(store, {
    runId: RUN_ID,
    trigger: "cron",
    now,
    dryRun: false,
    shouldStop: () => false,
    log: SILENT,
  });
  return report.changed;
}

/**
 * The raw ceiling: the same keys and values read and written, in the same batches and with as many
 * commits in flight, by code that decides nothing. Every written value has the size of the real one.
 */
async function ceiling({ kv }: Store): Promise<number> {
  const inFlight = new Set<Promise<unknown>>();
  let changed = 0;
  for (const status of ["CONFIRMED", "ONGOING"]) {
    const prefix = ["events_by_status_and_end_date", status];
    let start: Deno.KvKey = [...prefix, -Infinity];
    for (;;) {
      const rows = await Array.fromAsync(
        kv.list({ start, end: [...prefix, now + 1] }, { limit: 500, batchSize: 500 }),
      );
      for (let i = 0; i < rows.length; i += 10) {
        const slice = rows.slice(i, i + 10).map((row) => ["event", row.key[3] as string]);
        const batch = write(kv, slice).then((count) => {
          changed += count;
          inFlight.delete(batch);
        });
        inFlight.add(batch);
        if (inFlight.size >= 8) await Promise.race(inFlight);
      }
      const last = rows.at(-1);
      if (last === undefined || rows.length < 500) break;
      start = [...prefix, last.key[2]!, `${last.key[3] as string}\u0000`];
    }
  }
  await Promise.all(inFlight);
  return changed;
}

let card: ReturnType<typeof cardOf> | undefined;
let was: Change["was"] = null;

async function write(kv: Deno.Kv, keys: Deno.KvKey[]): Promise<number> {
  const entries = await kv.getMany<EventRecord[]>(keys);
  const operation = kv.atomic();
  const changes: unknown[] = [];
  for (const { key, value, versionstamp } of entries) {
    const { id, status, startDate, endDate, organizerId, tags, history } = value!;
    card ??= cardOf(value!);
    was ??= beforeOf(value!, value!);
    operation.check({ key, versionstamp })
      .set(key, { ...value!, history: [...history, history[0] ?? HISTORY] })
      .set(["events_by_status_and_end_date", "COMPLETED", endDate!, id], null)
      .set(["past_events_by_end_date", endDate!, id], card)
      .set(["events_by_organizer", organizerId, startDate, id], card)
      .delete(["events_by_status_and_end_date", status, endDate!, id])
      .delete(["confirmed_events_by_start_date", startDate, id])
      .delete(["live_events_by_start_date", "dated", startDate, id])
      .delete(["live_events_by_organizer", organizerId, startDate, id])
      .delete(["live_events_by_end_date", endDate!, id]);
    for (const tag of tags) operation.delete(["live_events_by_tag", tag, startDate, id]);
    changes.push({
      type: "transitioned",
      at: now,
      by: `job:${RUN_ID}`,
      version: 2,
      event: card,
      was,
    });
  }
  operation
    .set(["journal", kv.commitVersionstamp()] as Deno.KvKey, {
      writeId: "00000000-0000-0000-0000-000000000000",
      changes,
    })
    .set(["journal_head"], changes.length);
  await operation.commit();
  return entries.length;
}

const HISTORY = {
  version: 2,
  at: 0,
  by: `job:${RUN_ID}`,
  transition: { name: "complete", from: "CONFIRMED", to: "COMPLETED" },
  reason: null,
  fields: null,
};

const [path, nowText, mode] = Deno.args;
const now = Number(nowText);
const store = await openStore(path);
let highest = 0;
const sampler = setInterval(() => {
  highest = Math.max(highest, Deno.memoryUsage().rss);
}, 20);
const began = performance.now();
const changed = mode === "ours" ? await ours(store) : await ceiling(store);
const ms = performance.now() - began;
clearInterval(sampler);
store.close();
console.log(JSON.stringify({ ms, changed, rssMb: highest / 2 ** 20 }));
