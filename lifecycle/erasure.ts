/**
 * Asking to be forgotten. The request's one commit ends every session and token and takes name,
 * address and identity away; `erase_users` does the rest, which may take longer than a request.
 */
import { addAuditLine } from "../kv/audit.ts";
import { DomainError } from "../kv/errors.ts";
import { addErasure, type Erasure, type ErasureChoice, getErasure } from "../kv/erasures.ts";
import type { UserId } from "../kv/event_record.ts";
import { FORMATS } from "../kv/formats.ts";
import { allInvitations } from "../kv/invitations.ts";
import {
  addReplacedOrganizer,
  type Organizer,
  readOrganizer,
  replaceOrganizer,
  type StoredOrganizer,
} from "../kv/organizers.ts";
import type { Store } from "../kv/store.ts";
import { readUser, replaceUser, type User, USER_FORMAT } from "../kv/users.ts";
import { auditLine } from "./audit.ts";
import { ownOrganizerId } from "./ids.ts";
import { editedOrganizer } from "./organizers.ts";
import { type Principal, requireInPerson, ROOT } from "./policy.ts";

const ATTEMPTS = 16;
/** What one value holds with room to spare; invitations end by themselves. */
const MAX_INVITATIONS = 1000;
/** Who signs in as nobody any more, for as long as there is a record of them. */
export const ERASED_NAME = "Erased";
/** What an organizer is called that had its owner's name. */
export const FORMER_NAME = "Former organizer";

/**
 * Stores that the caller wants to be forgotten, and answers it as it is stored: asked for again it
 * is the first one still.
 * @throws {DomainError} `unauthenticated`, `forbidden` for tokens; `root_user`, `last_admin`,
 * `conflict`.
 */
export async function requestErasure(
  store: Store,
  organizers: ErasureChoice,
  { principal, now, hasRoot }: { principal: Principal; now: number; hasRoot: boolean },
): Promise<Erasure> {
  requireInPerson(principal);
  const { userId } = principal;
  if (userId === ROOT.userId) throw new DomainError("root_user");
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const asked = await getErasure(store, userId);
    if (asked !== null) return asked;
    const read = await readUser(store, userId);
    // Erased between both reads, by another request of theirs.
    if (read === null || read.user.erasedAt !== null) throw new DomainError("unauthenticated");
    const { user } = read;
    const erasure: Erasure = {
      format: FORMATS.erasure.current,
      organizers,
      at: now,
      by: userId,
      invitations: await invitationsFor(store, user),
    };
    const named = await organizerNamedAfter(store, user);
    const outcome = await replaceUser(store, read, erasedUser(user, now), {
      hasRoot,
      together(operation) {
        addErasure(operation, userId, erasure);
        if (named !== null) {
          const next = namelessOrganizer(named.organizer, now);
          addReplacedOrganizer(operation, store, { read: named, next });
        }
        const line = auditLine("user.erasure_requested", { principal, now }, {
          userId,
          detail: organizers,
        });
        addAuditLine(operation, line);
      },
    });
    // Of two requests in one millisecond both find the user as they wrote them; one was stored.
    if (outcome === "replaced") return await getErasure(store, userId) ?? erasure;
    if (outcome === "last_admin") {
      throw new DomainError("last_admin", `"${userId}" is the only one who can administer.`);
    }
  }
  throw new DomainError("conflict");
}

/** What is left of a user until the job is done: an id that nobody can sign in with; pure. */
export function erasedUser(user: User, now: number): User {
  return {
    ...user,
    format: USER_FORMAT,
    name: ERASED_NAME,
    email: null,
    emailVerified: false,
    role: "guest",
    identity: { issuer: "", subject: "" },
    updatedAt: now,
    credentialsEndedAt: now,
    erasedAt: now,
  };
}

/** The digests of the invitations that hold the user's address. */
async function invitationsFor(store: Store, { email }: User): Promise<string[]> {
  if (email === null) return [];
  const digests: string[] = [];
  for await (const { digest, invitation } of allInvitations(store)) {
    if (invitation.email?.toLowerCase() === email.toLowerCase()) digests.push(digest);
    if (digests.length === MAX_INVITATIONS) break;
  }
  return digests;
}

/** The organizer that the user's first event made, if it has their name still. */
async function organizerNamedAfter(store: Store, user: User): Promise<StoredOrganizer | null> {
  const read = await readOrganizer(store, await ownOrganizerId(user.id));
  if (read === null) return null;
  // The provider may call them something else since.
  return read.organizer.name === user.name || isAsMade(read.organizer) ? read : null;
}

/** Nobody has changed it since it was made, with its owner's name; pure. */
function isAsMade({ createdAt, updatedAt, name }: Organizer): boolean {
  return createdAt === updatedAt && name !== FORMER_NAME;
}

function namelessOrganizer(organizer: Organizer, now: number): Organizer {
  return editedOrganizer(organizer, { name: FORMER_NAME }, now);
}

/**
 * Takes the name from the organizer that a first event made while its person asked to be forgotten:
 * the request's commit did not see it.
 */
export async function forgetOwnName(store: Store, userId: UserId, now: number): Promise<void> {
  const id = await ownOrganizerId(userId);
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const read = await readOrganizer(store, id);
    if (read === null || !isAsMade(read.organizer)) return;
    if (await replaceOrganizer(store, read, namelessOrganizer(read.organizer, now))) return;
  }
  throw new DomainError("conflict");
}
