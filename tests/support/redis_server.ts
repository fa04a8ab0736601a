/** A real Redis, `redis-server`, on a free port of loopback, which keeps nothing on disk. */
import assert from "node:assert/strict";
import { findProgram, freePort, startListening, testThatNeeds } from "./programs.ts";
import { connectRedis, type RedisReply } from "./redis_connection.ts";

/** Why a test that needs Redis is ignored, for its name. */
export const NO_REDIS = "no redis-server found, set REDIS_SERVER_PATH";

export interface RedisServer extends AsyncDisposable {
  /** `redis://127.0.0.1:<port>` */
  url: string;
  port: number;
  /** Starts it again, on the same port and with nothing in it; resolves when it answers. */
  start: () => Promise<void>;
  /** Ends it as an operator does; resolves when it is gone. */
  stop: () => Promise<void>;
  /** Ends it as a power cut would; resolves when it is gone. */
  kill: () => Promise<void>;
  /** Deletes everything in it. */
  flush: () => Promise<void>;
  /** Breaks every connection that has a subscription; resolves to how many there were. */
  killSubscribers: () => Promise<number>;
  /** How many connections have a subscription to the channel by its name. */
  subscribers: (channel: string) => Promise<number>;
  /** Runs one command, over a connection of its own. */
  command: (...command: string[]) => Promise<RedisReply>;
}

/** Where redis-server is: `REDIS_SERVER_PATH`, else on `PATH`; null when nowhere. */
export function findRedisServer(): string | null {
  return findProgram("redis-server", { variable: "REDIS_SERVER_PATH" });
}

/** Registers a test that needs Redis; see `testThatNeeds`. */
export function redisTest(name: string, fn: (t: Deno.TestContext) => Promise<void>): void {
  testThatNeeds({
    isMissing: findRedisServer() === null,
    reason: NO_REDIS,
    remedy: "CI needs redis-server: apt-get install redis-server, or set REDIS_SERVER_PATH",
  }, { name, fn });
}

/** Starts a server that holds nothing. */
export async function startRedisServer(): Promise<RedisServer> {
  const path = findRedisServer();
  assert.ok(path !== null, NO_REDIS);
  const port = freePort();
  const url = `redis://127.0.0.1:${port}`;
  let child: Deno.ChildProcess | null = null;
  const start = async () => {
    const place = ["--bind", "127.0.0.1", "--port", String(port)];
    child = await startListening(path, {
      port,
      args: [...place, "--save", "", "--appendonly", "no"],
    });
  };
  const end = async (signal: Deno.Signal) => {
    if (child === null) return;
    child.kill(signal);
    await child.status;
    child = null;
  };
  const command = async (...args: string[]) => {
    const client = await connectRedis(url);
    try {
      return await client.sendCommand<RedisReply>(args);
    } finally {
      client.destroy();
    }
  };
  await start();
  return {
    url,
    port,
    start,
    stop: () => end("SIGTERM"),
    kill: () => end("SIGKILL"),
    flush: async () => void await command("FLUSHALL"),
    killSubscribers: async () => await command("CLIENT", "KILL", "TYPE", "pubsub") as number,
    subscribers: async (channel) => {
      const [, count] = await command("PUBSUB", "NUMSUB", channel) as [string, number];
      return count;
    },
    command,
    [Symbol.asyncDispose]: () => end("SIGKILL"),
  };
}
