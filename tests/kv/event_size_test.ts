/** What fits, to the byte. */
import assert from "node:assert/strict";
import { serialize } from "node:v8";
import type { EventRecord } from "../../kv/event_record.ts";
import { createEvent, replaceEvent } from "../../kv/events.ts";
import { beforeOf } from "../../kv/journal.ts";
import { MAX_CARD_BYTES, MAX_RECORD_BYTES, MAX_VALUE_BYTES, sizeBound } from "../../kv/limits.ts";
import { aRecord, storeEvent } from "../support/fixture.ts";
import { edit, move } from "./event_steps.ts";
import { cardBytes, filled, recordBytes } from "./filled_record.ts";
import { everything, testStore } from "./test_store.ts";

const TOO_LARGE = { name: "DomainError", code: "event_too_large" };

const EDGES = [
  { what: "record", field: "description", bytes: MAX_RECORD_BYTES, measure: recordBytes },
  { what: "card", field: "summary", bytes: MAX_CARD_BYTES, measure: cardBytes },
] as const;

for (const { what, ...edge } of EDGES) {
  for (const [script, letter] of [["Latin", "é"], ["non-Latin", "雪"]] as const) {
    Deno.test(`a ${what} of ${script} text fits to the byte; one more is event_too_large`, async () => {
      using store = await testStore();
      const fits = filled(aRecord(), { ...edge, letter });
      assert.equal(edge.measure(fits), edge.bytes);
      assert.equal((await createEvent(store, fits, "usr_alice")).outcome, "committed");
      const read = await storeEvent(store);
      const before = await everything(store);
      const exceeds = { ...fits, id: read.record.id, title: `${fits.title}x` };
      assert.equal(edge.measure(exceeds), edge.bytes + 1);
      await assert.rejects(createEvent(store, exceeds, "usr_alice"), TOO_LARGE);
      await assert.rejects(replaceEvent(store, read, [edit(exceeds, {})]), TOO_LARGE);
      assert.deepEqual(await everything(store), before);
    });
  }
}

Deno.test("a card is measured with what its change says of the event before", async () => {
  using store = await testStore();
  const read = await storeEvent(store);
  const measure = (record: EventRecord) =>
    cardBytes(record) + sizeBound(beforeOf(read.record, record));
  const changed = { ...read.record, tags: ["dance"] };
  const fits = filled(changed, { field: "summary", bytes: MAX_CARD_BYTES, letter: "é", measure });
  const exceeds = { ...fits, summary: `${fits.summary}é` };
  await assert.rejects(replaceEvent(store, read, [edit(exceeds, {})]), TOO_LARGE);
  assert.equal((await replaceEvent(store, read, [edit(fits, {})])).outcome, "committed");
});

Deno.test("text that was trimmed from non-Latin text takes no more than it was measured to", async () => {
  using store = await testStore();
  // V8 keeps such a slice at two bytes a character: 80 kB here, more than a value may take.
  const description = `\u2003${"x".repeat(40_000)}`.trim();
  const record = aRecord({ description });
  assert.ok(serialize(record).length > MAX_VALUE_BYTES);
  assert.equal((await createEvent(store, record, "usr_alice")).outcome, "committed");
  const read = await storeEvent(store);
  const result = await replaceEvent(store, read, [
    edit(read.record, { description }),
    move({ ...read.record, description }, "CANCELLED"),
  ]);
  assert.equal(result.outcome, "committed");
});
