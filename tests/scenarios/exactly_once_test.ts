/** Completed exactly once: sweeps race each other and the organizers, and nothing is lost. */
import assert from "node:assert/strict";
import type { EventId } from "../../kv/event_record.ts";
import { createEvent, getEvent, replaceEvent } from "../../kv/events.ts";
import { Store } from "../../kv/store.ts";
import { settleStep } from "../../lifecycle/change_event.ts";
import { editEvent } from "../../lifecycle/edit_event.ts";
import { newEventId } from "../../lifecycle/ids.ts";
import { COMPLETE_EVENTS } from "../../lifecycle/jobs/complete_events.ts";
import { SILENT } from "../../lifecycle/log.ts";
import { ROOT } from "../../lifecycle/policy.ts";
import { transitionEvent } from "../../lifecycle/transition_event.ts";
import {
  allChanges,
  allRecords,
  aRecord,
  assertIndexesRebuild,
  completionsByEvent,
  freshStore,
  HOUR,
  NOW,
  scaled,
  storeEvent,
} from "../support/fixture.ts";
import { random } from "../support/random.ts";

const LATER = NOW + 3 * HOUR;

async function storeDue(store: Store, count: number): Promise<EventId[]> {
  const ids: EventId[] = [];
  for (let i = 0; i < count; i++) {
    const record = aRecord({ id: newEventId(NOW), title: `Event ${i}` });
    await createEvent(store, record, ROOT.userId);
    ids.push(record.id);
  }
  return ids;
}

function sweep(store: Store, number: number) {
  return COMPLETE_EVENTS.run(store, {
    runId: `run_${number}`,
    trigger: "cron",
    now: LATER,
    dryRun: false,
    shouldStop: () => false,
    log: SILENT,
  });
}

/** What an organizer did to an event, to be found in it afterwards. */
interface Deed {
  id: EventId;
  kind: "retitled" | "extended" | "cancelled";
  value: string;
}

async function organize(
  store: Store,
  ids: EventId[],
  { seed, deeds }: { seed: number; deeds: number },
): Promise<Deed[]> {
  const next = random(seed);
  const done: Deed[] = [];
  for (let i = 0; i < deeds; i++) {
    const id = ids[Math.floor(next() * ids.length)]!;
    const kind = (["retitled", "extended", "cancelled"] as const)[Math.floor(next() * 3)]!;
    const value = `${kind} by ${seed}-${i}`;
    if (await isDone(store, { id, kind, value })) done.push({ id, kind, value });
  }
  return done;
}

/** Does it, a moment before the end; false when that is refused. */
async function isDone(store: Store, { id, kind, value }: Deed): Promise<boolean> {
  // So that the edit is legitimate whenever it lands first.
  const as = { principal: ROOT, now: NOW };
  try {
    if (kind === "cancelled") {
      await transitionEvent(store, id, { input: { to: "CANCELLED", reason: value }, ...as });
    } else {
      const times = kind === "extended" ? { endDate: "2026-12-06T12:00:00Z" } : {};
      await editEvent(store, id, {
        edit: { content: { metadata: { [value]: "yes" } }, times },
        ...as,
      });
    }
    return true;
  } catch (error) {
    // Too late: it is over, or somebody cancelled it. A refusal is no lost edit.
    const code = (error as { code?: string }).code;
    assert.ok(["illegal_transition", "reopen_required", "conflict"].includes(code!), String(error));
    return false;
  }
}

async function assertNothingLost(store: Store, deeds: Deed[]): Promise<void> {
  const records = new Map((await allRecords(store)).map((record) => [record.id, record]));
  for (const { id, kind, value } of deeds) {
    const record = records.get(id)!;
    if (kind === "cancelled") {
      assert.equal(record.status, "CANCELLED", `${id} was ${value}`);
    } else {
      assert.equal(record.metadata[value], "yes", `${id} lost "${value}"`);
    }
  }
}

async function assertExactlyOnce(store: Store): Promise<number> {
  const completions = await completionsByEvent(store);
  for (const record of await allRecords(store)) {
    const expected = record.status === "COMPLETED" ? 1 : 0;
    assert.equal(completions.get(record.id) ?? 0, expected, `${record.id} is ${record.status}`);
    const moved = record.status === "CANCELLED" || (record.endDate ?? Infinity) > LATER;
    assert.ok(expected === 1 || moved, `${record.id} is neither completed nor moved`);
  }
  const versions = new Map<EventId, number>();
  for (const { event, version } of await allChanges(store)) {
    assert.equal(version, (versions.get(event.id) ?? 0) + 1, `${event.id} skips a version`);
    versions.set(event.id, version);
  }
  return completions.size;
}

/** Eight sweeps and four organizers at once, and a last sweep; asserts nothing. */
async function race(store: Store, ids: EventId[], deeds: number) {
  const [reports, ...done] = await Promise.all([
    Promise.all(Array.from({ length: 8 }, (_, i) => sweep(store, i))),
    ...Array.from({ length: 4 }, (_, seed) => organize(store, ids, { seed, deeds })),
  ]);
  // What an organizer had in hand when the sweeps passed by is left to the next one.
  const last = await sweep(store, 8);
  return { reports: [...reports, last], deeds: done.flat() };
}

