import assert from "node:assert/strict";
import type { EventRecord } from "../../kv/event_record.ts";
import { getEvent } from "../../kv/events.ts";
import { removeEvent } from "../../lifecycle/delete_event.ts";
import { editEvent } from "../../lifecycle/edit_event.ts";
import { GUEST, type Principal, ROOT } from "../../lifecycle/policy.ts";
import {
  allChanges,
  allRecords,
  assertIndexesRebuild,
  HOUR,
  NOW,
  storeEvent,
} from "../support/fixture.ts";
import { aMember, interrupt, onStore } from "./lifecycle_fixture.ts";

const ED = aMember("usr_ed");
const STAFF: EventRecord["staff"] = [
  { userId: "usr_ed", role: "editor" },
  { userId: "usr_vic", role: "viewer" },
];

function as(principal: Principal, reason: string | null = null, now = NOW) {
  return { principal, reason, now };
}

Deno.test(
  "removeEvent() deletes a draft for its editors and leaves a tombstone in the journal",
  onStore(async (store) => {
    const { record: { id } } = await storeEvent(store, { status: "DRAFT", staff: STAFF });
    await removeEvent(store, id, as(ED));
    assert.deepEqual(await allRecords(store), []);
    const { type, by, version, event } = (await allChanges(store)).at(-1)!;
    assert.deepEqual([type, by, version, event.id], ["deleted", "usr_ed", 2, id]);
    await assertIndexesRebuild(store);
    await assert.rejects(removeEvent(store, id, as(ROOT)), { code: "not_found" });
  }),
);

Deno.test(
  "removeEvent() is for the event's editors; others do not learn of a draft",
  onStore(async (store) => {
    const { record: { id } } = await storeEvent(store, { status: "DRAFT", staff: STAFF });
    await assert.rejects(removeEvent(store, id, as(GUEST)), { code: "unauthenticated" });
    await assert.rejects(removeEvent(store, id, as(aMember("usr_ann"))), { code: "not_found" });
    await assert.rejects(removeEvent(store, id, as(aMember("usr_vic"))), { code: "forbidden" });
    assert.equal((await allRecords(store)).length, 1);
  }),
);

Deno.test(
  "removeEvent() deletes what is no draft for administrators only, who must say why",
  onStore(async (store) => {
    const { record: { id } } = await storeEvent(store, { staff: STAFF });
    await assert.rejects(removeEvent(store, id, as(ED, "Gone.", NOW + HOUR)), {
      code: "illegal_transition",
      extensions: { status: "COMPLETED", allowed: [] },
    });
    await assert.rejects(removeEvent(store, id, as(ROOT)), {
      code: "invalid_body",
      message: /^reason: .*CONFIRMED|^reason: .*ONGOING/,
    });
    assert.equal((await allRecords(store)).length, 1);
    await removeEvent(store, id, as(ROOT, "Asked for by the court."));
    assert.deepEqual(await allRecords(store), []);
  }),
);

Deno.test(
  "removeEvent() decides again on what won the race",
  onStore(async (store) => {
    const { record: { id } } = await storeEvent(store, { status: "DRAFT" });
    let edits = 0;
    interrupt(store, "get", async () => {
      if (edits++ > 0) return;
      const edit = { content: { title: "Spring Gala" }, times: {} };
      await editEvent(store, id, { edit, principal: ROOT, now: NOW });
    });
    await removeEvent(store, id, as(ROOT));
    assert.equal(await getEvent(store, id), null);
    assert.equal((await allChanges(store)).at(-1)!.event.title, "Spring Gala");
  }),
);

Deno.test(
  "removeEvent() gives up as a conflict when others are always faster",
  onStore(async (store) => {
    const { record: { id } } = await storeEvent(store, { status: "DRAFT" });
    Object.assign(store, { commit: () => Promise.resolve({ ok: false }) });
    await assert.rejects(removeEvent(store, id, as(ROOT)), { code: "conflict" });
  }),
);
