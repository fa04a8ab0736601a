/**
 * Importing events: each line creates, updates or leaves one event as it is.
 *
 * An import is idempotent by content: a second run of the same file changes nothing, also while the
 * first one runs, and when the stored event has started or ended since.
 */
import { DomainError, type ErrorCode } from "../kv/errors.ts";
import type { EventRecord, EventStatus, OrganizerId, UserId } from "../kv/event_record.ts";
import { createEvent, type EventStep } from "../kv/events.ts";
import type { Store } from "../kv/store.ts";
import { changeEvent } from "./change_event.ts";
import { type Home, type NewEvent, newRecord, requireHome } from "./create_event.ts";
import { editSteps, externalIdTaken, requireFreeExternalId } from "./edit_event.ts";
import { ImportPlan } from "./import_plan.ts";
import type { Principal } from "./policy.ts";
import { settle, statusAt } from "./status.ts";
import { requestedStep } from "./transition_event.ts";

/** One line: what it says of an event, or why it could not be read. */
export type ImportLine =
  | { line: number; outcome: "parsed"; event: ImportedEvent }
  | { line: number; outcome: "invalid"; code: string; detail: string };

/** A line's members; `status` absent leaves a stored event's status alone and creates a DRAFT. */
export type ImportedEvent = Omit<NewEvent, "status"> & { status?: EventStatus | undefined };

export interface ImportFailure {
  line: number;
  code: ErrorCode | string;
  detail: string;
}

export interface ImportReport {
  created: number;
  updated: number;
  unchanged: number;
  failed: number;
  /** Of the created ones, those with neither id nor external id: every import makes them anew. */
  created_without_key: number;
  /** The first thousand. */
  failures: ImportFailure[];
}

export interface ImportOptions {
  principal: Principal & { userId: UserId };
  clock: () => number;
  dryRun: boolean;
}

type LineOutcome = "created" | "updated" | "unchanged";

const LINES_AT_ONCE = 16;
const FAILURES_NAMED = 1_000;
const ATTEMPTS = 6;

/**
 * Imports all lines, up to sixteen at once; lines about the same event one after the other.
 * A line that fails is reported and the import goes on.
 * @throws {DomainError} `store_unavailable`, `outcome_unknown`: the lines before are stored, and
 * the same file can be sent again.
 */
export async function importEvents(
  store: Store,
  lines: AsyncIterable<ImportLine>,
  options: ImportOptions,
): Promise<ImportReport> {
  const importer = new Importer(store, options);
  const report: ImportReport = {
    created: 0,
    updated: 0,
    unchanged: 0,
    failed: 0,
    created_without_key: 0,
    failures: [],
  };
  const fail = (failure: ImportFailure) => {
    report.failed++;
    if (report.failures.length < FAILURES_NAMED) report.failures.push(failure);
  };
  const importOne = async (line: ImportLine) => {
    if (line.outcome === "invalid") {
      return fail({ line: line.line, code: line.code, detail: line.detail });
    }
    try {
      const outcome = await importer.import(line.event);
      report[outcome]++;
      const keyless = line.event.id === undefined && !line.event.content.externalId;
      if (keyless && outcome === "created") report.created_without_key++;
    } catch (error) {
      if (!(error instanceof DomainError)) throw error;
      if (error.code === "store_unavailable" || error.code === "outcome_unknown") throw error;
      fail({ line: line.line, code: error.code, detail: error.detail });
    }
  };
  for await (const group of grouped(lines)) {
    await Promise.all(group.map(async (sameEvent) => {
      for (const line of sameEvent) await importOne(line);
    }));
  }
  report.failures.sort((a, b) => a.line - b.line);
  return report;
}

/** Slices of up to sixteen lines, in each the lines about one event together. */
async function* grouped(lines: AsyncIterable<ImportLine>): AsyncGenerator<ImportLine[][]> {
  let slice = new Map<string, ImportLine[]>();
  let size = 0;
  for await (const line of lines) {
    const key = line.outcome === "parsed" ? keyOf(line.event) ?? `#${line.line}` : `#${line.line}`;
    const same = slice.get(key);
    if (same === undefined) slice.set(key, [line]);
    else same.push(line);
    if (++size === LINES_AT_ONCE) {
      yield [...slice.values()];
      slice = new Map();
      size = 0;
    }
  }
  if (size > 0) yield [...slice.values()];
}

function keyOf({ id, organizerId, content }: ImportedEvent): string | null {
  if (id !== undefined) return id;
  const { externalId } = content;
  return externalId ? `${organizerId ?? ""} ${externalId}` : null;
}

class Importer {
  readonly #homes = new Map<OrganizerId | undefined, Home>();
  readonly #plan: ImportPlan;

  constructor(readonly store: Store, readonly options: ImportOptions) {
    this.#plan = new ImportPlan(store);
  }

