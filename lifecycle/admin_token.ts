/**
 * `ADMIN_TOKEN` as sessions and API tokens of `usr_root` remember it: they are good while the one
 * that they were made with is set, so that setting another ends them.
 */
import { createHmac } from "node:crypto";
import type { UserId } from "../kv/event_record.ts";
import type { Store } from "../kv/store.ts";
import { type Principal, ROOT } from "./policy.ts";

/**
 * Of a token the first 32 bits only, keyed by the store: enough to tell two of them apart, and too
 * few for whoever has a copy of the store to know that a guess was right.
 */
export function fingerprintOf({ cursorKey }: Store, adminToken: string): string {
  return createHmac("sha256", cursorKey).update(`ADMIN_TOKEN ${adminToken}`).digest("hex")
    .slice(0, 8);
}

/** `usr_root`, who came by the `ADMIN_TOKEN` of this fingerprint. */
export function rootBy(rootFingerprint: string): Principal & { userId: UserId } {
  return { ...ROOT, rootFingerprint };
}
