/** What administrators do about users: roles, and shutting somebody out until they are let in again. */
import { addAuditLine, type AuditLine } from "../kv/audit.ts";
import { DomainError } from "../kv/errors.ts";
import { deleteCredentials } from "../kv/erasures.ts";
import type { UserId } from "../kv/event_record.ts";
import { allOrganizersOf } from "../kv/organizers.ts";
import type { Store } from "../kv/store.ts";
import { readUser, replaceUser, type User, USER_FORMAT, type UserRole } from "../kv/users.ts";
import {
  addWithholding,
  MAX_WITHHOLDINGS_PER_COMMIT,
  storeWithholdings,
} from "../kv/withholdings.ts";
import { auditLine } from "./audit.ts";
import { type Principal, requireAdmin, ROOT } from "./policy.ts";

const ATTEMPTS = 16;

/** The members a request named; an absent one stays as it is. */
export interface UserChange {
  role?: UserRole | undefined;
  /** A suspended user's sessions and tokens end for good; everything else can be given back. */
  isSuspended?: boolean | undefined;
}

/**
 * Changes a user as an administrator. Where that shuts them out or lets them in, it asks to look
 * whether their organizers are to be withheld: `withhold_events` carries it out.
 * @throws {DomainError} `unauthenticated`, `forbidden`, `not_found`, `root_user`, `last_admin`,
 * `conflict`.
 */
export async function changeUser(
  store: Store,
  id: UserId,
  change: UserChange,
  { principal, now, hasRoot }: { principal: Principal; now: number; hasRoot: boolean },
): Promise<User> {
  requireAdmin(principal);
  if (id === ROOT.userId) throw new DomainError("root_user");
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const read = await readUser(store, id);
    if (read === null || read.user.erasedAt !== null) throw userNotFound(id);
    const next = changedUser(read.user, change, now);
    if (next === read.user) return next;
    // Before they are let in: by the clock of another process some may be newer than the suspension.
    if (read.user.suspendedAt !== null && next.suspendedAt === null) {
      await deleteCredentials(store, id);
    }
    const lines = linesOf(read.user, next, { principal, now });
    const changesAccess = next.suspendedAt !== read.user.suspendedAt;
    // Those that they come to own meanwhile ask for themselves.
    const organizers = changesAccess ? await Array.fromAsync(allOrganizersOf(store, id)) : [];
    const by = { by: principal.userId, at: now };
    const outcome = await replaceUser(store, read, next, {
      hasRoot,
      together(operation) {
        for (const line of lines) addAuditLine(operation, line);
        for (const organizer of organizers.slice(0, MAX_WITHHOLDINGS_PER_COMMIT)) {
          addWithholding(operation, organizer, by);
        }
      },
    });
    if (outcome === "replaced") {
      // After it: before, the job would find nothing to do yet.
      await storeWithholdings(store, organizers.slice(MAX_WITHHOLDINGS_PER_COMMIT), by);
      return next;
    }
    if (outcome === "last_admin") {
      throw new DomainError("last_admin", `"${id}" is the only one who can administer.`);
    }
  }
  throw new DomainError("conflict");
}

/** The user with `change`; themselves when that changes nothing; pure. */
export function changedUser(user: User, { role, isSuspended }: UserChange, now: number): User {
  const wasSuspended = user.suspendedAt !== null;
  const next = { ...user, format: USER_FORMAT, updatedAt: now, role: role ?? user.role };
  if (isSuspended === true && !wasSuspended) {
    return { ...next, suspendedAt: now, credentialsEndedAt: now };
  }
  if (isSuspended === false && wasSuspended) return { ...next, suspendedAt: null };
  return next.role === user.role ? user : next;
}

function linesOf(
  user: User,
  next: User,
  by: { principal: Principal; now: number },
): Omit<AuditLine, "format">[] {
  const { id: userId } = user;
  const lines: Omit<AuditLine, "format">[] = [];
  if (user.role !== next.role) {
    const detail = `${user.role} to ${next.role}`;
    lines.push(auditLine("user.role_changed", by, { userId, detail }));
  }
  if (user.suspendedAt !== next.suspendedAt) {
    const action = next.suspendedAt === null ? "user.reinstated" : "user.suspended";
    lines.push(auditLine(action, by, { userId }));
  }
  return lines;
}

export function userNotFound(id: string): DomainError {
  return new DomainError("not_found", `There is no user "${id}".`);
}
