/**
 * Realtime, put together: one hub a process, what wakes it, the relay to Redis, and the timer of the
 * next start or end, which runs while somebody watches.
 */
import type { EventId, EventStatus } from "../../kv/event_record.ts";
import { readPlace } from "../../kv/journal_places.ts";
import type { RunOutcome } from "../../kv/jobs.ts";
import type { Store } from "../../kv/store.ts";
import { DomainError } from "../../kv/errors.ts";
import type { EventQuery } from "../event_filter.ts";
import type { Job } from "../jobs/job.ts";
import { newReport } from "../jobs/run_record.ts";
import type { Logger } from "../log.ts";
import type { Principal } from "../policy.ts";
import { type Audience, audienceOf, hasLost } from "./audience.ts";
import { BoundaryTimer } from "./boundary_timer.ts";
import { Follower, type FollowerOptions, type ResetReason } from "./follower.ts";
import { Hub, type Upstream } from "./hub.ts";
import { Relay } from "./relay.ts";
import { type Subscription, subscriptionOf } from "./subscription.ts";

export interface RealtimeOptions {
  clock: () => number;
  openEndedMs: number;
  log: Logger;
  /** Runs a job because of passing traffic. */
  sweep: (job: string) => Promise<{ status: RunOutcome | "running" }>;
  /** What tells of other processes' commits; without one this process is alone. */
  upstream?: Upstream | undefined;
  /** Where changes are published; without one they are not. */
  channel?: { name: string; publish: (message: string) => Promise<void> } | undefined;
  heartbeatMs?: number;
  watchdogMs?: [number, number];
  stallMs?: number;
  entriesKept?: number;
}

/** What is watched: one event, or those of a query. */
export interface Watched {
  query: EventQuery;
  eventId?: EventId | undefined;
}

/** Who has not read for that long is no longer waited for. */
const STALL_MS = 30_000;
/** Of an id that cannot be gone on from no more is told back. */
const MAX_REQUESTED_LENGTH = 200;
const LIVE: ReadonlySet<EventStatus> = new Set(["CONFIRMED", "ONGOING"]);

export class Realtime {
  readonly hub: Hub;
  readonly #store: Store;
  readonly #options: RealtimeOptions;
  readonly #relay: Relay | null;
  readonly #timer: BoundaryTimer;
  readonly #followers = new Set<{ follower: Follower; drop: () => void }>();
  readonly #stopTelling: () => void;
  #stallTimer: ReturnType<typeof setInterval> | undefined;

  constructor(store: Store, options: RealtimeOptions) {
    const { log, upstream, channel, watchdogMs, entriesKept, clock, sweep } = options;
    this.#store = store;
    this.#options = options;
    this.#timer = new BoundaryTimer(store, { clock, log, sweep });
    this.hub = new Hub(store, {
      log,
      upstream,
      watchdogMs,
      entriesKept,
      onAdvanced: (entries) => this.#timer.notice(entries),
    });
    this.#relay = channel === undefined
      ? null
      : new Relay(store, { channel: channel.name, publish: channel.publish, log });
    this.#stopTelling = store.onChanged(() => {
      this.hub.look();
      this.#relay?.wake();
    });
  }

  /** How many watch. */
  get size(): number {
    return this.#followers.size;
  }

  /** Before the first commit that is to be told. @throws {DomainError} `store_unavailable`. */
  async prepare(): Promise<void> {
    await this.#relay?.prepare();
    // A process may have died between its commit and the telling.
    this.#relay?.wake();
  }

  /** The job that publishes what is left over; none without a channel. */
  jobs(): Job[] {
    const relay = this.#relay;
    if (relay === null) return [];
    return [{
      name: "relay_changes",
      intervalMs: 60_000,
      description: "Publishes the changes that are left over to Redis.",
      async run(_store, { dryRun, shouldStop }) {
        const report = newReport();
        const published = dryRun ? 0 : await relay.run(shouldStop);
        return { ...report, examined: published, changed: published };
      },
    }];
  }

  /**
   * Begins to follow from after the change `lastId`, or without one from now on. `principal` is asked
   * for now and at each heartbeat; null or fewer rights end it. `drop` is called for who does not
   * read. Null: there is no right to watch, or the process is about to stop.
   * @throws {DomainError} `store_unavailable`.
   */
  async follow(
    watched: Watched,
    { lastId, principal, drop }: {
      lastId: string | undefined;
      principal: () => Promise<Principal | null>;
      drop: () => void;
    },
  ): Promise<Follower | null> {
    const { clock, openEndedMs, heartbeatMs } = this.#options;
    let audience: Audience | null = null;
    const subscription = async (): Promise<Subscription | null> => {
      const who = await principal();
      const next = who === null ? null : await audienceOf(this.#store, who);
      if (next === null || (audience !== null && hasLost(audience, next))) return null;
      audience = next;
      return subscribed(watched, next);
    };
    const follower = await Follower.open(this.hub, {
      ...await this.#begin(lastId),
      subscription,
      clock,
      openEndedMs,
      ...(heartbeatMs === undefined ? {} : { heartbeatMs }),
    });
    if (follower === null) return null;
    this.#add(follower, drop);
    return follower;
  }

  /** Every stream ends, and what is under way with Redis. */
  async stop(): Promise<void> {
    this.#stopTelling();
    await Promise.all([this.hub.close(), this.#relay?.stop(), this.#timer.stop()]);
  }

  async #begin(lastId: string | undefined): Promise<Pick<FollowerOptions, "from" | "reset">> {
    if (lastId === undefined) return { from: null };
    const requested = lastId.slice(0, MAX_REQUESTED_LENGTH);
    const reset = (reason: ResetReason) => ({ from: null, reset: { reason, requested } });
    try {
      const from = await readPlace(this.#store, lastId, "last_event_id");
      return from === null ? reset("malformed") : { from };
    } catch (error) {
      if (!(error instanceof DomainError && error.code === "position_gone")) throw error;
      return reset(error.extensions.reason as ResetReason);
    }
  }

  #add(follower: Follower, drop: () => void): void {
    const one = { follower, drop };
    this.#followers.add(one);
    if (this.#followers.size === 1) this.#begun();
    follower.ended.then(() => {
      this.#followers.delete(one);
      if (this.#followers.size === 0) this.#ended();
    });
  }

  #begun(): void {
    const { stallMs = STALL_MS } = this.#options;
    this.#timer.start();
    this.#stallTimer = setInterval(() => {
      const now = performance.now();
      for (const { follower, drop } of this.#followers) {
        if (follower.idleSince === null || now - follower.idleSince < stallMs) continue;
        this.#options.log.info("dropped a subscriber that does not read");
        follower.close();
        drop();
      }
    }, stallMs / 6);
  }

  #ended(): void {
    clearInterval(this.#stallTimer);
    this.#timer.stop().catch(() => {});
  }
}

function subscribed({ query, eventId }: Watched, audience: Audience): Subscription {
  const named = query.statuses;
  const statuses = named !== undefined ? new Set(named) : eventId !== undefined ? "any" : LIVE;
  return subscriptionOf({ query, eventId, statuses }, audience);
}
