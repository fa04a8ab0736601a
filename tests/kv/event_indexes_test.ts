import assert from "node:assert/strict";
import fc from "fast-check";
import { INDEX_GENERATION, indexChanges, indexEntries } from "../../kv/event_indexes.ts";
import {
  cardOf,
  EVENT_STATUSES,
  type EventRecord,
  type OrganizerId,
  type StaffMember,
  VISIBILITIES,
} from "../../kv/event_record.ts";
import { getEvent, replaceEvent } from "../../kv/events.ts";
import { eventKey } from "../../kv/keys.ts";
import { SCHEMA } from "../../kv/schema.ts";
import { aRecord, assertIndexesRebuild, NOW, scaled, storeEvent } from "../support/fixture.ts";
import { edit } from "./event_steps.ts";
import { testStore } from "./test_store.ts";

const SOMETIME = [NOW, NOW + 1, NOW + 2];

/** Records of one event that differ in all that indexes look at. */
const records: fc.Arbitrary<EventRecord> = fc.record({
  status: fc.constantFrom(...EVENT_STATUSES),
  visibility: fc.constantFrom(...VISIBILITIES),
  isWithheld: fc.boolean(),
  startDate: fc.constantFrom(...SOMETIME),
  endDate: fc.constantFrom(null, ...SOMETIME),
  tags: fc.subarray(["a", "b", "c"]),
  staff: fc.subarray<StaffMember>([
    { userId: "usr_a", role: "editor" },
    { userId: "usr_b", role: "viewer" },
  ]),
  externalId: fc.constantFrom(null, "x", "y"),
  organizerId: fc.constantFrom<OrganizerId[]>("org_a", "org_b"),
  generation: fc.constantFrom(INDEX_GENERATION, INDEX_GENERATION - 1),
  version: fc.nat(),
}).map((fields) => aRecord({ ...fields, id: "evt_1" }));

const namesOf = (record: EventRecord) =>
  [...new Set(indexEntries(record).map((entry) => entry.key[0]))].sort();

/** The entries as the store would hold them. */
const table = (record: EventRecord) =>
  new Map(indexEntries(record).map(({ key, value }) => [key.join("|"), value]));

Deno.test("the entries of one record become those of the next by its index changes alone", () => {
  fc.assert(
    fc.property(records, records, (before, after) => {
      const stored = table(before);
      const { sets, deletes } = indexChanges(before, after, SCHEMA);
      for (const key of deletes) assert.ok(stored.delete(key.join("|")), "deletes what is there");
      for (const { key, value } of sets) stored.set(key.join("|"), value);
      assert.deepEqual(stored, table(after));
    }),
    { numRuns: scaled(5_000, 500) },
  );
});

Deno.test("a withheld event has the entries of one that is UNLISTED, or PRIVATE if it is", () => {
  const keys = (record: EventRecord) => [...table(record).keys()].sort();
  fc.assert(
    fc.property(records, (record) => {
      const visibility = record.visibility === "PUBLIC" ? "UNLISTED" : record.visibility;
      const hidden = { ...record, isWithheld: false, visibility };
      assert.deepEqual(keys({ ...record, isWithheld: true }), keys(hidden));
    }),
    { numRuns: scaled(5_000, 500) },
  );
});

Deno.test("a card says that its event is withheld, and otherwise nothing of it", () => {
  assert.equal(cardOf(aRecord({ isWithheld: true })).isWithheld, true);
  // Else every card that was stored before would be another than its record's.
  assert.equal("isWithheld" in cardOf(aRecord()), false);
});

Deno.test("a unique key is checked when it is new and only then", () => {
  fc.assert(
    fc.property(records, records, (before, after) => {
      const stored = table(before);
      const checked = indexChanges(before, after, SCHEMA).sets.filter((entry) => entry.unique);
      const added = indexEntries(after)
        .filter(({ key, unique }) => unique && !stored.has(key.join("|")));
      assert.deepEqual(checked, added);
    }),
    { numRuns: scaled(2_000, 200) },
  );
});

Deno.test("entries without a card that stay are not written again", () => {
  const record = aRecord({ externalId: "x", staff: [{ userId: "usr_a", role: "editor" }] });
  const { sets, deletes } = indexChanges(record, { ...record, title: "Gala" }, SCHEMA);
  assert.deepEqual(deletes, []);
  assert.deepEqual(sets.map((entry) => entry.key[0]).sort(), [
    "events_by_organizer",
    "live_events_by_end_date",
    "live_events_by_organizer",
    "live_events_by_start_date",
    "live_events_by_tag",
  ]);
});

Deno.test("a record written by an older generation gets all its entries written", async () => {
  using store = await testStore();
  const { record } = await storeEvent(store, {
    externalId: "x",
    staff: [{ userId: "usr_a", role: "editor" }],
  });
  await store.kv.set(eventKey(record.id), { ...record, generation: INDEX_GENERATION - 1 });
  // As if that generation had known none of these indexes.
  for (const { key } of indexEntries(record)) await store.kv.delete(key);
  const read = (await getEvent(store, record.id))!;
  const result = await replaceEvent(store, read, [edit(read.record, { title: "Gala" })]);
  assert.ok(result.outcome === "committed");
  assert.equal(result.stored[0]!.record.generation, INDEX_GENERATION);
  await assertIndexesRebuild(store);
});

Deno.test("only public CONFIRMED and ONGOING events are live, only public COMPLETED ones past", () => {
  for (const visibility of VISIBILITIES) {
    for (const status of EVENT_STATUSES) {
      const names = namesOf(aRecord({ visibility, status }));
      const live = visibility === "PUBLIC" && (status === "CONFIRMED" || status === "ONGOING");
      const past = visibility === "PUBLIC" && status === "COMPLETED";
      const label = `${visibility} ${status}`;
      for (const index of ["by_start_date", "by_end_date", "by_tag"]) {
        assert.equal(names.includes(`live_events_${index}`), live, label);
      }
      assert.equal(names.includes("past_events_by_end_date"), past, label);
      const due = status === "CONFIRMED";
      assert.equal(names.includes("confirmed_events_by_start_date"), due, label);
    }
  }
});

Deno.test("a draft is found by status, organizer, staff and external id", () => {
  const record = aRecord({
    status: "DRAFT",
    externalId: "x",
    staff: [{ userId: "usr_a", role: "viewer" }],
  });
  assert.deepEqual(namesOf(record), [
    "event_by_external_id",
    "events_by_organizer",
    "events_by_staff",
    "events_by_status_and_end_date",
  ]);
});

Deno.test("an open-ended event sorts after every dated one and has a start list of its own", () => {
  const keys = indexEntries(aRecord({ endDate: null, endText: null })).map((entry) => entry.key);
  const keyOf = (index: string) => keys.find((key) => key[0] === index)!;
  assert.equal(keyOf("events_by_status_and_end_date")[2], Infinity);
  assert.equal(keyOf("live_events_by_end_date")[1], Infinity);
  assert.equal(keyOf("live_events_by_start_date")[1], "open_ended");
});
