/**
 * Somebody who is erased leaves their organizers. One that nobody else owns goes to an
 * administrator, and if that was asked for its events are cancelled before.
 */
import type { AuditAction } from "../../kv/audit.ts";
import { DomainError } from "../../kv/errors.ts";
import type { OrganizerId, UserId } from "../../kv/event_record.ts";
import type { EventWrite, StoredEvent } from "../../kv/events.ts";
import { byOrganizerPrefix } from "../../kv/keys.ts";
import {
  allOrganizersOf,
  changeMember,
  listMembers,
  type OrganizerMember,
  readOrganizer,
  type StoredOrganizer,
} from "../../kv/organizers.ts";
import type { Store } from "../../kv/store.ts";
import { getUsers, isActiveAdmin, listAdmins, type User } from "../../kv/users.ts";
import { addWithholding } from "../../kv/withholdings.ts";
import { programLine } from "../audit.ts";
import { settleStep, transitionStep } from "../change_event.ts";
import { ROOT } from "../policy.ts";
import { decideTransition } from "../transitions.ts";
import type { ErasureWork } from "./erasure_work.ts";
import { changeAll } from "./whole_walks.ts";

const ATTEMPTS = 16;
/** What their events' people and followers are told. */
export const CANCEL_REASON = "The organizer has left";

/** True: they are a member of none any more. */
export async function leaveOrganizers(store: Store, work: ErasureWork): Promise<boolean> {
  const { userId } = work.stored;
  let isDone = true;
  for await (const id of allOrganizersOf(store, userId)) {
    if (work.context.shouldStop()) work.report.moreLeft = true;
    if (work.report.moreLeft) return false;
    if (!await leaveOrganizer(store, id, work)) isDone = false;
  }
  return isDone;
}

/** False: something of it is left to a later run. */
async function leaveOrganizer(store: Store, id: OrganizerId, work: ErasureWork): Promise<boolean> {
  const { stored: { userId, erasure }, isSettled, context: { dryRun }, report } = work;
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const read = await readOrganizer(store, id);
    const members = await listMembers(store, id);
    const role = members.find((member) => member.userId === userId)?.role;
    // Another run was faster.
    if (read === null || role === undefined) return true;
    const needsOwner = role === "owner" && !await hasOtherOwner(store, members, userId);
    if (needsOwner && erasure.organizers === "cancel_events") {
      // Before it is passed on: then nothing would say any more that they are to be cancelled.
      if (!await cancelEvents(store, id, work)) return false;
      if (!isSettled) return false;
    }
    if (dryRun) return true;
    const member: MemberChange = needsOwner
      ? { userId: await heirOf(store, userId), role: "owner" }
      : { userId, role: null };
    // Conflict: its members have changed, so whoever is to own it is chosen again.
    if (!await writeMember(store, read, { member, members, work }) || needsOwner) continue;
    report.changed++;
    return true;
  }
  throw new DomainError("conflict", `The members of organizer "${id}" changed too often.`);
}

/** Whether somebody else owns it who can act. */
async function hasOtherOwner(
  store: Store,
  members: OrganizerMember[],
  userId: UserId,
): Promise<boolean> {
  const owners = members.filter((one) => one.role === "owner" && one.userId !== userId)
    .map((owner) => owner.userId);
  if (owners.includes(ROOT.userId)) return true;
  return [...(await getUsers(store, owners)).values()].some(isActive);
}

function isActive({ suspendedAt, erasedAt }: User): boolean {
  return suspendedAt === null && erasedAt === null;
}

/** The administrator who takes over what is left. */
async function heirOf(store: Store, userId: UserId): Promise<UserId> {
  const admins = (await listAdmins(store)).filter((id) => id !== userId);
  const users = await getUsers(store, admins);
  return admins.find((id) => users.has(id) && isActiveAdmin(users.get(id)!)) ?? ROOT.userId;
}

interface MemberChange {
  userId: UserId;
  role: "owner" | null;
}

function writeMember(
  store: Store,
  read: StoredOrganizer,
  { member, members, work: { stored, context: { now } } }: {
    member: MemberChange;
    members: OrganizerMember[];
    work: ErasureWork;
  },
): Promise<boolean> {
  const before = members.find(({ userId }) => userId === member.userId)?.role ?? null;
  const action: AuditAction = member.role === null
    ? "member.removed"
    : before === null
    ? "member.added"
    : "member.role_changed";
  const { id } = read.organizer;
  const by = { now, by: stored.userId, via: "erase_users" };
  const detail = member.role ?? before;
  return changeMember(store, read, {
    ...member,
    line: programLine(action, by, { userId: member.userId, organizerId: id, detail }),
    together(operation) {
      if (detail === "owner") addWithholding(operation, id, { by: stored.userId, at: now });
    },
  });
}

/** Cancels what has not ended; what is over is the clock's to complete. True: nothing is left. */
function cancelEvents(store: Store, id: OrganizerId, work: ErasureWork): Promise<boolean> {
  return changeAll(store, {
    ranges: [{ prefix: byOrganizerPrefix(id) }],
    decide: (reads) => cancelWrites(reads, id, work),
    plan: ({ read: { record } }) => ({ id: record.id, from: record.status, to: "CANCELLED" }),
  }, work);
}

function cancelWrites(
  reads: (StoredEvent | null)[],
  id: OrganizerId,
  { stored: { userId: by }, context: { now, runId } }: ErasureWork,
): EventWrite[] {
  return reads.flatMap((read) => {
    if (read === null || read.record.organizerId !== id) return [];
    const clock = settleStep(read.record, { now, by: "clock" });
    const event = clock?.next ?? read.record;
    const decision = decideTransition(event, "CANCELLED", { now, isAdmin: false });
    if (decision.outcome === "refused") return [];
    const what = { now, by, reason: CANCEL_REASON, fields: null };
    const step = transitionStep(event, decision.transition, what);
    return [{ read, steps: [...(clock === null ? [] : [clock]), { ...step, run: runId }] }];
  });
}
