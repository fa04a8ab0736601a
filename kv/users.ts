/**
 * Users: whoever signed in, found by who they are at their provider, never by an e-mail address,
 * which others may come to own.
 */
import type { UserId } from "./event_record.ts";
import { FORMATS, requireWritable, upgraded } from "./formats.ts";
import { ADMINS, userByIdentityKey, userKey, USERS } from "./keys.ts";
import { afterRefusal } from "./lost_answers.ts";
import { rowsAfter } from "./ranges.ts";
import type { Store } from "./store.ts";

/** `guest` reads, `member` may create events, `admin` operates everything. */
export const USER_ROLES = ["guest", "member", "admin"] as const;
export type UserRole = typeof USER_ROLES[number];

/** Who somebody is where they sign in. */
export interface Identity {
  /** The provider's own name for itself: the issuer of an OpenID provider. */
  issuer: string;
  subject: string;
}

export interface User {
  format: number;
  id: UserId;
  name: string;
  email: string | null;
  /** Whether the provider vouches for the address. */
  emailVerified: boolean;
  role: UserRole;
  identity: Identity;
  createdAt: number;
  updatedAt: number;
  signedInAt: number;
  suspendedAt: number | null;
  /** Sessions and tokens made up to then are void. */
  credentialsEndedAt: number;
  /** When they asked to be forgotten: nobody signs in as them any more. */
  erasedAt: number | null;
}

/** A record with the versionstamp of the very read it came from: what a write checks. */
export interface StoredUser {
  user: User;
  versionstamp: string;
}

/** Adds to the commit of a user what is written together with it. */
export type Together = (operation: Deno.AtomicOperation) => void;

interface Admins {
  ids: UserId[];
}

/** Null when there is none. */
export async function readUser(store: Store, id: UserId): Promise<StoredUser | null> {
  return storedUser(store, await store.get(userKey(id)));
}

function storedUser(
  store: Store,
  { value, versionstamp }: Deno.KvEntryMaybe<unknown>,
): StoredUser | null {
  if (versionstamp === null) return null;
  return { user: upgraded(value, store.schema.formats.user), versionstamp };
}

/** Null when there is none. */
export async function getUser(store: Store, id: UserId): Promise<User | null> {
  return (await readUser(store, id))?.user ?? null;
}

/** Those of them that there are. */
export async function getUsers(store: Store, ids: UserId[]): Promise<Map<UserId, User>> {
  const entries = await store.getMany(ids.map(userKey));
  const users = entries.map((entry) => storedUser(store, entry)?.user);
  return new Map(users.flatMap((user) => user === undefined ? [] : [[user.id, user]]));
}

/** Who this is at their provider; null when they have never signed in. */
export async function findUser(
  store: Store,
  { issuer, subject }: Identity,
): Promise<UserId | null> {
  return (await store.get<UserId>(userByIdentityKey(issuer, subject))).value;
}

/** The users by id, from after `after` on. */
export async function listUsers(
  store: Store,
  { limit, after }: { limit: number; after?: UserId | undefined },
): Promise<User[]> {
  const selector = rowsAfter(USERS, after === undefined ? null : userKey(after));
  const rows = await store.list(selector, { limit });
  return rows.map((row) => storedUser(store, row)!.user);
}

/** Those who administer, suspended ones left out. */
export async function listAdmins(store: Store): Promise<UserId[]> {
  return (await store.get<Admins>(ADMINS)).value?.ids ?? [];
}

/** Whether somebody can administer as this user. */
export function isActiveAdmin({ role, suspendedAt, erasedAt }: User): boolean {
  return role === "admin" && suspendedAt === null && erasedAt === null;
}

/**
 * Stores a new user. False: somebody of this identity is stored already, or another administrator
 * was being made; nothing was written.
 */
