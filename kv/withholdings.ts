/**
 * Requests to look whether an organizer's events are to be withheld. Whoever suspends or reinstates
 * a user, or changes who owns an organizer, stores one in that very commit; it lies there until it
 * is carried out, so whoever carries it out may be killed anywhere.
 */
import type { OrganizerId, UserId } from "./event_record.ts";
import { FORMATS, upgraded } from "./formats.ts";
import { withholdingKey, WITHHOLDINGS } from "./keys.ts";
import type { Store } from "./store.ts";

export interface Withholding {
  format: number;
  /** Who made it necessary, and when. */
  by: UserId;
  at: number;
}

/** A request with the versionstamp of the very read it came from. */
export interface StoredWithholding {
  organizerId: OrganizerId;
  withholding: Withholding;
  versionstamp: string;
}

/** Adds to `operation` the request for an organizer, in place of one that waits already. */
export function addWithholding(
  operation: Deno.AtomicOperation,
  id: OrganizerId,
  { by, at }: { by: UserId; at: number },
): void {
  const withholding: Withholding = { format: FORMATS.withholding.current, by, at };
  operation.set(withholdingKey(id), withholding);
}

/** Leaves room in the commit for what makes them necessary. */
export const MAX_WITHHOLDINGS_PER_COMMIT = 400;

/** Stores requests by themselves, in as many commits as they take. */
export async function storeWithholdings(
  store: Store,
  ids: OrganizerId[],
  by: { by: UserId; at: number },
): Promise<void> {
  for (let i = 0; i < ids.length; i += MAX_WITHHOLDINGS_PER_COMMIT) {
    const operation = store.kv.atomic();
    for (const id of ids.slice(i, i + MAX_WITHHOLDINGS_PER_COMMIT)) {
      addWithholding(operation, id, by);
    }
    await store.commit(operation);
  }
}

/** The request for an organizer; null when there is none. */
export async function getWithholding(
  store: Store,
  id: OrganizerId,
): Promise<StoredWithholding | null> {
  return storedWithholding(store, await store.get(withholdingKey(id)));
}

/** The requests that wait, by the organizer; at most 500. */
export async function listWithholdings(store: Store): Promise<StoredWithholding[]> {
  const rows = await store.list({ prefix: WITHHOLDINGS }, { limit: 500 });
  return rows.map((row) => storedWithholding(store, row)!);
}

function storedWithholding(
  store: Store,
  { key, value, versionstamp }: Deno.KvEntryMaybe<unknown>,
): StoredWithholding | null {
  if (versionstamp === null) return null;
  return {
    organizerId: key[1] as OrganizerId,
    withholding: upgraded(value, store.schema.formats.withholding),
    versionstamp,
  };
}

/** Adds to `operation` the check that the request is still the one that was read. */
export function checkWithholding(
  operation: Deno.AtomicOperation,
  { organizerId, versionstamp }: StoredWithholding,
): void {
  operation.check({ key: withholdingKey(organizerId), versionstamp });
}

/** Deletes a request that was carried out. False: it is not the one that was read any more. */
export async function deleteWithholding(
  store: Store,
  stored: StoredWithholding,
): Promise<boolean> {
  const operation = store.kv.atomic();
  checkWithholding(operation, stored);
  operation.delete(withholdingKey(stored.organizerId));
  return (await store.commit(operation)).ok;
}
