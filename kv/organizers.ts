/** Organizers: the records events belong to, and the people who act for them. */
import type { OrganizerId, UserId } from "./event_record.ts";
import {
  organizerByExternalIdKey,
  organizerByMemberKey,
  organizerByMemberPrefix,
  organizerKey,
  organizerMemberKey,
  ORGANIZERS,
} from "./keys.ts";
import type { Store } from "./store.ts";

export type OrganizerRole = "owner" | "editor" | "viewer";

export interface Organizer {
  format: number;
  id: OrganizerId;
  name: string;
  url: string | null;
  externalId: string | null;
  createdAt: number;
  updatedAt: number;
}

export const ORGANIZER_FORMAT = 1;

/** A record with the versionstamp of the very read it came from: what a write checks. */
export interface StoredOrganizer {
  organizer: Organizer;
  versionstamp: string;
}

/** Null when there is none. */
export async function readOrganizer(
  store: Store,
  id: OrganizerId,
): Promise<StoredOrganizer | null> {
  const { value, versionstamp } = await store.get<Organizer>(organizerKey(id));
  return versionstamp === null ? null : { organizer: value, versionstamp };
}

/** The organizer with this external id; null when there is none. */
export async function findOrganizer(
  store: Store,
  externalId: string,
): Promise<OrganizerId | null> {
  return (await store.get<OrganizerId>(organizerByExternalIdKey(externalId))).value;
}

/** The organizers by id, from after `after` on. */
export async function listOrganizers(
  store: Store,
  { limit, after }: { limit: number; after?: OrganizerId | undefined },
): Promise<Organizer[]> {
  const rows = await store.list<Organizer>(
    after === undefined
      ? { prefix: ORGANIZERS }
      : { prefix: ORGANIZERS, start: [...ORGANIZERS, after + "\u0000"] },
    { limit },
  );
  return rows.map((row) => row.value);
}

/**
 * Replaces an organizer if it is still as it was read.
 * False: it changed since, or the new external id is taken; nothing was written.
 */
export async function replaceOrganizer(
  store: Store,
  read: StoredOrganizer,
  next: Organizer,
): Promise<boolean> {
  const { organizer, versionstamp } = read;
  const key = organizerKey(organizer.id);
  const operation = store.kv.atomic().check({ key, versionstamp }).set(key, next);
  if (next.externalId !== organizer.externalId) {
    if (organizer.externalId !== null) {
      operation.delete(organizerByExternalIdKey(organizer.externalId));
    }
    addExternalId(operation, next);
  }
  return await isStored(store, operation, next);
}

/** Stores a new organizer with its first owner. False: the id or the external id is taken. */
export async function createOrganizer(
  store: Store,
  organizer: Organizer,
  owner: UserId,
): Promise<boolean> {
  return await isStored(store, addOrganizer(store.kv.atomic(), organizer, owner), organizer);
}

/**
 * Whether the commit left `organizer` stored. One that is sent again by the runtime, because its
 * answer was lost, is refused because of itself: what lies there then is what it wrote.
 */
async function isStored(
  store: Store,
  operation: Deno.AtomicOperation,
  organizer: Organizer,
): Promise<boolean> {
  if ((await store.commit(operation)).ok) return true;
  const stored = await getOrganizer(store, organizer.id);
  return JSON.stringify(stored) === JSON.stringify(organizer);
}

/** Null when there is none. */
export async function getOrganizer(store: Store, id: OrganizerId): Promise<Organizer | null> {
  return (await store.get<Organizer>(organizerKey(id))).value;
}

/** Null when the user is no member. */
export async function getOrganizerRole(
  store: Store,
  id: OrganizerId,
  userId: UserId,
): Promise<OrganizerRole | null> {
  const entry = await store.get<{ role: OrganizerRole }>(organizerMemberKey(id, userId));
  return entry.value?.role ?? null;
}

/** The organizers a user acts for, by id; at most 500. */
export async function listOrganizersOf(store: Store, userId: UserId): Promise<OrganizerId[]> {
  const rows = await store.list({ prefix: organizerByMemberPrefix(userId) }, { limit: 500 });
  return rows.map((row) => row.key[2] as OrganizerId);
}

/** Adds to `operation` what makes an organizer with its first owner, if it does not exist yet. */
export function addOrganizer(
  operation: Deno.AtomicOperation,
  organizer: Organizer,
  owner: UserId,
): Deno.AtomicOperation {
  addExternalId(operation, organizer);
  return operation
    .check({ key: organizerKey(organizer.id), versionstamp: null })
    .set(organizerKey(organizer.id), organizer)
    .set(organizerMemberKey(organizer.id, owner), { role: "owner" satisfies OrganizerRole })
    .set(organizerByMemberKey(owner, organizer.id), null);
}

function addExternalId(operation: Deno.AtomicOperation, { id, externalId }: Organizer): void {
  if (externalId === null) return;
  const key = organizerByExternalIdKey(externalId);
  operation.check({ key, versionstamp: null }).set(key, id);
}
