/** How old a message is: an event's title says from which instant its messages' age counts. */

/** What a process of clients prints at its end. */
export interface Seen {
  /** Messages, of all clients together. */
  total: number;
  /** Their lines, all together. */
  bytes: number;
  /** From the first of them to the last. */
  ms: number;
  /** Milliseconds, over every message of every client; zeros when none has an age. */
  ages: { p50: number; p99: number; max: number };
}

const MARK = '"title":"at ';
const decoder = new TextDecoder();

/** Epoch milliseconds, finer than the clock's: the same in all processes of a machine. */
export function preciseNow(): number {
  return performance.timeOrigin + performance.now();
}

export function titleAt(time: number): string {
  return `at ${time}`;
}

/** Null when the message's event has no such title. */
export function ageOf(line: Uint8Array, now: number): number | null {
  const text = decoder.decode(line);
  const at = text.indexOf(MARK);
  return at < 0 ? null : now - parseFloat(text.slice(at + MARK.length, at + MARK.length + 20));
}
