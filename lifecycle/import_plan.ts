/**
 * What a dry run of an import would have stored, laid over what is stored: so that a second line
 * about an event, or one that wants its external id, is told what the real import would tell it.
 */
import type { EventId, EventRecord, OrganizerId } from "../kv/event_record.ts";
import { findByExternalId, getEvent } from "../kv/events.ts";
import type { Store } from "../kv/store.ts";

export class ImportPlan {
  readonly #records = new Map<EventId, EventRecord>();
  readonly #names = new Map<string, EventId>();

  constructor(readonly store: Store) {}

  /** Null when there is none. */
  async get(id: EventId): Promise<EventRecord | null> {
    return this.#records.get(id) ?? (await getEvent(this.store, id))?.record ?? null;
  }

  /** The event with this external id, within one organizer. */
  async find(externalId: string, organizerId: OrganizerId): Promise<EventId | null> {
    const planned = this.#names.get(nameOf(externalId, organizerId));
    if (planned !== undefined) return planned;
    const id = await findByExternalId(this.store, externalId, organizerId);
    const renamed = id === null ? undefined : this.#records.get(id);
    return renamed === undefined || renamed.externalId === externalId ? id : null;
  }

  /** False when another line took the id or the external id since they were looked for. */
  create(record: EventRecord): boolean {
    const { id, externalId, organizerId } = record;
    if (this.#records.has(id)) return false;
    if (externalId !== null && this.#names.has(nameOf(externalId, organizerId))) return false;
    this.#keep(record);
    return true;
  }

  /** False when another line changed the event since `before` was read. */
  replace(before: EventRecord, after: EventRecord): boolean {
    if ((this.#records.get(after.id) ?? before) !== before) return false;
    if (before.externalId !== null) {
      this.#names.delete(nameOf(before.externalId, before.organizerId));
    }
    this.#keep(after);
    return true;
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
