/** What is kept of a person, all of it, for themselves. */
import { type AuditLine, type AuditPlace, listAudit, writeAuditLine } from "../kv/audit.ts";
import type { ApiToken } from "../kv/api_tokens.ts";
import type { EventCard, OrganizerId, UserId } from "../kv/event_record.ts";
import { byOrganizerPrefix, byStaffPrefix } from "../kv/keys.ts";
import { MAX_ROWS_PER_BATCH } from "../kv/limits.ts";
import {
  getOrganizer,
  getOrganizerRole,
  listOrganizersOf,
  type OrganizerRole,
} from "../kv/organizers.ts";
import type { StoredSession } from "../kv/sessions.ts";
import type { Store } from "../kv/store.ts";
import { getUser, type User } from "../kv/users.ts";
import { listMyTokens } from "./api_tokens.ts";
import { auditLine } from "./audit.ts";
import { walkPage } from "./event_walk.ts";
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
  await writeAuditLine(store, auditLine("user.exported", { principal, now }, { userId }));
  const memberships = await membershipsOf(store, userId);
  return {
    userId,
    user: await getUser(store, userId),
    sessions: await listMySessions(store, { principal, now }),
    tokens: await listMyTokens(store, { principal, now }),
    memberships,
    events: await eventsOf(store, userId, memberships),
    audit: await auditOf(store, userId),
  };
}

async function membershipsOf(store: Store, userId: UserId): Promise<Membership[]> {
  const memberships: Membership[] = [];
  for (let after: OrganizerId | undefined = undefined;;) {
    const ids = await listOrganizersOf(store, userId, after);
    for (const organizerId of ids) {
      const role = await getOrganizerRole(store, organizerId, userId);
      const organizer = await getOrganizer(store, organizerId);
      // Left at this very moment.
      if (role === null || organizer === null) continue;
      memberships.push({ organizerId, name: organizer.name, role });
    }
    if (ids.length < MAX_ROWS_PER_BATCH) return memberships;
    after = ids.at(-1);
  }
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
