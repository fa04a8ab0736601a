/** What the tests of realtime share: people who watch, changes, hubs, and an upstream by hand. */
import assert from "node:assert/strict";
import { cardOf, type EventRecord } from "../../../kv/event_record.ts";
import { getEvent, replaceEvent, type StoredEvent } from "../../../kv/events.ts";
import { beforeOf, type Change } from "../../../kv/journal.ts";
import {
  BEGINNING,
  type PlacedChanges,
  readEntries,
  readHeadPlace,
} from "../../../kv/journal_places.ts";
import type { Store } from "../../../kv/store.ts";
import { createLogger } from "../../../lifecycle/log.ts";
import type { Audience } from "../../../lifecycle/realtime/audience.ts";
import {
  type Delivery,
  Follower,
  type FollowerOptions,
} from "../../../lifecycle/realtime/follower.ts";
import {
  type Batch,
  Hub,
  type HubOptions,
  type Upstream,
} from "../../../lifecycle/realtime/hub.ts";
import { type Subscription, subscriptionOf } from "../../../lifecycle/realtime/subscription.ts";
import { edit } from "../../kv/event_steps.ts";
import { type TestStore, testStore } from "../../kv/test_store.ts";
import { aRecord, DAY, NOW } from "../../support/fixture.ts";
import { organizerId } from "../lifecycle_fixture.ts";

export const GUESTS: Audience = { userId: null, isAdmin: false, organizerIds: new Set() };
export const ADMINS: Audience = { userId: "usr_root", isAdmin: true, organizerIds: new Set() };
/** A member of the first organizer, and staff wherever they are named. */
export const MEMBER: Audience = {
  userId: "usr_alice",
  isAdmin: false,
  organizerIds: new Set([organizerId(1)]),
};

/** Of everything there is, whatever its status. */
export function everythingFor(audience: Audience): Subscription {
  return subscriptionOf({ query: {}, statuses: "any" }, audience);
}

/** The change from one record to another; null: it was created. */
export function changeTo(
  next: EventRecord,
  before: EventRecord | null,
  overrides: Partial<Change> = {},
): Change {
  return {
    type: before === null ? "created" : before.status === next.status ? "updated" : "transitioned",
    at: NOW,
    by: "usr_alice",
    version: next.version,
    event: cardOf(next),
    was: before === null ? null : beforeOf(before, next),
    ...overrides,
  };
}

/** Changes the event as it is in the store now, all in one commit. */
export async function changeStored(
  store: Store,
  event: StoredEvent,
  ...changes: Partial<EventRecord>[]
): Promise<StoredEvent> {
  const read = (await getEvent(store, event.record.id))!;
  let { record } = read;
  const steps = changes.map((one) => edit(record = { ...record, ...one }, {}));
  const result = await replaceEvent(store, read, steps);
  assert.equal(result.outcome, "committed");
  return (await getEvent(store, event.record.id))!;
}

/** A record that `changeTo` may take as the next version of another. */
export function nextOf(record: EventRecord, changes: Partial<EventRecord>): EventRecord {
  return { ...record, version: record.version + 1, ...changes };
}

export { aRecord };

/** A hub's upstream that a test speaks for. */
export class HandUpstream implements Upstream {
  opened = 0;
  closed = 0;
  /** Of the one that was opened last. */
  hub!: { look: () => void; receive: (batch: Batch) => void };

  open(hub: HandUpstream["hub"]): { close: () => Promise<void> } {
    this.opened++;
    this.hub = hub;
    return {
      close: () => {
        this.closed++;
        return Promise.resolve();
      },
    };
  }
}

/** Two processes on one store: what one commits the other is not told of. */
export async function twoProcesses(): Promise<
  { here: TestStore; there: TestStore } & Disposable
> {
  const here = await testStore();
  const there = await testStore({ kv: here.real });
  return {
    here,
    there,
    [Symbol.dispose]() {
      there.close();
      here.close();
    },
  };
}

/** How often the journal was read, from its head or by ranges. */
export function countReads(store: Store): { reads: number } {
  const counted = { reads: 0 };
  const { get, list } = store;
  store.get = function (...args: Parameters<typeof get>) {
    counted.reads++;
    return get.apply(store, args);
  } as typeof get;
  store.list = function (...args: Parameters<typeof list>) {
    counted.reads++;
    return list.apply(store, args);
  } as typeof list;
  return counted;
}

/** What was logged, as it would be read. */
export function aLog() {
  const lines: { level: string; message: string }[] = [];
  const log = createLogger({
    level: "debug",
    readable: false,
    timeZone: "UTC",
    write: (line) => lines.push(JSON.parse(line)),
    clock: () => NOW,
  });
  return { log, lines };
}

export function aHub(store: Store, options: Partial<HubOptions> = {}): Hub {
  return new Hub(store, { log: aLog().log, ...options });
}

/** A listener that counts. */
export function aListener() {
  const listener = {
    times: { advanced: 0, misled: 0, closed: 0 },
    advanced: () => void listener.times.advanced++,
    misled: () => void listener.times.misled++,
    closed: () => void listener.times.closed++,
  };
  return listener;
}

/** Everything in the journal. */
export async function allEntries(store: Store): Promise<PlacedChanges[]> {
  return (await readEntries(store, BEGINNING, 500)).entries;
}

/** What was committed since `from`, as a relay would tell it. */
export async function batchAfter(store: Store, from: Batch["prev"]): Promise<Batch> {
  const { entries } = await readEntries(store, from, 500);
  // As it comes over the wire: other objects.
  return structuredClone({ prev: from, entries });
}

export const headOf = readHeadPlace;

/** A follower of everything, from the journal's end on unless told otherwise. */
export async function follow(
  hub: Hub,
  options: Partial<Omit<FollowerOptions, "subscription">> & { subscription?: Subscription } = {},
): Promise<Follower> {
  const { subscription = everythingFor(ADMINS), ...rest } = options;
  const follower = await Follower.open(hub, {
    from: null,
    subscription: () => Promise.resolve(subscription),
    clock: () => NOW,
    openEndedMs: DAY,
    ...rest,
  });
  assert.ok(follower !== null);
  return follower;
}

/** The ids of the next messages, at least `count` of them; fails on anything else but heartbeats. */
export async function nextIds(follower: Follower, count: number): Promise<string[]> {
  const ids: string[] = [];
  while (ids.length < count) {
    const delivery = await follower.next();
    assert.ok(delivery !== null, "it ended");
    if (delivery.type === "heartbeat") continue;
    ids.push(...idsOf(delivery));
  }
  return ids;
}

export function idsOf(delivery: Delivery): string[] {
  assert.equal(delivery.type, "messages", JSON.stringify(delivery));
  return delivery.type === "messages" ? delivery.messages.map(({ id }) => id) : [];
}
