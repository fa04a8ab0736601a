/** Importing one event: found by its id or external id, made, changed, restored or deleted. */
import { DomainError, invalidFields } from "../kv/errors.ts";
import { wholeHistory } from "../kv/event_history.ts";
import type { EventId, EventRecord, OrganizerId } from "../kv/event_record.ts";
import {
  afterStep,
  createEvent,
  type EventStep,
  findByExternalId,
  getEvent,
  type StoredEvent,
} from "../kv/events.ts";
import { requireFits, requireRestorable } from "../kv/event_size.ts";
import { FORMATS, requireWritable } from "../kv/formats.ts";
import { createOrganizer, findOrganizer } from "../kv/organizers.ts";
import { restoreEvent } from "../kv/restore_event.ts";
import type { Store } from "../kv/store.ts";
import { changeEvent, settleStep } from "./change_event.ts";
import { creationLines, type Home, requireHome } from "./create_event.ts";
import { ownerLine, staffLines, withStaffLines } from "./grants.ts";
import { removeEvent, requireDeletable } from "./delete_event.ts";
import {
  externalIdTaken,
  newHomeOf,
  requireFreeExternalId,
  requireMayMove,
  takesExternalId,
} from "./edit_event.ts";
import { continuationOf, type EventPast, joinedHistory, requireConsistent } from "./event_past.ts";
import type {
  ImportedDeletion,
  ImportedEvent,
  ImportedHome,
  ImportOptions,
  LineOutcome,
} from "./import_lines.ts";
import { importedRecord, importSteps, pastBeside } from "./imported_record.ts";
import type { ImportPlan } from "./import_plan.ts";
import { type Principal, relationTo, requireEdit } from "./policy.ts";
import { settle } from "./status.ts";

const ATTEMPTS = 6;

/** One import's: it remembers the organizers it has looked up. */
export class EventImporter {
  readonly #homes = new Map<string, Home>();

  constructor(
    readonly store: Store,
    /** Of a dry run: what would have been stored so far. */
    readonly plan: ImportPlan | null,
    readonly options: ImportOptions,
  ) {}

