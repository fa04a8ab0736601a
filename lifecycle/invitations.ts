/** Invitations: how somebody whose user is not known yet comes to act for an organizer. */
import { addAuditLine, isWritten } from "../kv/audit.ts";
import { DomainError, invalidFields } from "../kv/errors.ts";
import type { OrganizerId } from "../kv/event_record.ts";
import { FORMATS } from "../kv/formats.ts";
import {
  createInvitation,
  deleteInvitation,
  hasOpenInvitations,
  type Invitation,
  type InvitationId,
  listInvitations,
  readInvitation,
  type StoredInvitation,
  takeInvitation,
} from "../kv/invitations.ts";
import {
  addReplacedOrganizer,
  getOrganizerRole,
  type Organizer,
  type OrganizerMember,
  type OrganizerRole,
  readOrganizer,
} from "../kv/organizers.ts";
import { addOutcome, type Remember } from "../kv/outcomes.ts";
import type { Store } from "../kv/store.ts";
import { getUser, readUser, type StoredUser, type User } from "../kv/users.ts";
import { LEEWAY_MS } from "./api_tokens.ts";
import { auditLine } from "./audit.ts";
import { newInvitationId } from "./ids.ts";
import { askToLook, joinOrganizer, requireOwned } from "./members.ts";
import { type Principal, relationOf, requireInPerson, ROOT } from "./policy.ts";
import { allowsFor, isAtLeast } from "./policy_table.ts";
import { digestOf, newSecret, SECRET } from "./secrets.ts";

const DAY_MS = 24 * 3_600_000;
const DEFAULT_DAYS = 7;
const MAX_DAYS = 30;
/** Of one organizer: more people than anybody waits for at once, and few enough to look through. */
export const MAX_OPEN_INVITATIONS = 100;
const ATTEMPTS = 16;

interface By {
  principal: Principal;
  now: number;
}

export interface NewInvitation {
  role: OrganizerRole;
  /** Of the only person who may use it; null: whoever has the link. */
  email: string | null;
  /** Epoch milliseconds, up to 30 days from now; 7 days from now unless given. */
  expiresAt?: number | undefined;
}

/**
 * Makes an invitation, as an owner or administrator; its secret is answered here and kept nowhere.
 * Whoever invites writes the organizer in the same commit, so that of several at once no more are
 * made than may be open.
 * @throws {DomainError} `not_found`, `unauthenticated`, `forbidden`, `invalid_body`,
 * `too_many_invitations`, `conflict`.
 */
export async function invite(
  store: Store,
  organizerId: OrganizerId,
  { remember, ...input }: By & NewInvitation & { remember?: Remember<Invitation> | undefined },
): Promise<{ invitation: Invitation; secret: string }> {
  const { role, principal, now } = input;
  const secret = newSecret();
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const read = await requireOwned(store, organizerId, principal);
    const invitation = newInvitation(organizerId, input);
    const open = { count: MAX_OPEN_INVITATIONS, now };
    if (await hasOpenInvitations(store, organizerId, open)) {
      throw new DomainError("too_many_invitations");
    }
    const detail = `${invitation.id} ${role}`;
    const line = auditLine("invitation.created", { principal, now }, { organizerId, detail });
    const isStored = await createInvitation(store, { digest: digestOf(secret), invitation }, {
      remember,
      together(operation) {
        // After it was read, the open ones were counted.
        addReplacedOrganizer(operation, store, { read, next: read.organizer });
        addAuditLine(operation, line);
      },
    });
    if (isStored) return { invitation, secret };
  }
  throw new DomainError("conflict");
}

/** Pure but for the id. @throws {DomainError} `invalid_body`. */
function newInvitation(
  organizerId: OrganizerId,
  { role, email, expiresAt, principal, now }: By & NewInvitation,
): Invitation {
  return {
    format: FORMATS.invitation.current,
    id: newInvitationId(now),
    organizerId,
    role,
    email,
    invitedBy: principal.userId!,
    createdAt: now,
    expiresAt: requireExpiry(expiresAt ?? now + DEFAULT_DAYS * DAY_MS, now),
  };
}

function requireExpiry(expiresAt: number, now: number): number {
  if (expiresAt > now && expiresAt <= now + MAX_DAYS * DAY_MS + LEEWAY_MS) return expiresAt;
  throw invalidFields([{
    pointer: "/expires_at",
    code: "out_of_range",
    detail: `An invitation lasts up to ${MAX_DAYS} days from now.`,
  }]);
}

/** The invitations of an organizer that are still good, as an owner or administrator. */
export async function listOpenInvitations(
  store: Store,
  organizerId: OrganizerId,
  { principal, now }: By,
): Promise<Invitation[]> {
  await requireOwned(store, organizerId, principal);
  return (await listInvitations(store, organizerId)).map(({ invitation }) => invitation)
    .filter(({ expiresAt }) => now < expiresAt);
}

