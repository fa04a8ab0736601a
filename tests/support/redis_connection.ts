/** A connection to Redis, in RESP 2, which is what Upstash's replies look like. */
import type { Buffer } from "node:buffer";
import { createClient } from "redis";

/** A blob string is a string, or a buffer where the connection was told so. */
export type RedisReply = null | number | string | Buffer | Error | RedisReply[];

export type RedisConnection = Awaited<ReturnType<typeof connectRedis>>;

/**
 * Connects once, and never again by itself: who uses the connection is told of its loss, by the
 * command that fails and by `onLost`. @throws when Redis does not answer.
 */
export async function connectRedis(url: string, onLost: () => void = () => {}) {
  const client = createClient({
    url,
    RESP: 2,
    socket: { reconnectStrategy: false },
    disableClientInfo: true,
    maintNotifications: "disabled",
  });
  client.on("error", onLost);
  await client.connect();
  return client;
}
