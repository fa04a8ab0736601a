/**
 * Records that are kept under the digest of a secret, and found by whom they belong to: rows of
 * another key name the digest.
 */
import { type Format, upgraded } from "./formats.ts";
import { rowsAfter } from "./ranges.ts";
import type { Store } from "./store.ts";

/** A record with the versionstamp of the very read it came from: what a write checks. */
export interface FoundByDigest<T> {
  digest: string;
  record: T;
  versionstamp: string;
}

/** Whoever looks for some of them reads few more. */
const RECORDS_PER_BATCH = 100;

/**
 * The records that the rows under `prefix` name, in the order of those, however many; `keyOf` says
 * where a digest's record lies. One that is gone while its row is still there is left out.
 */
export async function* recordsByDigest<T>(
  store: Store,
  prefix: Deno.KvKey,
  { keyOf, format }: { keyOf: (digest: string) => Deno.KvKey; format: Format },
): AsyncGenerator<FoundByDigest<T>, void> {
  for (let after: Deno.KvKey | null = null;;) {
    const rows: Deno.KvEntry<string>[] = await store.list<string>(rowsAfter(prefix, after), {
      limit: RECORDS_PER_BATCH,
    });
    const entries = await store.getMany(rows.map(({ value }) => keyOf(value)));
    for (const [i, { value, versionstamp }] of entries.entries()) {
      if (versionstamp === null) continue;
      yield { digest: rows[i]!.value, record: upgraded(value, format), versionstamp };
    }
    if (rows.length < RECORDS_PER_BATCH) return;
    after = rows.at(-1)!.key;
  }
}