  async import(input: ImportedEvent): Promise<LineOutcome> {
    const { principal } = this.options;
    requireMayImport(input, principal);
    if (input.past !== undefined) {
      requireWritable({ format: input.past.format ?? 1 }, FORMATS.event, "an event of this line");
      requireConsistent(input.past, input.status);
    }
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const now = this.options.clock();
      const { stored, home } = await this.#find(input, input.content.externalId, now);
      const isRestored = input.past?.version !== undefined;
      const outcome = stored === null
        ? await this.#create(input, home ?? await this.#home(input, now), now)
        : isRestored
        ? await this.#restore(stored, input, { home, now })
        : await this.#update(stored, input, { home, now });
      if (outcome !== null) return outcome;
      // Somebody made it, or made or changed the organizer, a moment ago: look again.
      this.forgetHomes();
    }
    throw new DomainError("conflict");
  }

  async delete(input: ImportedDeletion): Promise<LineOutcome> {
    const { principal, clock } = this.options;
    const now = clock();
    const { stored } = await this.#find(input, input.externalId, now);
    if (stored === null) return "unchanged";
    const reason = input.reason ?? (principal.role === "admin" ? "Deleted by an import." : null);
    if (this.plan === null) {
      try {
        await removeEvent(this.store, stored.id, { reason, principal, now });
      } catch (error) {
        const isGone = error instanceof DomainError && error.code === "not_found" &&
          await this.#get(stored.id) === null;
        // Another import of the same line was faster.
        if (isGone) return "unchanged";
        throw error;
      }
    } else {
      requireEdit(stored, await relationTo(this.store, principal, stored), principal);
      requireDeletable(stored, { reason, principal, now });
      this.plan.delete(stored);
    }
    return "deleted";
  }

  /** To be called when an organizer changed: its external id may be another's now, or its flag. */
  forgetHomes(): void {
    this.#homes.clear();
  }

  /** The event that a line is about, and the organizer it names or needs to be found in. */
  async #find(
    input: ImportedHome & { id?: EventId | undefined },
    externalId: string | null | undefined,
    now: number,
  ): Promise<{ stored: EventRecord | null; home: Home | null }> {
    const isNamed = input.organizerId !== undefined || input.organizerExternalId !== undefined;
    const home = isNamed || input.id === undefined ? await this.#home(input, now) : null;
    const id = input.id ??
      (externalId ? await this.#findByExternalId(externalId, home!.organizerId) : null);
    return { stored: id === null ? null : await this.#get(id), home };
  }

  async #get(id: EventId): Promise<EventRecord | null> {
    return this.plan === null
      ? (await getEvent(this.store, id))?.record ?? null
      : await this.plan.get(id);
  }

  #findByExternalId(externalId: string, organizerId: OrganizerId): Promise<EventId | null> {
    return this.plan === null
      ? findByExternalId(this.store, externalId, organizerId)
      : this.plan.find(externalId, organizerId);
  }

  /** Null when it is to be tried again: somebody was faster, or the organizer was made first. */
  async #create(input: ImportedEvent, home: Home, now: number): Promise<"created" | null> {
    const { principal } = this.options;
    requireMayCreate(input, principal);
    const { externalId } = input.content;
    const { organizerId } = home;
    if (input.id !== undefined && externalId) {
      const taken = await this.#findByExternalId(externalId, organizerId);
      if (taken !== null) throw externalIdTaken(externalId, taken);
    }
    const by = principal.userId;
    const { isWithheld } = home.read ?? {};
    const record = importedRecord(input, { organizerId, now, by, isWithheld });
    if (this.plan !== null) {
      if (input.past === undefined) requireFits(record, null);
      else requireRestorable(record, record.history);
      // No other line can mean an event without a key.
      const isKeyless = input.id === undefined && !externalId;
      return isKeyless || this.plan.create(record) ? "created" : null;
    }
    if (input.past !== undefined && home.first !== null) {
      const { first, owner } = home.first;
      await createOrganizer(this.store, first, owner, {
        audit: [ownerLine(first, { principal, now })],
      });
      // Looked up again, as what it is by then.
      return null;
    }
    const { outcome } = input.past === undefined
      ? await createEvent(this.store, record, by, {
        organizer: home.first,
        home: home.read,
        audit: creationLines(record, home, { principal, now }),
      })
      : await restoreEvent(this.store, null, {
        record,
        home: home.read,
        by,
        at: now,
        audit: staffLines(null, record, { principal, now }),
      });
    return outcome === "committed" ? "created" : null;
  }

  /** Takes over what a newer version of the same event says. Null when somebody was faster. */
  async #restore(
    stored: EventRecord,
    input: ImportedEvent,
    { home, now }: { home: Home | null; now: number },
  ): Promise<"updated" | "unchanged" | null> {
    const { principal } = this.options;
    const by = principal.userId;
    const organizerId = home?.organizerId ?? stored.organizerId;
    const read = this.plan === null ? await getEvent(this.store, stored.id) : null;
    const before = read?.record ?? stored;
    const past = pastBeside(before, input.past!);
    const newHome = await newHomeOf(this.store, before, organizerId);
    const { isWithheld } = newHome ?? before;
    const said = { ...input, id: stored.id, past };
    const record = importedRecord(said, { organizerId, now, by, isWithheld });
    const history = await wholeHistory(this.store, before);
    // A line without its history can only be the very version that is stored.
    if (input.past?.history === undefined) {
      record.history = record.version === before.version ? history : [];
    }
    const continuation = continuationOf({ ...before, history }, record);
    if (continuation !== "newer") return "unchanged";
    await this.#requireFreeExternalId(before, record);
    record.history = joinedHistory(history, record.history);
    if (this.plan !== null) {
      requireRestorable(record, record.history);
      return this.plan.replace(stored, record) ? "updated" : null;
    }
    const { outcome } = await restoreEvent(this.store, read as StoredEvent, {
      record,
      home: newHome,
      by,
      at: now,
      audit: staffLines(before, record, { principal, now }),
    });
    return outcome === "committed" ? "updated" : null;
  }

  /** Null when somebody was faster. */
  async #update(
    stored: EventRecord,
    input: ImportedEvent,
    { home, now }: { home: Home | null; now: number },
  ): Promise<"updated" | "unchanged" | null> {
    const { principal } = this.options;
    const { userId: by } = principal;
    const isAdmin = principal.role === "admin";
    const organizerId = home?.organizerId;
    const decide = async (event: EventRecord): Promise<EventStep[]> => {
      requireEdit(event, await relationTo(this.store, principal, event), principal);
      requireMayMove(event, organizerId, principal);
      // Read anew: what the import has looked up may have changed, and would be refused for ever.
      const newHome = await newHomeOf(this.store, event, organizerId);
      return importSteps(event, input, { now, by, isAdmin, home: newHome });
    };
    if (this.plan !== null) {
      const steps = await decide(settle(stored, now));
      if (steps.length === 0) return "unchanged";
      const clock = settleStep(stored, { now, by: "clock" });
      const next = (clock === null ? steps : [clock, ...steps])
        .reduce((record, step) => afterStep(this.store, record, step), stored);
      requireFits(next, stored);
      await this.#requireFreeExternalId(stored, next);
      return this.plan.replace(stored, next) ? "updated" : null;
    }
    const { steps } = await changeEvent(this.store, stored.id, {
      now,
      decide: async (event) => {
        const steps = await decide(event);
        await requireFreeExternalId(this.store, event, steps);
        return withStaffLines(event, steps, { principal, now });
      },
    });
    return steps === 0 ? "unchanged" : "updated";
  }

  async #requireFreeExternalId(before: EventRecord, next: EventRecord): Promise<void> {
    if (!takesExternalId(before, next)) return;
    const taken = await this.#findByExternalId(next.externalId, next.organizerId);
    if (taken !== null) throw externalIdTaken(next.externalId, taken);
  }

  async #home({ organizerId, organizerExternalId }: ImportedHome, now: number): Promise<Home> {
    const key = organizerId ?? `external ${organizerExternalId ?? ""}`;
    const known = this.#homes.get(key);
    if (known !== undefined) return known;
    const home = await this.#lookUpHome({ organizerId, organizerExternalId }, now);
    // An organizer that is still to be made is looked up again, until some line has made it.
    if (home.first === null) this.#homes.set(key, home);
    return home;
  }

  async #lookUpHome(
    { organizerId, organizerExternalId }: ImportedHome,
    now: number,
  ): Promise<Home> {
    let wanted = organizerId;
    if (wanted === undefined && organizerExternalId !== undefined) {
      const found = this.plan === null
        ? await findOrganizer(this.store, organizerExternalId)
        : await this.plan.findOrganizer(organizerExternalId);
      wanted = found ?? undefined;
      if (wanted === undefined) {
        throw invalidFields([{
          pointer: "/organizer_external_id",
          code: "not_found",
          detail: `There is no organizer with the external id "${organizerExternalId}".`,
        }]);
      }
    }
    if (wanted !== undefined && this.plan?.organizer(wanted) !== undefined) {
      return { organizerId: wanted, first: null, read: null };
    }
    return await requireHome(this.store, this.options.principal, { wanted, now });
  }
}

