/**
 * The tests' Upstash by itself, before any Redis: for trying the way over Upstash without an account
 * there. Configured by `PORT`, `HOST`, `REDIS_URL` and `UPSTASH_REDIS_REST_TOKEN`.
 */
import { type Config, ConfigError, parseConfig } from "../../lifecycle/config.ts";
import { connectRedis } from "./redis_connection.ts";
import { type RedisGateway, startRedisGateway } from "./redis_gateway.ts";

try {
  await run();
} catch (error) {
  console.error(error instanceof ConfigError ? error.message : error);
  Deno.exit(1);
}

async function run(): Promise<void> {
  const { host, port } = parseConfig(
    { HOST: Deno.env.get("HOST"), PORT: Deno.env.get("PORT") || "8079" },
    "dev",
  );
  const token = Deno.env.get("UPSTASH_REDIS_REST_TOKEN") ?? "";
  if (!/^[\x21-\x7e]+$/.test(token)) {
    throw new ConfigError(
      "UPSTASH_REDIS_REST_TOKEN must be set, to visible ASCII characters without blanks.",
    );
  }
  const redisUrl = Deno.env.get("REDIS_URL") || "redis://127.0.0.1:6379";
  const redis = await findRedis(redisUrl);
  const gateway = await start(redisUrl, { host, port, token });
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    Deno.addSignalListener(signal, async () => {
      await gateway[Symbol.asyncDispose]();
      Deno.exit(0);
    });
  }
  // The token is the user's own secret, which is not ours to show.
  console.log(`The Redis gateway listens on ${gateway.url} before the Redis at ${redis}

  export UPSTASH_REDIS_REST_URL=${gateway.url}
  export UPSTASH_REDIS_REST_TOKEN=…   (the one that is set)
`);
}

/** Its place, for people; the URL may hold a password. @throws {ConfigError} when none answers. */
async function findRedis(url: string): Promise<string> {
  const { protocol, host } = URL.parse(url) ?? {};
  if (!host || (protocol !== "redis:" && protocol !== "rediss:")) {
    throw new ConfigError("REDIS_URL must be a redis:// or rediss:// URL.");
  }
  try {
    (await connectRedis(url)).destroy();
    return host;
  } catch (error) {
    const { message } = error as Error;
    throw new ConfigError(`REDIS_URL must be a Redis that answers, not ${host}: ${message}.`);
  }
}

async function start(
  redisUrl: string,
  options: Pick<Config, "host" | "port"> & { token: string },
): Promise<RedisGateway> {
  try {
    return await startRedisGateway(redisUrl, options);
  } catch (error) {
    const { host, port } = options;
    const { message } = error as Error;
    throw new ConfigError(
      `HOST and PORT must be where to listen, not ${host} and ${port}: ${message}.`,
    );
  }
}
