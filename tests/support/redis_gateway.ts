/**
 * The tests' Upstash: its REST protocol before a real Redis, with failures that tests switch on.
 * Where Upstash's documents say nothing, it does what a careful client must be ready for.
 */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { handle } from "./gateway_requests.ts";
import { allOff, type Cut, GatewayCounts, type GatewaySwitches } from "./gateway_switches.ts";
import { random } from "./random.ts";
import { RedisCommands } from "./redis_commands.ts";
import { RedisSubscriptions } from "./redis_subscriptions.ts";

export interface RedisGateway extends AsyncDisposable {
  /** For `UPSTASH_REDIS_REST_URL`. */
  url: string;
  /** For `UPSTASH_REDIS_REST_TOKEN`. */
  token: string;
  /** Set these to make it fail. */
  switches: GatewaySwitches;
  counts: Readonly<GatewayCounts>;
  /** How many subscriptions have their stream open. */
  readonly openSubscriptions: number;
  /** Cuts all subscriptions now, as `switches.cut` has it or as said; returns how many. */
  cutSubscriptions: (how?: Cut) => number;
}

export interface GatewayOptions {
  host?: string;
  /** 0 takes a free one. */
  port?: number;
  token?: string;
  keepAliveMs?: number;
  /** Of the random numbers that decide which messages are lost. */
  seed?: number;
}

/** Addresses that mean all of a machine's are no place to go to; loopback is one of them. */
const ANYWHERE: Record<string, string> = { "0.0.0.0": "127.0.0.1", "::": "::1" };

/** Starts one before the Redis at `redisUrl`, which may come and go. */
export async function startRedisGateway(
  redisUrl: string,
  options: GatewayOptions = {},
): Promise<RedisGateway> {
  const { host = "127.0.0.1", port = 0, token = crypto.randomUUID(), seed = 1 } = options;
  const { keepAliveMs = 15_000 } = options;
  const switches = allOff();
  const counts = new GatewayCounts();
  const commands = new RedisCommands(redisUrl, (name) => counts.addCommand(name));
  const draw = random(seed);
  const subscriptions = new RedisSubscriptions(redisUrl, { switches, counts, draw, keepAliveMs });
  const deps = { token, switches, counts, commands, subscriptions };
  const running = new Set<Promise<void>>();
  const server = createServer((request, response) => {
    const run = handle(request, response, deps).finally(() => running.delete(run));
    running.add(run);
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject).listen(port, host, resolve);
  });
  const place = ANYWHERE[host] ?? host;
  const authority = place.includes(":") ? `[${place}]` : place;
  return {
    url: `http://${authority}:${(server.address() as AddressInfo).port}`,
    token,
    switches,
    counts,
    get openSubscriptions() {
      return subscriptions.size;
    },
    cutSubscriptions: (how) => subscriptions.cut(how),
    async [Symbol.asyncDispose]() {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
      await Promise.allSettled(running);
      commands.close();
    },
  };
}
