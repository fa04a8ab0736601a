/** Organizers: the records events belong to, and the people who act for them. */
import { addAuditLine, isWritten, type NewAuditLine } from "./audit.ts";
import type { OrganizerId, UserId } from "./event_record.ts";
import { FORMATS, requireWritable, upgraded } from "./formats.ts";
import {
  organizerByExternalIdKey,
  organizerByMemberKey,
  organizerByMemberPrefix,
  organizerKey,
  organizerMemberKey,
  organizerMemberPrefix,
  ORGANIZERS,
} from "./keys.ts";
import { MAX_ROWS_PER_BATCH } from "./limits.ts";
import { afterRefusal } from "./lost_answers.ts";
import { addOutcome, type Remember } from "./outcomes.ts";
import { allRows, rowsAfter } from "./ranges.ts";
import type { Store } from "./store.ts";
import { addWithholding } from "./withholdings.ts";

export type OrganizerRole = "owner" | "editor" | "viewer";

export interface Organizer {
  format: number;
  id: OrganizerId;
  name: string;
  url: string | null;
  externalId: string | null;
  /** Its events are in no list: all who own it are suspended. */
  isWithheld: boolean;
  createdAt: number;
  updatedAt: number;
}

/** A record with the versionstamp of the very read it came from: what a write checks. */
export interface StoredOrganizer {
  organizer: Organizer;
  versionstamp: string;
}

/** Null when there is none. */
export async function readOrganizer(
  store: Store,
  id: OrganizerId,
): Promise<StoredOrganizer | null> {
  return storedOrganizer(store, await store.get(organizerKey(id)));
}

/**
 * An organizer as it was read for an event that comes to it: the event is withheld if it is, and
 * the event's commit checks that the organizer is still as it was read. So whoever sets the flag
 * of an organizer knows that what comes to it later has that flag.
 */
export interface EventHome {
  organizerId: OrganizerId;
  isWithheld: boolean;
  /** Null when there is no such organizer. */
  versionstamp: string | null;
}

export async function readEventHome(store: Store, id: OrganizerId): Promise<EventHome> {
  const read = await readOrganizer(store, id);
  if (read !== null) return eventHomeOf(read);
  return { organizerId: id, isWithheld: false, versionstamp: null };
}

export function eventHomeOf({ organizer, versionstamp }: StoredOrganizer): EventHome {
  return { organizerId: organizer.id, isWithheld: organizer.isWithheld, versionstamp };
}

/** Adds to the commit of an event that comes to the organizer the check of it. */
export function checkEventHome(
  operation: Deno.AtomicOperation,
  { organizerId, versionstamp }: EventHome,
): void {
  operation.check({ key: organizerKey(organizerId), versionstamp });
}

function storedOrganizer(
  store: Store,
  { value, versionstamp }: Deno.KvEntryMaybe<unknown>,
): StoredOrganizer | null {
  if (versionstamp === null) return null;
  return { organizer: upgraded(value, store.schema.formats.organizer), versionstamp };
}

/** The organizer with this external id; null when there is none. */
export async function findOrganizer(
  store: Store,
  externalId: string,
): Promise<OrganizerId | null> {
  return (await store.get<OrganizerId>(organizerByExternalIdKey(externalId))).value;
}

/** The organizers by id, from after `after` on. */
export async function listOrganizers(
  store: Store,
  { limit, after }: { limit: number; after?: OrganizerId | undefined },
): Promise<StoredOrganizer[]> {
  const selector = rowsAfter(ORGANIZERS, after === undefined ? null : organizerKey(after));
  const rows = await store.list(selector, { limit });
  return rows.map((row) => storedOrganizer(store, row)!);
}

/**
 * Replaces an organizer if it is still as it was read.
 * False: it changed since, or the new external id is taken; nothing was written.
 * `together` adds what else is in the commit.
 * @throws {DomainError} `newer_format`.
 */
export async function replaceOrganizer(
  store: Store,
  read: StoredOrganizer,
  next: Organizer,
  together: (operation: Deno.AtomicOperation) => void = () => {},
): Promise<boolean> {
  const operation = replacement(store, read, next);
  together(operation);
  return await isStored(store, operation, next);
}

function replacement(store: Store, read: StoredOrganizer, next: Organizer): Deno.AtomicOperation {
  return addReplacedOrganizer(store.kv.atomic(), store, { read, next });
}

/**
 * Replaces an organizer in a commit of something else, which fails unless it is as it was read.
 * @throws {DomainError} `newer_format`.
 */
