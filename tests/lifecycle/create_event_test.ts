import assert from "node:assert/strict";
import { DomainError, type FieldProblem } from "../../kv/errors.ts";
import type { UserId } from "../../kv/event_record.ts";
import { getEvent } from "../../kv/events.ts";
import { getOrganizer, getOrganizerRole, listOrganizersOf } from "../../kv/organizers.ts";
import type { Store } from "../../kv/store.ts";
import { createUser } from "../../kv/users.ts";
import { type NewEvent, submitEvent } from "../../lifecycle/create_event.ts";
import { ownOrganizerId } from "../../lifecycle/ids.ts";
import { removeMember, setMember } from "../../lifecycle/members.ts";
import { submitOrganizer } from "../../lifecycle/organizers.ts";
import { GUEST, type Principal, ROOT } from "../../lifecycle/policy.ts";
import { aUser } from "../kv/people_records.ts";
import { allChanges, allRecords, assertIndexesRebuild, NOW } from "../support/fixture.ts";
import { addMember, aMember, interrupt, onStore, organizerId } from "./lifecycle_fixture.ts";

const ANN = aMember("usr_ann");

function aNewEvent(overrides: Partial<NewEvent> = {}): NewEvent {
  return {
    content: { title: "Winter Gala" },
    times: { startDate: "2026-12-05T17:00:00Z", endDate: "2026-12-05T19:00:00Z" },
    status: "CONFIRMED",
    ...overrides,
  };
}

function submit(store: Store, principal: Principal, overrides: Partial<NewEvent> = {}) {
  return submitEvent(store, aNewEvent(overrides), { principal, now: NOW });
}

Deno.test(
  "submitEvent() stores the event with its defaults, its indexes and its journal change",
  onStore(async (store) => {
    const record = await submit(store, ANN, { status: "DRAFT" });
    assert.deepEqual(await allRecords(store), [record]);
    assert.equal(record.version, 1);
    assert.equal(record.status, "DRAFT");
    assert.equal(record.visibility, "PUBLIC");
    assert.equal(record.createdAt, NOW);
    assert.deepEqual(record.history, [{
      version: 1,
      at: NOW,
      by: "usr_ann",
      transition: { name: "create", from: null, to: "DRAFT" },
      reason: null,
      fields: null,
    }]);
    const changes = await allChanges(store);
    assert.deepEqual(changes.map(({ type, version, was }) => [type, version, was]), [
      ["created", 1, null],
    ]);
    await assertIndexesRebuild(store);
  }),
);

Deno.test(
  "submitEvent() answers what it stored, also when the store answers nothing any more",
  onStore(async (store) => {
    const { get } = store;
    interrupt(store, "commit", () => {
      const refuse = () => Promise.reject(new DomainError("store_unavailable"));
      Object.assign(store, { get: refuse, getMany: refuse, list: refuse });
      return Promise.resolve();
    });
    const record = await submit(store, ROOT);
    Object.assign(store, { get });
    assert.deepEqual((await getEvent(store, record.id))!.record, record);
  }),
);

Deno.test(
  "ten first events of one user at once make one organizer, whose owner the user is",
  onStore(async (store) => {
    const made = await Promise.all(Array.from({ length: 10 }, () => submit(store, ANN)));
    const id = await ownOrganizerId("usr_ann");
    assert.deepEqual(new Set(made.map((record) => record.organizerId)), new Set([id]));
    assert.equal((await allRecords(store)).length, 10);
    const organizers = await Array.fromAsync(store.kv.list({ prefix: ["organizer"] }));
    assert.deepEqual(organizers.map((entry) => entry.key), [["organizer", id]]);
    assert.equal((await getOrganizer(store, id))!.name, "ann");
    // Both keys of the membership.
    assert.equal(await getOrganizerRole(store, id, "usr_ann"), "owner");
    assert.deepEqual(await listOrganizersOf(store, "usr_ann"), [id]);
  }),
);

Deno.test(
  "submitEvent() calls the organizer of somebody without a name by their id",
  onStore(async (store) => {
    const { organizerId } = await submit(store, { ...ANN, name: null });
    assert.equal((await getOrganizer(store, organizerId))!.name, "usr_ann");
  }),
);

Deno.test(
  "submitEvent() tells nobody the address of somebody who is called by it",
  onStore(async (store) => {
    const { organizerId } = await submit(store, { ...ANN, name: "ann@example.org" });
    assert.equal((await getOrganizer(store, organizerId))!.name, "usr_ann");
  }),
);

for (const role of ["viewer", null] as const) {
  const what = role === null ? "left" : "only views";
  Deno.test(
    `submitEvent() tells whoever ${what} what their first event made to make another organizer`,
    onStore(async (store) => {
      const { organizerId: id } = await submit(store, ANN);
      const by = { principal: ANN, now: NOW };
      assert.ok(await createUser(store, aUser("usr_bob"), () => {}));
      await setMember(store, id, { ...by, userId: "usr_bob", role: "owner" });
      if (role === null) await removeMember(store, id, { ...by, userId: "usr_ann" });
      else await setMember(store, id, { ...by, userId: "usr_ann", role });
      await assert.rejects(submit(store, ANN), (error: DomainError) => {
        assert.equal(error.code, "invalid_body");
        assert.match(error.message, new RegExp(`/organizer_id: .*"${id}".*POST /v1/organizers`));
        return true;
      });
      assert.equal((await allRecords(store)).length, 1);
      assert.equal(await getOrganizerRole(store, id, "usr_ann"), role);
      const { id: another } = await submitOrganizer(store, { name: "Ann again" }, by);
      assert.equal((await submit(store, ANN)).organizerId, another);
    }),
  );
}

