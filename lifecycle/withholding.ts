/** When an organizer is withheld: while people own it, and all of them are suspended. */
import type { OrganizerId } from "../kv/event_record.ts";
import { listMembers, readOrganizer, replaceOrganizer } from "../kv/organizers.ts";
import type { Store } from "../kv/store.ts";
import { getUsers } from "../kv/users.ts";
import { checkWithholding, type StoredWithholding } from "../kv/withholdings.ts";

/**
 * Sets the organizer's flag to what it is to be, and answers that; a dry run only answers. Null: the
 * organizer or the request has changed since. (The request is checked, too, because whoever
 * suspends or reinstates an owner meanwhile makes it anew: what we read of the users is old then.)
 * @throws {DomainError} `newer_format`.
 */
export async function setWithheld(
  store: Store,
  request: StoredWithholding,
  { dryRun }: { dryRun: boolean },
): Promise<boolean | null> {
  const { organizerId } = request;
  const read = await readOrganizer(store, organizerId);
  if (read === null) return false;
  const isWithheld = await isToBeWithheld(store, organizerId);
  if (read.organizer.isWithheld === isWithheld || dryRun) return isWithheld;
  const { current: format } = store.schema.formats.organizer;
  // Not `updatedAt`: nothing that anybody wrote of it has changed.
  const next = { ...read.organizer, format, isWithheld };
  const isSet = await replaceOrganizer(
    store,
    read,
    next,
    (operation) => checkWithholding(operation, request),
  );
  return isSet ? isWithheld : null;
}

/**
 * A colleague's events do not vanish because another owner is suspended; and whoever has no user
 * record is not suspended.
 */
async function isToBeWithheld(store: Store, id: OrganizerId): Promise<boolean> {
  const owners = (await listMembers(store, id))
    .filter(({ role }) => role === "owner")
    .map(({ userId }) => userId);
  const users = await getUsers(store, owners);
  return owners.length > 0 &&
    owners.every((userId) => (users.get(userId)?.suspendedAt ?? null) !== null);
}
