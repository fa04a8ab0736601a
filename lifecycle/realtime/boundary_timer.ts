/**
 * While somebody watches: a timer for the earliest start or end there is. When it comes, a short
 * sweep records it, and so it is told; nobody who watches waits for the five-minute job.
 */
import { CONFIRMED_BY_START, statusPrefix } from "../../kv/keys.ts";
import type { PlacedChanges } from "../../kv/journal_places.ts";
import { readRanges } from "../../kv/ranges.ts";
import type { Store } from "../../kv/store.ts";
import { COMPLETE_EVENTS } from "../jobs/complete_events.ts";
import type { RunOutcome } from "../../kv/jobs.ts";
import { START_EVENTS } from "../jobs/start_events.ts";
import type { Logger } from "../log.ts";
import { backoffMs } from "./backoff.ts";

export interface BoundaryTimerOptions {
  clock: () => number;
  log: Logger;
  /** Runs a job by passing traffic. */
  sweep: (job: string) => Promise<{ status: RunOutcome | "running" }>;
  /** Calls back after so many milliseconds, unless the answer is called before. */
  after?: (ms: number, callback: () => void) => () => void;
}

/** However far the next one is: other processes' changes and a clock that was set count, too. */
const LONGEST_WAIT_MS = 60_000;

/** Where the next ends and starts are found. */
const BY_END = [statusPrefix("CONFIRMED"), statusPrefix("ONGOING")];

export class BoundaryTimer {
  readonly #store: Store;
  readonly #options: BoundaryTimerOptions;
  #endWait: () => void = () => {};
  /** When it rings next; infinite while it is off or at work. */
  #at = Infinity;
  #working: Promise<void> | null = null;
  /** The earliest that was noticed while it was at work. */
  #noticed = Infinity;
  /** What is due before then was tried lately, and is left. */
  #notBefore = -Infinity;
  #isOn = false;
  #failures = 0;

  constructor(store: Store, options: BoundaryTimerOptions) {
    this.#store = store;
    this.#options = options;
  }

  start(): void {
    if (this.#isOn) return;
    this.#isOn = true;
    this.#ring();
  }

  async stop(): Promise<void> {
    this.#isOn = false;
    this.#endWait();
    this.#at = Infinity;
    await this.#working;
  }

  /** The changes may bring an earlier start or end. */
  notice(entries: PlacedChanges[]): void {
    if (!this.#isOn) return;
    for (const { changes } of entries) {
      for (const { event: { status, startDate, endDate } } of changes) {
        const isConfirmed = status === "CONFIRMED";
        // Also what is past already: it may have come late.
        if (isConfirmed) this.#noLaterThan(startDate);
        if ((isConfirmed || status === "ONGOING") && endDate !== null) this.#noLaterThan(endDate);
      }
    }
  }

  #noLaterThan(at: number): void {
    if (this.#working !== null) this.#noticed = Math.min(this.#noticed, at);
    else if (at < this.#at) this.#set(at);
  }

  #set(at: number): void {
    this.#endWait();
    this.#at = at;
    const wait = Math.min(
      LONGEST_WAIT_MS,
      Math.max(0, Math.max(at, this.#notBefore) - this.#options.clock()),
    );
    const { after = afterTimeout } = this.#options;
    this.#endWait = after(wait, () => this.#ring());
  }

  #ring(): void {
    this.#at = Infinity;
    if (this.#working !== null) {
      // Stopped and started meanwhile: what came in between was not noticed.
      this.#noticed = -Infinity;
      return;
    }
    this.#noticed = Infinity;
    this.#working = this.#work().then((next) => {
      this.#working = null;
      if (this.#isOn) this.#set(Math.min(next, this.#noticed));
    });
  }

  /** Answers when to look again, epoch milliseconds. */
  async #work(): Promise<number> {
    const { clock, sweep, log } = this.#options;
    try {
      const { ends, starts } = await this.#next();
      const now = clock();
      if (Math.min(ends, starts) > now) return this.#done(Math.min(ends, starts));
      if (ends <= now) await sweep(COMPLETE_EVENTS.name);
      if (starts <= now) await sweep(START_EVENTS.name);
      const left = await this.#next();
      const next = Math.min(left.ends, left.starts);
      // Else another process is at it, the job is paused, or an event cannot be changed.
      return next > clock() ? this.#done(next) : this.#later();
    } catch (error) {
      log.warn("the next start or end could not be looked for", { error });
      return this.#later();
    }
  }

  #done(next: number): number {
    this.#failures = 0;
    this.#notBefore = -Infinity;
    return next;
  }

  #later(): number {
    return this.#notBefore = this.#options.clock() + backoffMs(this.#failures++);
  }

  async #next(): Promise<{ ends: number; starts: number }> {
    const earliest = async (prefix: Deno.KvKey) => {
      const { rows: [row] } = await readRanges(this.#store, [{ prefix }], { batch: 1 });
      return row?.date ?? Infinity;
    };
    const [starts, ...ends] = await Promise.all([CONFIRMED_BY_START, ...BY_END].map(earliest));
    return { starts: starts!, ends: Math.min(...ends) };
  }
}

function afterTimeout(ms: number, callback: () => void): () => void {
  const timer = setTimeout(callback, ms);
  return () => clearTimeout(timer);
}
