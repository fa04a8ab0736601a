/**
 * Deadlines for many short calls. One timer looks at all of them a few times a second: a timer of
 * its own for every call would cost a read a tenth of its speed.
 */
import { DomainError } from "./errors.ts";

const LOOK_EVERY_MS = 100;

type LateCode =
  | "store_unavailable"
  | "outcome_unknown"
  | "deadline_exceeded"
  | "sign_in_provider_failed"
  | "sign_in_unavailable";

interface Call {
  /** Looks that are left to it. */
  looks: number;
  reject: (error: DomainError) => void;
  code: LateCode;
}

export class Deadlines {
  /**
   * Slots and not a `Set`, whose outgrown tables would keep the answers of finished calls alive
   * until the next full collection: that alone cost a list a tenth of its speed.
   */
  readonly #calls: (Call | null)[] = [];
  readonly #freeSlots: number[] = [];
  #timer: ReturnType<typeof setInterval> | undefined;
  #isStopped = false;

  /**
   * The call's own ending, or after `ms` (and up to 200 ms more) a `DomainError` of `code`. The call
   * itself goes on; how it ends then is nobody's concern.
   */
  within<T>(call: Promise<T>, ms: number, code: LateCode): Promise<T> {
    if (!this.#isStopped) this.#timer ??= setInterval(() => this.#look(), LOOK_EVERY_MS);
    return new Promise((resolve, reject) => {
      // One more than fit, because the first look may come at once.
      const pending: Call = { looks: Math.ceil(ms / LOOK_EVERY_MS) + 1, reject, code };
      const slot = this.#freeSlots.pop() ?? this.#calls.length;
      this.#calls[slot] = pending;
      call.then(
        (value) => {
          this.#release(slot, pending);
          resolve(value);
        },
        (error) => {
          this.#release(slot, pending);
          reject(error);
        },
      );
    });
  }

  /** Ends the timer for good; calls still under way, or to come, are left to themselves. */
  stop(): void {
    this.#isStopped = true;
    this.#rest();
  }

  #rest(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  /** A call that was given up has lost its slot already, perhaps to another one. */
  #release(slot: number, call: Call): void {
    if (this.#calls[slot] !== call) return;
    this.#calls[slot] = null;
    this.#freeSlots.push(slot);
  }

  #look(): void {
    if (this.#freeSlots.length === this.#calls.length) return this.#rest();
    for (const [slot, call] of this.#calls.entries()) {
      if (call === null || --call.looks > 0) continue;
      this.#release(slot, call);
      call.reject(new DomainError(call.code));
    }
  }
}
