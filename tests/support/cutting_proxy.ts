/** A proxy before a KV Connect server that loses answers, as a broken connection does. */

export interface CuttingProxy extends AsyncDisposable {
  url: string;
  /**
   * While set, the first answer to each write that was applied is cut off. The runtime then sends
   * the same write again, and that answer passes.
   */
  isCutting: boolean;
  /** How many answers it cut off. */
  cuts: number;
}

/** Starts a proxy for the server at `target`, on a free port of loopback. */
export function cuttingProxy(target: string): CuttingProxy {
  const client = Deno.createHttpClient({});
  const met = new Set<string>();
  const options = { hostname: "127.0.0.1", port: 0, onListen() {} };
  const server = Deno.serve(options, async (request) => {
    const { pathname } = new URL(request.url);
    const { method, headers } = request;
    const body = await request.bytes();
    const answer = await fetch(new URL(pathname, target), { client, method, headers, body });
    const bytes = await answer.bytes();
    const isWrite = pathname.endsWith("/atomic_write") && isApplied(bytes);
    if (!proxy.isCutting || !isWrite || met.has(body.toBase64())) {
      return new Response(bytes, answer);
    }
    met.add(body.toBase64());
    proxy.cuts++;
    return new Response(cutOff(), answer);
  });
  const proxy: CuttingProxy = {
    url: `http://127.0.0.1:${server.addr.port}`,
    isCutting: false,
    cuts: 0,
    async [Symbol.asyncDispose]() {
      await server.shutdown();
      client.close();
    },
  };
  return proxy;
}

/** Whether an `AtomicWriteOutput` (protobuf) begins with the status `AW_SUCCESS`. */
function isApplied(bytes: Uint8Array): boolean {
  return bytes[0] === 0x08 && bytes[1] === 1;
}

function cutOff(): ReadableStream<Uint8Array> {
  return new ReadableStream({
    pull: (controller) => controller.error("cut off, as the test wants"),
  });
}
