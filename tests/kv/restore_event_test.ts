import assert from "node:assert/strict";
import fc from "fast-check";
import type { EventRecord, HistoryEntry, UserId } from "../../kv/event_record.ts";
import { historySlices, wholeHistory } from "../../kv/event_history.ts";
import {
  createEvent,
  deleteEvent,
  getEvent,
  replaceEvent,
  type StoredEvent,
} from "../../kv/events.ts";
import { restoreEvent } from "../../kv/restore_event.ts";
import { FORMATS } from "../../kv/formats.ts";
import { eventHistoryPrefix, eventKey, eventRestoreKey } from "../../kv/keys.ts";
import {
  MAX_CARD_BYTES,
  MAX_CHECKS_PER_COMMIT,
  MAX_HISTORY_BYTES,
  MAX_HISTORY_ENTRIES,
  MAX_MUTATIONS_PER_COMMIT,
  MAX_RECORD_BYTES,
  sizeBound,
} from "../../kv/limits.ts";
import type { Store } from "../../kv/store.ts";
import { allChanges, aRecord, assertIndexesRebuild, NOW, storeEvent } from "../support/fixture.ts";
import { edit } from "./event_steps.ts";
import { cardBytes, filled, recordBytes } from "./filled_record.ts";
import { anEntry, entries, withHistory } from "./history_entries.ts";
import { aLine } from "./people_records.ts";
import { everything, testStore } from "./test_store.ts";

const AS_ROOT = { by: "usr_root", at: NOW } as const;
const CONFLICT = { outcome: "conflict" };

const restore = (store: Store, record: EventRecord, read: StoredEvent | null = null) =>
  restoreEvent(store, read, { record, ...AS_ROOT });

/** The record and its whole history, as they lie in the store. */
async function stored(store: Store, { id }: EventRecord) {
  const { record } = (await getEvent(store, id))!;
  return { ...record, history: await wholeHistory(store, record) };
}

const movedRows = (store: Store, { id }: EventRecord) =>
  Array.fromAsync(store.kv.list<HistoryEntry>({ prefix: eventHistoryPrefix(id) }));

Deno.test("restoreEvent() stores the record as it is, its indexes and one change", async () => {
  using store = await testStore();
  const record = withHistory(entries(1, 7), {
    status: "ARCHIVED",
    archivedFrom: "COMPLETED",
    completedAt: NOW - 5,
    createdAt: NOW - 9,
    updatedAt: NOW - 3,
    externalId: "gala",
  });
  assert.equal((await restore(store, record)).outcome, "committed");
  assert.deepEqual(await stored(store, record), record);
  await assertIndexesRebuild(store);
  const [change, ...others] = await allChanges(store);
  assert.deepEqual(others, []);
  const { type, version, by, at, was } = change!;
  assert.deepEqual([type, version, by, at, was], ["created", 7, "usr_root", NOW, null]);
});

Deno.test("restoreEvent() restores thousands of entries whole, in commits that the store takes", async () => {
  using store = await testStore();
  const reason = "雪".repeat(500);
  const record = withHistory([...entries(1, 2_500), ...entries(2_501, 3_000, { reason })]);
  assert.equal((await restore(store, record)).outcome, "committed");
  const { history } = await stored(store, record);
  assert.equal(history.length, 3_000);
  assert.deepEqual(history, record.history);
  const { value } = await store.kv.get<EventRecord>(eventKey(record.id));
  assert.ok(value!.history.length > 0 && value!.history.length < MAX_HISTORY_ENTRIES);
  for (const { checks, sets, deletes } of store.sent) {
    assert.ok(sets.length + deletes.length <= MAX_MUTATIONS_PER_COMMIT);
    assert.ok(checks.length <= MAX_CHECKS_PER_COMMIT);
  }
  assert.equal((await store.kv.get(eventRestoreKey(record.id))).value, null, "no claim is left");
  assert.equal((await allChanges(store)).length, 1);
});

