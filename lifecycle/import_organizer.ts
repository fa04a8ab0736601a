/** Importing one organizer: found by its id or external id, made or changed, members included. */
import { isDeepStrictEqual } from "node:util";
import { DomainError, invalidFields } from "../kv/errors.ts";
import type { OrganizerId } from "../kv/event_record.ts";
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
import { memberLine, ownerLine } from "./grants.ts";
import { newOrganizerId } from "./ids.ts";
import type { ImportedOrganizer, ImportOptions, LineOutcome } from "./import_lines.ts";
import type { ImportPlan, PlannedOrganizer } from "./import_plan.ts";
import {
  editedOrganizer,
  editOrganizer,
  newOrganizer,
  type OrganizerContent,
  organizerExternalIdTaken,
  requireOwner,
  submitOrganizer,
} from "./organizers.ts";
import { requireScope } from "./policy.ts";

const ATTEMPTS = 5;

/**
 * Makes or changes the organizer as the line says.
 * @throws {DomainError} `invalid_body`, `forbidden`, `insufficient_scope`, `newer_format`, `external_id_taken`,
 * `version_conflict` when it was changed here since the line was exported, `conflict`.
 */
export async function importOrganizer(
  store: Store,
  input: ImportedOrganizer,
  options: ImportOptions & { plan: ImportPlan | null },
): Promise<LineOutcome> {
  const { principal, plan, clock } = options;
  requireWritable({ format: input.format ?? 1 }, FORMATS.organizer, "an organizer of this line");
  // A token that is made to import events makes nobody an owner.
  requireScope(principal, "organizers:write");
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const now = clock();
    const known = await find(store, plan, input);
    const outcome = principal.role === "admin"
      ? await importAsAdmin(store, known, { ...options, input, now })
      : await importAsMember(store, known, { ...options, input, now });
    if (outcome !== null) return outcome;
  }
  throw new DomainError("conflict");
}

interface LineOptions extends ImportOptions {
  input: ImportedOrganizer;
  plan: ImportPlan | null;
  now: number;
}

/** An organizer as it is stored, or as the lines before would have left it. */
interface KnownOrganizer extends PlannedOrganizer {
  /** Null when a line of a dry run made or changed it. */
  read: StoredOrganizer | null;
}

async function find(
  store: Store,
  plan: ImportPlan | null,
  { id, externalId }: ImportedOrganizer,
): Promise<KnownOrganizer | null> {
  const found = id ?? (externalId ? await findNamed(store, plan, externalId) : null);
  if (found === null) return null;
  const planned = plan?.organizer(found);
  if (planned !== undefined) return { ...planned, read: null };
  const read = await readOrganizer(store, found);
  if (read === null) return null;
  return { read, organizer: read.organizer, members: await listMembers(store, found) };
}

function findNamed(
  store: Store,
  plan: ImportPlan | null,
  externalId: string,
): Promise<OrganizerId | null> {
  return plan === null ? findOrganizer(store, externalId) : plan.findOrganizer(externalId);
}

/** Null when somebody was faster. */
async function importAsAdmin(
  store: Store,
  known: KnownOrganizer | null,
  { input, plan, principal, now }: LineOptions,
): Promise<LineOutcome | null> {
  const { organizer: stored = null, members = [], read = null } = known ?? {};
  const next: Organizer = {
    ...stored,
    format: FORMATS.organizer.current,
    id: stored?.id ?? input.id ?? newOrganizerId(now),
    name: input.name,
    url: input.url === undefined ? stored?.url ?? null : input.url,
    externalId: input.externalId === undefined ? stored?.externalId ?? null : input.externalId,
    isWithheld: stored?.isWithheld ?? false,
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
  await requireFreeExternalId(store, plan, next);
  if (plan !== null) plan.keepOrganizer({ organizer: next, members: nextMembers });
  else {
    const { userId: by } = principal;
    const isTheirs = stored === null && input.members === undefined;
    const isStored = await restoreOrganizer(store, read, {
      organizer: next,
      members: nextMembers,
      by,
      at: now,
      lineOf: (change) =>
        isTheirs
          ? ownerLine(next, { principal, now })
          : memberLine(next.id, change, { principal, now }),
    });
    if (!isStored) return null;
  }
  return stored === null ? "created" : "updated";
}

function byUserId(a: OrganizerMember, b: OrganizerMember): number {
  return a.userId < b.userId ? -1 : 1;
}

async function requireFreeExternalId(
  store: Store,
  plan: ImportPlan | null,
  { id, externalId }: Organizer,
): Promise<void> {
  if (externalId === null) return;
  const taken = await findNamed(store, plan, externalId);
  if (taken !== null && taken !== id) throw organizerExternalIdTaken(externalId, taken);
}

/** As by POST and PATCH: a member's own, without what only administrators may say. */
async function importAsMember(
  store: Store,
  known: KnownOrganizer | null,
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
  if (known !== null) {
    const content = { name, url, externalId };
    const { organizer: before } = known;
    const edited = plan === null
      ? await editOrganizer(store, before.id, { content, ...as })
      : await planEdit(store, known, { plan, content, ...as });
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
  else {
    plan.keepOrganizer({
      organizer: newOrganizer({ id: newOrganizerId(now), name, url, externalId, now }),
      members: [{ userId: principal.userId, role: "owner" }],
    });
  }
  return "created";
}

/** What `editOrganizer` would do. */
async function planEdit(
  store: Store,
  { organizer, members }: KnownOrganizer,
  { plan, content, principal, now }: {
    plan: ImportPlan;
    content: OrganizerContent;
    principal: LineOptions["principal"];
    now: number;
  },
): Promise<Organizer> {
  const { id } = organizer;
  const role = members.find(({ userId }) => userId === principal.userId)?.role ?? null;
  requireOwner(role, { id, principal });
  const edited = editedOrganizer(organizer, content, now);
  await requireFreeExternalId(store, plan, edited);
  plan.keepOrganizer({ organizer: edited, members });
  return edited;
}