Deno.test(
  "submitEvent() takes the only organizer the caller writes for",
  onStore(async (store) => {
    await addMember(store, organizerId(1), { userId: "usr_ann", role: "editor" });
    await addMember(store, organizerId(2), { userId: "usr_ann", role: "viewer" });
    assert.equal((await submit(store, ANN)).organizerId, organizerId(1));
  }),
);

Deno.test(
  "submitEvent() asks whoever writes for several organizers to name one",
  onStore(async (store) => {
    await addMember(store, organizerId(1), { userId: "usr_ann", role: "owner" });
    await addMember(store, organizerId(2), { userId: "usr_ann", role: "editor" });
    await assert.rejects(submit(store, ANN), (error: Error & { code: string }) => {
      assert.equal(error.code, "invalid_body");
      assert.match(error.message, /\/organizer_id/);
      assert.ok(error.message.includes(`${organizerId(1)}, ${organizerId(2)}`));
      return true;
    });
    const record = await submit(store, ANN, { organizerId: organizerId(2) });
    assert.equal(record.organizerId, organizerId(2));
  }),
);

Deno.test(
  "submitEvent() refuses an organizer whose editor the caller is not",
  onStore(async (store) => {
    await addMember(store, organizerId(1), { userId: "usr_bob", role: "owner" });
    await addMember(store, organizerId(1), { userId: "usr_vic", role: "viewer" });
    for (const userId of ["usr_ann", "usr_vic"] as UserId[]) {
      const submitted = submit(store, aMember(userId), { organizerId: organizerId(1) });
      await assert.rejects(submitted, { code: "forbidden" }, userId);
    }
    assert.deepEqual(await allRecords(store), []);
    const record = await submit(store, ROOT, { organizerId: organizerId(1) });
    assert.equal(record.organizerId, organizerId(1), "an admin may");
  }),
);

Deno.test(
  "submitEvent() says that there is no such organizer",
  onStore(async (store) => {
    const submitted = submit(store, ROOT, { organizerId: organizerId(9) });
    await assert.rejects(submitted, (error: DomainError) => {
      const [problem] = error.extensions.errors as FieldProblem[];
      assert.deepEqual([error.code, problem!.pointer, problem!.code], [
        "invalid_body",
        "/organizer_id",
        "not_found",
      ]);
      assert.match(error.message, /no organizer "org_/);
      return true;
    });
  }),
);

Deno.test(
  "submitEvent() is for signed-in members",
  onStore(async (store) => {
    await assert.rejects(submit(store, GUEST), { code: "unauthenticated" });
    await assert.rejects(submit(store, { ...ANN, role: "guest" }), { code: "forbidden" });
  }),
);

Deno.test(
  "submitEvent() refuses a CONFIRMED event whose end is not after now",
  onStore(async (store) => {
    const ending = (endDate: string | null) => ({
      times: { startDate: "2026-12-05T17:00:00Z", endDate },
    });
    await assert.rejects(
      submit(store, ANN, ending("2026-12-05T18:00:00Z")),
      (error: Error & { extensions: { errors: { pointer: string; code: string }[] } }) => {
        const [problem] = error.extensions.errors;
        assert.equal(problem!.pointer, "/end_date");
        assert.equal(problem!.code, "end_in_past");
        return true;
      },
    );
    assert.equal((await submit(store, ANN, ending("2026-12-05T18:00:00.001Z"))).version, 1);
    assert.equal((await submit(store, ANN, ending(null))).endDate, null);
    const over = { ...ending("2026-12-05T18:00:00Z"), status: "DRAFT" } as const;
    assert.equal((await submit(store, ANN, over)).endDate, NOW);
  }),
);

Deno.test(
  "submitEvent() names the event that has the external id, within one organizer",
  onStore(async (store) => {
    const content = { title: "Winter Gala", externalId: "gala-26" };
    const first = await submit(store, ANN, { content });
    await assert.rejects(submit(store, ANN, { content }), {
      code: "external_id_taken",
      message: new RegExp(`"gala-26" belongs to event "${first.id}"`),
      extensions: { event_id: first.id },
    });
    const other = await submit(store, aMember("usr_bob"), { content });
    assert.notEqual(other.organizerId, first.organizerId);
  }),
);

Deno.test(
  "of ten events with one external id at once, one is made and nine are told of it",
  onStore(async (store) => {
    const content = { title: "Winter Gala", externalId: "gala-26" };
    const results = await Promise.allSettled(
      Array.from({ length: 10 }, () => submit(store, ANN, { content })),
    );
    const [record] = await allRecords(store);
    const refused = results.filter((result) => result.status === "rejected");
    assert.equal(refused.length, 9);
    for (const { reason } of refused) {
      assert.equal(reason.code, "external_id_taken");
      assert.deepEqual(reason.extensions, { event_id: record!.id });
    }
    await assertIndexesRebuild(store);
  }),
);

Deno.test(
  "submitEvent() names the field whose time is wrong",
  onStore(async (store) => {
    const times = { startDate: "2026-12-05T17:00:00Z", endDate: "2026-12-05T16:00:00Z" };
    await assert.rejects(submit(store, ANN, { times }), {
      code: "invalid_body",
      message: /^\/end_date: /,
    });
  }),
);

Deno.test(
  "submitEvent() gives up as a conflict when others are always faster",
  onStore(async (store) => {
    Object.assign(store, { commit: () => Promise.resolve({ ok: false }) });
    await assert.rejects(submit(store, ANN), { code: "conflict" });
    assert.deepEqual(await allRecords(store), []);
  }),
);
