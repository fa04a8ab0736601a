/**
 * What administrators asked for: all events of one organizer move to another.
 *
 * Begun by the request, and taken up every minute by the tick until nothing is left. In batches of
 * up to eight events a commit, which checks the organizer they go to, too, and less when their
 * external ids move with them. A crash midway leaves the
 * request stored, and with it the organizer's remaining events to the next run.
 */
import type { OrganizerId } from "../../kv/event_record.ts";
import type { EventWrite, StoredEvent } from "../../kv/events.ts";
import { requireWhole } from "../../kv/index_state.ts";
import type { Change } from "../../kv/journal.ts";
import { readHead } from "../../kv/journal_places.ts";
import { byOrganizerPrefix } from "../../kv/keys.ts";
import { readEventHome } from "../../kv/organizers.ts";
import { deleteMove, getMove, listMoves, type StoredMove } from "../../kv/organizer_moves.ts";
import type { Store } from "../../kv/store.ts";
import { settleStep } from "../change_event.ts";
import { atHome, editStep, requireFreeExternalId } from "../edit_event.ts";
import { changeInBatches, FAILURES_NAMED } from "./batches.ts";
import type { Job, RunContext, RunReport } from "./job.ts";
import { wasAnyChanged } from "./journal_since.ts";
import { newReport } from "./run_record.ts";

/** One commit takes them with the check of their organizer, or two if all have external ids. */
const BATCH_SIZE = 8;

export const MOVE_EVENTS: Job = {
  name: "move_events",
  intervalMs: 60_000,
  // The tick's other jobs wait for it.
  budgetMs: 40_000,
  description: "Moves all events of an organizer to another, where administrators asked for that.",
  run: carryOutMoves,
};

async function carryOutMoves(store: Store, context: RunContext): Promise<RunReport> {
  const report = newReport();
  const moves = await listMoves(store);
  if (moves.length > 0) await requireWhole(store, ["events_by_organizer"]);
  for (const stored of inOrder(moves)) {
    await carryOut(store, stored, { context, report });
    if (report.moreLeft) break;
  }
  return report;
}

/** Moves into an organizer before the one out of it, which takes along what they bring; pure. */
function inOrder(moves: StoredMove[]): StoredMove[] {
  const ordered: StoredMove[] = [];
  const left = new Set(moves);
  while (left.size > 0) {
    const waiting = [...left];
    // There always is one, because `createMove` lets them form no circle.
    const next = waiting.find(({ from }) => waiting.every(({ move }) => move.to !== from)) ??
      waiting[0]!;
    left.delete(next);
    ordered.push(next);
  }
  return ordered;
}

interface MoveOptions {
  context: RunContext;
  report: RunReport;
}

/**
 * Walks the organizer's events until a whole walk had nothing to move. What had to be set aside in
 * that last walk is the report's failures, and stays where it is.
 */
async function carryOut(
  store: Store,
  stored: StoredMove,
  { context, report }: MoveOptions,
): Promise<void> {
  for (let ended = false; !ended;) {
    const head = await readHead(store);
    const walk = newReport();
    await changeInBatches(store, {
      ranges: [{ prefix: byOrganizerPrefix(stored.from) }],
      decide: (reads) => moveWrites(store, reads, { stored, context }),
      plan: ({ read: { record } }) => ({ id: record.id, from: stored.from, to: stored.move.to }),
      batchSize: BATCH_SIZE,
      context,
      report: walk,
    });
    ended = walk.moreLeft || context.dryRun ||
      (walk.changed === 0 && await endMove(store, stored, { head, context, report: walk }));
    report.examined += walk.examined;
    report.changed += walk.changed;
    report.conflicts += walk.conflicts;
    if (!ended) continue;
    report.failed += walk.failed;
    report.failures = [...report.failures, ...walk.failures].slice(0, FAILURES_NAMED);
    report.planned.push(...walk.planned);
    report.moreLeft = walk.moreLeft;
  }
}

/** @throws {DomainError} `external_id_taken` when one of them is, at the organizer they go to. */
async function moveWrites(
  store: Store,
  reads: (StoredEvent | null)[],
  { stored: { from, move }, context: { now, runId } }: { stored: StoredMove; context: RunContext },
): Promise<EventWrite[]> {
  const { to, by, reason } = move;
  const home = await readEventHome(store, to);
  const writes: EventWrite[] = [];
  for (const read of reads) {
    if (read === null || read.record.organizerId !== from) continue;
    const clock = settleStep(read.record, { now, by: "clock" });
    const event = clock?.next ?? read.record;
    const step = editStep(event, atHome(event, home), { now, by, reason, home });
    if (step === null) continue;
    const steps = [...(clock === null ? [] : [clock]), { ...step, run: runId }];
    writes.push({ read, steps });
  }
  await Promise.all(
    writes.map(({ read, steps }) => requireFreeExternalId(store, read.record, steps)),
  );
  return writes;
}

/**
 * Deletes the request, in a commit that checks that no event came to the organizer behind the back
 * of the walk which began at `head`. False: one did, so walk again.
 */
async function endMove(
  store: Store,
  stored: StoredMove,
  { head, context, report }: MoveOptions & { head: string | null },
): Promise<boolean> {
  for (let since = head;;) {
    const now = await readHead(store);
    if (await wasAnyChanged(store, since, (change) => isArrival(change, stored.from))) return false;
    if (await deleteMove(store, stored, now)) return true;
    // Another run ended it, or we did and the answer was lost.
    const { versionstamp } = await getMove(store, stored.from) ?? {};
    if (versionstamp !== stored.versionstamp) return true;
    if (context.shouldStop()) {
      report.moreLeft = true;
      return true;
    }
    since = now;
  }
}

/** Whether the change put the event where a walk of the organizer may have passed already. */
function isArrival({ type, event, was }: Change, organizer: OrganizerId): boolean {
  if (event.organizerId !== organizer || type === "deleted") return false;
  return was?.organizerId !== organizer || was.startDate !== event.startDate;
}
