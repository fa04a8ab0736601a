/** Ids: a prefix that says what it is, and a ULID that sorts by time of creation. */
import { decodeTime, monotonicFactory, ulid } from "ulid";
import type { TokenId } from "../kv/api_tokens.ts";
import type { EventId, OrganizerId, RunId, UserId } from "../kv/event_record.ts";
import type { InvitationId } from "../kv/invitations.ts";

const nextUlid = monotonicFactory();

export const newEventId = (now: number): EventId => `evt_${nextUlid(now)}`;
export const newOrganizerId = (now: number): OrganizerId => `org_${nextUlid(now)}`;
export const newUserId = (now: number): UserId => `usr_${nextUlid(now)}`;
export const newTokenId = (now: number): TokenId => `tok_${nextUlid(now)}`;
export const newInvitationId = (now: number): InvitationId => `inv_${nextUlid(now)}`;
/** Not from the monotonic factory, which stays ahead when the clock steps back: see below. */
export const newRunId = (now: number): RunId => `run_${ulid(now)}`;

let auditUlids = { at: NaN, next: monotonicFactory() };

/** Of the very millisecond, as its key says, and after those that this process made in it before. */
export function newAuditId(now: number): string {
  if (auditUlids.at !== now) auditUlids = { at: now, next: monotonicFactory() };
  return `aud_${auditUlids.next(now)}`;
}

const ULID = "[0-7][0-9A-HJKMNP-TV-Z]{25}";
export const EVENT_ID = new RegExp(`^evt_${ULID}$`);
export const ORGANIZER_ID = new RegExp(`^org_${ULID}$`);
export const USER_ID = /^usr_[0-9A-Za-z]{1,40}$/;
export const TOKEN_ID = new RegExp(`^tok_${ULID}$`);
export const AUDIT_ID = new RegExp(`^aud_${ULID}$`);
export const INVITATION_ID = new RegExp(`^inv_${ULID}$`);
const RUN_ID = new RegExp(`^run_${ULID}$`);

export const isEventId = (text: string): text is EventId => EVENT_ID.test(text);
export const isOrganizerId = (text: string): text is OrganizerId => ORGANIZER_ID.test(text);
export const isRunId = (text: string): text is RunId => RUN_ID.test(text);

/** When the run with this id was started: its record's key holds that date. */
export const runStartedAt = (id: RunId): number => decodeTime(id.slice("run_".length));

const CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/**
 * The id of the organizer that a user's first event makes. It follows from the user's id, so that
 * two first events sent at once make one organizer and not two.
 */
export async function ownOrganizerId(userId: UserId): Promise<OrganizerId> {
  const hash = new Uint8Array(
    await crypto.subtle.digest("SHA-256", new TextEncoder().encode(`organizer of ${userId}`)),
  );
  const characters = Array.from(hash.subarray(0, 26), (byte) => CROCKFORD[byte % 32]);
  return `org_${CROCKFORD[hash[0]! % 8]}${characters.slice(1).join("")}`;
}
