/**
 * Deadlines for many short calls. One timer looks at all of them a few times a second: a timer of
 * its own for every call would cost a read a tenth of its speed.
 */
import { DomainError } from "./errors.ts";

const LOOK_EVERY_MS = 100;

interface Call {
  endsAt: number;
  giveUp: () => void;
}

export class Deadlines {
  readonly #calls = new Set<Call>();
  #timer: ReturnType<typeof setInterval> | undefined;

  /**
   * The call's own ending, or after `ms` (and up to 100 ms more) a `DomainError` of `code`. The call
   * itself goes on; how it ends then is nobody's concern.
   */
  within<T>(
    call: Promise<T>,
    ms: number,
    code: "store_unavailable" | "outcome_unknown",
  ): Promise<T> {
    this.#timer ??= setInterval(() => this.#look(), LOOK_EVERY_MS);
    return new Promise((resolve, reject) => {
      const pending: Call = {
        endsAt: performance.now() + ms,
        giveUp: () => reject(new DomainError(code)),
      };
      this.#calls.add(pending);
      call.then(
        (value) => {
          this.#calls.delete(pending);
          resolve(value);
        },
        (error) => {
          this.#calls.delete(pending);
          reject(error);
        },
      );
    });
  }

  /** Ends the timer; calls still under way are left to themselves. */
  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #look(): void {
    if (this.#calls.size === 0) return this.stop();
    const now = performance.now();
    for (const call of this.#calls) {
      if (call.endsAt > now) continue;
      this.#calls.delete(call);
      call.giveUp();
    }
  }
}
