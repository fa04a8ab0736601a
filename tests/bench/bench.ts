/**
 * `deno task bench`: every figure beside its raw ceiling or its bare peer, measured in the same run
 * and in turns, because these are ratios that hold on any machine while absolute rates do not.
 * `deno task bench sweep|idle|http|start|import|moves|realtime` measures one part, `--quick` less of
 * each.
 */
import { openStore } from "../../kv/store.ts";
import { ADMIN, ADMIN_TOKEN, HOUR, MINUTE, NOW } from "../support/fixture.ts";
import { startServer } from "../support/server.ts";
import { median, perSecond, verdict } from "./figures.ts";
import { idleSweeps } from "./idle.ts";
import { moves } from "./moves.ts";
import { realtime } from "./realtime.ts";
import { seed, type Size } from "./sizes.ts";
import { starts } from "./start.ts";

const quick = Deno.args.includes("--quick");
const parts = Deno.args.filter((arg) => !arg.startsWith("--"));
const folder = await Deno.makeTempDir({ prefix: "curtain-bench-" });
try {
  const wanted = (part: string) => parts.length === 0 || parts.includes(part);
  if (wanted("sweep")) await sweeps();
  if (wanted("idle")) await idleSweeps({ quick, folder });
  if (wanted("http")) await requests();
  if (wanted("start")) await starts({ quick, folder });
  if (wanted("import")) await imports();
  if (wanted("moves")) await moves({ quick, folder });
  if (wanted("realtime")) await realtime({ quick, folder });
} finally {
  await Deno.remove(folder, { recursive: true });
}

/** Completions a second, and the memory they take. */
async function sweeps(): Promise<void> {
  console.log("\nCompleting what is due (file store, commits of ten, eight in flight)");
  for (const size of ["full", "minimal"] as Size[]) {
    for (const count of quick ? [1_000, 10_000] : [1_000, 10_000, 100_000]) {
      const path = `${folder}/${size}-${count}.sqlite3`;
      await seed(path, { size, count, firstEnd: NOW });
      const ours: number[] = [];
      const ceiling: number[] = [];
      let rss = 0;
      for (let round = 0; round < (count > 10_000 ? 3 : 5); round++) {
        // Who goes first changes, so that neither always finds the disk's cache warm.
        const modes = round % 2 === 0 ? ["ceiling", "ours"] : ["ours", "ceiling"];
        for (const mode of modes) {
          const run = await sweepOnce(path, NOW + count * MINUTE, mode);
          if (run.changed !== count) throw new Error(`${mode} changed ${run.changed} of ${count}`);
          (mode === "ours" ? ours : ceiling).push(count / run.ms * 1000);
          if (mode === "ours") rss = Math.max(rss, run.rssMb);
        }
      }
      const ratio = median(ours.map((rate, i) => rate / ceiling[i]!));
      console.log(
        `  ${size.padEnd(8)} ${String(count).padStart(7)} due  ${perSecond(median(ours))}  ` +
          `ceiling ${perSecond(median(ceiling))}  ratio ${ratio.toFixed(2)} ` +
          `${verdict(ratio >= 0.75, "0.75")}  memory ${rss.toFixed(0)} MB ${
            verdict(rss < 200, "200 MB")
          }`,
      );
      await Deno.remove(path);
    }
  }
}

async function sweepOnce(
  path: string,
  now: number,
  mode: string,
): Promise<{ ms: number; changed: number; rssMb: number }> {
  const copy = `${folder}/copy.sqlite3`;
  for (const suffix of ["-wal", "-shm"]) await Deno.remove(copy + suffix).catch(() => {});
  await Deno.copyFile(path, copy);
  const script = new URL("./sweep_run.ts", import.meta.url).pathname;
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--allow-all", script, copy, String(now), mode],
    stderr: "inherit",
  }).output();
  return JSON.parse(new TextDecoder().decode(stdout));
}

/**
 * Requests a second over loopback through the whole middleware, beside a bare handler that makes the
 * same KV calls.
 */
async function requests(): Promise<void> {
  console.log("\nReading (loopback, 16 connections; the peer is a bare Hono handler)");
  const path = `${folder}/http.sqlite3`;
  await seed(path, { size: "full", count: 500, firstEnd: Date.now() + 12 * HOUR });
  const store = await openStore(path);
  const [any] = await Array.fromAsync(store.kv.list({ prefix: ["event"] }, { limit: 1 }));
  store.close();
  await Deno.copyFile(path, `${path}-2`);
  const ours = await serve(path, "ours");
  const bare = await serve(`${path}-2`, "bare");
  try {
    const targets = [["list", "/v1/events"], ["get", `/v1/events/${any!.key[1] as string}`]];
    for (const [name, target] of targets) {
      const [rates, bareRates] = await load([ours.url + target, bare.url + target]);
      const ratio = median(rates!.map((rate, i) => rate / bareRates![i]!));
      console.log(
        `  ${name!.padEnd(8)} ${perSecond(median(rates!))}  bare ${
          perSecond(median(bareRates!))
        }  ratio ${ratio.toFixed(2)} ${verdict(ratio >= 0.75, "0.75")}`,
      );
    }
  } finally {
    for (const { child } of [ours, bare]) {
      child.kill("SIGKILL");
      await child.status;
    }
  }
}

async function serve(path: string, mode: "ours" | "bare") {
  const script = new URL("./http_server.ts", import.meta.url).pathname;
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "--allow-all", script, path, mode],
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const reader = child.stdout.getReader();
  const { value } = await reader.read();
  reader.releaseLock();
  return { child, url: new TextDecoder().decode(value).trim() };
}

/** Answers a second of each, asked for by a process that shares no thread with the servers. */
async function load(urls: string[]): Promise<number[][]> {
  const script = new URL("./load.ts", import.meta.url).pathname;
  const { stdout, success } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--allow-net", script, quick ? "20" : "100", ...urls],
    stderr: "inherit",
  }).output();
  if (!success) throw new Error(`${urls} failed under load`);
  return JSON.parse(new TextDecoder().decode(stdout));
}

/** Imported events a second, through the running program. */
async function imports(): Promise<void> {
  console.log("\nImporting (1,551 conferences, NDJSON over HTTP, file store)");
  const file = await Deno.readTextFile(new URL("../data/conferences.ndjson", import.meta.url));
  const lines = file.trim().split("\n").length;
  const rates = { created: [] as number[], unchanged: [] as number[] };
  for (let round = 0; round < 3; round++) {
    const env = { KV_PATH: `${folder}/import-${round}.sqlite3`, ADMIN_TOKEN };
    await using server = await startServer({ env });
    for (const kind of ["created", "unchanged"] as const) {
      const began = performance.now();
      const response = await fetch(`${server.url}/v1/imports`, {
        method: "POST",
        headers: { ...ADMIN, "content-type": "application/x-ndjson" },
        body: file,
      });
      const report = await response.json();
      if (report[kind] !== lines) throw new Error(JSON.stringify(report).slice(0, 500));
      rates[kind].push(lines / (performance.now() - began) * 1000);
    }
  }
  console.log(`  first time ${perSecond(median(rates.created))}`);
  console.log(`  again, nothing changes ${perSecond(median(rates.unchanged))}`);
}
