/** What tests of the gateway start from: a Redis, the gateway before it, and plain HTTP to ask it. */
import {
  type GatewayOptions,
  type RedisGateway,
  startRedisGateway,
} from "../support/redis_gateway.ts";
import { type RedisServer, redisTest, startRedisServer } from "../support/redis_server.ts";
import { PATIENCE_MS } from "../support/http.ts";
import { textLines } from "../support/text_lines.ts";

export interface GatewayTest {
  redis: RedisServer;
  gateway: RedisGateway;
  /** Asks with the token, over a connection of its own: Deno's `fetch` sends nothing twice there. */
  ask: (path: string, init?: Ask) => Promise<Response>;
  /** Posts commands, and gives the body of the answer. */
  post: (path: string, body: unknown, headers?: Record<string, string>) => Promise<unknown>;
  listen: (path: string) => Promise<Listener>;
  context: Deno.TestContext;
}

export type Ask = RequestInit & { headers?: Record<string, string> };

/** The stream of a subscription. */
export interface Listener {
  response: Response;
  /** The next line that is not empty; null at the end. Throws when the connection breaks. */
  line: () => Promise<string | null>;
  /** Goes away, as a client does that is not interested any more. */
  leave: () => Promise<void>;
}

export function gatewayTest(
  name: string,
  body: (t: GatewayTest) => Promise<void>,
  options?: GatewayOptions,
): void {
  redisTest(name, async (context) => {
    await using redis = await startRedisServer();
    await using gateway = await startRedisGateway(redis.url, options);
    using client = Deno.createHttpClient({ poolMaxIdlePerHost: 0 });
    const ask = (path: string, { headers = {}, ...init }: Ask = {}) =>
      fetch(gateway.url + path, {
        client,
        ...init,
        headers: { authorization: `Bearer ${gateway.token}`, ...headers },
      });
    await body({
      redis,
      gateway,
      context,
      ask,
      post: async (path, body, headers = {}) =>
        await (await ask(path, { method: "POST", body: JSON.stringify(body), headers })).json(),
      listen: async (path) => listener(await ask(path)),
    });
  });
}

function listener(response: Response): Listener {
  const text = response.body!.pipeThrough(new TextDecoderStream());
  const reader = text.pipeThrough(textLines()).getReader();
  const nextLine = async () => {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return null;
      if (value !== "") return value;
    }
  };
  return {
    response,
    line: async () => {
      const { promise: late, reject } = Promise.withResolvers<never>();
      const timer = setTimeout(() => reject(new Error("the line never came")), PATIENCE_MS);
      return await Promise.race([nextLine(), late]).finally(() => clearTimeout(timer));
    },
    leave: () => reader.cancel(),
  };
}
