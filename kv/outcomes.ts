/**
 * Outcomes of requests that carried an Idempotency-Key: kept a day, each stored in the very commit
 * of what the request changed, so that there is no moment at which one is there without the other.
 */
import type { UserId } from "./event_record.ts";
import { FORMATS, upgraded } from "./formats.ts";
import { outcomeKey } from "./keys.ts";
import type { Store } from "./store.ts";

export interface Outcome {
  format: number;
  /** Of the request: the same key with another payload is a mistake. */
  requestHash: string;
  status: number;
  headers: Record<string, string>;
  /** Compressed: an event at the size limit would not fit a value beside its frame. */
  body: Uint8Array;
  expiresAt: number;
}

export const OUTCOME_KEPT_MS = 24 * 3_600_000;

/** A place that was free, or whose outcome had expired, when it was read. */
export interface OutcomeSlot {
  key: Deno.KvKey;
  versionstamp: string | null;
}

/** What a write stores along with what it writes; `T` is what was written, as it is stored. */
export interface Remember<T> {
  slot: OutcomeSlot;
  outcomeOf: (written: T) => Omit<Outcome, "format">;
}

/** The outcome kept under a key of this user, or the free place for it. */
export async function findOutcome(
  store: Store,
  { userId, digest, now }: { userId: UserId; digest: string; now: number },
): Promise<{ outcome: Outcome } | { slot: OutcomeSlot }> {
  const key = outcomeKey(userId, digest);
  const { value, versionstamp } = await store.get(key);
  if (versionstamp === null) return { slot: { key, versionstamp } };
  const outcome = upgraded<Outcome>(value, store.schema.formats.outcome);
  // Deno KV removes what has expired up to a minute late.
  return outcome.expiresAt > now ? { outcome } : { slot: { key, versionstamp } };
}

/** Adds the outcome to the commit of `written`, which fails when another request was faster. */
export function addOutcome<T>(
  operation: Deno.AtomicOperation,
  remember: Remember<T> | undefined,
  written: T,
): void {
  if (remember === undefined) return;
  const { slot: { key, versionstamp }, outcomeOf } = remember;
  const outcome: Outcome = { format: FORMATS.outcome.current, ...outcomeOf(written) };
  operation.check({ key, versionstamp }).set(key, outcome, { expireIn: OUTCOME_KEPT_MS });
}

/** For what is the same when it is done twice: stored afterwards, by itself. */
export async function keepOutcome(store: Store, remember: Remember<null>): Promise<void> {
  const operation = store.kv.atomic();
  addOutcome(operation, remember, null);
  await store.commit(operation);
}
