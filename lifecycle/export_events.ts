/**
 * Exporting: everything there is as lines, or what changed since an earlier export.
 *
 * A whole export reads record after record while others write, so it is no snapshot: it begins with
 * the journal's position, and what changed after that is what `since` gives. An export and all that
 * followed it, imported in their order, is the store.
 */
import { DomainError } from "../kv/errors.ts";
import { wholeHistory } from "../kv/event_history.ts";
import type { EventId, EventRecord, OrganizerId } from "../kv/event_record.ts";
import { countEvents, getEvents, listRecords } from "../kv/events.ts";
import type { Change } from "../kv/journal.ts";
import { changesAfter, type JournalPlace, readPlace, readPosition } from "../kv/journal_places.ts";
import { byOrganizerPrefix } from "../kv/keys.ts";
import {
  getOrganizerRole,
  listMembers,
  listOrganizers,
  readOrganizer,
  type StoredOrganizer,
} from "../kv/organizers.ts";
import { readRanges } from "../kv/ranges.ts";
import type { Store } from "../kv/store.ts";
import { deletionLine, eventLine, type ExportLine, organizerLine } from "./export_lines.ts";
import { notFound, type Principal, relationOf, requireAdmin, requireSignedIn } from "./policy.ts";
import { allowsFor } from "./policy_table.ts";

export interface ExportOptions {
  principal: Principal;
  /** Only what changed after this position. */
  since?: string | undefined;
  /** Only this organizer and its events. */
  organizerId?: OrganizerId | undefined;
}

export interface Export {
  /** Of the journal, before anything was read: what the next export gives as `since`. */
  position: string;
  /** How many events it will hold, about; null when nobody knows. */
  total: number | null;
  lines: AsyncGenerator<ExportLine>;
}

/** Records read at once: each may be as large as a value. */
const RECORDS_PER_READ = 50;
const ORGANIZERS_PER_READ = 100;

/**
 * Begins an export as the caller.
 * @throws {DomainError} `unauthenticated`, `forbidden`, `not_found`, `invalid_query`,
 * `position_gone`, `index_incomplete`.
 */
export async function startExport(
  store: Store,
  { principal, since, organizerId }: ExportOptions,
): Promise<Export> {
  await requireMayExport(store, organizerId, principal);
  // Before the position: what this says of the future is then still true.
  const place = since === undefined ? null : await requirePlace(store, since);
  const index = organizerId === undefined ? "events_by_status_and_end_date" : "events_by_organizer";
  const position = await readPosition(store, place === null ? [index] : []);
  if (place !== null) {
    const until = position.slice(position.indexOf(".") + 1, position.lastIndexOf("-"));
    return { position, total: null, lines: changedLines(store, { place, until, organizerId }) };
  }
  const total = organizerId === undefined ? await countEvents(store) : null;
  return { position, total, lines: allLines(store, organizerId) };
}

/**
 * All is for administrators, an organizer's events for those who write them.
 * @throws {DomainError} `unauthenticated`, `forbidden`, `not_found`.
 */
export async function requireMayExport(
  store: Store,
  organizerId: OrganizerId | undefined,
  principal: Principal,
): Promise<void> {
  if (organizerId === undefined) return requireAdmin(principal);
  requireSignedIn(principal);
  if (await readOrganizer(store, organizerId) === null) throw notFound(organizerId);
  const role = await getOrganizerRole(store, organizerId, principal.userId);
  if (allowsFor("export", relationOf(principal, role))) return;
  throw new DomainError("forbidden", `The caller is no editor of organizer "${organizerId}".`);
}

async function requirePlace(store: Store, since: string): Promise<JournalPlace> {
  const place = await readPlace(store, since, "since");
  if (place !== null) return place;
  throw new DomainError(
    "invalid_query",
    "since: This must be a position that an export or a list answered.",
    { parameter: "since" },
  );
}

