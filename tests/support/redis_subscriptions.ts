/** Subscriptions: a connection to Redis for each, which lasts as long as its HTTP stream. */
import type { ServerResponse } from "node:http";
import { ErrorReply } from "redis";
import type { Cut } from "./gateway_switches.ts";
import { noAnswer } from "./redis_commands.ts";
import { connectRedis } from "./redis_connection.ts";
import { type StreamDeps, SubscriptionStream } from "./subscription_stream.ts";
import { ProtocolError } from "./upstash_protocol.ts";

export type SubscribeVerb = "subscribe" | "psubscribe";

export class RedisSubscriptions {
  readonly #open = new Set<SubscriptionStream>();

  constructor(readonly redisUrl: string, readonly deps: StreamDeps) {}

  /** How many streams are open. */
  get size(): number {
    return this.#open.size;
  }

  /** Subscribes to channels, or to patterns of them, and answers with what comes. */
  async open(
    { verb, names }: { verb: SubscribeVerb; names: string[] },
    response: ServerResponse,
  ): Promise<void> {
    const stream = new SubscriptionStream(response, this.deps);
    // Before the answer began nobody is listening: whoever waits for it is told otherwise.
    const onLost = () => response.headersSent && stream.cut();
    const connection = await connectRedis(this.redisUrl, onLost).catch((error) => {
      throw noAnswer(error);
    });
    if (response.destroyed) return connection.destroy();
    response.once("close", () => {
      this.#open.delete(stream);
      connection.destroy();
    });
    this.#open.add(stream);
    this.deps.counts.subscribed++;
    try {
      for (const [i, name] of names.entries()) {
        // Redis may send a message along with the word that we are subscribed.
        const acknowledge = once(() => stream.acknowledge(`${verb},${name},${i + 1}`));
        const listen = (message: string, channel: string) => {
          acknowledge();
          stream.message(
            verb === "subscribe"
              ? `message,${channel},${message}`
              : `pmessage,${name},${channel},${message}`,
          );
        };
        if (verb === "subscribe") await connection.subscribe(name, listen);
        else await connection.pSubscribe(name, listen);
        acknowledge();
      }
    } catch (error) {
      if (response.destroyed) return;
      throw error instanceof ErrorReply ? new ProtocolError(400, error.message) : noAnswer(error);
    }
  }

  /** Cuts all streams; says how many there were. */
  cut(how?: Cut): number {
    const streams = [...this.#open];
    for (const stream of streams) stream.cut(how);
    return streams.length;
  }
}

function once(act: () => void): () => void {
  let isDone = false;
  return () => {
    if (isDone) return;
    isDone = true;
    act();
  };
}