Deno.test("a history that reaches the limits of a commit goes in beside the largest card", async () => {
  using store = await testStore();
  const base = withHistory(entries(1, 900, { reason: "雪".repeat(130) }), {
    tags: Array.from({ length: 20 }, (_, i) => `tag ${i}`),
    staff: Array.from({ length: 50 }, (_, i) => ({ userId: `usr_${i}`, role: "viewer" as const })),
    externalId: "x".repeat(200),
  });
  const record = filled(base, {
    field: "summary",
    bytes: MAX_CARD_BYTES,
    letter: "雪",
    measure: cardBytes,
  });
  assert.equal((await restore(store, record)).outcome, "committed");
  assert.deepEqual((await stored(store, record)).history, record.history);
});

Deno.test("as many rights as an event can give and take go in beside a history at the limit", async () => {
  using store = await testStore();
  const id = (letter: string, i: number): UserId =>
    `usr_${letter.repeat(24)}${String(i).padStart(2, "0")}`;
  const namesOf = (letter: string) => ({
    tags: Array.from({ length: 20 }, (_, i) => `${letter}${i}`.padEnd(50, "-")),
    staff: Array.from(
      { length: 50 },
      (_, i) => ({ userId: id(letter, i), role: "viewer" as const }),
    ),
    externalId: letter.repeat(200),
  });
  const before = withHistory(entries(1, 3), namesOf("A"));
  assert.equal((await restore(store, before)).outcome, "committed");
  const record = withHistory(entries(1, 1_100), namesOf("B"));
  const audit = [...before.staff, ...record.staff].map(({ userId }, i) =>
    aLine(i, { by: id("C", 0), userId })
  );
  const read = (await getEvent(store, record.id))!;
  const restored = await restoreEvent(store, read, { record, ...AS_ROOT, audit });
  assert.equal(restored.outcome, "committed");
  const { sets, deletes } = store.sent.at(-1)!;
  assert.ok(sets.length + deletes.length <= MAX_MUTATIONS_PER_COMMIT);
  assert.equal(sets.filter(([name]) => name === "audit").length, 100);
  assert.deepEqual((await stored(store, record)).history, record.history);
});

Deno.test("restoreEvent() replaces what it was decided on, and keeps the older rows", async () => {
  using store = await testStore();
  const before = withHistory(entries(1, 80));
  await restore(store, before);
  const read = (await getEvent(store, before.id))!;
  const after = { ...before, version: 95, title: "Anew", history: entries(1, 95) };
  assert.equal((await restore(store, after, read)).outcome, "committed");
  assert.deepEqual(await stored(store, before), after);
  await assertIndexesRebuild(store);
  assert.deepEqual((await allChanges(store)).map(({ type }) => type), ["created", "updated"]);
});

Deno.test("restoreEvent() is a conflict and writes nothing when the event or its external id is taken", async () => {
  using store = await testStore();
  const taken = await storeEvent(store, { externalId: "gala" });
  const before = await everything(store);
  assert.deepEqual(
    await restore(store, withHistory(entries(1, 3), { id: taken.record.id })),
    CONFLICT,
  );
  assert.deepEqual(
    await restore(store, withHistory(entries(1, 3), { externalId: "gala" })),
    CONFLICT,
  );
  assert.deepEqual(await everything(store), before);
  const result = await replaceEvent(store, taken, [edit(taken.record, { title: "Faster" })]);
  assert.equal(result.outcome, "committed");
  const next = { ...taken.record, version: 2, history: entries(1, 2) };
  assert.deepEqual(await restore(store, next, taken), CONFLICT, "it changed since it was read");
});

Deno.test("of two imports of one event at once, one restores it", async () => {
  using store = await testStore();
  const record = withHistory(entries(1, 1_200));
  const outcomes = await Promise.all(Array.from({ length: 4 }, () => restore(store, record)));
  assert.deepEqual(outcomes.filter(({ outcome }) => outcome === "committed").length, 1);
  assert.deepEqual(await stored(store, record), record);
});

