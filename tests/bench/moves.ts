/** Moving house: ten years of events into the running program, out, into another one, and out. */
import { ADMIN, ADMIN_TOKEN } from "../support/fixture.ts";
import { generatedLines } from "../support/generated_events.ts";
import { type Server, startServer } from "../support/server.ts";
import { median, perSecond, residentBytes, verdict } from "./figures.ts";

/** The last quarter of a move may take this much more memory than the second one. */
const MEMORY_RATIO = 1.2;
/** One after the other, because one is over before memory has settled. */
const EXPORTS = 5;

export async function moves({ quick, folder }: { quick: boolean; folder: string }): Promise<void> {
  console.log("\nMoving events with ten years of history (NDJSON over HTTP, file store)");
  const count = quick ? 4_000 : 40_000;
  const file = `${folder}/generated.ndjson`;
  const lines = await Deno.open(file, { write: true, create: true });
  const encoder = new TextEncoder();
  await ReadableStream.from(generatedLines(count)).pipeThrough(
    new TransformStream<string, Uint8Array<ArrayBuffer>>({
      transform: (line, controller) => controller.enqueue(encoder.encode(line)),
    }),
  ).pipeTo(lines.writable);

  const first = await moved(file, `${folder}/in.sqlite3`);
  const second = await moved(first.out, `${folder}/elsewhere.sqlite3`);
  for (const way of ["incoming", "outgoing"] as const) {
    const { ms, memory } = first[way];
    const quarter = Math.floor(memory.length / 4);
    const growth = median(memory.slice(-quarter)) / median(memory.slice(quarter, 2 * quarter));
    console.log(
      `  ${way.padEnd(8)} ${count.toLocaleString("en")} events  ${(ms / 1000).toFixed(1)} s, ` +
        `${perSecond(count / ms * 1000)}  memory ${(Math.max(...memory) / 2 ** 20).toFixed(0)} ` +
        `MB, last quarter over second ${growth.toFixed(2)} ${
          verdict(growth <= MEMORY_RATIO, String(MEMORY_RATIO))
        }`,
    );
  }
  const isSame = await sameBytes(file, first.out) && await sameBytes(first.out, second.out);
  console.log(`  in, out, in elsewhere, out: ${verdict(isSame, "the same bytes")}`);
}

/** Into a new store and out of it again, each in a process of its own, whose memory is watched. */
async function moved(file: string, path: string) {
  const env = { KV_PATH: path, ADMIN_TOKEN };
  const out = `${file}.out`;
  const incoming = await watched(env, async ({ url }) => {
    const response = await fetch(`${url}/v1/imports`, {
      method: "POST",
      headers: { ...ADMIN, "content-type": "application/x-ndjson" },
      body: (await Deno.open(file)).readable,
    });
    const report = await response.json();
    if (report.failed !== 0) throw new Error(JSON.stringify(report).slice(0, 500));
  });
  const outgoing = await watched(env, async ({ url }) => {
    for (let i = 0; i < EXPORTS; i++) {
      const response = await fetch(`${url}/v1/exports`, { headers: ADMIN });
      if (!response.ok) throw new Error(await response.text());
      const target = await Deno.open(out, { write: true, create: true, truncate: true });
      await response.body!.pipeTo(target.writable);
    }
  });
  outgoing.ms /= EXPORTS;
  return { out, incoming, outgoing };
}

/** How long `act` takes, and the server's memory meanwhile, in bytes. */
async function watched(
  env: Record<string, string>,
  act: (server: Server) => Promise<void>,
): Promise<{ ms: number; memory: number[] }> {
  await using server = await startServer({ env });
  await pauseJobs(server);
  const memory: number[] = [];
  const sampler = setInterval(async () => {
    memory.push(await residentBytes(server.pid));
  }, 50);
  const began = performance.now();
  try {
    await act(server);
  } finally {
    clearInterval(sampler);
  }
  return { ms: performance.now() - began, memory };
}

/** So that the clock changes nothing between the ways in and out. */
export async function pauseJobs({ url }: { url: string }): Promise<void> {
  const paused = { reason: "The benchmark", until: "2100-01-01T00:00:00Z" };
  for (const job of ["complete_events", "start_events"]) {
    const response = await fetch(`${url}/v1/jobs/${job}`, {
      method: "PATCH",
      headers: { ...ADMIN, "content-type": "application/json" },
      body: JSON.stringify({ paused }),
    });
    if (!response.ok) throw new Error(await response.text());
  }
}

async function sameBytes(a: string, b: string): Promise<boolean> {
  const [left, right] = await Promise.all([Deno.readFile(a), Deno.readFile(b)]);
  return left.length === right.length && left.every((byte, i) => byte === right[i]);
}