/** @throws {DomainError} `not_found`, `unauthenticated`, `forbidden`, `conflict`. */
export async function revokeInvitation(
  store: Store,
  organizerId: OrganizerId,
  { id, principal, now }: By & { id: InvitationId },
): Promise<void> {
  await requireOwned(store, organizerId, principal);
  const found = (await listInvitations(store, organizerId))
    .find(({ invitation }) => invitation.id === id);
  if (found === undefined) {
    throw new DomainError("not_found", `Organizer "${organizerId}" has no invitation "${id}".`);
  }
  const line = auditLine("invitation.revoked", { principal, now }, { organizerId, detail: id });
  const isDone = await deleteInvitation(
    store,
    found,
    (operation) => addAuditLine(operation, line),
  );
  if (!isDone && !await isWritten(store, line)) throw new DomainError("conflict");
}

/** What an invitation is for, to be shown before it is used. */
export interface Offer {
  organizer: Organizer;
  invitation: Invitation;
  /** What the caller is to it; `other`: it is for somebody else. */
  standing: "stranger" | "invited" | "member" | "other";
}

/** @throws {DomainError} `invitation_gone`. */
export async function requireOffer(
  store: Store,
  secret: string,
  { principal: { userId }, now }: By,
): Promise<Offer> {
  const { invitation } = await requireOpen(store, secret, now);
  const read = await readOrganizer(store, invitation.organizerId);
  if (read === null) throw new DomainError("invitation_gone");
  const { organizer } = read;
  if (!await isMeant(store, invitation)) throw new DomainError("invitation_gone");
  if (userId === null) return { organizer, invitation, standing: "stranger" };
  const role = await getOrganizerRole(store, organizer.id, userId);
  if (isEnough(role, invitation)) return { organizer, invitation, standing: "member" };
  const isInvited = isFor(await readUser(store, userId), invitation.email);
  return { organizer, invitation, standing: isInvited ? "invited" : "other" };
}

async function requireOpen(store: Store, secret: string, now: number): Promise<StoredInvitation> {
  const stored = SECRET.test(secret) ? await readInvitation(store, digestOf(secret)) : null;
  if (stored === null || now >= stored.invitation.expiresAt) {
    throw new DomainError("invitation_gone");
  }
  return stored;
}

/**
 * Uses an invitation up, as the person it is for. `organizerId` is where it is said to lead.
 * @throws {DomainError} `unauthenticated`, `forbidden` for tokens; `invitation_gone`,
 * `invitation_not_yours`, `already_member`, `conflict`.
 */
export async function acceptInvitation(
  store: Store,
  secret: string,
  { organizerId, principal, now, remember }: By & {
    organizerId?: OrganizerId;
    remember?: Remember<OrganizerMember> | undefined;
  },
): Promise<{ organizer: Organizer } & OrganizerMember> {
  requireInPerson(principal);
  const { userId } = principal;
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const stored = await requireOpen(store, secret, now);
    const { invitation: { id, email, role, ...invitation } } = stored;
    const isElsewhere = organizerId !== undefined && organizerId !== invitation.organizerId;
    const read = isElsewhere ? null : await readOrganizer(store, invitation.organizerId);
    // The organizer was read before: whoever ceases to own it after that has this commit refused.
    if (read === null || !await isMeant(store, stored.invitation)) {
      throw new DomainError("invitation_gone");
    }
    const user = await readUser(store, userId);
    if (!isFor(user, email)) throw new DomainError("invitation_not_yours");
    const before = await getOrganizerRole(store, read.organizer.id, userId);
    if (isEnough(before, { role })) throw new DomainError("already_member");
    const audited = { userId, organizerId: read.organizer.id, detail: `${id} ${role}` };
    const isDone = await joinOrganizer(store, read, {
      userId,
      role,
      user,
      line: auditLine("invitation.accepted", { principal, now }, audited),
      together(operation) {
        takeInvitation(operation, stored);
        if (role === "owner") askToLook(operation, read.organizer.id, { principal, now });
        addOutcome(operation, remember, { userId, role });
      },
    });
    if (isDone) return { organizer: read.organizer, userId, role };
  }
  throw new DomainError("conflict");
}

/**
 * Whether who made it may still invite: else an owner who was removed would come back by a link that
 * they made before.
 */
async function isMeant(store: Store, { organizerId, invitedBy }: Invitation): Promise<boolean> {
  if (invitedBy === ROOT.userId) return true;
  const user = await getUser(store, invitedBy);
  // Members that were imported may never have signed in here.
  if (user !== null && (user.suspendedAt !== null || user.erasedAt !== null)) return false;
  const role = await getOrganizerRole(store, organizerId, invitedBy);
  const relation = relationOf({ role: user?.role ?? "member" }, role);
  return allowsFor("change_people", relation);
}

function isFor(stored: StoredUser | null, email: string | null): boolean {
  return email === null || isAddressee(stored?.user ?? null, email);
}

/** Whether the address is theirs: only one that the provider vouches for says whose it is. */
export function isAddressee(user: User | null, email: string): boolean {
  return user?.emailVerified === true && user.email?.toLowerCase() === email.toLowerCase();
}

/** Whether somebody of the role `before` gains nothing. */
function isEnough(before: OrganizerRole | null, { role }: Pick<Invitation, "role">): boolean {
  return before !== null && isAtLeast(before, role);
}
