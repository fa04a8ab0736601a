/**
 * Load from a process of its own: `load.ts URL MS`. Prints the answers a second.
 *
 * Sixteen connections that write a fixed request and read the answer off the socket, because a real
 * HTTP client takes more time than the server it is to measure.
 */
const [target, ms] = Deno.args;
const { hostname, port, pathname, search } = new URL(target!);
const request = new TextEncoder().encode(
  `GET ${pathname}${search} HTTP/1.1\r\nHost: ${hostname}:${port}\r\n\r\n`,
);
const endsAt = performance.now() + Number(ms);
const decoder = new TextDecoder();

/** The bytes of an answer that starts with `head`, headers included; refuses all but 200. */
function sizeOf(head: Uint8Array): number {
  const text = decoder.decode(head);
  const headersEnd = text.indexOf("\r\n\r\n");
  const length = /content-length: (\d+)/i.exec(text);
  if (!text.startsWith("HTTP/1.1 200") || headersEnd < 0 || length === null) throw new Error(text);
  return headersEnd + 4 + Number(length[1]);
}

async function connection(): Promise<number> {
  const socket = await Deno.connect({ hostname, port: Number(port) });
  const buffer = new Uint8Array(256 * 1024);
  let answers = 0;
  while (performance.now() < endsAt) {
    await socket.write(request);
    let read = (await socket.read(buffer))!;
    const size = sizeOf(buffer.subarray(0, Math.min(read, 1024)));
    while (read < size) read += (await socket.read(buffer))!;
    answers++;
  }
  socket.close();
  return answers;
}

const began = performance.now();
const counts = await Promise.all(Array.from({ length: 16 }, connection));
console.log(counts.reduce((sum, count) => sum + count, 0) / (performance.now() - began) * 1000);
