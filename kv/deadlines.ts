/**
 * Deadlines for many short calls. One timer looks at all of them a few times a second: a timer of
 * its own for every call would cost a read a tenth of its speed.
 */
import { DomainError } from "./errors.ts";

const LOOK_EVERY_MS = 100;

interface Call {
  /** Looks that are left to it. */
  looks: number;
  reject: (error: DomainError) => void;
  code: "store_unavailable" | "outcome_unknown";
}

export class Deadlines {
  readonly #calls = new Set<Call>();
  #timer: ReturnType<typeof setInterval> | undefined;

  /**
   * The call's own ending, or after `ms` (and up to 200 ms more) a `DomainError` of `code`. The call
   * itself goes on; how it ends then is nobody's concern.
   */
  within<T>(
    call: Promise<T>,
    ms: number,
    code: "store_unavailable" | "outcome_unknown",
  ): Promise<T> {
    this.#timer ??= setInterval(() => this.#look(), LOOK_EVERY_MS);
    return new Promise((resolve, reject) => {
      // One more than fit, because the first look may come at once.
      const pending: Call = { looks: Math.ceil(ms / LOOK_EVERY_MS) + 1, reject, code };
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
    for (const call of this.#calls) {
      if (--call.looks > 0) continue;
      this.#calls.delete(call);
      call.reject(new DomainError(call.code));
    }
  }
}