  async import(input: ImportedEvent): Promise<LineOutcome> {
    const { externalId } = input.content;
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const now = this.options.clock();
      const home = await this.#home(input.organizerId, now);
      const { organizerId } = home;
      const id = input.id ?? (externalId ? await this.#plan.find(externalId, organizerId) : null);
      const stored = id === null ? null : await this.#plan.get(id);
      const outcome = stored === null
        ? await this.#create(input, home, now)
        : await this.#update(stored, input, now);
      if (outcome !== null) return outcome;
      // Somebody made it, or the organizer, a moment ago: look again.
    }
    throw new DomainError("conflict");
  }

  /** Null when somebody was faster. */
  async #create(input: ImportedEvent, home: Home, now: number): Promise<"created" | null> {
    const { externalId } = input.content;
    const { organizerId } = home;
    if (input.id !== undefined && externalId) {
      const taken = await this.#plan.find(externalId, organizerId);
      if (taken !== null) throw externalIdTaken(externalId, taken);
    }
    const record = importedRecord(input, { organizerId, now });
    if (this.options.dryRun) {
      // No other line can mean an event without a key.
      const isKeyless = keyOf(input) === null;
      return isKeyless || this.#plan.create(record) ? "created" : null;
    }
    const by = this.options.principal.userId;
    const { outcome } = await createEvent(this.store, record, by, home.first);
    return outcome === "committed" ? "created" : null;
  }

  /** Null when somebody was faster. */
  async #update(
    stored: EventRecord,
    input: ImportedEvent,
    now: number,
  ): Promise<"updated" | "unchanged" | null> {
    const by = this.options.principal.userId;
    if (this.options.dryRun) {
      const next = importSteps(settle(stored, now), input, { now, by }).at(-1)?.next;
      if (next === undefined) return "unchanged";
      const isRenamed = next.externalId !== stored.externalId ||
        next.organizerId !== stored.organizerId;
      if (next.externalId !== null && isRenamed) {
        const taken = await this.#plan.find(next.externalId, next.organizerId);
        if (taken !== null) throw externalIdTaken(next.externalId, taken);
      }
      return this.#plan.replace(stored, next) ? "updated" : null;
    }
    const { steps } = await changeEvent(this.store, stored.id, {
      now,
      decide: async (event) => {
        const steps = importSteps(event, input, { now, by });
        await requireFreeExternalId(this.store, event, steps);
        return steps;
      },
    });
    return steps === 0 ? "unchanged" : "updated";
  }

  async #home(wanted: OrganizerId | undefined, now: number): Promise<Home> {
    const known = this.#homes.get(wanted);
    if (known !== undefined) return known;
    const home = await requireHome(this.store, this.options.principal, { wanted, now });
    // An organizer that is still to be made is looked up again, until some line has made it.
    if (home.first === null) this.#homes.set(wanted, home);
    return home;
  }
}

/** The record a line creates. What is over already may be imported as such. */
function importedRecord(
  input: ImportedEvent,
  { organizerId, now }: { organizerId: OrganizerId; now: number },
): EventRecord {
  const record = newRecord({ ...input, status: input.status ?? "DRAFT" }, { organizerId, now });
  const isOver = record.endDate !== null && record.endDate <= now;
  const over = isOver ? record.endDate : now;
  if (record.status === "COMPLETED") return { ...record, completedAt: over };
  if (record.status !== "ARCHIVED") return record;
  return isOver
    ? { ...record, archivedFrom: "COMPLETED", completedAt: over }
    : { ...record, archivedFrom: "CANCELLED" };
}

/** The steps from a settled event to what the line says; empty when it says nothing new; pure. */
export function importSteps(
  event: EventRecord,
  input: ImportedEvent,
  { now, by }: { now: number; by: UserId },
): EventStep[] {
  const steps = editSteps(event, input, { now, by, isImport: true });
  const edited = steps.at(-1)?.next ?? event;
  const target = wantedStatus(event, edited, { status: input.status, now });
  if (target === null) return steps;
  const request = { to: target, reason: null };
  return [...steps, requestedStep(edited, request, { now, by, isAdmin: true, isImport: true })];
}

/** Where the transition table is to be asked to take the event; null: it may stay as it is. */
function wantedStatus(
  event: EventRecord,
  edited: EventRecord,
  { status, now }: { status: EventStatus | undefined; now: number },
): EventStatus | null {
  const endMoved = edited.endDate !== event.endDate &&
    (edited.endDate === null || edited.endDate > now);
  if (status === undefined) {
    return edited.status === "COMPLETED" && endMoved ? "CONFIRMED" : null;
  }
  // Both sides as the clock has them: a file says CONFIRMED of what has ended since.
  const told = statusAt({ ...edited, status }, now);
  const held = edited.status === "ARCHIVED" ? edited.archivedFrom : statusAt(edited, now);
  if (told === held || told === edited.status) return null;
  // Began early: the file does not know, and its start is the old one.
  if (held === "ONGOING" && told === "CONFIRMED") return null;
  // Finished early: the file does not know, and its end is the old one.
  if (held === "COMPLETED" && (told === "CONFIRMED" || told === "ONGOING") && !endMoved) {
    return null;
  }
  return status;
}
