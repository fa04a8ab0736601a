/**
 * A process to be watched: `realtime_server.ts GATEWAY TOKEN CHANNEL [PATH]`. Prints where it listens.
 *
 * With a PATH it is two programs on that file: who watches the first is told of what the second
 * commits, which it hears of through Redis only. Without one it is their bare peer, which knows no
 * store, no rights and no positions: it passes on what comes from Redis, and at `/flood` gives
 * `messages` of `bytes` as fast as they are taken.
 */
import { realtimeProcess } from "../support/realtime_process.ts";
import { textLines } from "../support/text_lines.ts";

type Watcher = ReadableStreamDefaultController<Uint8Array>;

/** Of a flood, in one piece. */
const MESSAGES_AT_ONCE = 50;
const encoder = new TextEncoder();
const GREETING = encoder.encode("id: 0\n\n");

const [url, token, channel, path] = Deno.args as [string, string, string, string?];
if (path === undefined) await bare();
else await programs(path);

async function programs(path: string): Promise<void> {
  const kv = await Deno.openKv(path);
  const options = { gateway: { url, token }, channel, clock: Date.now };
  const watched = await realtimeProcess(kv, options);
  const writing = await realtimeProcess(kv, options);
  console.log(`it listens at ${watched.url}`);
  console.log(`it is written at ${writing.url}`);
}

async function bare(): Promise<void> {
  const headers = { authorization: `Bearer ${token}` };
  const { body } = await fetch(`${url}/subscribe/${channel}`, { headers });
  const watchers = new Set<Watcher>();
  const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen: () => {} }, (request) => {
    const { pathname, searchParams } = new URL(request.url);
    const size = (name: string) => Number(searchParams.get(name));
    const stream = pathname === "/flood"
      ? flood(size("messages"), size("bytes"))
      : joining(watchers);
    return new Response(stream, { headers: { "content-type": "text/event-stream" } });
  });
  console.log(`it listens at http://127.0.0.1:${server.addr.port}`);
  const start = `data: message,${channel},`;
  for await (const line of body!.pipeThrough(new TextDecoderStream()).pipeThrough(textLines())) {
    if (!line.startsWith(start)) continue;
    const frame = encoder.encode(`id: 0\ndata: ${line.slice(start.length)}\n\n`);
    for (const watcher of watchers) watcher.enqueue(frame);
  }
}

function joining(watchers: Set<Watcher>): ReadableStream<Uint8Array> {
  let watcher: Watcher;
  return new ReadableStream({
    start(controller) {
      watchers.add(watcher = controller);
      controller.enqueue(GREETING);
    },
    cancel: () => void watchers.delete(watcher),
  });
}

function flood(messages: number, bytes: number): ReadableStream<Uint8Array> {
  const frame = `id: 0\ndata: ${"x".repeat(bytes - "data: ".length)}\n\n`;
  const piece = encoder.encode(frame.repeat(MESSAGES_AT_ONCE));
  let given = -MESSAGES_AT_ONCE;
  return new ReadableStream({
    pull(controller) {
      given += MESSAGES_AT_ONCE;
      if (given > messages) return controller.close();
      controller.enqueue(given === 0 ? GREETING : piece);
    },
  }, { highWaterMark: 0 });
}
