/** HTTP by the byte: what a client library would never send. */
import type { Server } from "./server.ts";

export interface RawOptions {
  /** Whether the sender stops sending when all is sent, as one that breaks off does. */
  breaksOff?: boolean;
  /** Nothing more is read once what came matches; without it, all until the server closes. */
  until?: RegExp;
}

/** Sends the parts as they are, and answers all that came back. */
export async function sendRaw(
  { url }: Pick<Server, "url">,
  parts: (string | Uint8Array)[],
  { breaksOff = false, until }: RawOptions = {},
): Promise<string> {
  using connection = await Deno.connect({ hostname: "127.0.0.1", port: Number(new URL(url).port) });
  const reading = readAll(connection, until);
  try {
    for (const part of parts) await write(connection, bytesOf(part));
    if (breaksOff) await connection.closeWrite();
  } catch {
    // It has been closed already, because of what came first.
  }
  return await reading;
}

/** The statuses of all answers, in their order. */
export function statusesOf(answers: string): string[] {
  return [...answers.matchAll(/HTTP\/1\.[01] (\d{3}) /g)].map(([, status]) => status!);
}

async function readAll(connection: Deno.Conn, until?: RegExp): Promise<string> {
  const decoder = new TextDecoder();
  const buffer = new Uint8Array(64 * 1024);
  let text = "";
  try {
    for (let n = await connection.read(buffer); n !== null; n = await connection.read(buffer)) {
      text += decoder.decode(buffer.subarray(0, n), { stream: true });
      if (until?.test(text)) break;
    }
  } catch {
    // Reset by the server: what came before counts.
  }
  return text;
}

async function write(connection: Deno.Conn, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) at += await connection.write(bytes.subarray(at));
}

function bytesOf(part: string | Uint8Array): Uint8Array {
  return typeof part === "string" ? new TextEncoder().encode(part) : part;
}

/** Megabytes that the program holds; 0 where the system does not say. */
export async function memoryOf({ pid }: Pick<Server, "pid">): Promise<number> {
  const status = await Deno.readTextFile(`/proc/${pid}/status`).catch(() => "VmRSS: 0 kB");
  return Number(/VmRSS:\s+(\d+)/.exec(status)![1]) / 1024;
}
