/** Histories as another store kept them. */
import type { EventRecord, HistoryEntry } from "../../kv/event_record.ts";
import { aRecord, MINUTE } from "../support/fixture.ts";

/** An edit; `version` tells it from others. */
export function anEntry(version: number, overrides: Partial<HistoryEntry> = {}): HistoryEntry {
  return {
    version,
    at: Date.parse("2026-12-01T00:00:00Z") + version * MINUTE,
    by: "usr_alice",
    transition: null,
    reason: null,
    fields: { title: [`Title ${version - 1}`, `Title ${version}`] },
    ...overrides,
  };
}

/** The entries of versions `from` to `to`. */
export function entries(
  from: number,
  to: number,
  overrides: Partial<HistoryEntry> = {},
): HistoryEntry[] {
  return Array.from({ length: to - from + 1 }, (_, i) => anEntry(from + i, overrides));
}

/** A record with all its history, as `restoreEvent` takes it. */
export function withHistory(
  history: HistoryEntry[],
  overrides: Partial<EventRecord> = {},
): EventRecord {
  return aRecord({ version: history.at(-1)!.version, history, ...overrides });
}
