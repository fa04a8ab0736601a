/**
 * An organizer's people: owners change them, everybody among them may see the others and leave.
 *
 * Whoever changes a member writes the organizer in the same commit, so of two owners who leave at
 * once one is refused.
 */
import { DomainError, invalidFields } from "../kv/errors.ts";
import type { OrganizerId, UserId } from "../kv/event_record.ts";
import {
  changeMember,
  getOrganizerRole,
  listMembers,
  type MemberChange,
  type OrganizerRole,
  readOrganizer,
  type StoredOrganizer,
} from "../kv/organizers.ts";
import { addOutcome, type Remember } from "../kv/outcomes.ts";
import type { Store } from "../kv/store.ts";
import { addReplacedUser, getUsers, readUser, type StoredUser, USER_FORMAT } from "../kv/users.ts";
import { addWithholding } from "../kv/withholdings.ts";
import { memberLine } from "./grants.ts";
import { requireOwner } from "./organizers.ts";
import { notFound, type Principal, relationOf, requireSignedIn, ROOT } from "./policy.ts";
import { allowsFor } from "./policy_table.ts";

const ATTEMPTS = 16;

export interface Member {
  userId: UserId;
  role: OrganizerRole;
  /** Null for somebody of whom nothing more is known here. */
  name: string | null;
}

interface By {
  principal: Principal;
  now: number;
}

/**
 * Everybody who acts for an organizer, for those among them and administrators.
 * @throws {DomainError} `not_found`, `unauthenticated`, `forbidden`.
 */
export async function listOrganizerMembers(
  store: Store,
  id: OrganizerId,
  principal: Principal,
): Promise<Member[]> {
  requireSignedIn(principal);
  if (await readOrganizer(store, id) === null) throw notFound(id);
  const members = await listMembers(store, id);
  const role = members.find(({ userId }) => userId === principal.userId)?.role ?? null;
  if (!allowsFor("see_people", relationOf(principal, role))) {
    throw new DomainError("forbidden", `This is for the people of organizer "${id}".`);
  }
  const users = await getUsers(store, members.map(({ userId }) => userId));
  return members.map(({ userId, role }) => ({
    userId,
    role,
    name: users.get(userId)?.name ?? (userId === ROOT.userId ? ROOT.name : null),
  }));
}

export type MemberOutcome = "added" | "changed" | "unchanged";

export interface NewRole {
  userId: UserId;
  role: OrganizerRole;
  remember?: Remember<MemberOutcome> | undefined;
}

/**
 * Makes somebody a member, or gives a member another role, as an owner or administrator.
 * @throws {DomainError} `not_found`, `unauthenticated`, `forbidden`, `last_owner`, `conflict`;
 * `invalid_body` where there is no such user.
 */
export async function setMember(
  store: Store,
  id: OrganizerId,
  { userId, role, principal, now, remember }: By & NewRole,
): Promise<MemberOutcome> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const read = await requireOwned(store, id, principal);
    const before = await getOrganizerRole(store, id, userId);
    if (before === role) return "unchanged";
    const user = await readUser(store, userId);
    if (before === null) requireKnown(user, userId);
    if (before === "owner") await requireOtherOwner(store, id, userId);
    const outcome = before === null ? "added" : "changed";
    const isDone = await joinOrganizer(store, read, {
      userId,
      role,
      user,
      line: memberLine(id, { userId, was: before, role }, { principal, now }),
      together(operation) {
        if (before === "owner" || role === "owner") askToLook(operation, id, { principal, now });
        addOutcome(operation, remember, outcome);
      },
    });
    if (isDone) return outcome;
  }
  throw new DomainError("conflict");
}

/**
 * Gives a member another role, as an owner or administrator.
 * @throws {DomainError} as {@linkcode setMember}; `not_found` also when they are no member.
 */
