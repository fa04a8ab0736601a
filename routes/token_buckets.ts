/**
 * Token buckets, one a client: each holds as many requests as may come in a minute and fills at
 * that rate. What is kept of a bucket is when it will be full again, and of a full one nothing.
 */

const WINDOW_MS = 60_000;

/** Of a request: what adding up fractions of milliseconds may lose. */
const ROUNDING = 0.01;

export interface Taken {
  /** Whether the request may pass; one that may not costs nothing. */
  allowed: boolean;
  /** Requests that may follow at once. */
  remaining: number;
  /** Seconds until the bucket is full again. */
  fullInSeconds: number;
  /** Seconds until the next request may pass; 0: at once. */
  nextInSeconds: number;
}

export interface TokenBucketsOptions {
  perMinute: number;
  /** Epoch milliseconds. */
  clock: () => number;
  /** How many buckets are kept at most. */
  maxClients?: number;
}

export class TokenBuckets {
  readonly perMinute: number;
  readonly #clock: () => number;
  readonly #msPerRequest: number;
  readonly #maxPerGeneration: number;
  /**
   * When each bucket will be full: of clients seen since the last turn, and of those seen in the
   * generation before. Whoever is in neither has not been seen for a minute, so has a full bucket,
   * or there were more clients than are kept: then the least recently seen start anew, while those
   * that go on asking are remembered. No bucket is ever searched for.
   */
  #recent = new Map<string, number>();
  #earlier = new Map<string, number>();
  #turnedAt: number;

  constructor({ perMinute, clock, maxClients = 100_000 }: TokenBucketsOptions) {
    this.perMinute = perMinute;
    this.#clock = clock;
    this.#msPerRequest = WINDOW_MS / perMinute;
    this.#maxPerGeneration = Math.ceil(maxClients / 2);
    this.#turnedAt = clock();
  }

  /** How many buckets are kept. */
  get size(): number {
    return this.#recent.size + this.#earlier.size;
  }

  /** Takes a request from the client's bucket, if one is there; with a `cost` of 0 only looks. */
  take(client: string, cost: 0 | 1 = 1): Taken {
    const now = this.#clock();
    const known = this.#recent.get(client) ?? this.#earlier.get(client) ?? now;
    // Never further ahead than an empty bucket is: the clock may have been set back.
    const before = Math.min(Math.max(known, now), now + WINDOW_MS);
    const held = (now + WINDOW_MS - before) / this.#msPerRequest;
    const allowed = held + ROUNDING >= cost;
    const fullAt = allowed ? before + cost * this.#msPerRequest : before;
    if (fullAt > now) this.#keep(client, fullAt, now);
    const left = allowed ? held - cost : held;
    return {
      allowed,
      remaining: Math.max(Math.floor(left + ROUNDING), 0),
      fullInSeconds: Math.ceil((fullAt - now) / 1000),
      nextInSeconds: Math.ceil(Math.max(1 - ROUNDING - left, 0) * this.#msPerRequest / 1000),
    };
  }

  #keep(client: string, fullAt: number, now: number): void {
    if (now - this.#turnedAt >= WINDOW_MS || this.#recent.size >= this.#maxPerGeneration) {
      this.#earlier = this.#recent;
      this.#recent = new Map();
      this.#turnedAt = now;
    }
    this.#recent.set(client, fullAt);
  }
}