export async function createUser(store: Store, user: User, together: Together): Promise<boolean> {
  const { id, identity: { issuer, subject } } = user;
  const stored = written(user);
  const key = userByIdentityKey(issuer, subject);
  const operation = store.kv.atomic()
    .check({ key, versionstamp: null })
    .set(key, id)
    .set(userKey(id), stored);
  const admins = isActiveAdmin(user) ? await store.get<Admins>(ADMINS) : null;
  if (admins !== null) setAdmins(operation, admins, [...admins.value?.ids ?? [], id]);
  together(operation);
  return await isStored(store, operation, stored);
}

/** What there is to check before the last administrator goes. */
export interface ReplaceOptions {
  /** Whether somebody can administer without any user, by `ADMIN_TOKEN`. */
  hasRoot: boolean;
  together: Together;
}

/**
 * Replaces a user if they are still as they were read. `last_admin`: nobody could administer any
 * more, so nothing was written.
 * @throws {DomainError} `newer_format`, `outcome_unknown`.
 */
export async function replaceUser(
  store: Store,
  { user, versionstamp }: StoredUser,
  next: User,
  { hasRoot, together }: ReplaceOptions,
): Promise<"replaced" | "conflict" | "last_admin"> {
  requireWritable(user, store.schema.formats.user, `user "${user.id}"`);
  const key = userKey(user.id);
  const stored = written(next);
  const operation = store.kv.atomic().check({ key, versionstamp }).set(key, stored);
  const { issuer, subject } = user.identity;
  // Whoever signs in with it from now on is somebody new.
  if (next.erasedAt !== null) operation.delete(userByIdentityKey(issuer, subject));
  if (isActiveAdmin(user) !== isActiveAdmin(next)) {
    const admins = await store.get<Admins>(ADMINS);
    const others = (admins.value?.ids ?? []).filter((id) => id !== user.id);
    if (!isActiveAdmin(next) && others.length === 0 && !hasRoot) return "last_admin";
    setAdmins(operation, admins, isActiveAdmin(next) ? [...others, user.id] : others);
  }
  together(operation);
  return await isStored(store, operation, stored) ? "replaced" : "conflict";
}

/**
 * Replaces a user in a commit of something else, which fails unless they are as they were read.
 * @throws {DomainError} `newer_format`.
 */
export function addReplacedUser(
  operation: Deno.AtomicOperation,
  store: Store,
  { read: { user, versionstamp }, next }: {
    read: StoredUser;
    next: Omit<User, "role" | "suspendedAt" | "erasedAt"> & { role: "guest" | "member" };
  },
): void {
  requireWritable(user, store.schema.formats.user, `user "${user.id}"`);
  const key = userKey(user.id);
  operation.check({ key, versionstamp }).set(key, next);
}

/** Deletes what is left of a user who asked to be forgotten. False: `together` had a check refused. */
export async function deleteUser(store: Store, id: UserId, together: Together): Promise<boolean> {
  const operation = store.kv.atomic().delete(userKey(id));
  together(operation);
  return (await store.commit(operation)).ok;
}

/** All changes of who administers check one record: of two who leave at once, one is refused. */
function setAdmins(
  operation: Deno.AtomicOperation,
  { versionstamp }: Deno.KvEntryMaybe<Admins>,
  ids: UserId[],
): void {
  operation.check({ key: ADMINS, versionstamp }).set(ADMINS, { ids });
}

interface WrittenUser extends User {
  /** Random: what two write in the same millisecond may be alike to the letter. */
  writeId: string;
}

function written(user: User): WrittenUser {
  return { ...user, writeId: crypto.randomUUID() };
}

/**
 * Whether the commit left `user` stored. One that is sent again by the runtime, because its answer
 * was lost, is refused because of itself: what lies there then is what it wrote.
 * @throws {DomainError} `outcome_unknown`.
 */
async function isStored(
  store: Store,
  operation: Deno.AtomicOperation,
  user: WrittenUser,
): Promise<boolean> {
  if ((await store.commit(operation)).ok) return true;
  const { value } = await afterRefusal(() => store.get<WrittenUser>(userKey(user.id)));
  return value?.writeId === user.writeId;
}

/** The format that new records have. */
export const USER_FORMAT = FORMATS.user.current;
