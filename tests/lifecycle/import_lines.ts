/** Lines for the tests of imports. */
import { DomainError } from "../../kv/errors.ts";
import { wholeHistory } from "../../kv/event_history.ts";
import type { EventRecord } from "../../kv/event_record.ts";
import type { Store } from "../../kv/store.ts";
import { type ExportOptions, startExport } from "../../lifecycle/export_events.ts";
import { eventLine } from "../../lifecycle/export_lines.ts";
import { importEvents, type ImportReport } from "../../lifecycle/import_events.ts";
import type {
  ImportedEvent,
  ImportedThing,
  ImportLine,
  ImportOptions,
} from "../../lifecycle/import_lines.ts";
import { ROOT } from "../../lifecycle/policy.ts";
import { importedThingOf } from "../../routes/import_lines.ts";
import { NOW } from "../support/fixture.ts";

export type Line = ImportedEvent;

/** A talk from an hour after `NOW` to two hours after it, CONFIRMED unless told otherwise. */
export function anImported(
  externalId: string | null | undefined,
  { content, ...overrides }: Partial<Line> = {},
): Line {
  return {
    content: {
      title: "A talk",
      ...(externalId === null ? {} : { externalId }),
      ...content,
    },
    times: { startDate: "2026-12-05T19:00:00Z", endDate: "2026-12-05T20:00:00Z" },
    status: "CONFIRMED",
    ...overrides,
  };
}

/** Imports the lines as the administrator at `NOW`, unless told otherwise. */
export function importAll(
  store: Store,
  events: Line[],
  options: Partial<ImportOptions> & { now?: number } = {},
): Promise<ImportReport> {
  return importThings(store, events.map((event) => ({ type: "event", event })), options);
}

/** The same for lines of every type. */
export function importThings(
  store: Store,
  things: ImportedThing[],
  options: Partial<ImportOptions> & { now?: number } = {},
): Promise<ImportReport> {
  return importLines(
    store,
    things.map((says, i) => ({ line: i + 1, outcome: "parsed", says })),
    options,
  );
}

/** The same for lines as a file has them, each an object or its JSON. */
export function importFile(
  store: Store,
  lines: (object | string)[],
  options: Partial<ImportOptions> & { now?: number } = {},
): Promise<ImportReport> {
  return importLines(store, lines.map((line, i) => lineOf(line, i + 1)), options);
}

function lineOf(given: object | string, line: number): ImportLine {
  const text = typeof given === "string" ? given : JSON.stringify(given);
  try {
    return { line, outcome: "parsed", says: importedThingOf(JSON.parse(text)) };
  } catch (error) {
    if (!(error instanceof DomainError)) throw error;
    return { line, outcome: "invalid", code: error.code, detail: error.detail };
  }
}

function importLines(
  store: Store,
  all: ImportLine[],
  { now = NOW, dryRun = false, principal = ROOT }: Partial<ImportOptions> & { now?: number },
): Promise<ImportReport> {
  async function* lines(): AsyncGenerator<ImportLine> {
    yield* all;
    await Promise.resolve();
  }
  return importEvents(store, lines(), { principal, clock: () => now, dryRun });
}

/** What an export as the administrator writes, a line each. */
export async function exportFile(
  store: Store,
  options: Partial<ExportOptions> = {},
): Promise<{ lines: string[]; position: string }> {
  const { position, lines } = await startExport(store, { principal: ROOT, ...options });
  const written = await Array.fromAsync(lines, (line) => JSON.stringify(line));
  return { lines: written, position };
}

/** The line of a record with the history that is stored of it. */
export async function lineOfStored(store: Store, record: EventRecord) {
  return eventLine(record, await wholeHistory(store, record));
}

/** A report in which some lines failed, as `line code`. */
export function failuresOf({ failures }: ImportReport): string[] {
  return failures.map(({ line, code }) => `${line} ${code}`);
}

export const CLEAN: ImportReport = {
  created: 0,
  updated: 0,
  unchanged: 0,
  deleted: 0,
  failed: 0,
  created_without_key: 0,
  failures: [],
};

export function aFile(length: number): Line[] {
  return Array.from({ length }, (_, i) => anImported(`talk-${i}`));
}