Deno.test("two histories of one event that are restored at once are never mixed", async () => {
  using store = await testStore();
  for (let round = 0; round < 10; round++) {
    const ours = withHistory(entries(1, 1_200, { reason: "ours" }));
    const theirs = { ...ours, history: entries(1, 1_150, { reason: "theirs" }), version: 1_150 };
    const again = async (record: EventRecord) => {
      for (let attempt = 0; attempt < 4; attempt++) {
        if (await getEvent(store, record.id) !== null) return;
        await restore(store, record);
      }
    };
    await Promise.all([again(ours), again(theirs)]);
    if (await getEvent(store, ours.id) === null) continue;
    const { history, version } = await stored(store, ours);
    assert.equal(history.length, version);
    assert.deepEqual([...new Set(history.map(({ reason }) => reason))].length, 1);
  }
});

Deno.test("rows of a restore that lost half way are nobody's history", async () => {
  using store = await testStore();
  const lost = withHistory(entries(1, 1_200, { reason: "lost" }));
  const winner = aRecord({ id: lost.id });
  let commits = 0;
  store.faults.commit = async (send) => {
    // The third is that of the rows that follow the claim and the first rows.
    if (++commits === 3) {
      store.faults.commit = undefined;
      await createEvent(store, winner, "usr_bob");
    }
    return await send();
  };
  assert.deepEqual(await restore(store, lost), CONFLICT);
  assert.ok((await movedRows(store, lost)).length > 0, "it got half way");
  assert.deepEqual((await stored(store, winner)).history.map(({ version }) => version), [1]);

  // Nor do they show when the event's own history grows past them, or is one with gaps.
  let read = (await getEvent(store, winner.id))!;
  for (let i = 0; i < MAX_HISTORY_ENTRIES + 5; i++) {
    const result = await replaceEvent(store, read, [edit(read.record, { title: `Title ${i}` })]);
    assert.ok(result.outcome === "committed");
    read = result.stored[0]!;
  }
  const { history } = await stored(store, winner);
  assert.deepEqual(history.filter(({ reason }) => reason === "lost"), []);
  assert.equal(history.length, read.record.version);
});

Deno.test("a history with gaps shows nothing of what a lost restore left in them", async () => {
  using store = await testStore();
  const lost = withHistory(entries(1, 1_200, { reason: "lost" }));
  let commits = 0;
  store.faults.commit = async (send) => {
    if (++commits === 3) throw new Error("killed");
    return await send();
  };
  await assert.rejects(restore(store, lost), /killed/);
  store.faults.commit = undefined;
  assert.equal(await getEvent(store, lost.id), null, "there is no event without its record");

  const gappy = { ...lost, history: [anEntry(3), ...entries(600, 700)], version: 700 };
  assert.equal((await restore(store, gappy)).outcome, "committed");
  assert.deepEqual((await stored(store, gappy)).history, gappy.history);
});

Deno.test("a deletion that is still clearing away leaves the rows of an event that came back", async () => {
  for (const length of [700, 1_400]) {
    using store = await testStore();
    const record = withHistory(entries(1, 1_400));
    await restore(store, record);
    const read = (await getEvent(store, record.id))!;
    const back = { ...record, version: length, history: entries(1, length, { reason: "back" }) };
    let commits = 0;
    store.faults.commit = async (send) => {
      // The first deletes the event, the second would go on with its rows.
      if (++commits === 2) {
        store.faults.commit = undefined;
        assert.equal((await restore(store, back)).outcome, "committed");
      }
      return await send();
    };
    assert.equal((await deleteEvent(store, read, AS_ROOT)).outcome, "committed");
    assert.deepEqual(await stored(store, record), back, `${length}`);
  }
});

Deno.test("a deleted event of a long history leaves no rows and no claim", async () => {
  using store = await testStore();
  const record = withHistory(entries(1, 1_400));
  await restore(store, record);
  await store.kv.set(eventRestoreKey(record.id), "of one that was killed");
  await deleteEvent(store, (await getEvent(store, record.id))!, AS_ROOT);
  const left = new Set((await everything(store)).map((entry) => entry.key[0]));
  assert.deepEqual([...left].sort(), ["journal", "journal_head", "store"]);
});

