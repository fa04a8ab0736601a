/**
 * The hub: what this process knows of the newest changes, for all who watch here. There is one a
 * process, and one upstream however many watch.
 *
 * The journal is the truth, and the hub goes through it in its order: a commit, a message from Redis
 * or a tick of the watchdog only make it look. A message that goes on from where the hub stands
 * brings its changes along and saves the look; what the hub has seen is dropped, and on a gap it
 * reads the journal itself. So messages may be lost, doubled or late without harm.
 */
import type { EventCard, EventId } from "../../kv/event_record.ts";
import {
  BEGINNING,
  comparePlaces,
  endOf,
  ENTRIES_PER_READ,
  type JournalPlace,
  type PlacedChanges,
  readEntries,
  readHeadPlace,
  readNewestEntries,
  readTrimmedTo,
} from "../../kv/journal_places.ts";
import type { Change } from "../../kv/journal.ts";
import type { Store } from "../../kv/store.ts";
import type { Logger } from "../log.ts";
import { Replays } from "./replays.ts";

/**
 * Journal entries kept, each at most as large as a value: enough for who reads, also in a great sweep,
 * of which four times as many took 100 MB more. Who falls behind them is served from the journal.
 */
const ENTRIES_KEPT = 250;
/** Entries read when the first one comes, for those who come back after a restart. */
const ENTRIES_READ_AT_START = 200;
/** Between these the watchdog looks, whatever it is told. */
const WATCHDOG_MS: [number, number] = [15_000, 30_000];
const RETRY_MS: [number, number] = [500, 2_000];

/** Consecutive entries, and the place before them. */
export interface Batch {
  prev: JournalPlace;
  entries: PlacedChanges[];
}

/** What tells a hub of other processes' commits. */
export interface Upstream {
  /** Goes on until `close`; connects again by itself, and then tells to `look`. */
  open(hub: { look: () => void; receive: (batch: Batch) => void }): { close: () => Promise<void> };
}

export interface HubOptions {
  log: Logger;
  upstream?: Upstream | undefined;
  /** Milliseconds between two looks of the watchdog: from, to. */
  watchdogMs?: [number, number] | undefined;
  /** Milliseconds before a journal that could not be read is read again: from, to. */
  retryMs?: [number, number] | undefined;
  /** Journal entries kept, at least. */
  entriesKept?: number | undefined;
  /** Called with what the hub takes in. */
  onAdvanced?: (entries: PlacedChanges[]) => void;
}

export interface HubListener {
  /** The hub holds more than before. */
  advanced: () => void;
  /** What was told last is not what the journal holds. */
  misled: () => void;
  /** Resolves when it has left. */
  closed: () => Promise<void> | void;
}

export class Hub {
  readonly store: Store;
  /** For those who stand further back than what is held. */
  readonly replays: Replays;
  readonly #log: Logger;
  readonly #upstream: Upstream | undefined;
  readonly #watchdogMs: [number, number];
  readonly #retryMs: [number, number];
  readonly #listeners = new Set<HubListener>();
  readonly #entriesKept: number;
  readonly #onAdvanced: HubOptions["onAdvanced"];
  /** The newest entries, oldest first; what lies between `#heldFrom` and `#position` is all here. */
  #entries: PlacedChanges[] = [];
  #heldFrom = BEGINNING;
  #position = BEGINNING;
  /** The newest change's card of each event in `#entries`; null when it was deleted. */
  readonly #newest = new Map<EventId, { card: EventCard | null; versionstamp: string }>();
  /** Set from the first listener to the last; the answer closes what was opened. */
  #running: Promise<() => Promise<void>> | null = null;
  /** The start that came last, also when nobody waits for it any more: there is one at a time. */
  #lastStart: Promise<unknown> = Promise.resolve();
  /** Whether what is held is what the fields say; not before a start has ended. */
  #isUp = false;
  #looking: Promise<void> | null = null;
  #lookAgain = false;
  /** Looks wait for the timer. */
  #isFailing = false;
  /** That it does is logged already. */
  #hasFailed = false;
  /** Whether the next look is to ask if the journal goes as far as was told. */
  #isDoubtful = false;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isClosed = false;

