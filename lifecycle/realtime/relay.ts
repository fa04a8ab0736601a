/**
 * The relay: from the journal to Redis. It publishes what lies after its cursor, in order, and moves
 * the cursor by a checked write: nothing that is committed stays unpublished, whatever dies in
 * between. Two relays may publish the same; hubs drop what they have seen.
 */
import {
  comparePlaces,
  endOf,
  ENTRIES_PER_READ,
  readEntries,
  readHeadPlace,
  readTrimmedTo,
} from "../../kv/journal_places.ts";
import { getRelayCursor, moveRelayCursor } from "../../kv/relay_cursor.ts";
import type { Store } from "../../kv/store.ts";
import type { Logger } from "../log.ts";
import { backoffMs } from "./backoff.ts";
import { messagesOf } from "./relayed.ts";

export interface RelayOptions {
  /** The channel's whole name. */
  channel: string;
  /** @throws {Error} when it is not known to have been published. */
  publish: (message: string) => Promise<void>;
  log: Logger;
}

export class Relay {
  readonly #store: Store;
  readonly #options: RelayOptions;
  #running: Promise<void> | null = null;
  #runAgain = false;
  #failures = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isStopped = false;

  constructor(store: Store, options: RelayOptions) {
    this.#store = store;
    this.#options = options;
  }

  /**
   * What is committed from here on is published; on a new channel what came before is not, because
   * nobody has followed it.
   */
  async prepare(): Promise<void> {
    const cursor = await getRelayCursor(this.#store, this.#options.channel);
    if (cursor.place !== null) return;
    await moveRelayCursor(this.#store, cursor, await readHeadPlace(this.#store));
  }

  /** There may be something to publish. Failures are tried again, later and later. */
  wake(): void {
    if (this.#isStopped) return;
    this.#runAgain = true;
    if (this.#running !== null || this.#timer !== undefined) return;
    this.#running = this.#runUntilDone().finally(() => {
      this.#running = null;
      if (this.#runAgain && this.#timer === undefined) this.wake();
    });
  }

  /**
   * Publishes what is left over; answers how many changes that was.
   * @throws {Error} when Redis or the store does not answer.
   */
  async run(shouldStop: () => boolean = () => this.#isStopped): Promise<number> {
    let published = 0;
    while (!shouldStop()) {
      const [cursor, trimmedTo] = await Promise.all([
        getRelayCursor(this.#store, this.#options.channel),
        readTrimmedTo(this.#store),
      ]);
      const place = cursor.place ?? await readHeadPlace(this.#store);
      const prev = comparePlaces(place, trimmedTo) < 0 ? trimmedTo : place;
      const { entries } = await readEntries(this.#store, prev, ENTRIES_PER_READ);
      if (entries.length === 0) return published;
      for (const { message } of messagesOf(this.#store, { prev, entries })) {
        await this.#options.publish(message);
      }
      published += entries.reduce((sum, { changes }) => sum + changes.length, 0);
      // Another relay was faster: on from where it is.
      await moveRelayCursor(this.#store, cursor, endOf(entries.at(-1)!));
    }
    return published;
  }

  /** Resolves when nothing is under way any more. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#runAgain = false;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    await this.#running;
  }

  async #runUntilDone(): Promise<void> {
    try {
      this.#runAgain = false;
      await this.run();
      if (this.#failures > 0) this.#options.log.info("Redis takes changes again");
      this.#failures = 0;
    } catch (error) {
      // Once is enough to know of it.
      const level = this.#failures === 0 ? "warn" : "debug";
      this.#options.log[level]("changes could not be published; trying again", { error });
      if (this.#isStopped) return;
      this.#timer = setTimeout(() => {
        this.#timer = undefined;
        this.wake();
      }, backoffMs(this.#failures++));
    }
  }
}
