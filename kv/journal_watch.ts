/** Hearing of other processes' commits from the store itself. */
import { JOURNAL_HEAD } from "./keys.ts";
import type { Store } from "./store.ts";

/**
 * Calls `onChange` at once and whenever the journal has grown, until `close`. A KV Connect server
 * that was away is watched again by the runtime itself.
 * @returns `ended` rejects when the watching breaks off.
 */
export function watchJournal(
  store: Store,
  onChange: () => void,
): { ended: Promise<void>; close: () => void } {
  const reader = store.kv.watch([JOURNAL_HEAD]).getReader();
  const watch = async () => {
    while (!(await reader.read()).done) onChange();
  };
  return { ended: watch(), close: () => void reader.cancel().catch(() => {}) };
}
