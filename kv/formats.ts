/**
 * Formats: how records change their shape over the years without a migration.
 *
 * Every record carries the number of the format it was written in. An older one is upgraded as it
 * is read, by one pure function a step; the next write of it stores the newer format. One of a newer
 * format, written before this program was rolled back to, is served as far as it is understood and
 * never written: what this program does not know of it would be lost.
 */
import { DomainError } from "./errors.ts";

export type RecordType =
  | "event"
  | "event_history"
  | "organizer"
  | "organizer_member"
  | "organizer_move"
  | "journal"
  | "outcome"
  | "relay"
  | "sign_in_flow"
  | "job"
  | "job_lease"
  | "job_run"
  | "store"
  | "index_state"
  | "user"
  | "session"
  | "token"
  | "invitation"
  | "audit"
  | "withholding"
  | "erasure";

type AnyRecord = Record<string, unknown>;

export interface Format {
  /** What this program writes. */
  current: number;
  /** `steps[n]` makes of a record of format `n` one of format `n + 1`; pure. */
  steps: Readonly<Record<number, (record: AnyRecord) => AnyRecord>>;
}

/** Raise a format together with the step that leads to it. */
export const FORMATS: Readonly<Record<RecordType, Format>> = {
  event: { current: 2, steps: { 1: (event) => ({ ...event, isWithheld: false }) } },
  event_history: { current: 1, steps: {} },
  organizer: { current: 2, steps: { 1: (organizer) => ({ ...organizer, isWithheld: false }) } },
  organizer_member: { current: 1, steps: {} },
  organizer_move: { current: 1, steps: {} },
  journal: { current: 1, steps: {} },
  outcome: { current: 1, steps: {} },
  relay: { current: 1, steps: {} },
  sign_in_flow: { current: 1, steps: {} },
  job: { current: 1, steps: {} },
  job_lease: { current: 1, steps: {} },
  job_run: { current: 1, steps: {} },
  store: { current: 1, steps: {} },
  index_state: { current: 1, steps: {} },
  user: { current: 1, steps: {} },
  session: { current: 2, steps: { 1: (session) => ({ ...session, rootFingerprint: null }) } },
  token: { current: 2, steps: { 1: (token) => ({ ...token, rootFingerprint: null }) } },
  invitation: { current: 1, steps: {} },
  audit: { current: 1, steps: {} },
  withholding: { current: 1, steps: {} },
  erasure: { current: 1, steps: {} },
};

/** What was stored before its type had a number of its own was format 1. */
const FIRST_FORMAT = 1;

/** The record in `format`, or as it is stored when that is newer. */
export function upgraded<T>(stored: unknown, { current, steps }: Format): T {
  const record = stored as AnyRecord;
  const from = formatOf(record);
  if (from >= current) return record as T;
  let next = record;
  for (let format = from; format < current; format++) {
    next = { ...steps[format]!(next), format: format + 1 };
  }
  return next as T;
}

export function isNewer(stored: object, { current }: Format): boolean {
  return formatOf(stored as AnyRecord) > current;
}

/** @throws {DomainError} `newer_format`; `what` names the record. */
export function requireWritable(stored: object, format: Format, what: string): void {
  if (!isNewer(stored, format)) return;
  throw new DomainError(
    "newer_format",
    `Cannot change ${what}: it has format ${formatOf(stored as AnyRecord)}, this program writes ` +
      `format ${format.current}. Update the program.`,
  );
}

function formatOf(record: AnyRecord): number {
  return typeof record.format === "number" ? record.format : FIRST_FORMAT;
}
