/**
 * Realtime through a real Redis: how soon who watches is told. The peer is a bare server that passes
 * on to its clients what Redis gives it; the limit is Redis itself, with one who reads.
 */
import { HOUR } from "../support/fixture.ts";
import { findRedisServer, NO_REDIS } from "../support/redis_server.ts";
import { median, verdict } from "./figures.ts";
import { preciseNow, type Seen, titleAt } from "./realtime_ages.ts";
import { idleCosts, sweeps } from "./realtime_costs.ts";
import { atPace, postEvent, Rig, seen, watch } from "./realtime_rig.ts";

export interface RealtimeOptions {
  quick: boolean;
  folder: string;
}

type Way = "ours" | "bare" | "redis";

/** An end is told within this. */
const TOLD_MS = 1_000;

export async function realtime(options: RealtimeOptions): Promise<void> {
  console.log("\nRealtime (loopback; Redis, its gateway, server and clients are processes)");
  if (findRedisServer() === null) return console.log(`  left out: ${NO_REDIS}`);
  await using rig = await Rig.start();
  await latencies(rig, options);
  await ends(rig, options);
  await sweeps(rig, options);
  await idleCosts(rig, options);
}

/** From the request that makes a change to its receipt by each client. */
async function latencies(rig: Rig, { quick, folder }: RealtimeOptions): Promise<void> {
  await using programs = await rig.programs(`${folder}/realtime.sqlite3`);
  await using bare = await rig.bare();
  const message = messageLike(await postEvent(programs));
  const ways = {
    ours: { url: programs.streamUrl, change: () => postEvent(programs) },
    bare: { url: bare.url, change: () => rig.publish(message(preciseNow())) },
    redis: { url: rig.channelUrl, change: () => rig.publish(message(preciseNow())) },
  };
  for (const [clients, perSecond] of [[100, 50], [1_000, 20]] as const) {
    const rounds: Record<Way, Seen["ages"]>[] = [];
    let published = 0;
    for (let round = 0; round < (quick ? 2 : 7); round++) {
      const count = perSecond * (quick ? 2 : 5);
      const ages: Partial<Record<Way, Seen["ages"]>> = {};
      for (const [way, { url, change }] of Object.entries(ways) as [Way, typeof ways.ours][]) {
        const crowd = { clients: way === "redis" ? 1 : clients, messages: count };
        await using watching = await watch(url, crowd);
        const { publish: before = 0 } = await rig.commands();
        await atPace(change, { count, perSecond });
        ages[way] = (await seen(watching)).ages;
        const { publish } = await rig.commands();
        if (way === "ours") published = Math.max(published, (publish! - before) / count);
      }
      // The first round warms up.
      if (round > 0) rounds.push(ages as Record<Way, Seen["ages"]>);
    }
    const of = (way: Way, part: "p50" | "p99") => median(rounds.map((ages) => ages[way][part]));
    const text = (way: Way) => `${of(way, "p50").toFixed(1)} / ${of(way, "p99").toFixed(1)} ms`;
    const ratio = median(rounds.map(({ ours, bare }) => ours.p50 / bare.p50));
    console.log(
      `  ${clients} clients, ${perSecond} changes/s: told after p50 / p99 ${text("ours")}  ` +
        `bare ${text("bare")}  ratio of p50 ${ratio.toFixed(2)}  Redis itself ${text("redis")}\n` +
        `    publishes a change ${published.toFixed(2)} ${verdict(published <= 1, "1")}`,
    );
  }
}

/** The message of an event as a client gets it, but for its title. */
function messageLike(event: Record<string, unknown>): (time: number) => string {
  return (time) =>
    JSON.stringify({
      specversion: "1.0",
      id: "00000000.00000000000000000000-1",
      source: "/v1/events",
      type: "event.created",
      subject: event.id,
      time: event.created_at,
      sequence: "0000000001",
      datacontenttype: "application/json",
      data: { ...event, title: titleAt(time) },
    });
}

/** From an event's end to its receipt by who watches. */
async function ends(rig: Rig, { quick, folder }: RealtimeOptions): Promise<void> {
  await using programs = await rig.programs(`${folder}/ends.sqlite3`);
  const count = quick ? 10 : 30;
  const url = `${programs.streamUrl}?status=COMPLETED`;
  await using watching = await watch(url, { clients: 1, messages: count });
  const first = Date.now() + 3_000;
  for (let i = 0; i < count; i++) {
    const end = first + i * 333;
    await postEvent(programs, {
      time: end,
      start_date: new Date(end - HOUR).toISOString(),
      end_date: new Date(end).toISOString(),
    });
  }
  const { ages: { p50, p99, max } } = await seen(watching);
  console.log(
    `  ${count} events end one after the other: told after p50 / p99 ${p50.toFixed(0)} / ` +
      `${p99.toFixed(0)} ms, at most ${max.toFixed(0)} ms ${
        verdict(max <= TOLD_MS, `${TOLD_MS} ms`)
      }`,
  );
}
