/**
 * One who watches: from a place in the journal on, without a hole, at their own pace. What the hub
 * holds comes from there, what is older from the journal; nothing is queued for anybody.
 */
import {
  comparePlaces,
  endOf,
  type JournalPlace,
  type PlacedChanges,
  placeText,
  readHeadPlace,
  readTrimmedTo,
} from "../../kv/journal_places.ts";
import type { Hub } from "./hub.ts";
import type { CurrentOf } from "./replays.ts";
import type { Subscription } from "./subscription.ts";
import { tell, type Told } from "./telling.ts";

/** Why a follower has to start anew. */
export type ResetReason = "malformed" | "other_store" | "ahead" | "too_old";

/** What a follower is given next. `position` is where they stand after it. */
export type Delivery =
  | { type: "messages"; messages: Told[]; position: string }
  | { type: "reset"; reason: ResetReason; requested: string; position: string }
  | { type: "heartbeat"; position: string };

export interface FollowerOptions {
  /** Where to go on; null: where the journal ends now, after telling to start anew. */
  from: JournalPlace | null;
  /** Why `from` is null, and what was asked for. */
  reset?: { reason: ResetReason; requested: string } | undefined;
  /** Asked again at every heartbeat; null: the right to watch is gone. */
  subscription: () => Promise<Subscription | null>;
  clock: () => number;
  openEndedMs: number;
  heartbeatMs?: number;
}

const HEARTBEAT_MS = 15_000;
/** JSON characters of one delivery, about. */
const DELIVERY_LENGTH = 64 * 1024;

export class Follower {
  /** When the last delivery was handed over and none asked for since; null while one is waited for. */
  idleSince: number | null = null;
  /** Resolves when it has ended, whoever ended it. */
  readonly ended: Promise<void>;
  readonly #end: () => void;
  readonly #hub: Hub;
  readonly #options: FollowerOptions;
  readonly #heartbeatMs: number;
  #subscription!: Subscription;
  #place!: JournalPlace;
  #reset: { reason: ResetReason; requested: string } | null;
  /** One a heartbeat: one for each message that is waited for would be much of its cost. */
  #heartbeat: ReturnType<typeof setTimeout> | undefined;
  #isHeartbeatDue = false;
  #isClosed = false;
  #delivering: Promise<unknown> = Promise.resolve();
  #wake: (() => void) | null = null;
  readonly #listener = {
    advanced: () => this.#wake?.(),
    misled: () => {
      this.#reset = { reason: "ahead", requested: this.position };
      this.#wake?.();
    },
    closed: () => {
      this.close();
      return this.ended;
    },
  };

  private constructor(hub: Hub, options: FollowerOptions) {
    this.#hub = hub;
    this.#options = options;
    this.#heartbeatMs = options.heartbeatMs ?? HEARTBEAT_MS;
    this.#reset = options.reset ?? null;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.ended = promise;
    this.#end = resolve;
  }

  /** Null when the right to watch is not there. @throws {DomainError} `store_unavailable`. */
  static async open(hub: Hub, options: FollowerOptions): Promise<Follower | null> {
    const follower = new Follower(hub, options);
    await hub.join(follower.#listener);
    try {
      const subscription = await options.subscription();
      if (subscription === null || hub.isClosed) {
        await hub.leave(follower.#listener);
        return null;
      }
      follower.#subscription = subscription;
      follower.#place = options.from ?? await readHeadPlace(hub.store);
      // Others may have committed what the hub has not met yet; and what was hidden by that is not to
      // be told again from what the hub holds of before.
      await hub.catchUp();
    } catch (error) {
      await hub.leave(follower.#listener);
      throw error;
    }
    follower.#startHeartbeat();
    follower.idleSince = performance.now();
    return follower;
  }

  /** Where this follower stands, as text. */
  get position(): string {
    return placeText(this.#hub.store, this.#place);
  }

  /** Whether the next delivery is to start anew: until then `position` is nothing to go on from. */
  get startsAnew(): boolean {
    return this.#reset !== null;
  }

  /**
   * The next delivery, as soon as there is one; null at the end. One at a time.
   * @throws {DomainError} `store_unavailable`; that is the end, too.
   */
  async next(): Promise<Delivery | null> {
    this.idleSince = null;
    const delivering = this.#next();
    this.#delivering = delivering;
    try {
      return await delivering;
    } catch (error) {
      // Who has ended it has no use for what it waited for.
      if (this.#isClosed) return null;
      this.close();
      throw error;
    } finally {
      this.idleSince = performance.now();
    }
  }

  /** Ends it, also while a delivery is waited for. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    clearTimeout(this.#heartbeat);
    this.#wake?.();
    this.#leave().finally(this.#end);
  }

  async #leave(): Promise<void> {
    // A read that is under way ends first.
    await this.#delivering.catch(() => {});
    // What it closes is nobody's to mend.
    await this.#hub.leave(this.#listener).catch(() => {});
  }

  async #next(): Promise<Delivery | null> {
    while (!this.#isClosed) {
      if (this.#reset !== null) return await this.#startAnew(this.#reset);
      if (this.#isHeartbeatDue) {
        const subscription = await this.#options.subscription();
        if (subscription === null) break;
        this.#startHeartbeat();
        this.#subscription = subscription;
        return { type: "heartbeat", position: this.position };
      }
      const held = this.#hub.entriesAfter(this.#place);
      if (held === null) {
        const missed = await this.#missed();
        if (missed !== null) return missed;
      } else if (held.length > 0) {
        const told = this.#tell(held, (change) => this.#hub.currentOf(change));
        if (told !== null) return told;
      } else {
        await this.#wait();
      }
    }
    this.close();
    return null;
  }

  /** What lies further back than the hub holds: a slice of it, or null when none of it is told. */
  async #missed(): Promise<Delivery | null> {
    const { store, replays } = this.#hub;
    const from = this.#place;
    const { entries, currentOf } = await replays.after(from);
    if (comparePlaces(from, await readTrimmedTo(store)) < 0) {
      return await this.#startAnew({ reason: "too_old", requested: this.position });
    }
    return this.#tell(entries, currentOf);
  }

  async #startAnew(reset: { reason: ResetReason; requested: string }): Promise<Delivery> {
    this.#reset = null;
    this.#place = await readHeadPlace(this.#hub.store);
    this.#hub.look();
    return { type: "reset", ...reset, position: this.position };
  }

  #tell(entries: PlacedChanges[], currentOf: CurrentOf): Delivery | null {
    const { clock, openEndedMs } = this.#options;
    const messages: Told[] = [];
    let length = 0;
    for (const entry of entries) {
      const told = tell(entry, this.#subscription, {
        store: this.#hub.store,
        now: clock(),
        openEndedMs,
        currentOf,
        isShared: entry.before === 0 && this.#hub.isNewest(entry),
      });
      messages.push(...told);
      for (const { json } of told) length += json.length;
      this.#place = endOf(entry);
      if (length > DELIVERY_LENGTH) break;
    }
    return messages.length === 0 ? null : { type: "messages", messages, position: this.position };
  }

  #startHeartbeat(): void {
    if (this.#isClosed) return;
    this.#isHeartbeatDue = false;
    this.#heartbeat = setTimeout(() => {
      this.#isHeartbeatDue = true;
      this.#wake?.();
    }, this.#heartbeatMs);
  }

  #wait(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = () => {
        this.#wake = null;
        resolve();
      };
    });
  }
}
