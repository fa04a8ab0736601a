/** What takes its time goes on only while whoever asked for it still may. */
import { GUEST, type Principal } from "../lifecycle/policy.ts";

/** It may last for hours, in which somebody may be shut out. */
const ASKED_AGAIN_MS = 1_000;

export interface LastingRight {
  /** Who it is by now; null: nobody any more. */
  ask: () => Promise<Principal | null>;
  /** Throws when they may not, or not any more. */
  check: (principal: Principal) => void | Promise<void>;
  /** Epoch milliseconds. */
  clock: () => number;
}

/** The items one by one, until `check` throws; it is asked once a second. */
export async function* whileTheyMay<T>(
  items: AsyncIterable<T>,
  { ask, check, clock }: LastingRight,
): AsyncGenerator<T, void> {
  let askedAt = clock();
  for await (const item of items) {
    if (clock() - askedAt >= ASKED_AGAIN_MS) {
      await check(await ask() ?? GUEST);
      askedAt = clock();
    }
    yield item;
  }
}
