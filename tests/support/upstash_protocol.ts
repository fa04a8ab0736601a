/**
 * The forms of Upstash's REST protocol: commands as they arrive, replies as they are answered. From
 * its documents (REST API: semantics, HTTP codes, base64) and from what its SDK 1.39.0 sends.
 */
import { Buffer } from "node:buffer";
import { z } from "zod";
import type { RedisReply } from "./redis_connection.ts";

/** Name and arguments. */
export type Command = (string | Buffer)[];

/** What a request is refused for; answered as `{ "error": message }`. */
export class ProtocolError extends Error {
  override name = "ProtocolError";
  constructor(readonly status: 400 | 401 | 405 | 503, message: string) {
    super(message);
  }
}

/** In capitals, as Redis compares them. */
export function nameOf(command: Command): string {
  return command[0]!.toString().toUpperCase();
}

const COMMAND = z.array(z.union([z.string(), z.number(), z.boolean()]).transform(String)).min(1);
const COMMANDS = z.array(COMMAND).min(1);

/** `["SET", "key", "value"]` @throws {ProtocolError} */
export function parseCommand(body: Buffer): Command {
  return parse(COMMAND, body, "a JSON array: a command's name and its arguments");
}

/** `[["SET", "key", "value"], ["INCR", "key"]]` @throws {ProtocolError} */
export function parseCommands(body: Buffer): Command[] {
  return parse(COMMANDS, body, "a JSON array of commands, each an array of name and arguments");
}

function parse<T>(schema: z.ZodType<T>, body: Buffer, must: string): T {
  try {
    return schema.parse(JSON.parse(body.toString()));
  } catch {
    throw new ProtocolError(400, `ERR the body must be ${must}`);
  }
}

/** Parts of a path, percent-decoded. @throws {ProtocolError} */
export function parsePath(path: string): [string, ...string[]] {
  try {
    const [first, ...rest] = path.slice(1).split("/").map(decodeURIComponent);
    return [first!, ...rest];
  } catch {
    throw new ProtocolError(400, "ERR the path must be percent-encoded UTF-8");
  }
}

/**
 * A command as path: `/set/key/value`, or its last argument as the body and what comes after that
 * as the query, `/set/key?EX=100`.
 */
export function commandOfPath(
  parts: string[],
  { body, query }: { body: Buffer; query: URLSearchParams },
): Command {
  const value = body.length === 0 ? [] : [body];
  const options = [...query].filter(([name]) => name !== "_token").flat();
  return [...parts, ...value, ...options.filter((option) => option !== "")];
}

type Json = null | number | string | Json[];

export type Outcome = { result: Json } | { error: string };

/** A reply, or the error it is; in base64 every string is encoded except an OK by itself. */
export function outcomeOf(
  reply: RedisReply,
  { isBase64 }: { isBase64: boolean },
): Outcome {
  if (reply instanceof Error) return { error: reply.message };
  if (reply === "OK") return { result: reply };
  return { result: encode(reply, isBase64) };
}

function encode(reply: RedisReply, isBase64: boolean): Json {
  if (reply === null || typeof reply === "number") return reply;
  if (Array.isArray(reply)) return reply.map((item) => encode(item, isBase64));
  const bytes = Buffer.from(reply instanceof Error ? reply.message : reply);
  return bytes.toString(isBase64 ? "base64" : "utf8");
}
