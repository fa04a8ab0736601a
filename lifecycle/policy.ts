/**
 * Who is who to an event or an organizer, and the answers to who may not. What each may do is said
 * by `policy_table.ts` alone.
 */
import type { EventCard, EventRecord, UserId } from "../kv/event_record.ts";
import { DomainError } from "../kv/errors.ts";
import type { TokenId } from "../kv/api_tokens.ts";
import { getOrganizerRole, type OrganizerRole } from "../kv/organizers.ts";
import type { Store } from "../kv/store.ts";
import type { UserRole } from "../kv/users.ts";
import { allows, allowsEver, allowsFor, isAtLeast, type Relation } from "./policy_table.ts";
import type { Scope } from "./scopes.ts";

export type { Relation };

/** Who asks. A stranger has no user; somebody who signed in may be a guest, too. */
export interface Principal {
  userId: UserId | null;
  /** By what they showed: an API token without the scope `admin` makes nobody an administrator. */
  role: UserRole;
  name: string | null;
  /** What they showed for it; absent for strangers, and where the program itself acts as somebody. */
  credential?: Credential;
  /** Of `usr_root`: which `ADMIN_TOKEN` they came by, directly or by what was made with it. */
  rootFingerprint?: string;
}

export type Credential =
  /** A browser's; by its digest. */
  | { kind: "session"; digest: string }
  /** `root` is `ADMIN_TOKEN`. */
  | { kind: "token"; tokenId: TokenId | "root"; scopes: readonly Scope[] };

export const GUEST: Principal = { userId: null, role: "guest", name: null };

/** The user that `ADMIN_TOKEN` acts as. */
export const ROOT: Principal & { userId: UserId } = {
  userId: "usr_root",
  role: "admin",
  name: "Administrator",
};

/** The caller's relation to an event; asks the store for the membership. */
export async function relationTo(
  store: Store,
  principal: Principal,
  event: Pick<EventRecord, "organizerId" | "staff">,
): Promise<Relation> {
  if (principal.role === "admin") return "admin";
  if (principal.userId === null) return "none";
  const member = await getOrganizerRole(store, event.organizerId, principal.userId) ?? "none";
  const staff = event.staff.find((person) => person.userId === principal.userId)?.role ?? "none";
  return isAtLeast(member, staff) ? member : staff;
}

/** The caller's relation to an organizer among whose members they have `role`. */
export function relationOf(
  { role }: Pick<Principal, "role">,
  member: OrganizerRole | null,
): Relation {
  return role === "admin" ? "admin" : member ?? "none";
}

/** Drafts and private events are for their people; the rest is for everyone who has the id. */
export function canSee(event: Pick<EventCard, "status" | "visibility">, relation: Relation) {
  return allows("see", relation, event);
}

/** Whether they are one of those who change events; what a status forbids, it forbids them all. */
export function canEdit(relation: Relation): boolean {
  return allowsEver("edit", relation);
}

/**
 * @throws {DomainError} `not_found` when the caller may not even see it, else `unauthenticated` or
 * `forbidden`.
 */
export function requireEdit(event: EventRecord, relation: Relation, principal: Principal): void {
  if (!canSee(event, relation)) throw notFound(event.id);
  if (canEdit(relation)) return;
  requireSignedIn(principal);
  throw new DomainError("forbidden", `Cannot change event "${event.id}": the caller is no editor.`);
}

/**
 * What only the event's people may see.
 * @throws {DomainError} `not_found` when the caller may not even see it, else `unauthenticated` or
 * `forbidden`.
 */
export function requirePeople(event: EventRecord, relation: Relation, principal: Principal): void {
  if (!canSee(event, relation)) throw notFound(event.id);
  if (allows("see_people", relation, event)) return;
  requireSignedIn(principal);
  throw new DomainError("forbidden", `This is for the people of event "${event.id}".`);
}

/** @throws {DomainError} `unauthenticated`. */
export function requireSignedIn(
  principal: Principal,
): asserts principal is Principal & { userId: UserId } {
  if (principal.userId === null) throw new DomainError("unauthenticated");
}

/**
 * What tokens would pass on, or a person decides for themselves: it needs their session.
 * `ADMIN_TOKEN` may, so that machines can be set up without a browser.
 * @throws {DomainError} `unauthenticated`, `forbidden`.
 */
export function requireInPerson(
  principal: Principal,
): asserts principal is Principal & { userId: UserId } {
  requireSignedIn(principal);
  refuseTokens(principal);
}

/** The same of what strangers may see as well. @throws {DomainError} `forbidden`. */
export function refuseTokens({ credential }: Principal): void {
  if (credential?.kind !== "token" || credential.tokenId === "root") return;
  throw new DomainError("forbidden", "A token cannot do this: sign in, and do it yourself.");
}

/**
 * What the caller may do only in person, or with a token that is made for it.
 * @throws {DomainError} `insufficient_scope` (RFC 6750 section 3.1).
 */
export function requireScope({ credential }: Pick<Principal, "credential">, scope: Scope): void {
  if (credential?.kind !== "token" || credential.tokenId === "root") return;
  if (credential.scopes.includes(scope)) return;
  throw new DomainError("insufficient_scope", `This needs a token with the scope "${scope}".`, {
    scope,
  });
}

/** @throws {DomainError} `unauthenticated`, `forbidden`. */
export function requireAdmin(
  principal: Principal,
): asserts principal is Principal & { userId: UserId } {
  requireSignedIn(principal);
  const { role, credential } = principal;
  if (role === "admin") return;
  const lacksScope = credential?.kind === "token" && !credential.scopes.includes("admin");
  throw new DomainError(
    "forbidden",
    `This is for administrators${lacksScope ? ', whose tokens need the scope "admin"' : ""}.`,
  );
}

/** @throws {DomainError} `unauthenticated`, `forbidden`. */
export function requireMember(
  principal: Principal,
): asserts principal is Principal & { userId: UserId } {
  requireSignedIn(principal);
  if (principal.role === "guest") {
    throw new DomainError("forbidden", "Guests cannot create events.");
  }
}

/** Whether someone of this role among an organizer's members may write its events. */
export function mayWriteFor(role: OrganizerRole | null): boolean {
  return allowsFor("create", role ?? "none");
}

export function notFound(id: string): DomainError {
  const kind = id.startsWith("org_") ? "organizer" : "event";
  return new DomainError("not_found", `There is no ${kind} "${id}" that the caller may see.`);
}