  constructor(store: Store, options: HubOptions) {
    const { log, upstream, watchdogMs = WATCHDOG_MS, entriesKept = ENTRIES_KEPT } = options;
    this.store = store;
    this.replays = new Replays(store);
    this.#log = log;
    this.#upstream = upstream;
    this.#watchdogMs = watchdogMs;
    this.#retryMs = options.retryMs ?? RETRY_MS;
    this.#onAdvanced = options.onAdvanced;
    this.#entriesKept = entriesKept;
  }

  get position(): JournalPlace {
    return this.#position;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** How many are listening. */
  get size(): number {
    return this.#listeners.size;
  }

  /**
   * Resolves when the hub is up; the first listener starts it and the last one to leave stops it.
   * @throws {DomainError} `store_unavailable`.
   */
  async join(listener: HubListener): Promise<void> {
    this.#listeners.add(listener);
    const running = this.#running ??= this.#lastStart.then(() => this.#start());
    this.#lastStart = running.catch(() => {});
    try {
      await running;
    } catch (error) {
      this.#running = null;
      this.#listeners.delete(listener);
      throw error;
    }
  }

  /** Resolves when what stood open for the last one is closed. */
  async leave(listener: HubListener): Promise<void> {
    if (!this.#listeners.delete(listener) || this.#listeners.size > 0) return;
    const running = this.#running;
    this.#running = null;
    this.#rest();
    const close = await running?.catch(() => undefined);
    // It may have been starting until now.
    if (this.#running === null) this.#rest();
    await Promise.all([this.#looking, close?.()]);
  }

  #rest(): void {
    this.#isUp = false;
    clearTimeout(this.#timer);
  }

  /** Tells all listeners to end; nobody may join any more. Resolves when all have left. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.all([...this.#listeners].map(({ closed }) => closed()));
  }

  /**
   * What the hub holds after a place; null when it does not go back that far. Empty also when the
   * place is one that the hub has yet to reach.
   */
  entriesAfter(place: JournalPlace): PlacedChanges[] | null {
    if (comparePlaces(place, this.#position) >= 0) return [];
    if (comparePlaces(place, this.#heldFrom) < 0) return null;
    const at = this.#indexOf(place.versionstamp);
    const found = this.#entries.slice(at);
    const first = found[0];
    if (first?.versionstamp !== place.versionstamp) return found;
    const rest = { ...first, before: place.n, changes: first.changes.slice(place.n) };
    return rest.changes.length === 0 ? found.slice(1) : [rest, ...found.slice(1)];
  }

  /** The card of a change's event by the newest one; null: deleted; undefined: this is the newest. */
  currentOf({ type, event }: Change): EventCard | null | undefined {
    const newest = this.#newest.get(event.id)?.card;
    return newest === event || (newest === null && type === "deleted") ? undefined : newest;
  }

  /** Whether nothing newer is held of any of the entry's events. */
  isNewest({ versionstamp, changes }: PlacedChanges): boolean {
    return changes.every(({ event }) => this.#newest.get(event.id)?.versionstamp === versionstamp);
  }

  /** There may be something new in the journal. */
  look(): void {
    if (!this.#isUp) return;
    this.#lookAgain = true;
    if (this.#looking !== null || this.#isFailing) return;
    this.#looking = this.#read().finally(() => this.#looking = null);
  }

  /** Resolves when the hub has met what is committed by now, or cannot. */
  async catchUp(): Promise<void> {
    this.look();
    await this.#looking;
  }

  /** Takes the batch's content if it goes on from here, drops what is known, fills gaps. */
  receive({ prev, entries }: Batch): void {
    const last = entries.at(-1);
    if (!this.#isUp || last === undefined) return;
    if (comparePlaces(endOf(last), this.#position) <= 0) return;
    if (comparePlaces(prev, this.#position) > 0) return this.look();
    this.#append(entries.filter(({ versionstamp }) => versionstamp > this.#position.versionstamp));
  }

  async #start(): Promise<() => Promise<void>> {
    const entries = await readNewestEntries(
      this.store,
      Math.min(ENTRIES_READ_AT_START, this.#entriesKept),
    );
    const last = entries.at(-1);
    this.#position = last === undefined ? await readHeadPlace(this.store) : endOf(last);
    this.#heldFrom = last === undefined
      ? this.#position
      : { versionstamp: entries[0]!.versionstamp, n: 0 };
    this.#entries = [];
    this.#newest.clear();
    this.#keep(entries);
    this.#isUp = true;
    this.#isFailing = false;
    const upstream = this.#upstream?.open({
      look: () => this.look(),
      receive: (batch) => this.receive(batch),
    });
    this.#watch(this.#watchdogMs);
    return async () => await upstream?.close();
  }

  #watch([from, to]: [number, number]): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#isFailing = false;
      this.#isDoubtful = true;
      this.look();
      this.#watch(this.#watchdogMs);
    }, from + Math.random() * (to - from));
  }

  async #read(): Promise<void> {
    try {
      while (this.#lookAgain && this.#isUp) {
        this.#lookAgain = false;
        while (this.#isUp && await this.#readOn());
        if (this.#isDoubtful) await this.#verify();
      }
      if (this.#hasFailed) this.#log.info("the journal can be read again");
      this.#hasFailed = false;
    } catch (error) {
      // Once is enough to know of it.
      const level = this.#hasFailed ? "debug" : "warn";
      this.#log[level]("the journal could not be read; trying again", { error });
      this.#hasFailed = true;
      this.#isFailing = this.#isUp;
      if (this.#isUp) this.#watch(this.#retryMs);
    }
  }

  /** Whether there may be more. */
  async #readOn(): Promise<boolean> {
    const from = this.#position;
    const { entries, done } = await readEntries(this.store, from, ENTRIES_PER_READ);
    if (!this.#isUp) return false;
    // Who slept for longer than the journal is kept (a stopped process) would take a hole for silence.
    if (comparePlaces(from, await readTrimmedTo(this.store)) < 0) {
      this.#startOver(await readHeadPlace(this.store));
      for (const { advanced } of this.#listeners) advanced();
      return true;
    }
    // Redis may have been faster meanwhile.
    this.#append(
      entries.filter(({ versionstamp }) => versionstamp > this.#position.versionstamp),
    );
    return !done;
  }

  /** A message that was not true may have led beyond the journal's end: then all begin anew there. */
  async #verify(): Promise<void> {
    const before = this.#position;
    const head = await readHeadPlace(this.store);
    this.#isDoubtful = false;
    if (comparePlaces(before, head) <= 0 || !this.#isUp) return;
    this.#log.error("Redis told of changes that there are not");
    this.#startOver(head);
    for (const { misled } of this.#listeners) misled();
  }

  #startOver(head: JournalPlace): void {
    this.#entries = [];
    this.#newest.clear();
    this.#position = head;
    this.#heldFrom = head;
  }

  #append(entries: PlacedChanges[]): void {
    if (entries.length === 0) return;
    this.#keep(entries);
    this.#position = endOf(entries.at(-1)!);
    this.#onAdvanced?.(entries);
    for (const { advanced } of this.#listeners) advanced();
  }

  #keep(entries: PlacedChanges[]): void {
    for (const entry of entries) {
      this.#entries.push(entry);
      for (const { type, event } of entry.changes) {
        const card = type === "deleted" ? null : event;
        this.#newest.set(event.id, { card, versionstamp: entry.versionstamp });
      }
    }
    // Not one at a time: moving a thousand for each new one would be most of the work.
    if (this.#entries.length < 1.5 * this.#entriesKept) return;
    const gone = this.#entries.splice(0, this.#entries.length - this.#entriesKept);
    this.#heldFrom = endOf(gone.at(-1)!);
    for (const { versionstamp, changes } of gone) {
      for (const { event } of changes) {
        if (this.#newest.get(event.id)?.versionstamp === versionstamp) {
          this.#newest.delete(event.id);
        }
      }
    }
  }

  /** Of the first entry that is not before `versionstamp`. */
  #indexOf(versionstamp: string): number {
    let from = 0;
    let to = this.#entries.length;
    while (from < to) {
      const middle = (from + to) >>> 1;
      if (this.#entries[middle]!.versionstamp < versionstamp) from = middle + 1;
      else to = middle;
    }
    return from;
  }
}
