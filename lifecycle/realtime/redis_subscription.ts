/**
 * Listening to one channel of Upstash Redis, by its REST interface: an own reader of its stream of
 * events, because the SDK's ends without a word when the stream does. This one connects again, sees
 * silence, and tells the hub to look whenever something may have been missed.
 */
import type { Store } from "../../kv/store.ts";
import type { Logger } from "../log.ts";
import { backoffMs } from "./backoff.ts";
import type { Upstream } from "./hub.ts";
import { Pause } from "./pause.ts";
import { parseMessage } from "./relayed.ts";

export interface RedisSubscriptionOptions {
  url: string;
  token: string;
  channel: string;
  log: Logger;
  /** Milliseconds without a byte after which the connection counts as dead. */
  silenceMs?: number;
}

/** Whether Upstash says anything on a quiet channel is not known; the watchdog looks meanwhile. */
const SILENCE_MS = 120_000;
const CONNECT_MS = 10_000;
/** A connection that ends sooner is as good as none: else one that always does is asked at once. */
const STEADY_MS = 1_000;
/** A line that long is none of ours. */
const MAX_LINE_LENGTH = 1024 * 1024;

export function redisUpstream(store: Store, options: RedisSubscriptionOptions): Upstream {
  return {
    open(hub) {
      const subscription = new RedisSubscription(store, options, hub);
      return { close: () => subscription.close() };
    },
  };
}

class RedisSubscription {
  readonly #store: Store;
  readonly #options: RedisSubscriptionOptions;
  readonly #hub: Parameters<Upstream["open"]>[0];
  #isClosed = false;
  /** Connections in a row that failed, or ended soon. */
  #failures = 0;
  /** When the connection was accepted, as `performance.now()` counts. */
  #subscribedAt: number | null = null;
  /** Messages that are none of ours. */
  #hasMetOthers = false;
  readonly #pause = new Pause();
  /** Ends what is waited for now: a connection, or a read. */
  #interrupt: () => void = () => {};

  readonly #ended: Promise<void>;

  constructor(
    store: Store,
    options: RedisSubscriptionOptions,
    hub: Parameters<Upstream["open"]>[0],
  ) {
    this.#store = store;
    this.#options = options;
    this.#hub = hub;
    this.#ended = this.#run();
  }

  close(): Promise<void> {
    this.#isClosed = true;
    this.#interrupt();
    this.#pause.end();
    return this.#ended;
  }

  async #run(): Promise<void> {
    const { log } = this.#options;
    while (!this.#isClosed) {
      try {
        await this.#listen();
        // Its end is no failure, but nothing to run after at once, either.
        log.debug("the subscription to Redis ended; connecting again");
      } catch (error) {
        if (this.#isClosed) return;
        const level = this.#failures === 0 ? "warn" : "debug";
        log[level]("the subscription to Redis broke off; connecting again", { error });
      }
      if (!this.#isClosed) await this.#pause.wait(backoffMs(this.#failures++));
    }
  }

  async #listen(): Promise<void> {
    const { url, token, channel, silenceMs = SILENCE_MS } = this.#options;
    const connecting = new AbortController();
    const late = setTimeout(() => connecting.abort(), CONNECT_MS);
    this.#interrupt = () => connecting.abort();
    let response: Response;
    try {
      response = await fetch(`${url}/subscribe/${channel}`, {
        method: "POST",
        headers: { authorization: `Bearer ${token}`, accept: "text/event-stream" },
        signal: connecting.signal,
      });
    } finally {
      clearTimeout(late);
    }
    const type = response.headers.get("content-type") ?? "";
    if (!response.ok || !type.startsWith("text/event-stream") || response.body === null) {
      await response.body?.cancel();
      throw new Error(`Redis answered ${response.status} ${type} to a subscription`);
    }
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    // Not the signal: it does nothing any more once the runtime has collected the response.
    const cancel = () => void reader.cancel().catch(() => {});
    this.#interrupt = cancel;
    let isSilent = false;
    const hangUp = () => {
      isSilent = true;
      cancel();
    };
    let silence = setTimeout(hangUp, silenceMs);
    try {
      let rest = "";
      for (;;) {
        const { value, done } = await reader.read();
        if (done) break;
        clearTimeout(silence);
        silence = setTimeout(hangUp, silenceMs);
        const lines = (rest + value).split("\n");
        rest = lines.pop()!;
        for (const line of lines) this.#take(line);
        if (rest.length > MAX_LINE_LENGTH) throw new Error("Redis sent a line without end");
      }
    } finally {
      clearTimeout(silence);
      cancel();
      const since = this.#subscribedAt;
      this.#subscribedAt = null;
      if (since !== null && performance.now() - since >= STEADY_MS) this.#failures = 0;
    }
    if (isSilent) throw new Error(`Redis was silent for ${silenceMs / 1000} s`);
  }

  #take(line: string): void {
    if (!line.startsWith("data: ")) return;
    const text = line.trimEnd();
    const { channel, log } = this.#options;
    if (text.startsWith(`data: subscribe,${channel},`)) {
      if (this.#failures > 0) log.info("subscribed to Redis again");
      this.#subscribedAt = performance.now();
      // What was published before it is not told any more.
      return this.#hub.look();
    }
    const start = `data: message,${channel},`;
    if (!text.startsWith(start)) return;
    const batch = parseMessage(this.#store, text.slice(start.length));
    if (batch !== null) return this.#hub.receive(batch);
    // Once is enough to know of it.
    log[this.#hasMetOthers ? "debug" : "warn"]("Redis told what is no message of ours", {
      channel,
    });
    this.#hasMetOthers = true;
    // It may be one of another version of this program.
    this.#hub.look();
  }
}
