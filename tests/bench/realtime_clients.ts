/**
 * Many who watch, from a process of their own: `realtime_clients.ts URL CLIENTS MESSAGES`. Prints
 * `ready` when all are greeted, and when each was told MESSAGES, what a `Seen` holds. With `Infinity`
 * it goes on until it is killed; with 0 nobody reads after the greeting.
 *
 * Raw sockets whose bytes are looked through for lines, because a real client takes more time than
 * the server it is to measure.
 */
import { ageOf, preciseNow, type Seen } from "./realtime_ages.ts";

const [address, clients, messages] = [Deno.args[0]!, Number(Deno.args[1]), Number(Deno.args[2])];
const { hostname, port, host, pathname, search } = new URL(address);
const request = new TextEncoder().encode(
  `GET ${pathname}${search} HTTP/1.1\r\nhost: ${host}\r\n\r\n`,
);
const LINE_FEED = "\n".charCodeAt(0);
const D = "d".charCodeAt(0);
const T = "t".charCodeAt(0);

const ages: number[] = [];
let total = 0;
let bytes = 0;
let first = 0;
let last = 0;

async function client(greeted: () => void): Promise<void> {
  const socket = await Deno.connect({ hostname, port: Number(port) });
  await socket.write(request);
  const buffer = new Uint8Array(256 * 1024);
  let isAnswered = false;
  let isGreeted = false;
  let told = 0;
  for (let held = 0; !isGreeted || told < messages;) {
    const read = await socket.read(buffer.subarray(held));
    if (read === null) throw new Error(`the stream ended after ${told} messages`);
    const now = preciseNow();
    const filled = buffer.subarray(0, held + read);
    if (!isAnswered) requireStream(filled);
    isAnswered = true;
    let from = 0;
    for (let end: number; (end = filled.indexOf(LINE_FEED, from)) >= 0; from = end + 1) {
      // Among the lines are those of the chunks' sizes, which hold no "t".
      if (isGreeted && filled[from] === D && filled[from + 2] === T) {
        told++;
        total++;
        bytes += end - from;
        first ||= now;
        last = now;
        const age = ageOf(filled.subarray(from, end), now);
        if (age !== null) ages.push(age);
      } else if (!isGreeted && end === from) {
        isGreeted = true;
        greeted();
      }
    }
    buffer.copyWithin(0, from, filled.length);
    held = filled.length - from;
  }
}

/** Of the first bytes of an answer. */
function requireStream(head: Uint8Array): void {
  const text = new TextDecoder().decode(head);
  if (!text.startsWith("HTTP/1.1 200 ")) throw new Error(text);
}

let waiting = clients;
const all = Array.from({ length: clients }, () => client(() => --waiting || console.log("ready")));
await Promise.all(all);
if (messages === 0) setInterval(() => {}, 1_000);
else {
  const seen: Seen = { total, bytes, ms: last - first, ages: percentiles(ages) };
  console.log(JSON.stringify(seen));
  Deno.exit();
}

function percentiles(values: number[]): Seen["ages"] {
  const sorted = Float64Array.from(values).sort();
  const at = (share: number) => sorted[Math.min(sorted.length - 1, sorted.length * share | 0)] ?? 0;
  return { p50: at(0.5), p99: at(0.99), max: at(1) };
}
