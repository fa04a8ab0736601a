/** Importing one organizer: found by its id or external id, made or changed, members included. */
import { isDeepStrictEqual } from "node:util";
import { DomainError, invalidFields } from "../kv/errors.ts";
import { FORMATS, requireWritable } from "../kv/formats.ts";
import {
  findOrganizer,
  listMembers,
  type Organizer,
  type OrganizerMember,
  readOrganizer,
  restoreOrganizer,
  type StoredOrganizer,
} from "../kv/organizers.ts";
import type { Store } from "../kv/store.ts";
import { newOrganizerId } from "./ids.ts";
import type { ImportOptions, LineOutcome } from "./import_events.ts";
import type { ImportedOrganizer } from "./import_lines.ts";
import type { ImportPlan } from "./import_plan.ts";
import { editOrganizer, submitOrganizer } from "./organizers.ts";

const ATTEMPTS = 5;

/**
 * Makes or changes the organizer as the line says.
 * @throws {DomainError} `invalid_body`, `forbidden`, `newer_format`, `external_id_taken`,
 * `version_conflict` when it was changed here since the line was exported, `conflict`.
 */
export async function importOrganizer(
  store: Store,
  input: ImportedOrganizer,
  options: ImportOptions & { plan: ImportPlan | null },
): Promise<LineOutcome> {
  const { principal, plan, clock } = options;
  requireWritable({ format: input.format ?? 1 }, FORMATS.organizer, "an organizer of this line");
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const now = clock();
    const read = await findStored(store, input);
    if (read === null && plan?.hasOrganizer(input.id, input.externalId)) return "unchanged";
    const outcome = principal.role === "admin"
      ? await importAsAdmin(store, read, { ...options, input, now })
      : await importAsMember(store, read, { ...options, input, now });
    if (outcome !== null) return outcome;
  }
  throw new DomainError("conflict");
}

interface LineOptions extends ImportOptions {
  input: ImportedOrganizer;
  plan: ImportPlan | null;
  now: number;
}

async function findStored(
  store: Store,
  { id, externalId }: ImportedOrganizer,
): Promise<StoredOrganizer | null> {
  const found = id ?? (externalId ? await findOrganizer(store, externalId) : null);
  return found === null ? null : await readOrganizer(store, found);
}

/** Null when somebody was faster. */
async function importAsAdmin(
  store: Store,
  read: StoredOrganizer | null,
  { input, plan, principal, now }: LineOptions,
): Promise<LineOutcome | null> {
  const stored = read?.organizer ?? null;
  const members = stored === null ? [] : await listMembers(store, stored.id);
  const next: Organizer = {
    ...stored,
    format: FORMATS.organizer.current,
    id: stored?.id ?? input.id ?? newOrganizerId(now),
    name: input.name,
    url: input.url === undefined ? stored?.url ?? null : input.url,
    externalId: input.externalId === undefined ? stored?.externalId ?? null : input.externalId,
    createdAt: input.createdAt ?? stored?.createdAt ?? now,
    updatedAt: input.updatedAt ?? stored?.updatedAt ?? now,
  };
  const nextMembers = input.members?.toSorted(byUserId) ??
    (stored === null ? [{ userId: principal.userId, role: "owner" as const }] : members);
  if (stored !== null) {
    if (isDeepStrictEqual([next, nextMembers], [{ ...stored, format: next.format }, members])) {
      return "unchanged";
    }
    if (input.updatedAt === undefined) next.updatedAt = now;
    else if (input.updatedAt < stored.updatedAt) {
      throw new DomainError(
        "version_conflict",
        `Organizer "${stored.id}" was changed here after the line was exported.`,
      );
    }
  }
  await requireFreeExternalId(store, next);
  if (plan !== null) plan.addOrganizer(next.id, next.externalId);
  else if (!await restoreOrganizer(store, read, { organizer: next, members: nextMembers })) {
    return null;
  }
  return stored === null ? "created" : "updated";
}

function byUserId(a: OrganizerMember, b: OrganizerMember): number {
  return a.userId < b.userId ? -1 : 1;
}

async function requireFreeExternalId(
  store: Store,
  { id, externalId }: Organizer,
): Promise<void> {
  const taken = externalId === null ? null : await findOrganizer(store, externalId);
  if (taken === null || taken === id) return;
  throw new DomainError(
    "external_id_taken",
    `The external id "${externalId}" belongs to organizer "${taken}".`,
    { organizer_id: taken },
  );
}

/** As by POST and PATCH: a member's own, without what only administrators may say. */
async function importAsMember(
  store: Store,
  read: StoredOrganizer | null,
  { input, plan, principal, now }: LineOptions,
): Promise<LineOutcome> {
  const { id, name, url, externalId, createdAt, updatedAt, members } = input;
  const forAdmins = { created_at: createdAt, updated_at: updatedAt, members };
  const [field] = Object.entries(forAdmins).find(([, value]) => value !== undefined) ?? [];
  if (field !== undefined) {
    throw invalidFields([{
      pointer: `/${field}`,
      code: "not_writable",
      detail: `"${field}" can be imported by administrators only.`,
    }]);
  }
  const as = { principal, now };
  if (read !== null) {
    const content = { name, url, externalId };
    const { organizer: before } = read;
    const edited = await editOrganizer(store, before.id, { content, ...as, dryRun: plan !== null });
    return isDeepStrictEqual(edited, before) ? "unchanged" : "updated";
  }
  if (id !== undefined) {
    throw invalidFields([{
      pointer: "/id",
      code: "not_found",
      detail: `There is no organizer "${id}", and only administrators may import one with its id.`,
    }]);
  }
  if (plan === null) await submitOrganizer(store, { name, url, externalId }, as);
  else plan.addOrganizer(newOrganizerId(now), externalId ?? null);
  return "created";
}
