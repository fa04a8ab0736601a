/** What realtime costs: how fast a great sweep is told to all, memory, and commands of Redis. */
import { ADMIN, HOUR, MINUTE } from "../support/fixture.ts";
import { median, perSecond, residentBytes, verdict } from "./figures.ts";
import { pauseJobs } from "./moves.ts";
import type { RealtimeOptions } from "./realtime.ts";
import type { Seen } from "./realtime_ages.ts";
import { atPace, pauseMs, postEvent, type Rig, seen, watch } from "./realtime_rig.ts";
import { seed } from "./sizes.ts";

const EVENTS_A_COMMIT = 10;
/** `SILENCE_MS` of lifecycle/realtime/redis_subscription.ts. */
const SILENCE_MS = 120_000;

/** Everything due is told to all who read, with and without some who do not. */
export async function sweeps(rig: Rig, { quick, folder }: RealtimeOptions): Promise<void> {
  await using bare = await rig.bare();
  const due = quick ? 2_000 : 10_000;
  const clients = 100;
  const path = `${folder}/due.sqlite3`;
  await seed(path, { size: "full", count: due, firstEnd: Date.now() - due * MINUTE - HOUR });
  for (const stalled of [0, 20]) {
    const rounds: Swept[] = [];
    const limits: number[] = [];
    for (let round = 0; round < (quick ? 1 : 3); round++) {
      const copy = `${folder}/due-copy.sqlite3`;
      for (const suffix of ["-wal", "-shm"]) await Deno.remove(copy + suffix).catch(() => {});
      await Deno.copyFile(path, copy);
      const swept = await sweep(rig, copy, { due, clients, stalled });
      rounds.push(swept);
      const bytes = Math.round(swept.seen.bytes / swept.seen.total);
      const flood = `${bare.url}/flood?messages=${due}&bytes=${bytes}`;
      await using watching = await watch(flood, { clients, messages: due });
      limits.push(rateOf(await seen(watching)));
    }
    const of = (value: (swept: Swept) => number) => median(rounds.map(value));
    const publishes = of((swept) => swept.publishes);
    const commits = due / EVENTS_A_COMMIT;
    console.log(
      `  ${due} due, ${clients} clients, ${stalled} more who do not read: ` +
        `${perSecond(of((swept) => rateOf(swept.seen)))} messages  bare ${
          perSecond(median(limits))
        }\n    ${publishes} publishes for ${commits} commits ${
          verdict(publishes <= commits, "at most 1 each")
        }  memory ${of((swept) => swept.memoryMb).toFixed(0)} MB, ${
          of((swept) => swept.grownMb).toFixed(0)
        } MB more than before`,
    );
  }
}

interface Swept {
  seen: Seen;
  publishes: number;
  /** The most that was used, and how much less it was before. */
  memoryMb: number;
  grownMb: number;
}

async function sweep(
  rig: Rig,
  path: string,
  { due, clients, stalled }: { due: number; clients: number; stalled: number },
): Promise<Swept> {
  await using programs = await rig.programs(path);
  // By hand it runs all the same.
  await pauseJobs({ url: programs.writingUrl });
  const url = `${programs.streamUrl}?status=COMPLETED`;
  await using crowd = new AsyncDisposableStack();
  if (stalled > 0) crowd.use(await watch(url, { clients: stalled, messages: 0 }));
  const watching = crowd.use(await watch(url, { clients, messages: due }));
  const { publish: before = 0 } = await rig.commands();
  const memoryBefore = await residentBytes(programs.pid);
  let memory = memoryBefore;
  const sampler = setInterval(async () => {
    memory = Math.max(memory, await residentBytes(programs.pid));
  }, 50);
  const run = await fetch(`${programs.writingUrl}/v1/jobs/complete_events/runs`, {
    method: "POST",
    headers: ADMIN,
  });
  const { changed } = await run.json();
  if (changed !== due) throw new Error(`${changed} of ${due} were completed`);
  const told = await seen(watching);
  clearInterval(sampler);
  return {
    seen: told,
    publishes: (await rig.commands()).publish! - before,
    memoryMb: memory / 2 ** 20,
    grownMb: (memory - memoryBefore) / 2 ** 20,
  };
}

function rateOf({ total, ms }: Seen): number {
  return total / ms * 1000;
}

/** Clients who are told nothing: their memory, and what they make of Redis's bill. */
export async function idleCosts(rig: Rig, { quick, folder }: RealtimeOptions): Promise<void> {
  const clients = 1_000;
  const idleMs = quick ? 10_000 : 60_000;
  await using bare = await rig.bare();
  const bareKb = await kilobytesEach(bare.pid, {
    url: bare.url,
    clients,
    change: () => rig.publish("{}"),
  });
  await using programs = await rig.programs(`${folder}/idle.sqlite3`);
  let commands = 0;
  const oursKb = await kilobytesEach(programs.pid, {
    url: programs.streamUrl,
    clients,
    change: () => postEvent(programs),
    meanwhile: async () => {
      const before = sum(await rig.commands());
      await pauseMs(idleMs);
      commands = sum(await rig.commands()) - before;
    },
  });
  console.log(
    `  ${clients} idle clients: ${oursKb.toFixed(0)} KB each  bare ${bareKb.toFixed(0)} KB\n` +
      `    ${commands * HOUR / idleMs} commands an hour; not measured: ${HOUR / SILENCE_MS} ` +
      `subscriptions an hour if nothing ever came from upstream, not even a sign of life`,
  );
}

async function kilobytesEach(
  pid: number,
  { url, clients, change, meanwhile = () => Promise.resolve() }: {
    url: string;
    clients: number;
    change: () => Promise<unknown>;
    meanwhile?: () => Promise<void>;
  },
): Promise<number> {
  // What the first ones make the server load and compile is no client's memory.
  await using first = await watch(url, { clients: 100, messages: 50 });
  await atPace(change, { count: 50, perSecond: 50 });
  await seen(first);
  const before = await residentBytes(pid);
  await using _crowd = await watch(url, { clients, messages: Infinity });
  // Past a heartbeat.
  await pauseMs(20_000);
  const kilobytes = (await residentBytes(pid) - before) / clients / 1024;
  await meanwhile();
  return kilobytes;
}

/** Our own look is none of them. */
function sum({ info: _, ...commands }: Record<string, number>): number {
  return Object.values(commands).reduce((a, b) => a + b, 0);
}