Deno.test("a record at the limit is restored with what the lifecycle has added to it since", async () => {
  using store = await testStore();
  for (const letter of ["x", "雪"]) {
    const draft = filled(aRecord({ status: "DRAFT" }), {
      field: "description",
      bytes: MAX_RECORD_BYTES,
      letter,
      measure: recordBytes,
    });
    const archived: EventRecord = {
      ...draft,
      status: "ARCHIVED",
      archivedFrom: "COMPLETED",
      completedAt: NOW,
      version: 2,
      history: entries(1, 2),
    };
    assert.equal((await restore(store, archived)).outcome, "committed");
    const larger = { ...archived, id: aRecord().id, title: archived.title + "x" };
    await assert.rejects(restore(store, larger), { code: "event_too_large" });
  }
});

Deno.test("a newer version may change tags and staff at once, beside a card at its limit", async () => {
  using store = await testStore();
  const staff = (name: string) =>
    Array.from({ length: 50 }, (_, i) => ({
      userId: `usr_${name}${"0".repeat(30)}${i}` as const,
      role: "viewer" as const,
    }));
  const before = withHistory(entries(1, 3), { tags: ["old"], staff: staff("old") });
  await restore(store, before);
  const base = {
    ...before,
    tags: ["new"],
    staff: staff("new"),
    version: 5,
    history: entries(1, 5),
  };
  const after = filled(base, {
    field: "summary",
    bytes: MAX_CARD_BYTES,
    letter: "x",
    measure: cardBytes,
  });
  const read = (await getEvent(store, before.id))!;
  assert.equal((await restore(store, after, read)).outcome, "committed");
});

Deno.test("an entry that would not fit the record is refused, and nothing is written", async () => {
  using store = await testStore();
  const entry = anEntry(2, { fields: {} });
  const room = MAX_HISTORY_BYTES - sizeBound({ ...entry, reason: "" });
  const at = (length: number) =>
    withHistory([anEntry(1), { ...entry, reason: "x".repeat(length) }]);
  const fitting = at(room);
  assert.equal((await restore(store, fitting)).outcome, "committed");
  assert.deepEqual(await stored(store, fitting), fitting);
  const before = await everything(store);
  await assert.rejects(restore(store, at(room + 1)), { code: "event_too_large" });
  assert.deepEqual(await everything(store), before);
});

Deno.test("a record of a newer format is not replaced by a restore", async () => {
  using store = await testStore();
  const { record } = await storeEvent(store);
  await store.kv.set(eventKey(record.id), { ...record, format: FORMATS.event.current + 1 });
  const read = (await getEvent(store, record.id))!;
  const next = { ...record, version: 2, history: entries(1, 2) };
  await assert.rejects(restore(store, next, read), { code: "newer_format" });
});

Deno.test("historySlices() holds every entry once, in order, within the limits", () => {
  const lengths = fc.array(fc.nat(6_000), { maxLength: 1_500 });
  fc.assert(
    fc.property(lengths, (reasons) => {
      const history = reasons.map((length, i) => anEntry(i + 1, { reason: "x".repeat(length) }));
      const slices = historySlices(history);
      assert.deepEqual(slices.flat(), history);
      for (const slice of slices) {
        assert.ok(slice.length > 0 && slice.length <= MAX_MUTATIONS_PER_COMMIT / 2);
        assert.ok(sizeBound(slice) <= 256 * 1024 + 8);
      }
    }),
    { numRuns: 50 },
  );
});

Deno.test("wholeHistory() is whole when no entry fits the record", async () => {
  using store = await testStore();
  const read = await storeEvent(store);
  const reason = "x".repeat(MAX_HISTORY_BYTES);
  const step = edit(read.record, { title: "Anew" }, { reason });
  assert.equal((await replaceEvent(store, read, [step])).outcome, "committed");
  const { history } = await stored(store, read.record);
  assert.deepEqual(history.map(({ version }) => version), [1, 2]);
});
