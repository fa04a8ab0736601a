/**
 * Load from a process of its own: `load.ts ROUNDS URL URL …`. Prints for each address the answers a
 * second of every round.
 *
 * The addresses take turns of a tenth of a second, so that whatever else the machine does meets all
 * of them. Sixteen connections each that write a fixed request and read the answer off the socket,
 * because a real HTTP client takes more time than the server it is to measure.
 */
const TURN_MS = 100;
/** Turns that only warm a server up. */
const WARM_UP = 15;
const CONNECTIONS = 16;

const [rounds, ...urls] = Deno.args;
const decoder = new TextDecoder();

interface Connection {
  socket: Deno.TcpConn;
  buffer: Uint8Array;
}

interface Target {
  request: Uint8Array;
  connections: Connection[];
  rates: number[];
}

async function connect(url: string): Promise<Target> {
  const { hostname, port, pathname, search } = new URL(url);
  const head = `GET ${pathname}${search} HTTP/1.1\r\nHost: ${hostname}:${port}\r\n\r\n`;
  const connections = Array.from({ length: CONNECTIONS }, async () => ({
    socket: await Deno.connect({ hostname, port: Number(port) }),
    buffer: new Uint8Array(256 * 1024),
  }));
  return {
    request: new TextEncoder().encode(head),
    connections: await Promise.all(connections),
    rates: [],
  };
}

/** The bytes of an answer that starts with `head`, headers included; refuses all but 200. */
function sizeOf(head: Uint8Array): number {
  const text = decoder.decode(head);
  const headersEnd = text.indexOf("\r\n\r\n");
  const length = /content-length: (\d+)/i.exec(text);
  if (!text.startsWith("HTTP/1.1 200") || headersEnd < 0 || length === null) throw new Error(text);
  return headersEnd + 4 + Number(length[1]);
}

/** Answers a second in one turn. */
async function turn({ request, connections }: Target): Promise<number> {
  const began = performance.now();
  const counts = await Promise.all(connections.map(async ({ socket, buffer }) => {
    let answers = 0;
    while (performance.now() - began < TURN_MS) {
      await socket.write(request);
      let read = (await socket.read(buffer))!;
      const size = sizeOf(buffer.subarray(0, Math.min(read, 1024)));
      while (read < size) read += (await socket.read(buffer))!;
      answers++;
    }
    return answers;
  }));
  const answers = counts.reduce((sum, count) => sum + count, 0);
  return answers / (performance.now() - began) * 1000;
}

const targets = await Promise.all(urls.map(connect));
for (let round = -WARM_UP; round < Number(rounds); round++) {
  // Who goes first changes.
  for (const target of round % 2 === 0 ? targets : targets.toReversed()) {
    const rate = await turn(target);
    if (round >= 0) target.rates.push(rate);
  }
}
console.log(JSON.stringify(targets.map((target) => target.rates)));
for (const { socket } of targets.flatMap((target) => target.connections)) socket.close();
