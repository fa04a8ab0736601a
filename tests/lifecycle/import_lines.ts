/** Lines for the tests of imports. */
import type { Store } from "../../kv/store.ts";
import {
  importEvents,
  type ImportOptions,
  type ImportReport,
} from "../../lifecycle/import_events.ts";
import type { ImportedEvent, ImportedThing, ImportLine } from "../../lifecycle/import_lines.ts";
import { ROOT } from "../../lifecycle/policy.ts";
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
  { now = NOW, dryRun = false, principal = ROOT }: Partial<ImportOptions> & { now?: number } = {},
): Promise<ImportReport> {
  async function* lines(): AsyncGenerator<ImportLine> {
    for (const [i, says] of things.entries()) yield { line: i + 1, outcome: "parsed", says };
    await Promise.resolve();
  }
  return importEvents(store, lines(), { principal, clock: () => now, dryRun });
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
