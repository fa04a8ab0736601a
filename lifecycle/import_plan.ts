/**
 * What a dry run of an import would have stored, laid over what is stored: so that a second line
 * about an event, or one that wants its external id, is told what the real import would tell it.
 */
import type { EventId, EventRecord, OrganizerId } from "../kv/event_record.ts";
import { findByExternalId, getEvent } from "../kv/events.ts";
import { findOrganizer, type Organizer, type OrganizerMember } from "../kv/organizers.ts";
import type { Store } from "../kv/store.ts";

export interface PlannedOrganizer {
  organizer: Organizer;
  members: OrganizerMember[];
}

export class ImportPlan {
  /** Null: deleted. */
  readonly #records = new Map<EventId, EventRecord | null>();
  readonly #names = new Map<string, EventId>();
  readonly #organizers = new Map<OrganizerId, PlannedOrganizer>();
  readonly #organizerNames = new Map<string, OrganizerId>();

  constructor(readonly store: Store) {}

  /** Null when there is none. */
  async get(id: EventId): Promise<EventRecord | null> {
    const planned = this.#records.get(id);
    return planned === undefined ? (await getEvent(this.store, id))?.record ?? null : planned;
  }

  /** The event with this external id, within one organizer. */
  async find(externalId: string, organizerId: OrganizerId): Promise<EventId | null> {
    const planned = this.#names.get(nameOf(externalId, organizerId));
    if (planned !== undefined) return planned;
    const id = await findByExternalId(this.store, externalId, organizerId);
    const changed = id === null ? undefined : this.#records.get(id);
    if (changed === undefined) return id;
    const isStill = changed?.externalId === externalId && changed.organizerId === organizerId;
    return isStill ? id : null;
  }

  /** False when another line took the id or the external id since they were looked for. */
  create(record: EventRecord): boolean {
    const { id, externalId, organizerId } = record;
    if (this.#records.get(id)) return false;
    if (externalId !== null && this.#names.has(nameOf(externalId, organizerId))) return false;
    this.#keep(record);
    return true;
  }

  /** False when another line changed the event since `before` was read. */
  replace(before: EventRecord, after: EventRecord): boolean {
    const planned = this.#records.get(after.id);
    if (planned !== undefined && planned !== before) return false;
    this.#forgetName(before);
    this.#keep(after);
    return true;
  }

  delete(record: EventRecord): void {
    this.#forgetName(record);
    this.#records.set(record.id, null);
  }

  /** Makes or changes it. */
  keepOrganizer(planned: PlannedOrganizer): void {
    const { id, externalId } = planned.organizer;
    const before = this.#organizers.get(id)?.organizer.externalId ?? null;
    if (before !== null) this.#organizerNames.delete(before);
    this.#organizers.set(id, planned);
    if (externalId !== null) this.#organizerNames.set(externalId, id);
  }

  /** Undefined when no line changed it. */
  organizer(id: OrganizerId): PlannedOrganizer | undefined {
    return this.#organizers.get(id);
  }

  async findOrganizer(externalId: string): Promise<OrganizerId | null> {
    const planned = this.#organizerNames.get(externalId);
    if (planned !== undefined) return planned;
    const id = await findOrganizer(this.store, externalId);
    const changed = id === null ? undefined : this.#organizers.get(id);
    return changed === undefined || changed.organizer.externalId === externalId ? id : null;
  }

  #forgetName({ externalId, organizerId }: EventRecord): void {
    if (externalId !== null) this.#names.delete(nameOf(externalId, organizerId));
  }

  #keep(record: EventRecord): void {
    const { id, externalId, organizerId } = record;
    this.#records.set(id, record);
    if (externalId !== null) this.#names.set(nameOf(externalId, organizerId), id);
  }
}

function nameOf(externalId: string, organizerId: OrganizerId): string {
  return `${organizerId} ${externalId}`;
}
