/** What came to pass behind the back of a job that walks an index: the journal tells. */
import { type Change, listJournal } from "../../kv/journal.ts";
import type { Store } from "../../kv/store.ts";

const ENTRIES_READ = 100;

/** Whether the journal has such a change after the versionstamp `since`; null: in all of it. */
export async function wasAnyChanged(
  store: Store,
  since: string | null,
  isSuch: (change: Change) => boolean,
): Promise<boolean> {
  for (let after = since;;) {
    const entries = await listJournal(store, after, ENTRIES_READ);
    const found = entries.some(({ entry }) => entry.changes.some(isSuch));
    if (found || entries.length < ENTRIES_READ) return found;
    after = entries.at(-1)!.versionstamp;
  }
}
