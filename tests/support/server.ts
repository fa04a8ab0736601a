/** The program itself as a child process, as people run it. */
import assert from "node:assert/strict";
import { bodyOf, createClient } from "../../routes/client.ts";
import { PATIENCE_MS, soon } from "./http.ts";
import { textLines } from "./text_lines.ts";

export interface Server extends AsyncDisposable {
  url: string;
  pid: number;
  /** From its start to its first line, by which a test knows how busy the machine is. */
  readonly firstLineMs: number;
  /** What it printed so far. */
  lines: string[];
  /** Waits for a line that matches; fails when there is none before the output or the time ends. */
  line: (pattern: RegExp) => Promise<string>;
  kill: (signal: Deno.Signal) => void;
  status: Promise<Deno.CommandStatus>;
}

export interface ServerOptions {
  /** The program; `main.ts` unless said. */
  entry?: URL;
  args?: string[];
  env?: Record<string, string>;
}

/** Starts the program on a free port of loopback and waits until it listens. */
export async function startServer(options: ServerOptions): Promise<Server> {
  const server = spawnServer(options);
  const listening = await server.line(/listens/);
  server.url = /https?:\/\/[^\s",]+/.exec(listening)![0];
  return server;
}

const MAIN = new URL("../../main.ts", import.meta.url);

/** Starts the program, whatever becomes of it. */
export function spawnServer({ entry = MAIN, args = [], env = {} }: ServerOptions): Server {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "--allow-all", entry.pathname, ...args],
    env: {
      PORT: "0",
      HOST: "127.0.0.1",
      LOG_LEVEL: "info",
      RATE_LIMIT: "off",
      NO_COLOR: "1",
      ...env,
    },
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const began = performance.now();
  let firstLineMs = 0;
  const lines: string[] = [];
  const waiting = new Set<() => void>();
  let open = 2;
  const read = async (stream: ReadableStream<Uint8Array<ArrayBuffer>>) => {
    for await (const line of stream.pipeThrough(new TextDecoderStream()).pipeThrough(textLines())) {
      if (lines.push(line) === 1) firstLineMs = performance.now() - began;
      for (const check of waiting) check();
    }
    open--;
    for (const check of waiting) check();
  };
  const reading = Promise.all([read(child.stdout), read(child.stderr)]);
  let ended = false;
  const status = child.status.finally(() => ended = true);
  return {
    url: "",
    pid: child.pid,
    get firstLineMs() {
      return firstLineMs;
    },
    lines,
    status,
    line: (pattern) =>
      new Promise((resolve, reject) => {
        let isLate = false;
        const check = () => {
          const found = lines.find((line) => pattern.test(line));
          if (found === undefined && open > 0 && !isLate) return;
          waiting.delete(check);
          clearTimeout(timer);
          if (found !== undefined) return resolve(found);
          const why = isLate ? `within ${PATIENCE_MS} ms` : "to the end";
          const message = `no ${pattern} ${why} in:\n${lines.join("\n")}`;
          reject(new assert.AssertionError({ message }));
        };
        const timer = setTimeout(() => {
          isLate = true;
          check();
        }, PATIENCE_MS);
        waiting.add(check);
        check();
      }),
    kill: (signal) => {
      if (!ended) child.kill(signal);
    },
    async [Symbol.asyncDispose]() {
      if (!ended) child.kill("SIGKILL");
      await status;
      await reading;
    },
  };
}

/**
 * Resolves when the server's journal no longer stands at `before`: its sweep has committed something
 * and is under way.
 */
export async function sweepBegun({ url }: Server, before: string): Promise<void> {
  const { events } = createClient(url).v1;
  // A list that meets nothing due, and so wakes no other sweep.
  const query = { status: "CANCELLED", limit: 1 } as const;
  await soon(async () => (await bodyOf(events.$get({ query }))).position !== before);
}
