/**
 * An organizer whose owners are all suspended is withheld, and with it its events: they leave every
 * list, and come back when one of the owners does.
 *
 * Begun by whoever suspends or reinstates, and taken up every minute by the tick until nothing is
 * left. In batches of up to nine events a commit, which checks the organizer. A crash midway leaves
 * the request stored, and with it what is left to the next run.
 */
import { isStoreFailure } from "../../kv/errors.ts";
import type { OrganizerId } from "../../kv/event_record.ts";
import type { EventWrite, StoredEvent } from "../../kv/events.ts";
import { requireWhole } from "../../kv/index_state.ts";
import type { Change } from "../../kv/journal.ts";
import { readHead } from "../../kv/journal_places.ts";
import { byOrganizerPrefix } from "../../kv/keys.ts";
import { readEventHome } from "../../kv/organizers.ts";
import type { Store } from "../../kv/store.ts";
import {
  deleteWithholding,
  getWithholding,
  listWithholdings,
  type StoredWithholding,
} from "../../kv/withholdings.ts";
import { settleStep } from "../change_event.ts";
import { atHome, editStep } from "../edit_event.ts";
import { setWithheld } from "../withholding.ts";
import { changeInBatches, FAILURES_NAMED } from "./batches.ts";
import type { Job, RunContext, RunReport } from "./job.ts";
import { wasAnyChanged } from "./journal_since.ts";
import { EVENTS_WITH_HOME } from "./packing.ts";
import { newReport } from "./run_record.ts";

export const WITHHOLD_EVENTS: Job = {
  name: "withhold_events",
  intervalMs: 60_000,
  // The tick's other jobs wait for it.
  budgetMs: 40_000,
  description: "Takes the events of organizers whose owners are all suspended out of every list, " +
    "and brings them back when one is reinstated.",
  run: carryOutAll,
};

async function carryOutAll(store: Store, context: RunContext): Promise<RunReport> {
  const report = newReport();
  const tried = new Set<string>();
  let refused: { error: unknown } | null = null;
  for (;;) {
    // Listed again in the end: what is asked for meanwhile finds us running.
    const requests = (await listWithholdings(store)).filter((one) => !tried.has(nameOf(one)));
    if (requests.length === 0 || report.moreLeft) break;
    await requireWhole(store, ["events_by_organizer"]);
    for (const request of requests) {
      if (report.moreLeft) return report;
      tried.add(nameOf(request));
      try {
        await carryOut(store, request, { context, report });
      } catch (error) {
        if (isStoreFailure(error)) throw error;
        // An organizer that a newer program wrote holds up no other.
        refused ??= { error };
      }
    }
  }
  if (refused !== null) throw refused.error;
  return report;
}

/** A request that is made anew is another one. */
function nameOf({ organizerId, versionstamp }: StoredWithholding): string {
  return `${organizerId} ${versionstamp}`;
}

interface CarryOutOptions {
  context: RunContext;
  report: RunReport;
}

/**
 * Sets the organizer's flag and walks its events until all have it. An event that had to be set
 * aside is the report's failure, and the request stays: the next run tries it again.
 */
async function carryOut(
  store: Store,
  { organizerId: id }: StoredWithholding,
  { context, report }: CarryOutOptions,
): Promise<void> {
  for (;;) {
    if (context.shouldStop()) {
      report.moreLeft = true;
      return;
    }
    // Another run, or we and the answer was lost, may have ended it; or somebody made it anew.
    const request = await getWithholding(store, id);
    if (request === null) return;
    const isWithheld = await setWithheld(store, request, context);
    if (isWithheld === null) continue;
    const head = await readHead(store);
    const walk = newReport();
    await changeInBatches(store, {
      ranges: [{ prefix: byOrganizerPrefix(id) }],
      decide: (reads) => flagWrites(store, reads, { request, isWithheld, context }),
      plan: ({ read: { record } }) => ({ id: record.id, ...planned(isWithheld) }),
      batchSize: EVENTS_WITH_HOME,
      context,
      report: walk,
    });
    const isLast = walk.moreLeft || context.dryRun || (walk.changed === 0 && walk.failed > 0);
    addWalk(report, walk, { isLast });
    if (isLast) return;
    if (walk.changed > 0) continue;
    // None was dated to where the walk had been already. After that none can have the other flag:
    // whatever brings an event to the organizer checks that it is as it was read.
    if (await wasAnyChanged(store, head, (change) => isAstray(change, { id, isWithheld }))) {
      continue;
    }
    if (await deleteWithholding(store, request)) return;
  }
}

/** The events that have not the flag of their organizer, as it is now. */
async function flagWrites(
  store: Store,
  reads: (StoredEvent | null)[],
  { request, isWithheld, context: { now, runId, dryRun } }: {
    request: StoredWithholding;
    isWithheld: boolean;
    context: RunContext;
  },
): Promise<EventWrite[]> {
  const { organizerId, withholding: { by } } = request;
  const read = await readEventHome(store, organizerId);
  const home = dryRun ? { ...read, isWithheld } : read;
  const writes: EventWrite[] = [];
  for (const read of reads) {
    if (read === null || read.record.organizerId !== organizerId) continue;
    if (read.record.isWithheld === home.isWithheld) continue;
    const clock = settleStep(read.record, { now, by: "clock" });
    const event = clock?.next ?? read.record;
    const step = editStep(event, atHome(event, home), { now, by, home })!;
    writes.push({ read, steps: [...(clock === null ? [] : [clock]), { ...step, run: runId }] });
  }
  return writes;
}

function planned(isWithheld: boolean): { from: string; to: string } {
  return isWithheld ? { from: "listed", to: "withheld" } : { from: "withheld", to: "listed" };
}

/** Whether the change left an event of the organizer with the other flag. */
function isAstray(
  { type, event }: Change,
  { id, isWithheld }: { id: OrganizerId; isWithheld: boolean },
): boolean {
  return event.organizerId === id && type !== "deleted" &&
    (event.isWithheld ?? false) !== isWithheld;
}

/** What had to be set aside is counted once, of the last walk. */
function addWalk(report: RunReport, walk: RunReport, { isLast }: { isLast: boolean }): void {
  report.examined += walk.examined;
  report.changed += walk.changed;
  report.conflicts += walk.conflicts;
  if (!isLast) return;
  report.failed += walk.failed;
  report.failures = [...report.failures, ...walk.failures].slice(0, FAILURES_NAMED);
  report.planned.push(...walk.planned);
  report.moreLeft = walk.moreLeft;
}
