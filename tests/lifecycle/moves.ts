/** Moves for their tests: of all events of `FROM` to `TO`. */
import assert from "node:assert/strict";
import type { EventId, EventRecord, UserId } from "../../kv/event_record.ts";
import { FORMATS } from "../../kv/formats.ts";
import { createMove, listMoves, type OrganizerMove } from "../../kv/organizer_moves.ts";
import type { Store } from "../../kv/store.ts";
import type { RunContext } from "../../lifecycle/jobs/job.ts";
import { MOVE_EVENTS } from "../../lifecycle/jobs/move_events.ts";
import { allChanges, allRecords, aRecord, NOW, storeAll } from "../support/fixture.ts";
import { aRunContext, organizerId } from "./lifecycle_fixture.ts";

export const FROM = aRecord().organizerId;
export const TO = organizerId(1);
export const ADMIN_ID: UserId = "usr_admin";

/** Asks for the move from `FROM`. */
export async function askMove(
  store: Store,
  { from = FROM, ...overrides }: Partial<OrganizerMove> & { from?: typeof FROM } = {},
): Promise<void> {
  const format = FORMATS.organizer_move.current;
  const move = { format, to: TO, by: ADMIN_ID, at: NOW, reason: "Merged" };
  assert.ok(await createMove(store, from, { ...move, ...overrides }));
}

export function runMoves(store: Store, context: Partial<RunContext> = {}) {
  return MOVE_EVENTS.run(store, aRunContext(context));
}

/** `count` events of `FROM`. */
export async function storeSome(
  store: Store,
  count: number,
  overrides: (i: number) => Partial<EventRecord> = () => ({}),
): Promise<EventId[]> {
  const records = Array.from({ length: count }, (_, i) => aRecord(overrides(i)));
  return (await storeAll(store, records)).map(({ record }) => record.id);
}

/** The ids of an organizer's events, by the records. */
export async function eventsOf(store: Store, id: typeof FROM): Promise<EventId[]> {
  const records = await allRecords(store);
  return records.filter((record) => record.organizerId === id).map((record) => record.id).sort();
}

export async function isUnderWay(store: Store): Promise<boolean> {
  return (await listMoves(store)).length > 0;
}

/** Asserts that the journal has each version of each event once and in order. */
export async function assertJournalContiguous(store: Store): Promise<void> {
  const versions = new Map<EventId, number>();
  for (const { event, version } of await allChanges(store)) {
    assert.equal(version, (versions.get(event.id) ?? 0) + 1, `of ${event.id}`);
    versions.set(event.id, version);
  }
  for (const { id, version } of await allRecords(store)) assert.equal(version, versions.get(id));
}

/** How often the journal says that each event went from `FROM` to `TO`. */
export async function movesByEvent(store: Store): Promise<Map<EventId, number>> {
  const counts = new Map<EventId, number>();
  for (const { event, was } of await allChanges(store)) {
    if (was?.organizerId !== FROM || event.organizerId !== TO) continue;
    counts.set(event.id, (counts.get(event.id) ?? 0) + 1);
  }
  return counts;
}
