/** What realtime is measured with, each in a process of its own: Redis, gateway, server, clients. */
import { ADMIN } from "../support/fixture.ts";
import { CHANNEL } from "../support/realtime_process.ts";
import { type RedisServer, startRedisServer } from "../support/redis_server.ts";
import { type Server, spawnServer, startServer } from "../support/server.ts";
import { preciseNow, type Seen, titleAt } from "./realtime_ages.ts";

const TOKEN = "the-bench";

/** Two programs on one store, the first of which is watched and the second written. */
export interface Programs extends Server {
  streamUrl: string;
  writingUrl: string;
}

export class Rig implements AsyncDisposable {
  private constructor(readonly redis: RedisServer, readonly gateway: Server) {}

  static async start(): Promise<Rig> {
    const redis = await startRedisServer();
    const entry = new URL("../support/run_redis_gateway.ts", import.meta.url);
    const env = { REDIS_URL: redis.url, UPSTASH_REDIS_REST_TOKEN: TOKEN };
    return new Rig(redis, await startServer({ entry, env }));
  }

  /** Where Redis itself is watched, as far as its gateway lets one. */
  get channelUrl(): string {
    return `${this.gateway.url}/subscribe/${CHANNEL}?_token=${TOKEN}`;
  }

  async programs(path: string): Promise<Programs> {
    const server = await this.#server(path);
    const writingUrl = /http\S+/.exec(await server.line(/is written/))![0];
    return { ...server, writingUrl, streamUrl: `${server.url}/v1/events/stream` };
  }

  /** Their bare peer. */
  bare(): Promise<Server> {
    return this.#server();
  }

  #server(...args: string[]): Promise<Server> {
    const entry = new URL("./realtime_server.ts", import.meta.url);
    return startServer({ entry, args: [this.gateway.url, TOKEN, CHANNEL, ...args] });
  }

  /** Publishes past every program. */
  async publish(message: string): Promise<void> {
    const headers = { authorization: `Bearer ${TOKEN}` };
    const body = JSON.stringify(["PUBLISH", CHANNEL, message]);
    const response = await fetch(this.gateway.url, { method: "POST", headers, body });
    const text = await response.text();
    if (!response.ok) throw new Error(text);
  }

  /** How often Redis was given each command. */
  async commands(): Promise<Record<string, number>> {
    const info = String(await this.redis.command("INFO", "commandstats"));
    const calls = info.matchAll(/cmdstat_(\S+):calls=(\d+)/g);
    return Object.fromEntries([...calls].map(([, name, count]) => [name!, Number(count)]));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.gateway[Symbol.asyncDispose]();
    await this.redis[Symbol.asyncDispose]();
  }
}

/** Resolves when all are greeted; see `realtime_clients.ts`. */
export async function watch(
  url: string,
  { clients, messages }: { clients: number; messages: number },
): Promise<Server> {
  const entry = new URL("./realtime_clients.ts", import.meta.url);
  const watching = spawnServer({ entry, args: [url, `${clients}`, `${messages}`] });
  await watching.line(/^ready$/);
  return watching;
}

/** Resolves when each was told all it waits for. */
export async function seen(watching: Server): Promise<Seen> {
  const { success } = await watching.status;
  if (!success) throw new Error(watching.lines.join("\n"));
  return JSON.parse(watching.lines.at(-1)!);
}

/** Makes a change; the age of what is told of it counts from now, or from `time`. */
export async function postEvent(
  { writingUrl }: Pick<Programs, "writingUrl">,
  { time = preciseNow(), ...dates }: { time?: number; start_date?: string; end_date?: string } = {},
): Promise<Record<string, unknown>> {
  const response = await fetch(`${writingUrl}/v1/events`, {
    method: "POST",
    headers: { ...ADMIN, "content-type": "application/json" },
    body: JSON.stringify({
      title: titleAt(time),
      summary: "An evening in black tie, with an orchestra and a late supper.",
      status: "CONFIRMED",
      start_date: "2090-01-01T19:30:00Z",
      tags: ["music", "gala"],
      ...dates,
    }),
  });
  if (response.status !== 201) throw new Error(await response.text());
  return await response.json();
}

/** Does it `count` times, evenly, whether or not those before are done. */
export async function atPace(
  act: () => Promise<unknown>,
  { count, perSecond }: { count: number; perSecond: number },
): Promise<void> {
  const began = performance.now();
  const acts: Promise<unknown>[] = [];
  for (let i = 0; i < count; i++) {
    await pauseMs(began + i * 1000 / perSecond - performance.now());
    acts.push(act());
  }
  await Promise.all(acts);
}

export function pauseMs(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, Math.max(0, ms)));
}