async function* allLines(
  store: Store,
  organizerId: OrganizerId | undefined,
): AsyncGenerator<ExportLine> {
  const written = new Set<OrganizerId>();
  for await (const stored of organizersOf(store, organizerId)) {
    written.add(stored.organizer.id);
    yield await lineOf(store, stored);
  }
  for await (const record of recordsOf(store, organizerId)) {
    // Made since the organizers were read.
    if (!written.has(record.organizerId)) {
      written.add(record.organizerId);
      const stored = await readOrganizer(store, record.organizerId);
      if (stored !== null) yield await lineOf(store, stored);
    }
    yield eventLine(record, await wholeHistory(store, record));
  }
}

async function* organizersOf(
  store: Store,
  organizerId: OrganizerId | undefined,
): AsyncGenerator<StoredOrganizer> {
  if (organizerId !== undefined) {
    const stored = await readOrganizer(store, organizerId);
    if (stored !== null) yield stored;
    return;
  }
  for (let after: OrganizerId | undefined = undefined;;) {
    const page = await listOrganizers(store, { limit: ORGANIZERS_PER_READ, after });
    yield* page;
    if (page.length < ORGANIZERS_PER_READ) return;
    after = page.at(-1)!.organizer.id;
  }
}

async function lineOf(store: Store, { organizer }: StoredOrganizer): Promise<ExportLine> {
  return organizerLine(organizer, await listMembers(store, organizer.id));
}

async function* recordsOf(
  store: Store,
  organizerId: OrganizerId | undefined,
): AsyncGenerator<EventRecord> {
  if (organizerId === undefined) {
    for (let after: EventId | undefined = undefined;;) {
      const page = await listRecords(store, { limit: RECORDS_PER_READ, after });
      for (const { record } of page) yield record;
      if (page.length < RECORDS_PER_READ) return;
      after = page.at(-1)!.record.id;
    }
  }
  const range = { prefix: byOrganizerPrefix(organizerId) };
  for (let after: { date: number; id: EventId } | undefined = undefined;;) {
    const { rows, done } = await readRanges(store, [range], { after, batch: RECORDS_PER_READ });
    for (const stored of await getEvents(store, rows.map((row) => row.id))) {
      // What moved away since is told to whoever asks for the changes.
      if (stored?.record.organizerId === organizerId) yield stored.record;
    }
    if (done) return;
    after = rows.at(-1);
  }
}

/**
 * An event changed several times is written at its last change, as it is then; one that changes
 * again while we read is left to the next export, which begins after `until`.
 */
async function* changedLines(
  store: Store,
  { place, until, organizerId }: {
    place: JournalPlace;
    until: string;
    organizerId: OrganizerId | undefined;
  },
): AsyncGenerator<ExportLine> {
  // Organizers are not in the journal. Whoever changes one, or its members, writes its record.
  for await (const stored of organizersOf(store, organizerId)) {
    if (stored.versionstamp > place.versionstamp) yield await lineOf(store, stored);
  }
  const isOurs = (id: OrganizerId | undefined) => organizerId === undefined || id === organizerId;
  for await (const changes of changesAfter(store, place, until)) {
    const wanted = changes.filter(({ event, was }) =>
      isOurs(event.organizerId) || isOurs(was?.organizerId)
    );
    const stored = await getEvents(store, wanted.map((change) => change.event.id));
    for (const [i, change] of wanted.entries()) {
      const record = stored[i]?.record;
      if (isGone(change, organizerId)) yield deletionLine(change.event);
      // An event that came back under its id may have the version again, and another organizer.
      else if (record?.version === change.version && isOurs(record.organizerId)) {
        yield eventLine(record, await wholeHistory(store, record));
      }
    }
  }
}

/** Deleted, or moved to an organizer that the export is not about. */
function isGone({ type, event }: Change, organizerId: OrganizerId | undefined): boolean {
  return type === "deleted" ||
    (organizerId !== undefined && event.organizerId !== organizerId);
}
