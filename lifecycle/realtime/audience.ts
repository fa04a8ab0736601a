/**
 * Who watches: what one caller may see of events that are told one by one, live or again. The rule
 * is that of lists: DRAFT and PRIVATE are for the event's people, UNLISTED and what is withheld for
 * them and for whoever names the event.
 */
import type { EventStatus, OrganizerId, UserId } from "../../kv/event_record.ts";
import type { Showing } from "../../kv/event_indexes.ts";
import { listOrganizersOf } from "../../kv/organizers.ts";
import type { Store } from "../../kv/store.ts";
import type { Principal } from "../policy.ts";
import { allows, type Relation } from "../policy_table.ts";

export interface Audience {
  userId: UserId | null;
  isAdmin: boolean;
  /** Whose members they are. */
  organizerIds: ReadonlySet<OrganizerId>;
}

/** What rights are decided on: of an event's card, its record, or what a change says of before. */
export interface Visible extends Showing {
  status: EventStatus;
  organizerId: OrganizerId;
  staffIds: UserId[];
}

/** Reads what the caller is a member of. @throws {DomainError} `store_unavailable`. */
export async function audienceOf(store: Store, principal: Principal): Promise<Audience> {
  const { userId, role } = principal;
  const isAdmin = role === "admin";
  const organizerIds = userId === null || isAdmin ? [] : await listOrganizersOf(store, userId);
  return { userId, isAdmin, organizerIds: new Set(organizerIds) };
}

/** Whether they see the event; `named`: they asked for this very one. */
export function sees(audience: Audience, event: Visible, named: boolean): boolean {
  return allows(named ? "see" : "find", relationIn(audience, event), event);
}

/** Members and staff of every role are told alike, so the least of them stands for all. */
function relationIn({ userId, isAdmin, organizerIds }: Audience, event: Visible): Relation {
  if (isAdmin) return "admin";
  const isOne = organizerIds.has(event.organizerId) ||
    (userId !== null && event.staffIds.includes(userId));
  return isOne ? "viewer" : "none";
}

/** Whether `now` misses something that `before` had: a stream may not go on with it. */
export function hasLost(before: Audience, now: Audience): boolean {
  return before.userId !== now.userId || (before.isAdmin && !now.isAdmin) ||
    [...before.organizerIds].some((id) => !now.organizerIds.has(id) && !now.isAdmin);
}

/** Two audiences of the same key see the same. */
export function audienceKey({ userId, isAdmin, organizerIds }: Audience): string {
  if (isAdmin) return "admin";
  return userId === null ? "guest" : `${userId} ${[...organizerIds].join(" ")}`;
}