export function addReplacedOrganizer(
  operation: Deno.AtomicOperation,
  store: Store,
  { read: { organizer, versionstamp }, next }: { read: StoredOrganizer; next: Organizer },
): Deno.AtomicOperation {
  requireWritable(organizer, store.schema.formats.organizer, `organizer "${organizer.id}"`);
  const key = organizerKey(organizer.id);
  operation.check({ key, versionstamp }).set(key, next);
  if (next.externalId !== organizer.externalId) {
    if (organizer.externalId !== null) {
      operation.delete(organizerByExternalIdKey(organizer.externalId));
    }
    addExternalId(operation, next);
  }
  return operation;
}

/** Stores a new organizer with its first owner. False: the id or the external id is taken. */
export async function createOrganizer(
  store: Store,
  organizer: Organizer,
  owner: UserId,
  { remember, audit = [] }: {
    remember?: Remember<Organizer> | undefined;
    audit?: readonly NewAuditLine[];
  } = {},
): Promise<boolean> {
  const operation = addOrganizer(store.kv.atomic(), organizer, owner);
  for (const line of audit) addAuditLine(operation, line);
  addOutcome(operation, remember, organizer);
  return await isStored(store, operation, organizer);
}

/**
 * Whether the commit left `organizer` stored. One that is sent again by the runtime, because its
 * answer was lost, is refused because of itself: what lies there then is what it wrote.
 * @throws {DomainError} `outcome_unknown`.
 */
async function isStored(
  store: Store,
  operation: Deno.AtomicOperation,
  organizer: Organizer,
): Promise<boolean> {
  if ((await store.commit(operation)).ok) return true;
  const stored = await afterRefusal(() => getOrganizer(store, organizer.id));
  return JSON.stringify(stored) === JSON.stringify(organizer);
}

/** Null when there is none. */
export async function getOrganizer(store: Store, id: OrganizerId): Promise<Organizer | null> {
  return (await readOrganizer(store, id))?.organizer ?? null;
}

/** Null when the user is no member. */
export async function getOrganizerRole(
  store: Store,
  id: OrganizerId,
  userId: UserId,
): Promise<OrganizerRole | null> {
  const { value } = await store.get<unknown>(organizerMemberKey(id, userId));
  return value === null ? null : roleOf(store, value);
}

function roleOf(store: Store, stored: unknown): OrganizerRole {
  return upgraded<{ role: OrganizerRole }>(stored, store.schema.formats.organizer_member).role;
}

export interface OrganizerMember {
  userId: UserId;
  role: OrganizerRole;
}

/** Everybody who acts for an organizer, by user id. */
export async function listMembers(store: Store, id: OrganizerId): Promise<OrganizerMember[]> {
  return await Array.fromAsync(
    allRows(store, organizerMemberPrefix(id)),
    ({ key, value }) => ({ userId: key[2] as UserId, role: roleOf(store, value) }),
  );
}

/** Five mutations each with a line of the audit log; the keys of one commit may take 80 KiB. */
const MEMBERS_PER_COMMIT = 100;

/** What a membership was and is to be; null: none. */
export interface MembershipChange {
  userId: UserId;
  was: OrganizerRole | null;
  role: OrganizerRole | null;
}

/**
 * Writes an organizer as it was in another store, with exactly these members. `read` is what it
 * replaces, null when it is new.
 *
 * Whoever changes members writes the organizer in the same commit, so that its versionstamp tells
 * of it, and asks with it to look whether it is to be withheld, as `by` at `at`. What `lineOf` says
 * of a role that is given or taken is written with that role. More members than one commit takes
 * follow in further ones; what is sent again completes them. False: it changed since, or the
 * external id is taken.
 * @throws {DomainError} `newer_format`.
 */
export async function restoreOrganizer(
  store: Store,
  read: StoredOrganizer | null,
  { organizer, members, by, at, lineOf }: {
    organizer: Organizer;
    members: OrganizerMember[];
    by: UserId;
    at: number;
    lineOf: (change: MembershipChange) => NewAuditLine;
  },
): Promise<boolean> {
  const wanted = rolesOf(members);
  const before = read === null ? [] : await listMembers(store, organizer.id);
  const gone = before.filter(({ userId }) => !wanted.has(userId));
  const changes = [...members, ...gone].map(({ userId }) => ({ userId, role: wanted.get(userId) }));
  const changesOwners = ownersOf(before) !== ownersOf(members);
  let roles = rolesOf(before);
  for (let i = 0; i === 0 || i < changes.length;) {
    const operation = read === null
      ? newOrganizer(store.kv.atomic(), organizer)
      : replacement(store, read, organizer);
    for (const { userId, role = null } of changes.slice(i, i + MEMBERS_PER_COMMIT)) {
      if (role === null) removeMember(operation, organizer.id, userId);
      else addMember(operation, organizer.id, { userId, role });
      const was = roles.get(userId) ?? null;
      if (was !== role) addAuditLine(operation, lineOf({ userId, was, role }));
    }
    if (changesOwners) addWithholding(operation, organizer.id, { by, at });
    const result = await store.commit(operation);
    if (result.ok) {
      // Not read again: that would take somebody else's change for ours, and the next commit undo it.
      read = { organizer, versionstamp: result.versionstamp };
      i += MEMBERS_PER_COMMIT;
      continue;
    }
    // Another import may be writing the same organizer: then these members are written over its own.
    const stored = await readOrganizer(store, organizer.id);
    if (JSON.stringify(stored?.organizer) !== JSON.stringify(organizer)) return false;
    read = stored;
    // Nobody is told twice of what is so by now, be it by this very commit, whose answer was lost.
    roles = rolesOf(await listMembers(store, organizer.id));
  }
  return true;
}

