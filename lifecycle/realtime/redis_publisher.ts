/** Publishing to Upstash Redis. */

const DEADLINE_MS = 3_000;

/**
 * Publishes on one channel, once a call: what fails is the relay's to try again.
 * The answer throws an {@linkcode Error} that does not hold what was to be published.
 */
export async function redisPublisher(
  { url, token, channel }: { url: string; token: string; channel: string },
): Promise<(message: string) => Promise<void>> {
  // Not before it is needed: a start without Redis is that much faster.
  const { Redis } = await import("@upstash/redis");
  const redis = new Redis({
    url,
    token,
    automaticDeserialization: false,
    enableAutoPipelining: false,
    enableTelemetry: false,
    readYourWrites: false,
    // `false` would send a second time.
    retry: { retries: 0 },
    // A function, because the SDK makes a success of an aborted signal.
    signal: () => AbortSignal.timeout(DEADLINE_MS),
  });
  return async (message) => {
    try {
      await redis.publish(channel, message);
    } catch (error) {
      const text = error instanceof Error ? error.message : String(error);
      // The SDK puts the whole command into it.
      throw new Error(`Redis did not take it: ${text.split(", command was:")[0]!.slice(0, 200)}`);
    }
  };
}
