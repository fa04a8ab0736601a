/** Whatever fits can live its life: the headroom beside the largest event is enough. */
import assert from "node:assert/strict";
import { serialize } from "node:v8";
import type { EventRecord, EventStatus, UserId } from "../../kv/event_record.ts";
import {
  createEvent,
  deleteEvent,
  getEvent,
  replaceEvent,
  type StoredEvent,
} from "../../kv/events.ts";
import {
  MAX_CARD_BYTES,
  MAX_RECORD_BYTES,
  MAX_STAFF,
  MAX_TAG_LENGTH,
  MAX_TAGS,
  MAX_VALUE_BYTES,
} from "../../kv/limits.ts";
import type { Store } from "../../kv/store.ts";
import { settleStep } from "../../lifecycle/change_event.ts";
import { aRecord, assertIndexesRebuild, DAY, NOW } from "../support/fixture.ts";
import { move } from "./event_steps.ts";
import { cardBytes, filled, recordBytes } from "./filled_record.ts";
import { everything, testStore } from "./test_store.ts";

/** As large as can be: 20 tags, 50 staff, a full card and a full record, in Chinese. */
function edgeRecord(): EventRecord {
  const letter = "雪";
  const record = aRecord({
    externalId: "雪".repeat(66),
    startDate: NOW + DAY,
    endDate: NOW + 2 * DAY,
    tags: Array.from({ length: MAX_TAGS }, (_, i) => letter.repeat(MAX_TAG_LENGTH - 2) + (10 + i)),
    staff: Array.from({ length: MAX_STAFF }, (_, i) => ({
      userId: `usr_${"a".repeat(38)}${10 + i}` as UserId,
      role: "editor" as const,
    })),
  });
  // Room in the card for what a change says of the event before.
  const bytes = MAX_CARD_BYTES - 300;
  const carded = filled(record, { field: "summary", bytes, letter, measure: cardBytes });
  return filled(carded, {
    field: "description",
    bytes: MAX_RECORD_BYTES - 1,
    letter,
    measure: recordBytes,
  });
}

async function through(
  store: Store,
  read: StoredEvent,
  statuses: EventStatus[],
): Promise<StoredEvent> {
  for (const status of statuses) {
    const step = move(read.record, status, { reason: "雪".repeat(500) });
    const result = await replaceEvent(store, read, [step]);
    assert.ok(result.outcome === "committed");
    read = result.stored[0]!;
  }
  return read;
}

async function assertValuesFit(store: Store): Promise<void> {
  for (const { key, value } of await everything(store)) {
    const bytes = serialize(value).length;
    assert.ok(bytes < MAX_VALUE_BYTES, `${key.join(" ")} takes ${bytes} bytes`);
  }
}

async function storeEdgeEvent(store: Store): Promise<StoredEvent> {
  const record = edgeRecord();
  assert.equal((await createEvent(store, record, "usr_alice")).outcome, "committed");
  const read = (await getEvent(store, record.id))!;
  // Cancelled and reopened until the history is full as well.
  const often = Array.from({ length: 8 }, (): EventStatus[] => ["CANCELLED", "CONFIRMED"]).flat();
  const full = await through(store, read, often);
  assert.ok(full.record.history.length < full.record.version, "the history is full");
  assert.ok(serialize(full.record).length > 56 * 1024);
  return full;
}

Deno.test("an event at the edge with a full history can be completed and archived", async () => {
  using store = await testStore();
  const full = await storeEdgeEvent(store);
  const later = NOW + 3 * DAY;
  const completion = settleStep(full.record, { now: later, by: "job:run_1" })!;
  const archived = move(completion.next, "ARCHIVED", { reason: "雪".repeat(500), now: later });
  const result = await replaceEvent(store, full, [completion, archived]);
  assert.ok(result.outcome === "committed");
  assert.equal(result.stored[0]!.record.status, "ARCHIVED");
  assert.equal(result.stored[0]!.record.archivedFrom, "COMPLETED");
  await assertValuesFit(store);
  await assertIndexesRebuild(store);
});

Deno.test("an event at the edge with a full history can be cancelled, archived and taken out again", async () => {
  using store = await testStore();
  const full = await storeEdgeEvent(store);
  const read = await through(store, full, ["CANCELLED", "ARCHIVED", "CANCELLED"]);
  assert.equal(read.record.status, "CANCELLED");
  await assertValuesFit(store);
  await assertIndexesRebuild(store);
});

Deno.test("an event at the edge with a full history can be deleted", async () => {
  using store = await testStore();
  const full = await storeEdgeEvent(store);
  const result = await deleteEvent(store, full, { by: "usr_alice", at: NOW });
  assert.equal(result.outcome, "committed");
  await assertValuesFit(store);
  await assertIndexesRebuild(store);
});
