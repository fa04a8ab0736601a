/**
 * How long a start takes: from the moment the process is asked for to its first answer, with all
 * modules in the cache, beside bare servers made of the same libraries.
 */
import { HOUR } from "../support/fixture.ts";
import { median, verdict } from "./figures.ts";
import { seed } from "./sizes.ts";

const MAX_MS = 200;

interface Subject {
  name: string;
  args: string[];
  listens: number[];
  answers: number[];
}

export async function starts({ quick, folder }: { quick: boolean; folder: string }): Promise<void> {
  console.log("\nFrom the start of the process to its first answer (GET /v1/events)");
  const path = `${folder}/start.sqlite3`;
  await seed(path, { size: "full", count: 500, firstEnd: Date.now() + 12 * HOUR });
  const program = new URL("../../main.ts", import.meta.url).pathname;
  const peer = new URL("./start_peer.ts", import.meta.url).pathname;
  const subjects: Subject[] = [
    { name: "Hono and zod", args: [peer, "zod"], listens: [], answers: [] },
    { name: "Hono and zod-openapi", args: [peer, "contract"], listens: [], answers: [] },
    { name: "Curtain", args: [program], listens: [], answers: [] },
  ];
  for (let round = 0; round < (quick ? 6 : 31); round++) {
    for (const subject of subjects) {
      const { listens, answers } = await startOnce(subject.args, { KV_PATH: path });
      // The first of each fills the caches.
      if (round === 0) continue;
      subject.listens.push(listens);
      subject.answers.push(answers);
    }
  }
  for (const { name, listens, answers } of subjects) {
    const ms = median(answers);
    console.log(
      `  ${name.padEnd(20)}  listens ${median(listens).toFixed(0).padStart(4)} ms  ` +
        `first answer ${ms.toFixed(0).padStart(4)} ms ${
          name === "Curtain" ? verdict(ms <= MAX_MS, `${MAX_MS} ms`) : ""
        }`,
    );
  }
}

/** Milliseconds until it said where it listens, and until its first answer was read whole. */
async function startOnce(
  args: string[],
  env: Record<string, string>,
): Promise<{ listens: number; answers: number }> {
  const began = performance.now();
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "--allow-net", "--allow-env", "--allow-read", "--allow-write", ...args],
    env: { PORT: "0", HOST: "127.0.0.1", NO_COLOR: "1", ...env },
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const output = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  try {
    const url = await firstUrl(output);
    const listens = performance.now() - began;
    const response = await fetch(`${url}/v1/events`);
    const text = await response.text();
    if (!response.ok) throw new Error(`${args}: ${text}`);
    return { listens, answers: performance.now() - began };
  } finally {
    child.kill("SIGKILL");
    await child.status;
    await output.cancel();
  }
}

async function firstUrl(output: ReadableStreamDefaultReader<string>): Promise<string> {
  let text = "";
  for (;;) {
    const { value, done } = await output.read();
    if (done) throw new Error(`no address in: ${text}`);
    text += value;
    const url = /http:\/\/[\d.]+:\d+/.exec(text)?.[0];
    if (url !== undefined) return url;
  }
}
