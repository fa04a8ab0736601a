/** What is kept of a person, all of it, for themselves. */
import { type AuditLine, type AuditPlace, listAudit, writeAuditLine } from "../kv/audit.ts";
import type { ApiToken } from "../kv/api_tokens.ts";
import type { EventCard, OrganizerId, UserId } from "../kv/event_record.ts";
import { allInvitations, type Invitation } from "../kv/invitations.ts";
import { byOrganizerPrefix, byStaffPrefix } from "../kv/keys.ts";
import { MAX_ROWS_PER_BATCH } from "../kv/limits.ts";
import {
  allOrganizersOf,
  getOrganizer,
  getOrganizerRole,
  type OrganizerRole,
} from "../kv/organizers.ts";
import type { StoredSession } from "../kv/sessions.ts";
import type { Store } from "../kv/store.ts";
import { getUser, type User } from "../kv/users.ts";
import { listMyTokens } from "./api_tokens.ts";
import { auditLine } from "./audit.ts";
import { walkPage } from "./event_walk.ts";
import { isAddressee } from "./invitations.ts";
import { type Principal, requireInPerson } from "./policy.ts";
import { listMySessions } from "./sessions.ts";

export interface Membership {
  organizerId: OrganizerId;
  name: string;
  role: OrganizerRole;
}

export interface PersonalData {
  userId: UserId;
  /** Null for `usr_root`, who is nobody. */
  user: User | null;
  sessions: StoredSession[];
  tokens: ApiToken[];
  memberships: Membership[];
  /** Open ones that they made, and those for their address. */
  invitations: Invitation[];
  /** Of the organizers they own, and those that name them; newest start first. */
  events: EventCard[];
  /** What they did and what was done about them, newest first. */
  audit: AuditLine[];
}

/**
 * Collects what is kept of the caller; that they asked for it is a line of the audit log, too.
 * @throws {DomainError} `unauthenticated`, `forbidden` for tokens.
 */
export async function exportPersonalData(
  store: Store,
  { principal, now }: { principal: Principal; now: number },
): Promise<PersonalData> {
  requireInPerson(principal);
  const { userId } = principal;
  const user = await getUser(store, userId);
  await writeAuditLine(store, auditLine("user.exported", { principal, now }, { userId }));
  const memberships = await membershipsOf(store, userId);
  return {
    userId,
    user,
    sessions: await listMySessions(store, { principal, now }),
    tokens: await listMyTokens(store, { principal, now }),
    memberships,
    invitations: await invitationsOf(store, { userId, user, now }),
    events: await eventsOf(store, userId, memberships),
    audit: await auditOf(store, userId),
  };
}

async function membershipsOf(store: Store, userId: UserId): Promise<Membership[]> {
  const memberships: Membership[] = [];
  for await (const organizerId of allOrganizersOf(store, userId)) {
    const role = await getOrganizerRole(store, organizerId, userId);
    const organizer = await getOrganizer(store, organizerId);
    // Left at this very moment.
    if (role === null || organizer === null) continue;
    memberships.push({ organizerId, name: organizer.name, role });
  }
  return memberships;
}

/** All that there are are looked through: they are few, and this is asked for rarely. */
async function invitationsOf(
  store: Store,
  { userId, user, now }: { userId: UserId; user: User | null; now: number },
): Promise<Invitation[]> {
  const invitations: Invitation[] = [];
  for await (const { invitation } of allInvitations(store)) {
    const { invitedBy, email, expiresAt } = invitation;
    const isAboutThem = invitedBy === userId || (email !== null && isAddressee(user, email));
    if (isAboutThem && now < expiresAt) invitations.push(invitation);
  }
  return invitations.sort((a, b) => a.createdAt - b.createdAt);
}

async function eventsOf(
  store: Store,
  userId: UserId,
  memberships: Membership[],
): Promise<EventCard[]> {
  const owned = memberships.filter(({ role }) => role === "owner");
  const ranges = [
    ...owned.map(({ organizerId }) => ({ prefix: byOrganizerPrefix(organizerId) })),
    { prefix: byStaffPrefix(userId) },
  ];
  const walk = {
    segments: [ranges],
    reverse: true,
    query: JSON.stringify(["export", userId]),
    accept: () => true,
  };
  const events: EventCard[] = [];
  for (let cursor: string | undefined = undefined;;) {
    const page = await walkPage(store, walk, { limit: MAX_ROWS_PER_BATCH, cursor });
    events.push(...page.items);
    if (page.nextCursor === null) return events;
    cursor = page.nextCursor;
  }
}

async function auditOf(store: Store, userId: UserId): Promise<AuditLine[]> {
  const lines: AuditLine[] = [];
  for (let before: AuditPlace | null = null;;) {
    const page: AuditLine[] = await listAudit(store, {
      userId,
      before,
      limit: MAX_ROWS_PER_BATCH,
    });
    const last = page.at(-1);
    if (last === undefined) return lines;
    lines.push(...page);
    before = { at: last.at, id: last.id };
  }
}
