/**
 * Sign-in flows that came to their end: each may do so once. What a flow needs lies sealed in its
 * browser's cookie, so nothing here helps anybody to sign in.
 */
import { FORMATS, upgraded } from "./formats.ts";
import { signInFlowKey } from "./keys.ts";
import type { Store } from "./store.ts";

interface TakenFlow {
  format: number;
  /** Random: over KV Connect a commit that is sent again is refused because of itself. */
  takeId: string;
}

/** Clocks of processes differ, and nobody may find the row gone before the flow is over. */
const KEPT_AFTER_MS = 5 * 60_000;

/**
 * Marks the flow as finished; false when it was already. `digest` is that of the flow's state;
 * `msLeft` how long the flow would otherwise be good for.
 */
export async function takeFlow(
  store: Store,
  digest: string,
  { msLeft }: { msLeft: number },
): Promise<boolean> {
  const key = signInFlowKey(digest);
  const taken: TakenFlow = { format: FORMATS.sign_in_flow.current, takeId: crypto.randomUUID() };
  const { ok } = await store.commit(
    store.kv.atomic()
      .check({ key, versionstamp: null })
      .set(key, taken, { expireIn: Math.max(0, msLeft) + KEPT_AFTER_MS }),
  );
  if (ok) return true;
  const { value } = await store.get<unknown>(key);
  if (value === null) return false;
  return upgraded<TakenFlow>(value, store.schema.formats.sign_in_flow).takeId === taken.takeId;
}

/** Whether a flow was finished, for who comes back to its end without the cookie. */
export async function wasFlowTaken(store: Store, digest: string): Promise<boolean> {
  return (await store.get<unknown>(signInFlowKey(digest))).value !== null;
}
