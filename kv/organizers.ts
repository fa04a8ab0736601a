/** Organizers: the records events belong to, and the people who act for them. */
import type { OrganizerId, UserId } from "./event_record.ts";
import {
  organizerByMemberKey,
  organizerByMemberPrefix,
  organizerKey,
  organizerMemberKey,
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
  return operation
    .check({ key: organizerKey(organizer.id), versionstamp: null })
    .set(organizerKey(organizer.id), organizer)
    .set(organizerMemberKey(organizer.id, owner), { role: "owner" satisfies OrganizerRole })
    .set(organizerByMemberKey(owner, organizer.id), null);
}
