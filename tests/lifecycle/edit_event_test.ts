import assert from "node:assert/strict";
import { getEvent } from "../../kv/events.ts";
import { editEvent } from "../../lifecycle/edit_event.ts";
import { GUEST, type Principal, ROOT } from "../../lifecycle/policy.ts";
import { allChanges, assertIndexesRebuild, HOUR, NOW, storeEvent } from "../support/fixture.ts";
import { addMember, aMember, onStore, organizerId } from "./lifecycle_fixture.ts";

Deno.test(
  "editEvent() completes what is over, together with the edit, and refuses a later end",
  onStore(async (store) => {
    const { record: { id } } = await storeEvent(store);
    const now = NOW + HOUR;
    const later = { content: {}, times: { endDate: "2026-12-05T23:00:00Z" } };
    const extension = editEvent(store, id, { edit: later, principal: ROOT, now });
    await assert.rejects(extension, { code: "reopen_required" });
    assert.equal((await getEvent(store, id))!.record.version, 1);

    const edit = { content: { summary: "It was grand." }, times: {} };
    const { record } = await editEvent(store, id, { edit, principal: ROOT, now });
    assert.equal(record.status, "COMPLETED");
    assert.deepEqual((await allChanges(store)).map(({ type, by }) => [type, by]), [
      ["created", "usr_root"],
      ["transitioned", "clock"],
      ["updated", "usr_root"],
    ]);
    // One millisecond before the end it would have been in time.
    const { record: { id: other } } = await storeEvent(store);
    const intime = await editEvent(store, other, { edit: later, principal: ROOT, now: now - 1 });
    assert.equal(intime.record.endDate, NOW + 5 * HOUR);
  }),
);

Deno.test(
  "editEvent() writes nothing when nothing changes",
  onStore(async (store) => {
    const read = await storeEvent(store);
    const edit = { content: { title: "Winter Gala" }, times: {} };
    const { steps } = await editEvent(store, read.record.id, { edit, principal: ROOT, now: NOW });
    assert.equal(steps, 0);
    assert.deepEqual(await getEvent(store, read.record.id), read);
  }),
);

Deno.test(
  "editEvent() refuses an external id that another event of the organizer has",
  onStore(async (store) => {
    const { record: first } = await storeEvent(store, { externalId: "gala-26" });
    const { record: second } = await storeEvent(store, { externalId: "gala-27" });
    const take = (externalId: string | null) =>
      editEvent(store, second.id, {
        edit: { content: { externalId }, times: {} },
        principal: ROOT,
        now: NOW,
      });
    await assert.rejects(take("gala-26"), {
      code: "external_id_taken",
      extensions: { event_id: first.id },
    });
    assert.equal((await take("gala-28")).record.externalId, "gala-28");
    assert.equal((await take(null)).record.externalId, null);
    assert.equal((await take("gala-27")).record.externalId, "gala-27", "free again");
  }),
);

Deno.test(
  "editEvent() is for the event's editors",
  onStore(async (store) => {
    const { record: { id } } = await storeEvent(store, {
      visibility: "UNLISTED",
      staff: [{ userId: "usr_ed", role: "editor" }, { userId: "usr_vic", role: "viewer" }],
    });
    const edit = { content: { title: "Spring Gala" }, times: {} };
    const as = (principal: typeof GUEST) => editEvent(store, id, { edit, principal, now: NOW });
    await assert.rejects(as(GUEST), { code: "unauthenticated" });
    await assert.rejects(as(aMember("usr_ann")), { code: "forbidden" });
    await assert.rejects(as(aMember("usr_vic")), { code: "forbidden" });
    assert.equal((await as(aMember("usr_ed"))).record.title, "Spring Gala");
  }),
);

Deno.test(
  "editEvent() moves an event to another organizer for administrators only",
  onStore(async (store) => {
    await addMember(store, organizerId(2), { userId: "usr_ann", role: "owner" });
    const staff = [{ userId: "usr_ann", role: "editor" } as const];
    const { record: { id } } = await storeEvent(store, { externalId: "gala-26", staff });
    const move = (principal: Principal, number: number) => {
      const edit = { content: {}, times: {}, organizerId: organizerId(number) };
      return editEvent(store, id, { edit, principal, now: NOW });
    };
    await assert.rejects(move(aMember("usr_ann"), 2), { code: "forbidden" });
    assert.equal((await move(aMember("usr_ann"), 0)).steps, 0, "it is there already");
    await assert.rejects(move(ROOT, 3), {
      code: "invalid_body",
      message: /^\/organizer_id: There is no organizer/,
    });
    const { record } = await move(ROOT, 2);
    assert.equal(record.organizerId, organizerId(2));
    await assertIndexesRebuild(store);

    const { record: other } = await storeEvent(store, { externalId: "gala-26" });
    const edit = { content: {}, times: {}, organizerId: organizerId(2) };
    await assert.rejects(editEvent(store, other.id, { edit, principal: ROOT, now: NOW }), {
      code: "external_id_taken",
      extensions: { event_id: id },
    });
  }),
);