/** @throws {DomainError} `invalid_body` at what is for administrators only. */
function requireMayImport({ past = {}, status }: ImportedEvent, { role }: Principal): void {
  if (role === "admin") return;
  const [named] = Object.entries(past).find(([, value]) => value !== undefined) ?? [];
  const problem = (pointer: string, detail: string) =>
    invalidFields([{ pointer, code: "not_writable", detail }]);
  if (named !== undefined) {
    const field = PAST_FIELDS[named as keyof EventPast];
    throw problem(`/${field}`, `"${field}" can be imported by administrators only.`);
  }
  if (status === "ARCHIVED") {
    throw problem("/status", "Administrators only may import what is ARCHIVED.");
  }
}

const PAST_FIELDS: Record<keyof EventPast, string> = {
  format: "format",
  version: "version",
  history: "history",
  createdAt: "created_at",
  updatedAt: "updated_at",
  completedAt: "completed_at",
  archivedFrom: "archived_from",
  startsAt: "starts_at",
  endsAt: "ends_at",
};

/** @throws {DomainError} `invalid_body`: who may choose ids could take somebody else's. */
function requireMayCreate({ id }: ImportedEvent, { role }: Principal): void {
  if (role === "admin" || id === undefined) return;
  throw invalidFields([{
    pointer: "/id",
    code: "not_found",
    detail: `There is no event "${id}", and only administrators may import one under a given id.`,
  }]);
}
