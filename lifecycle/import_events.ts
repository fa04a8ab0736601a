/**
 * Importing: each line creates, updates, deletes or leaves one event or organizer as it is.
 *
 * An import is idempotent by content: a second run of the same file changes nothing, also while the
 * first one runs, and when a stored event has started or ended since.
 */
import { DomainError, type ErrorCode, isStoreFailure } from "../kv/errors.ts";
import type { Store } from "../kv/store.ts";
import { EventImporter } from "./import_event.ts";
import {
  type ImportedThing,
  type ImportLine,
  type ImportOptions,
  type LineOutcome,
  namesOf,
} from "./import_lines.ts";
import { importOrganizer } from "./import_organizer.ts";
import { ImportPlan } from "./import_plan.ts";

export interface ImportFailure {
  line: number;
  code: ErrorCode | string;
  detail: string;
}

export interface ImportReport extends Record<LineOutcome, number> {
  failed: number;
  /** Of the created ones, those with neither id nor external id: every import makes them anew. */
  created_without_key: number;
  /** The first thousand. */
  failures: ImportFailure[];
}

const LINES_AT_ONCE = 16;
const FAILURES_NAMED = 1_000;
/** Each may be as long as a line may be. */
const LINES_WAITING = 200;

/**
 * Imports all lines, up to sixteen at once; lines about the same thing one after the other, and
 * organizers before the events that follow them. A line that fails is reported and the import goes
 * on.
 * @throws {DomainError} `store_unavailable`, `outcome_unknown`, `index_incomplete`: the lines before
 * are stored, and the same file can be sent again.
 */
export async function importEvents(
  store: Store,
  lines: AsyncIterable<ImportLine>,
  options: ImportOptions,
): Promise<ImportReport> {
  const plan = options.dryRun ? new ImportPlan(store) : null;
  const events = new EventImporter(store, plan, options);
  const report: ImportReport = {
    created: 0,
    updated: 0,
    unchanged: 0,
    deleted: 0,
    failed: 0,
    created_without_key: 0,
    failures: [],
  };
  const fail = (failure: ImportFailure) => {
    report.failed++;
    if (report.failures.length < FAILURES_NAMED) report.failures.push(failure);
  };
  const waiting: Waiting[] = [];
  const importOne = async (line: ImportLine) => {
    if (line.outcome === "invalid") {
      return fail({ line: line.line, code: line.code, detail: line.detail });
    }
    const { says } = line;
    try {
      const outcome = says.type === "event"
        ? await events.import(says.event)
        : says.type === "deletion"
        ? await events.delete(says.deletion)
        : await importOrganizer(store, says.organizer, { plan, ...options });
      report[outcome]++;
      if (says.type === "organizer" && outcome !== "unchanged") events.forgetHomes();
      if (outcome === "created" && namesOf(says).length === 0) report.created_without_key++;
    } catch (error) {
      if (!(error instanceof DomainError) || isNoLinesFault(error)) throw error;
      const failure = { line: line.line, code: error.code, detail: error.detail };
      const mayWait = error.code === "external_id_taken" && isRecord(says);
      if (mayWait && waiting.length < LINES_WAITING) waiting.push({ line, failure });
      else fail(failure);
    }
  };
  // An external id that was handed on is free once the line of who gave it up is in, and that line
  // stands where its event changed last.
  const tryAgain = async () => {
    for (let before = Infinity; waiting.length > 0 && waiting.length < before;) {
      before = waiting.length;
      for (const { line } of waiting.splice(0)) await importOne(line);
    }
  };
  for await (const group of grouped(lines)) {
    await Promise.all(group.map(async (same) => {
      for (const line of same) await importOne(line);
    }));
    // The events that follow may need them.
    if (group.some(([line]) => isOrganizer(line!))) await tryAgain();
  }
  await tryAgain();
  for (const { failure } of waiting) fail(failure);
  report.failures.sort((a, b) => a.line - b.line);
  return report;
}

/** A line that another one of the file may yet make possible. */
interface Waiting {
  line: ImportLine;
  failure: ImportFailure;
}

/** Whether it says of itself how old it is, so that it may be imported after younger ones. */
function isRecord(says: ImportedThing): boolean {
  return says.type === "event"
    ? says.event.past?.version !== undefined
    : says.type === "organizer" && says.organizer.updatedAt !== undefined;
}

/** The next lines would meet the same. */
function isNoLinesFault(error: DomainError): boolean {
  return isStoreFailure(error) || error.code === "index_incomplete";
}

function isOrganizer(line: ImportLine): boolean {
  return line.outcome === "parsed" && line.says.type === "organizer";
}

/** Slices of up to sixteen lines of one type, in each the lines about one thing together. */
async function* grouped(lines: AsyncIterable<ImportLine>): AsyncGenerator<ImportLine[][]> {
  let slice: ImportLine[] = [];
  for await (const line of lines) {
    const isOfOtherType = slice.length > 0 && isOrganizer(line) !== isOrganizer(slice[0]!);
    if (slice.length === LINES_AT_ONCE || isOfOtherType) {
      yield byThing(slice);
      slice = [];
    }
    slice.push(line);
  }
  if (slice.length > 0) yield byThing(slice);
}

/** The lines in groups that have no name in common, each in its order; pure. */
function byThing(lines: ImportLine[]): ImportLine[][] {
  let groups: { names: Set<string>; lines: ImportLine[] }[] = [];
  for (const line of lines) {
    const names = line.outcome === "parsed" ? namesOf(line.says) : [];
    const same = groups.filter((group) => names.some((name) => group.names.has(name)));
    groups = groups.filter((group) => !same.includes(group));
    groups.push({
      names: new Set([...same.flatMap((group) => [...group.names]), ...names]),
      lines: [...same.flatMap((group) => group.lines), line].sort((a, b) => a.line - b.line),
    });
  }
  return groups.map((group) => group.lines);
}
