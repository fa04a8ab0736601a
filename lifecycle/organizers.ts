/** Organizers: whom events belong to. Anybody may read them, their owners change them. */
import { DomainError } from "../kv/errors.ts";
import type { OrganizerId } from "../kv/event_record.ts";
import { FORMATS } from "../kv/formats.ts";
import {
  createOrganizer,
  findOrganizer,
  getOrganizerRole,
  type Organizer,
  type OrganizerRole,
  readOrganizer,
  replaceOrganizer,
} from "../kv/organizers.ts";
import type { Remember } from "../kv/outcomes.ts";
import type { Store } from "../kv/store.ts";
import { ownerLine } from "./grants.ts";
import { newOrganizerId } from "./ids.ts";
import { notFound, type Principal, relationOf, requireMember, requireSignedIn } from "./policy.ts";
import { allowsFor } from "./policy_table.ts";

/** The members a request named; an absent one stays as it is. */
export interface OrganizerContent {
  name?: string | undefined;
  url?: string | null | undefined;
  externalId?: string | null | undefined;
}

const ATTEMPTS = 5;

/** The record of a new organizer, before it is stored; pure. */
export function newOrganizer(
  { id, name, url = null, externalId = null, now }: OrganizerContent & {
    id: OrganizerId;
    name: string;
    now: number;
  },
): Organizer {
  const { current: format } = FORMATS.organizer;
  return {
    format,
    id,
    name,
    url,
    externalId,
    isWithheld: false,
    createdAt: now,
    updatedAt: now,
  };
}

/**
 * Makes an organizer with the caller as its owner.
 * @throws {DomainError} `unauthenticated`, `forbidden`, `external_id_taken`, `conflict`.
 */
export async function submitOrganizer(
  store: Store,
  { name, url = null, externalId = null }: OrganizerContent & { name: string },
  { principal, now, remember }: {
    principal: Principal;
    now: number;
    remember?: Remember<Organizer> | undefined;
  },
): Promise<Organizer> {
  requireMember(principal);
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    await requireFreeExternalId(store, externalId);
    const organizer = newOrganizer({ id: newOrganizerId(now), name, url, externalId, now });
    const audit = [ownerLine(organizer, { principal, now })];
    if (await createOrganizer(store, organizer, principal.userId, { remember, audit })) {
      return organizer;
    }
  }
  throw new DomainError("conflict");
}

/**
 * Changes an organizer as one of its owners or an administrator.
 * @throws {DomainError} `not_found`, `unauthenticated`, `forbidden`, `external_id_taken`,
 * `conflict`.
 */
export async function editOrganizer(
  store: Store,
  id: OrganizerId,
  { content, principal, now }: { content: OrganizerContent; principal: Principal; now: number },
): Promise<Organizer> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const read = await readOrganizer(store, id);
    if (read === null) throw notFound(id);
    requireSignedIn(principal);
    requireOwner(await getOrganizerRole(store, id, principal.userId), { id, principal });
    const { organizer } = read;
    const next = editedOrganizer(organizer, content, now);
    if (next === organizer) return organizer;
    if (next.externalId !== organizer.externalId) {
      await requireFreeExternalId(store, next.externalId);
    }
    if (await replaceOrganizer(store, read, next)) return next;
  }
  throw new DomainError("conflict");
}

/** The organizer with `content`; itself when that changes nothing; pure. */
export function editedOrganizer(
  organizer: Organizer,
  content: OrganizerContent,
  now: number,
): Organizer {
  const { name = organizer.name, url = organizer.url } = content;
  const { externalId = organizer.externalId } = content;
  const isSame = name === organizer.name && url === organizer.url &&
    externalId === organizer.externalId;
  if (isSame) return organizer;
  const { current: format } = FORMATS.organizer;
  return { ...organizer, format, name, url, externalId, updatedAt: now };
}

/**
 * @throws {DomainError} `forbidden` for a member who has another `role` than those who may change
 * the organizer, or its people.
 */
export function requireOwner(
  role: OrganizerRole | null,
  { id, principal, action = "change" }: {
    id: OrganizerId;
    principal: Principal;
    action?: "change" | "change_people";
  },
): void {
  if (allowsFor(action, relationOf(principal, role))) return;
  throw new DomainError("forbidden", `The caller is no owner of organizer "${id}".`);
}

async function requireFreeExternalId(store: Store, externalId: string | null): Promise<void> {
  if (externalId === null) return;
  const taken = await findOrganizer(store, externalId);
  if (taken !== null) throw organizerExternalIdTaken(externalId, taken);
}

export function organizerExternalIdTaken(externalId: string, by: OrganizerId): DomainError {
  return new DomainError(
    "external_id_taken",
    `The external id "${externalId}" belongs to organizer "${by}".`,
    { organizer_id: by },
  );
}
