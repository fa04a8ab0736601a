/** Suspended users for the tests of what they withhold. */
import assert from "node:assert/strict";
import type { OrganizerId, UserId } from "../../kv/event_record.ts";
import { userKey } from "../../kv/keys.ts";
import { listOrganizersOf, readOrganizer } from "../../kv/organizers.ts";
import type { Store } from "../../kv/store.ts";
import { addWithholding, listWithholdings } from "../../kv/withholdings.ts";
import { type NewEvent, submitEvent } from "../../lifecycle/create_event.ts";
import { editEvent, type EventEdit } from "../../lifecycle/edit_event.ts";
import type { RunContext } from "../../lifecycle/jobs/job.ts";
import { WITHHOLD_EVENTS } from "../../lifecycle/jobs/withhold_events.ts";
import { ROOT } from "../../lifecycle/policy.ts";
import { aUser } from "../kv/people_records.ts";
import { allRecords, assertIndexesRebuild, NOW } from "../support/fixture.ts";
import { addMember, aRunContext, interrupt, onStore, organizerId } from "./lifecycle_fixture.ts";

export const ADMIN_ID: UserId = "usr_admin";
export const HALL = organizerId(1);
export const CLUB = organizerId(2);

const NEW_EVENT: NewEvent = {
  content: { title: "New" },
  times: { startDate: "2026-12-06T19:00:00Z", endDate: "2026-12-06T20:00:00Z" },
  status: "CONFIRMED",
  organizerId: HALL,
};

/** Makes an event of the Hall. */
export const submit = (store: Store, input: Partial<NewEvent> = {}) =>
  submitEvent(store, { ...NEW_EVENT, ...input }, { principal: ROOT, now: NOW });

export function edit(store: Store, id: `evt_${string}`, change: Partial<EventEdit>) {
  const whole = { content: {}, times: {}, ...change };
  return editEvent(store, id, { edit: whole, principal: ROOT, now: NOW });
}

/** A test on a store in which Ann owns the Hall, and Bob the Club. */
export function withHallAndClub(body: (store: Store) => Promise<void>): () => Promise<void> {
  return onStore(async (store) => {
    await addMember(store, HALL, { userId: "usr_ann", role: "owner" });
    await addMember(store, CLUB, { userId: "usr_bob", role: "owner" });
    await body(store);
  });
}

/** Runs `act` once, when the store has answered `method` for the `nth` time. */
export function once(
  store: Store,
  { method, nth }: { method: "get" | "getMany" | "list" | "commit"; nth: number },
  act: () => Promise<unknown>,
): void {
  let answers = 0;
  interrupt(store, method, async () => {
    if (++answers === nth) await act();
  });
}

/** Suspends users, and asks in the same commit to look at their organizers. */
export function suspend(store: Store, ...ids: UserId[]): Promise<void> {
  return setSuspended(store, ids, NOW);
}

export function reinstate(store: Store, ...ids: UserId[]): Promise<void> {
  return setSuspended(store, ids, null);
}

async function setSuspended(store: Store, ids: UserId[], at: number | null): Promise<void> {
  const operation = store.kv.atomic();
  for (const id of ids) {
    operation.set(userKey(id), aUser(id, { suspendedAt: at }));
    for (const organizer of await listOrganizersOf(store, id)) {
      addWithholding(operation, organizer, { by: ADMIN_ID, at: NOW });
    }
  }
  assert.ok((await operation.commit()).ok);
}

export function runWithholding(store: Store, context: Partial<RunContext> = {}) {
  return WITHHOLD_EVENTS.run(store, aRunContext(context));
}

export async function isWaiting(store: Store): Promise<boolean> {
  return (await listWithholdings(store)).length > 0;
}

/** Asserts that the organizer and all its events have the flag, and that nothing waits. */
export async function assertWithheld(
  store: Store,
  id: OrganizerId,
  isWithheld: boolean,
): Promise<void> {
  assert.equal((await readOrganizer(store, id))?.organizer.isWithheld ?? false, isWithheld);
  for (const record of await allRecords(store)) {
    if (record.organizerId !== id) continue;
    assert.equal(record.isWithheld, isWithheld, `${record.id} ${record.title}`);
  }
  assert.equal(await isWaiting(store), false);
  await assertIndexesRebuild(store);
}