Deno.test("8 sweeps at once, while organizers edit, extend and cancel, complete each event once", async () => {
  const store = await freshStore();
  try {
    const ids = await storeDue(store, scaled(2_000, 400));
    const { reports, deeds } = await race(store, ids, scaled(300, 60));
    const completed = await assertExactlyOnce(store);
    assert.equal(
      reports.reduce((sum, report) => sum + report.changed, 0),
      completed,
      "the reports count each completion once",
    );
    await assertNothingLost(store, deeds);
    await assertIndexesRebuild(store);
    assert.ok(deeds.length > 0 && completed > 0);
  } finally {
    store.close();
  }
});

/** The versions that a commit checks: those its decision was made on, or the newest there are. */
type Checking = "decided on" | "newest";

/**
 * Another store over the KV of `honest`, whose commits run one after the other, each after
 * `before` was told which keys it checks: the moment between a decision and its commit.
 */
async function interruptedStore(
  honest: Store,
  checking: Checking,
  before: (keys: Deno.KvKey[]) => Promise<void>,
): Promise<Store> {
  const { kv } = honest;
  let queue: Promise<unknown> = Promise.resolve();
  function atomic(): Deno.AtomicOperation {
    const operation = kv.atomic();
    const checks: Deno.AtomicCheck[] = [];
    const add = operation.check.bind(operation);
    const send = operation.commit.bind(operation);
    async function commit() {
      await before(checks.map(({ key }) => key));
      for (const { key, versionstamp } of checks) {
        const rereads = checking === "newest" && versionstamp !== null;
        add({ key, versionstamp: rereads ? (await kv.get(key)).versionstamp : versionstamp });
      }
      return await send();
    }
    return Object.assign(operation, {
      check(...more: Deno.AtomicCheck[]) {
        checks.push(...more);
        return operation;
      },
      commit: () => (queue = queue.then(commit)),
    });
  }
  const interrupted = new Proxy(kv, {
    get(_, property) {
      if (property === "atomic") return atomic;
      // The KV is the other store's to close.
      if (property === "close") return () => {};
      const value = Reflect.get(kv, property, kv);
      return typeof value === "function" ? value.bind(kv) : value;
    },
  });
  return await Store.over(interrupted);
}

/** The race, with an organizer's edit of each event between a decision on it and its commit. */
async function raceWithEditsBetween(
  checking: Checking,
  look: (store: Store, deeds: Deed[]) => Promise<void>,
): Promise<void> {
  const honest = await freshStore();
  const touched = new Set<EventId>();
  const between: Deed[] = [];
  const store = await interruptedStore(honest, checking, async (keys) => {
    const id = keys.find(([name]) => name === "event")?.[1] as EventId | undefined;
    if (id === undefined || touched.has(id)) return;
    touched.add(id);
    const deed: Deed = { id, kind: "retitled", value: "in between" };
    if (await isDone(honest, deed)) between.push(deed);
  });
  try {
    const ids = await storeDue(honest, 100);
    const { deeds } = await race(store, ids, 10);
    await look(honest, [...between, ...deeds]);
  } finally {
    store.close();
    honest.close();
  }
}

Deno.test("the race is won by everybody with an edit between each decision and its commit", async () => {
  await raceWithEditsBetween("decided on", async (store, deeds) => {
    await assertNothingLost(store, deeds);
    assert.ok(await assertExactlyOnce(store) > 0);
    await assertIndexesRebuild(store);
  });
});

Deno.test("the race is lost by a write path that reads again and checks the newest version", async () => {
  await raceWithEditsBetween("newest", async (store, deeds) => {
    await assert.rejects(assertNothingLost(store, deeds), /lost "in between"/);
    await assert.rejects(assertExactlyOnce(store), assert.AssertionError);
  });
});

Deno.test("a sweep whose decision was overtaken leaves the organizer's edit alone", async () => {
  const store = await freshStore();
  try {
    const read = await storeEvent(store);
    const edit = { content: {}, times: { endDate: "2026-12-06T12:00:00Z" } };
    await editEvent(store, read.record.id, { edit, principal: ROOT, now: NOW });
    const step = settleStep(read.record, { now: LATER, by: "job:run_1" })!;
    assert.equal((await replaceEvent(store, read, [step])).outcome, "conflict");
    assert.equal((await sweep(store, 1)).changed, 0);
    assert.equal((await getEvent(store, read.record.id))!.record.status, "ONGOING");
  } finally {
    store.close();
  }
});

Deno.test("this suite catches a write path that reads again and checks the newer version", async () => {
  const store = await freshStore();
  try {
    const { record: { id } } = await storeEvent(store);
    const deeds: Deed[] = ["first", "second"].map((value) => ({ id, kind: "retitled", value }));
    // The well-known mistake: both decide on one read, and each checks the version of a later one.
    const decidedOn = (await getEvent(store, id))!.record;
    for (const { value } of deeds) {
      const readAgain = (await getEvent(store, id))!;
      const result = await replaceEvent(store, readAgain, [{
        next: { ...decidedOn, metadata: { ...decidedOn.metadata, [value]: "yes" } },
        type: "updated",
        by: ROOT.userId,
        at: NOW,
        entry: { transition: null, reason: null, fields: null },
      }]);
      assert.equal(result.outcome, "committed");
    }
    await assert.rejects(assertNothingLost(store, deeds), /lost "first"/);
  } finally {
    store.close();
  }
});
