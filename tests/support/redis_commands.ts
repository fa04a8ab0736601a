/** Commands to Redis over one connection, which is made when it is needed and anew when it is lost. */
import { Buffer } from "node:buffer";
import { ErrorReply, MultiErrorReply, RESP_TYPES } from "redis";
import { connectRedis, type RedisConnection, type RedisReply } from "./redis_connection.ts";
import { type Command, nameOf, ProtocolError } from "./upstash_protocol.ts";

/** Commands that would change the connection that all share, or occupy it. */
const OF_A_CONNECTION = new Set(
  [
    ["AUTH", "CLIENT", "DISCARD", "EXEC", "HELLO", "MONITOR", "MULTI", "QUIT", "RESET", "SELECT"],
    ["PSUBSCRIBE", "PSYNC", "PUNSUBSCRIBE", "SSUBSCRIBE", "SUBSCRIBE", "SUNSUBSCRIBE", "SYNC"],
    ["UNSUBSCRIBE", "UNWATCH", "WAIT", "WAITAOF", "WATCH"],
    ["BLMOVE", "BLMPOP", "BLPOP", "BRPOP", "BRPOPLPUSH", "BZMPOP", "BZPOPMAX", "BZPOPMIN"],
  ].flat(),
);

/** A stored "OK" stays another thing than the answer OK, which is no blob string. */
const AS_BUFFERS = { [RESP_TYPES.BLOB_STRING]: Buffer };

export class RedisCommands {
  #connection: RedisConnection | null = null;
  #connecting: Promise<RedisConnection> | null = null;

  /** `onCommand` is told the name of each command that Redis is given. */
  constructor(readonly url: string, readonly onCommand: (name: string) => void) {}

  /** Runs them in order; those of others may come between. One that fails is an `Error` there. */
  async run(commands: Command[]): Promise<RedisReply[]> {
    const connection = await this.#connected();
    return await Promise.all(commands.map((command) => this.#runOn(connection, command)));
  }

  /**
   * Runs them with nothing between them. One that fails is an `Error` there, and the rest is done.
   * @throws {ProtocolError} when Redis takes one for no command, and so runs none.
   */
  async runAtomically(commands: Command[]): Promise<RedisReply[]> {
    const refused = commands.map(refusalOf).find((error) => error !== null);
    if (refused) throw new ProtocolError(400, refused.message);
    const transaction = (await this.#connected()).withTypeMapping(AS_BUFFERS).multi();
    for (const command of commands) {
      this.onCommand(nameOf(command));
      transaction.addCommand(command);
    }
    try {
      return await transaction.exec() as unknown as RedisReply[];
    } catch (error) {
      if (error instanceof MultiErrorReply) return error.replies as RedisReply[];
      if (error instanceof ErrorReply) throw new ProtocolError(400, error.message);
      throw noAnswer(error);
    }
  }

  close(): void {
    this.#connection?.destroy();
  }

  async #runOn(connection: RedisConnection, command: Command): Promise<RedisReply> {
    const refused = refusalOf(command);
    if (refused !== null) return refused;
    this.onCommand(nameOf(command));
    try {
      return await connection.withTypeMapping(AS_BUFFERS).sendCommand<RedisReply>(command);
    } catch (error) {
      if (error instanceof ErrorReply) return error;
      throw noAnswer(error);
    }
  }

  async #connected(): Promise<RedisConnection> {
    if (this.#connection?.isReady) return this.#connection;
    this.#connecting ??= connectRedis(this.url).finally(() => this.#connecting = null);
    try {
      return this.#connection = await this.#connecting;
    } catch (error) {
      throw noAnswer(error);
    }
  }
}

function refusalOf(command: Command): Error | null {
  const name = nameOf(command);
  const blocks = (name === "XREAD" || name === "XREADGROUP") &&
    command.some((argument) => argument.toString().toUpperCase() === "BLOCK");
  if (!blocks && !OF_A_CONNECTION.has(name)) return null;
  return new Error(`ERR ${name}${blocks ? " with BLOCK" : ""} is not available over REST`);
}

/** What is answered when Redis is not there; whether the commands were run is then unknown. */
export function noAnswer(error: unknown): ProtocolError {
  return new ProtocolError(503, `ERR Redis does not answer: ${(error as Error).message}`);
}