function rolesOf(members: OrganizerMember[]): Map<UserId, OrganizerRole> {
  return new Map(members.map(({ userId, role }) => [userId, role]));
}

export interface MemberChange {
  userId: UserId;
  /** Null: they are no member any more. */
  role: OrganizerRole | null;
  /** Tells of it in the audit log, in the same commit. */
  line: NewAuditLine;
  /** Adds what else is in the commit. */
  together?: (operation: Deno.AtomicOperation) => void;
}

/**
 * Gives a user another role among an organizer's members, or none, if the organizer is still as it
 * was read. False: it changed since, be it that somebody else gave them this very role.
 * @throws {DomainError} `newer_format`, `outcome_unknown`.
 */
export async function changeMember(
  store: Store,
  { organizer, versionstamp }: StoredOrganizer,
  { userId, role, line, together }: MemberChange,
): Promise<boolean> {
  requireWritable(organizer, store.schema.formats.organizer, `organizer "${organizer.id}"`);
  const { id } = organizer;
  const key = organizerKey(id);
  // Written anew though nothing of it changes: its versionstamp tells of its members.
  const operation = store.kv.atomic().check({ key, versionstamp }).set(key, organizer);
  if (role === null) removeMember(operation, id, userId);
  else addMember(operation, id, { userId, role });
  addAuditLine(operation, line);
  together?.(operation);
  // Sent again by the runtime, it is refused because of itself: its line is nobody else's.
  return (await store.commit(operation)).ok || await isWritten(store, line);
}

function removeMember(operation: Deno.AtomicOperation, id: OrganizerId, userId: UserId): void {
  operation.delete(organizerMemberKey(id, userId)).delete(organizerByMemberKey(userId, id));
}

/** By which two lists of members can be told to have the same owners. */
function ownersOf(members: OrganizerMember[]): string {
  return members.filter(({ role }) => role === "owner").map(({ userId }) => userId).sort().join();
}

/** The organizers a user acts for, by id; at most 500. */
export async function listOrganizersOf(store: Store, userId: UserId): Promise<OrganizerId[]> {
  const prefix = organizerByMemberPrefix(userId);
  const rows = await store.list({ prefix }, { limit: MAX_ROWS_PER_BATCH });
  return rows.map((row) => row.key[2] as OrganizerId);
}

/** All of them, however many; who leaves some on the way meets the rest. */
export async function* allOrganizersOf(
  store: Store,
  userId: UserId,
): AsyncGenerator<OrganizerId, void> {
  for await (const { key } of allRows(store, organizerByMemberPrefix(userId))) {
    yield key[2] as OrganizerId;
  }
}

/**
 * Adds to `operation` what makes an organizer with its first owner, if it does not exist yet; and
 * the request to look whether it is to be withheld: they may be suspended at this very moment.
 */
export function addOrganizer(
  operation: Deno.AtomicOperation,
  organizer: Organizer,
  owner: UserId,
): Deno.AtomicOperation {
  addMember(newOrganizer(operation, organizer), organizer.id, { userId: owner, role: "owner" });
  addWithholding(operation, organizer.id, { by: owner, at: organizer.createdAt });
  return operation;
}

function newOrganizer(
  operation: Deno.AtomicOperation,
  organizer: Organizer,
): Deno.AtomicOperation {
  addExternalId(operation, organizer);
  return operation
    .check({ key: organizerKey(organizer.id), versionstamp: null })
    .set(organizerKey(organizer.id), organizer);
}

function addMember(
  operation: Deno.AtomicOperation,
  id: OrganizerId,
  { userId, role }: OrganizerMember,
): void {
  operation
    .set(organizerMemberKey(id, userId), { format: FORMATS.organizer_member.current, role })
    .set(organizerByMemberKey(userId, id), null);
}

function addExternalId(operation: Deno.AtomicOperation, { id, externalId }: Organizer): void {
  if (externalId === null) return;
  const key = organizerByExternalIdKey(externalId);
  operation.check({ key, versionstamp: null }).set(key, id);
}
