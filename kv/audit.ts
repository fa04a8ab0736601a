/**
 * The audit log: who was given what by whom, who was refused it, and what administrators did. A log
 * of its own, because the journal is about events and keeps nothing of persons but their ids.
 *
 * A line is written in the commit of what it tells, so that there is never one without the other.
 */
import type { OrganizerId, UserId } from "./event_record.ts";
import { FORMATS, upgraded } from "./formats.ts";
import { AUDIT, auditByUserPrefix, auditKey } from "./keys.ts";
import { afterRefusal } from "./lost_answers.ts";
import type { Store } from "./store.ts";

export const AUDIT_ACTIONS = [
  "session.created",
  "session.refused",
  "sessions.ended",
  "token.created",
  "token.revoked",
  "user.created",
  "user.role_changed",
  "user.suspended",
  "user.reinstated",
  "user.exported",
  "user.erasure_requested",
  "user.erased",
  "organizer.created",
  "member.added",
  "member.role_changed",
  "member.removed",
  "staff.added",
  "staff.role_changed",
  "staff.removed",
  "invitation.created",
  "invitation.accepted",
  "invitation.revoked",
  "grant.refused",
  "admin.request",
] as const;
export type AuditAction = typeof AUDIT_ACTIONS[number];

export interface AuditLine {
  format: number;
  /** Sorts by time within a millisecond, too. */
  id: string;
  /** Epoch milliseconds. */
  at: number;
  action: AuditAction;
  /** Who did it; null: nobody who is known, or the program. */
  by: UserId | null;
  /** What they showed for it: a session, the id of a token, the way they signed in. */
  via: string | null;
  /** Whom it is about, if that is a user. */
  userId: UserId | null;
  organizerId: OrganizerId | null;
  /** More of it, for people; never a secret, and nothing of a person but ids. */
  detail: string | null;
}

/** A line before it is stored. */
export type NewAuditLine = Omit<AuditLine, "format">;

/** As long as whoever looks into something needs. */
export const AUDIT_KEPT_MS = 365 * 24 * 3_600_000;

/** Adds a line to the commit of what it tells. */
export function addAuditLine(
  operation: Deno.AtomicOperation,
  line: NewAuditLine,
): Deno.AtomicOperation {
  const options = { expireIn: AUDIT_KEPT_MS };
  operation.set(auditKey(line.at, line.id), { format: FORMATS.audit.current, ...line }, options);
  for (const id of new Set([line.by, line.userId])) {
    if (id !== null) operation.set([...auditByUserPrefix(id), line.at, line.id], null, options);
  }
  return operation;
}

/** Writes a line by itself, of what changes nothing in the store. */
export async function writeAuditLine(store: Store, line: NewAuditLine): Promise<void> {
  await store.commit(addAuditLine(store.kv.atomic(), line));
}

/**
 * Whether the commit that the line is in was made: its id is nobody else's.
 * @throws {DomainError} `outcome_unknown`.
 */
export async function isWritten(
  store: Store,
  { at, id }: Pick<AuditLine, "at" | "id">,
): Promise<boolean> {
  return (await afterRefusal(() => store.get(auditKey(at, id)))).versionstamp !== null;
}

/** A place between two lines. */
export interface AuditPlace {
  at: number;
  id: string;
}

/** The lines before a place, newest first; of one user, or of all. */
export async function listAudit(
  store: Store,
  { userId, before, limit }: {
    userId?: UserId | undefined;
    before: AuditPlace | null;
    limit: number;
  },
): Promise<AuditLine[]> {
  const prefix = userId === undefined ? AUDIT : auditByUserPrefix(userId);
  const selector = before === null
    ? { prefix }
    : { prefix, end: [...prefix, before.at, before.id] };
  const rows = await store.list<unknown>(selector, { limit, reverse: true });
  const lines = userId === undefined ? rows : await store.getMany(
    rows.map(({ key }) => auditKey(key[2] as number, key[3] as string)),
  );
  // Both rows of a line expire by themselves, and not at once.
  return lines.filter(({ value }) => value !== null)
    .map(({ value }) => upgraded<AuditLine>(value, store.schema.formats.audit));
}
