/**
 * The key table: every key this program writes, and what it serves.
 *
 * Parts are strings and numbers only. Numbers sort numerically, so dates are epoch milliseconds and
 * an event without end uses `Infinity`, which sorts last.
 */
import type { EventId, EventStatus, OrganizerId, RunId, UserId } from "./event_record.ts";

type Key = Deno.KvKey;

/** The record. */
export const eventKey = (id: EventId): Key => ["event", id];
export const EVENTS: Key = ["event"];
/** History that no longer fits the record. */
export const eventHistoryKey = (
  id: EventId,
  version: number,
): Key => ["event_history", id, version];
export const eventHistoryPrefix = (id: EventId): Key => ["event_history", id];

/** Which history is being restored in more commits than one. */
export const eventRestoreKey = (id: EventId): Key => ["event_restore", id];

/** The sweep's work list; admin lists by status. */
export const statusPrefix = (status: EventStatus): Key => ["events_by_status_and_end_date", status];
/** The start job's work list and the start timer: every visibility, stored CONFIRMED. */
export const CONFIRMED_BY_START: Key = ["confirmed_events_by_start_date"];
/** Discovery. */
export const livePrefix = (
  kind: "dated" | "open_ended",
): Key => ["live_events_by_start_date", kind];
/** "Ending soon". */
export const LIVE_BY_END: Key = ["live_events_by_end_date"];
/** Tag lists. */
export const liveByTagPrefix = (tag: string): Key => ["live_events_by_tag", tag];
/** What an organizer has on. */
export const liveByOrganizerPrefix = (id: OrganizerId): Key => ["live_events_by_organizer", id];
/** Past events. */
export const PAST_BY_END: Key = ["past_events_by_end_date"];
/** Cancelled and archived events, when asked for by name. */
export const closedPrefix = (status: "CANCELLED" | "ARCHIVED"): Key => [
  "closed_events_by_status_and_end_date",
  status,
];
/** An organizer's page and "my events". */
export const byOrganizerPrefix = (id: OrganizerId): Key => ["events_by_organizer", id];
/** "My events" of people named on single events. */
export const byStaffPrefix = (id: UserId): Key => ["events_by_staff", id];
/** Imports and old URLs. */
export const externalIdKey = (externalId: string, organizerId: OrganizerId): Key => [
  "event_by_external_id",
  externalId,
  organizerId,
];
export const externalIdPrefix = (externalId: string): Key => ["event_by_external_id", externalId];

/** Name, url and external id of an organizer. */
export const organizerKey = (id: OrganizerId): Key => ["organizer", id];
export const ORGANIZERS: Key = ["organizer"];
/** Imports; a commit that adds one checks that it is absent. */
export const organizerByExternalIdKey = (externalId: string): Key => [
  "organizer_by_external_id",
  externalId,
];
/** Rights; always written together with `organizerByMemberKey`. */
export const organizerMemberKey = (id: OrganizerId, userId: UserId): Key => [
  "organizer_member",
  id,
  userId,
];
export const organizerMemberPrefix = (id: OrganizerId): Key => ["organizer_member", id];
export const organizerByMemberKey = (userId: UserId, id: OrganizerId): Key => [
  "organizer_by_member",
  userId,
  id,
];
export const organizerByMemberPrefix = (userId: UserId): Key => ["organizer_by_member", userId];

/** An administrator's request to move all of an organizer's events, until it is carried out. */
export const organizerMoveKey = (from: OrganizerId): Key => ["organizer_move", from];
export const ORGANIZER_MOVES: Key = ["organizer_move"];

/** A request to look whether an organizer's events are to be withheld, until that is done. */
export const withholdingKey = (id: OrganizerId): Key => ["withholding", id];
export const WITHHOLDINGS: Key = ["withholding"];

/** A person who signed in. */
export const userKey = (id: UserId): Key => ["user", id];
export const USERS: Key = ["user"];
/** Whose user somebody is at their provider; a commit that adds one checks that it is absent. */
export const userByIdentityKey = (issuer: string, subject: string): Key => [
  "user_by_identity",
  issuer,
  subject,
];
/** That somebody asked to be forgotten, until they are. */
export const erasureKey = (id: UserId): Key => ["erasure", id];
export const ERASURES: Key = ["erasure"];
/** Who administers: one record, so that a commit can check that one is left. */
export const ADMINS: Key = ["admins"];

/** A browser's session, by the SHA-256 of what its cookie says. */
export const sessionKey = (digest: string): Key => ["session", digest];
export const sessionByUserKey = (id: UserId, digest: string): Key => [
  "session_by_user",
  id,
  digest,
];
export const sessionByUserPrefix = (id: UserId): Key => ["session_by_user", id];

/** A program's token, by its SHA-256. */
export const tokenKey = (digest: string): Key => ["token", digest];
export const tokenByUserKey = (id: UserId, tokenId: string): Key => ["token_by_user", id, tokenId];
export const tokenByUserPrefix = (id: UserId): Key => ["token_by_user", id];

/** A link by which one person joins an organizer, by the SHA-256 of its secret. */
export const invitationKey = (digest: string): Key => ["invitation", digest];
export const INVITATIONS: Key = ["invitation"];
export const invitationByOrganizerKey = (id: OrganizerId, invitationId: string): Key => [
  "invitation_by_organizer",
  id,
  invitationId,
];
export const invitationByOrganizerPrefix = (id: OrganizerId): Key => [
  "invitation_by_organizer",
  id,
];

/** Who was given what by whom, refused it, or used an administrator's power. */
export const auditKey = (at: number, id: string): Key => ["audit", at, id];
export const AUDIT: Key = ["audit"];
/** The same, of those who did it or whom it is about. */
export const auditByUserPrefix = (id: UserId): Key => ["audit_by_user", id];

/** What a request with an Idempotency-Key was answered; `digest` is the key's. */
export const outcomeKey = (userId: UserId, digest: string): Key => ["idempotency", userId, digest];
export const outcomePrefix = (userId: UserId): Key => ["idempotency", userId];

/** A sign-in that came to its end, by the digest of its state, for as long as it could come again. */
export const signInFlowKey = (digest: string): Key => ["sign_in_flow", digest];

/** The totally ordered log of changes; the last part is the commit's versionstamp. */
export const JOURNAL: Key = ["journal"];
/** Its versionstamp is the newest entry's. */
export const JOURNAL_HEAD: Key = ["journal_head"];
/** The place of the last change that was removed from it. */
export const JOURNAL_TRIMMED_TO: Key = ["journal_trimmed_to"];
/** How far the journal was published on a channel. */
export const relayKey = (channel: string): Key => ["relay", channel];
/** Which indexes are whole, and how far a rebuild has come. */
export const INDEX_STATE: Key = ["index_state"];
/** Made once: the epoch and the cursor key. */
export const STORE: Key = ["store"];

/** A job's interval, pause and last run. */
export const jobKey = (name: string): Key => ["job", name];
export const jobLeaseKey = (name: string): Key => ["job_lease", name];
/** A record per run that did something. */
export const jobRunKey = (name: string, startedAt: number, id: RunId): Key => [
  "job_run",
  name,
  startedAt,
  id,
];
export const jobRunPrefix = (name: string): Key => ["job_run", name];
