/**
 * A relay before a KV Connect server that lets nobody wait for a confirmation.
 *
 * The runtime's client writes a body above 1 KiB in two pieces, as the server does a long answer.
 * The system holds the second one back until the first is confirmed (Nagle's algorithm, RFC 1122
 * section 4.2.3.4), and the other side puts that off for 40 ms in the hope of an answer to send it
 * with. So the relay has one at once: an HTTP/2 frame of an unknown type, which whoever gets it must
 * ignore (RFC 9113 section 4.1). It makes a commit through it fifty times as fast.
 */

export interface PromptRelay extends AsyncDisposable {
  url: string;
}

/** What a client says before its first frame (RFC 9113 section 3.4). */
const PREFACE_BYTES = 24;
const HEAD_BYTES = 9;
/** No payload, a type that nobody has given a meaning, no flags, no stream. */
const NOTHING_TO_SAY = new Uint8Array([0, 0, 0, 0xfa, 0, 0, 0, 0, 0]);

/** Starts a relay to the server at `target`, which may come and go, on a free port of loopback. */
export function promptRelay(target: string): PromptRelay {
  const hostname = "127.0.0.1";
  const listener = Deno.listen({ hostname, port: 0 });
  const port = Number(new URL(target).port);
  const relaying = new Set<Promise<void>>();
  const open = new Set<Deno.TcpConn>();
  const close = (connection: Deno.TcpConn) => {
    if (open.delete(connection)) connection.close();
  };
  const relay = async (client: Deno.TcpConn) => {
    open.add(client);
    const server = await Deno.connect({ hostname, port }).catch(() => null);
    if (server === null) return close(client);
    open.add(server);
    const asked = new End(client, PREFACE_BYTES);
    const answered = new End(server, 0);
    const hangUp = () => [client, server].forEach(close);
    await Promise.all([
      pass(asked, answered).finally(hangUp),
      pass(answered, asked).finally(hangUp),
    ]);
  };
  const serving = (async () => {
    for await (const client of listener) {
      const run = relay(client).finally(() => relaying.delete(run));
      relaying.add(run);
    }
  })();
  return {
    url: `http://${hostname}:${listener.addr.port}`,
    async [Symbol.asyncDispose]() {
      listener.close();
      await serving;
      [...open].forEach(close);
      await Promise.all(relaying);
    },
  };
}

/** One side's connection, and where in a frame the bytes stand that were read from it. */
class End {
  readonly connection: Deno.TcpConn;
  /** Of the payload, or of the preface. */
  #bytesLeft: number;
  #head: number[] = [];
  /** Nothing may come before the first frame, which says how each side would have it. */
  #hasBegun = false;
  #sent: Promise<void> = Promise.resolve();

  constructor(connection: Deno.TcpConn, prefaceBytes: number) {
    this.connection = connection;
    this.#bytesLeft = prefaceBytes;
    // Else it would do to both sides what they do to it.
    connection.setNoDelay(true);
  }

  get isBetweenFrames(): boolean {
    return this.#hasBegun && this.#bytesLeft === 0 && this.#head.length === 0;
  }

  follow(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length;) {
      if (this.#bytesLeft > 0) {
        const passed = Math.min(this.#bytesLeft, bytes.length - at);
        this.#bytesLeft -= passed;
        at += passed;
        continue;
      }
      this.#head.push(bytes[at++]!);
      if (this.#head.length < HEAD_BYTES) continue;
      const [high, middle, low] = this.#head as [number, number, number];
      this.#bytesLeft = (high << 16) | (middle << 8) | low;
      this.#head = [];
      this.#hasBegun = true;
    }
  }

  /** Sends them whole, behind what is still being sent. */
  send(bytes: Uint8Array): Promise<void> {
    return this.#sent = this.#sent.then(async () => {
      for (let at = 0; at < bytes.length;) at += await this.connection.write(bytes.subarray(at));
    });
  }
}

/** Passes on what `from` sends, to its end. */
async function pass(from: End, to: End): Promise<void> {
  const buffer = new Uint8Array(64 * 1024);
  try {
    for (;;) {
      const read = await from.connection.read(buffer);
      if (read === null) return;
      const bytes = buffer.subarray(0, read);
      // Both at once, so that nothing gets in between a frame's two pieces.
      from.follow(bytes);
      const passed = to.send(bytes);
      // In the middle of a frame of the other side something is on its way to it anyway.
      const confirmed = to.isBetweenFrames ? from.send(NOTHING_TO_SAY) : undefined;
      await Promise.all([passed, confirmed]);
    }
  } catch {
    // One of them is gone, as servers go that are killed.
  }
}
