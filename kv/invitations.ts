/**
 * Invitations: links by which one person joins an organizer, once. Kept under the SHA-256 of the
 * link's secret.
 */
import type { OrganizerId, UserId } from "./event_record.ts";
import { upgraded } from "./formats.ts";
import {
  invitationByOrganizerKey,
  invitationByOrganizerPrefix,
  invitationKey,
  INVITATIONS,
} from "./keys.ts";
import { afterRefusal } from "./lost_answers.ts";
import type { OrganizerRole } from "./organizers.ts";
import { addOutcome, type Remember } from "./outcomes.ts";
import { allRows } from "./ranges.ts";
import { recordsByDigest } from "./records_by_digest.ts";
import type { Store } from "./store.ts";
import type { Together } from "./users.ts";

export type InvitationId = `inv_${string}`;

export interface Invitation {
  format: number;
  id: InvitationId;
  organizerId: OrganizerId;
  role: OrganizerRole;
  /** Of the only person who may use it, as their provider vouches for; null: whoever has the link. */
  email: string | null;
  invitedBy: UserId;
  createdAt: number;
  expiresAt: number;
}

export interface StoredInvitation {
  digest: string;
  invitation: Invitation;
  versionstamp: string;
}

/** Null when there is none: it was used, revoked or has ended, or never was. */
export async function readInvitation(
  store: Store,
  digest: string,
): Promise<StoredInvitation | null> {
  const { value, versionstamp } = await store.get(invitationKey(digest));
  if (versionstamp === null) return null;
  return { digest, invitation: upgraded(value, store.schema.formats.invitation), versionstamp };
}

/** Every invitation of every organizer that is stored, in no order that means anything. */
export async function* allInvitations(store: Store): AsyncGenerator<StoredInvitation, void> {
  for await (const { key, value, versionstamp } of allRows(store, INVITATIONS)) {
    const invitation = upgraded<Invitation>(value, store.schema.formats.invitation);
    yield { digest: key[1] as string, invitation, versionstamp };
  }
}

/**
 * Stores a new invitation, removed once it has ended. False: the request was answered already, or
 * what `together` checks is not so any more.
 */
export async function createInvitation(
  store: Store,
  { digest, invitation }: { digest: string; invitation: Invitation },
  { remember, together }: { remember?: Remember<Invitation> | undefined; together: Together },
): Promise<boolean> {
  const { id, organizerId, createdAt, expiresAt } = invitation;
  const options = { expireIn: expiresAt - createdAt };
  const operation = store.kv.atomic()
    .check({ key: invitationKey(digest), versionstamp: null })
    .set(invitationKey(digest), invitation, options)
    .set(invitationByOrganizerKey(organizerId, id), digest, options);
  together(operation);
  addOutcome(operation, remember, invitation);
  if ((await store.commit(operation)).ok) return true;
  // Sent again by the runtime, it is refused because of itself.
  return await afterRefusal(() => readInvitation(store, digest)) !== null;
}

/** The invitations of an organizer by when they were made, ended ones perhaps among them. */
function invitationsOf(store: Store, organizerId: OrganizerId) {
  return recordsByDigest<Invitation>(store, invitationByOrganizerPrefix(organizerId), {
    keyOf: invitationKey,
    format: store.schema.formats.invitation,
  });
}

/** All of them, however many: each must be there to be revoked. */
export function listInvitations(
  store: Store,
  organizerId: OrganizerId,
): Promise<StoredInvitation[]> {
  return Array.fromAsync(
    invitationsOf(store, organizerId),
    ({ record: invitation, ...found }) => ({ ...found, invitation }),
  );
}

/** Whether an organizer has `count` invitations that are open at `now`; no more are read. */
export async function hasOpenInvitations(
  store: Store,
  organizerId: OrganizerId,
  { count, now }: { count: number; now: number },
): Promise<boolean> {
  let open = 0;
  for await (const { record: { expiresAt } } of invitationsOf(store, organizerId)) {
    if (now < expiresAt && ++open === count) return true;
  }
  return false;
}

/** Revokes an invitation. False: it was used at this very moment, or the answer was lost. */
export async function deleteInvitation(
  store: Store,
  stored: StoredInvitation,
  together: Together,
): Promise<boolean> {
  const operation = store.kv.atomic();
  takeInvitation(operation, stored);
  together(operation);
  return (await store.commit(operation)).ok;
}

/** Uses an invitation up in the commit of what it is for, which fails when another was faster. */
export function takeInvitation(
  operation: Deno.AtomicOperation,
  { digest, invitation: { organizerId, id }, versionstamp }: StoredInvitation,
): void {
  operation.check({ key: invitationKey(digest), versionstamp })
    .delete(invitationKey(digest))
    .delete(invitationByOrganizerKey(organizerId, id));
}