export async function changeRole(
  store: Store,
  id: OrganizerId,
  change: By & NewRole,
): Promise<void> {
  await requireOwned(store, id, change.principal);
  if (await getOrganizerRole(store, id, change.userId) === null) throw noMember(id, change.userId);
  await setMember(store, id, change);
}

/**
 * Writes somebody's role among the members. Whoever is somebody's colleague may create events, so a
 * guest becomes a member of the site in the same commit. False: something changed since.
 */
export async function joinOrganizer(
  store: Store,
  read: StoredOrganizer,
  { user, together, ...change }: Required<MemberChange> & { user: StoredUser | null },
): Promise<boolean> {
  return await changeMember(store, read, {
    ...change,
    together(operation) {
      if (user?.user.role === "guest") {
        const next = { ...user.user, role: "member" as const, format: USER_FORMAT };
        addReplacedUser(operation, store, { read: user, next });
      }
      together(operation);
    },
  });
}

/**
 * Ends somebody's membership, as an owner or administrator, or one's own.
 * @throws {DomainError} `not_found` also when they are no member; `unauthenticated`, `forbidden`,
 * `last_owner`, `conflict`.
 */
export async function removeMember(
  store: Store,
  id: OrganizerId,
  { userId, principal, now }: By & { userId: UserId },
): Promise<void> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const read = userId === principal.userId
      ? await requireThere(store, id)
      : await requireOwned(store, id, principal);
    const role = await getOrganizerRole(store, id, userId);
    if (role === null) throw noMember(id, userId);
    if (role === "owner") await requireOtherOwner(store, id, userId);
    const isDone = await changeMember(store, read, {
      userId,
      role: null,
      line: memberLine(id, { userId, was: role, role: null }, { principal, now }),
      together(operation) {
        if (role === "owner") askToLook(operation, id, { principal, now });
      },
    });
    if (isDone) return;
  }
  throw new DomainError("conflict");
}

async function requireThere(store: Store, id: OrganizerId): Promise<StoredOrganizer> {
  const read = await readOrganizer(store, id);
  if (read === null) throw notFound(id);
  return read;
}

/** Whose owners change, its events may have to be withheld, or not any more. */
export function askToLook(
  operation: Deno.AtomicOperation,
  id: OrganizerId,
  { principal, now }: By,
): void {
  addWithholding(operation, id, { by: principal.userId!, at: now });
}

/** @throws {DomainError} `not_found`, `unauthenticated`, `forbidden`. */
export async function requireOwned(
  store: Store,
  id: OrganizerId,
  principal: Principal,
): Promise<StoredOrganizer> {
  requireSignedIn(principal);
  const read = await requireThere(store, id);
  const role = await getOrganizerRole(store, id, principal.userId);
  requireOwner(role, { id, principal, action: "change_people" });
  return read;
}

async function requireOtherOwner(store: Store, id: OrganizerId, userId: UserId): Promise<void> {
  const members = await listMembers(store, id);
  const others = members.filter((member) => member.role === "owner" && member.userId !== userId)
    .map((owner) => owner.userId);
  const users = await getUsers(store, others);
  // One who is shut out, or being forgotten, could not act for it.
  const canAct = (id: UserId) => {
    const user = users.get(id);
    return user === undefined || (user.suspendedAt === null && user.erasedAt === null);
  };
  if (others.some(canAct)) return;
  throw new DomainError(
    "last_owner",
    `"${userId}" is the only owner who can act for organizer "${id}".`,
  );
}

function requireKnown(user: StoredUser | null, userId: UserId): void {
  if (userId === ROOT.userId || (user !== null && user.user.erasedAt === null)) return;
  throw invalidFields([{
    pointer: "/user_id",
    code: "not_found",
    detail: `There is no user "${userId}"; who has never signed in is invited by a link.`,
  }]);
}

function noMember(id: OrganizerId, userId: UserId): DomainError {
  return new DomainError("not_found", `Organizer "${id}" has no member "${userId}".`);
}
