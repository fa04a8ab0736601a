/**
 * What people asked for: they are forgotten.
 *
 * Begun by the request, and taken up every minute by the tick until nothing is left. Every step can
 * be done twice, so a crash midway leaves the request stored, and with it the rest to the next run.
 * A first run does what it finds; requests of theirs that began before it may still be writing, so
 * one that is a minute later looks again, and ends it.
 */
import { addAuditLine } from "../../kv/audit.ts";
import { isStoreFailure } from "../../kv/errors.ts";
import { deleteAnswers, deleteCredentials, endErasure, listErasures } from "../../kv/erasures.ts";
import type { EventWrite, StoredEvent } from "../../kv/events.ts";
import { requireWhole } from "../../kv/index_state.ts";
import { allInvitations, deleteInvitation } from "../../kv/invitations.ts";
import { byStaffPrefix } from "../../kv/keys.ts";
import type { Store } from "../../kv/store.ts";
import { programLine } from "../audit.ts";
import { settleStep } from "../change_event.ts";
import { editStep } from "../edit_event.ts";
import { forgetOwnName } from "../erasure.ts";
import type { ErasureWork } from "./erasure_work.ts";
import type { Job, RunContext, RunReport } from "./job.ts";
import { leaveOrganizers } from "./leave_organizers.ts";
import { newReport } from "./run_record.ts";
import { changeAll } from "./whole_walks.ts";

/** Longer than any request lives that began before its person asked to be forgotten. */
export const SETTLED_MS = 60_000;

export const ERASE_USERS: Job = {
  name: "erase_users",
  intervalMs: 60_000,
  // The tick's other jobs wait for it.
  budgetMs: 40_000,
  description: "Forgets the people who asked for that, and passes on what they leave.",
  run: eraseUsers,
};

async function eraseUsers(store: Store, context: RunContext): Promise<RunReport> {
  const report = newReport();
  const erasures = await listErasures(store);
  if (erasures.length > 0) await requireWhole(store, ["events_by_organizer", "events_by_staff"]);
  for (const stored of erasures) {
    if (context.shouldStop()) report.moreLeft = true;
    if (report.moreLeft) break;
    const isSettled = context.now - stored.erasure.at >= SETTLED_MS;
    try {
      await eraseUser(store, { stored, isSettled, context, report });
    } catch (error) {
      if (isStoreFailure(error)) throw error;
      // It stays stored, and does not hold the others up.
      report.failed++;
      context.log.error("erasure set aside", { user_id: stored.userId, error });
    }
  }
  return report;
}

async function eraseUser(store: Store, work: ErasureWork): Promise<void> {
  const { stored, isSettled, context, report } = work;
  const { userId } = stored;
  if (!context.dryRun) {
    await deleteCredentials(store, userId);
    await deleteAnswers(store, userId);
    await withdrawInvitations(store, work);
    await forgetOwnName(store, userId, context.now);
  }
  const hasLeftStaff = await leaveStaff(store, work);
  const hasLeftOrganizers = await leaveOrganizers(store, work);
  if (!hasLeftStaff || !hasLeftOrganizers || !isSettled || context.dryRun) return;
  const line = programLine("user.erased", { now: context.now }, { userId });
  const isOurs = await endErasure(store, stored, (operation) => addAuditLine(operation, line));
  if (isOurs) report.changed++;
}

/** Those that they made, and those that hold their address. */
async function withdrawInvitations(
  store: Store,
  { stored: { userId, erasure }, context: { now } }: ErasureWork,
): Promise<void> {
  const theirs = new Set(erasure.invitations);
  for await (const found of allInvitations(store)) {
    const { id, organizerId, invitedBy } = found.invitation;
    if (invitedBy !== userId && !theirs.has(found.digest)) continue;
    const line = programLine("invitation.revoked", { now }, { organizerId, detail: id });
    await deleteInvitation(store, found, (operation) => addAuditLine(operation, line));
  }
}

/** They are named on no event any more. True: on none at all. */
function leaveStaff(store: Store, work: ErasureWork): Promise<boolean> {
  const { userId } = work.stored;
  return changeAll(store, {
    ranges: [{ prefix: byStaffPrefix(userId) }],
    decide: (reads) => staffWrites(reads, work),
    plan: ({ read: { record } }) => ({ id: record.id, from: record.status, to: record.status }),
  }, work);
}

function staffWrites(
  reads: (StoredEvent | null)[],
  { stored: { userId }, context: { now, runId } }: ErasureWork,
): EventWrite[] {
  return reads.flatMap((read) => {
    if (read === null) return [];
    const clock = settleStep(read.record, { now, by: "clock" });
    const event = clock?.next ?? read.record;
    const staff = event.staff.filter((person) => person.userId !== userId);
    const step = editStep(event, { ...event, staff }, { now, by: userId });
    if (step === null) return [];
    return [{ read, steps: [...(clock === null ? [] : [clock]), { ...step, run: runId }] }];
  });
}
