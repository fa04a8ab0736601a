/** Who may import what: members their own events, administrators everything. */
import assert from "node:assert/strict";
import type { EventRecord } from "../../kv/event_record.ts";
import { getEvent } from "../../kv/events.ts";
import type { Store } from "../../kv/store.ts";
import { allChanges, DAY, NOW, storeEvent } from "../support/fixture.ts";
import { CLEAN, failuresOf, importFile } from "./import_lines.ts";
import { addMember, aMember, onStore, organizerId } from "./lifecycle_fixture.ts";

const OURS = organizerId(1);
const THEIRS = organizerId(2);
const AMY = { principal: aMember("usr_amy") };

/** Amy edits for `OURS` and views `THEIRS`; there is a published event and a draft of each. */
function withBoth(body: (store: Store, events: Record<string, EventRecord>) => Promise<void>) {
  return onStore(async (store) => {
    await addMember(store, OURS, { userId: "usr_amy", role: "editor" });
    await addMember(store, THEIRS, { userId: "usr_amy", role: "viewer" });
    await addMember(store, THEIRS, { userId: "usr_bob", role: "owner" });
    const make = async (organizerId: EventRecord["organizerId"], status: EventRecord["status"]) =>
      (await storeEvent(store, { organizerId, status, externalId: status })).record;
    await body(store, {
      ours: await make(OURS, "CONFIRMED"),
      ourDraft: await make(OURS, "DRAFT"),
      theirs: await make(THEIRS, "CONFIRMED"),
      theirDraft: await make(THEIRS, "DRAFT"),
    });
  });
}

const line = (fields: object) => ({
  title: "Anew",
  start_date: "2026-12-06T10:00:00Z",
  end_date: "2026-12-06T12:00:00Z",
  ...fields,
});

/** Asserts how each line fails, in a dry run too, and that nothing was written. */
async function assertRefused(store: Store, lines: [object, string | RegExp][], options = AMY) {
  const before = await allChanges(store);
  for (const dryRun of [true, false]) {
    for (const [given, expected] of lines) {
      const report = await importFile(store, [given], { ...options, dryRun });
      const told = JSON.stringify(report);
      assert.equal(report.failed, 1, `${JSON.stringify(given)}: ${told}`);
      if (typeof expected === "string") {
        assert.deepEqual(failuresOf(report), [`1 ${expected}`], told);
      } else assert.match(report.failures[0]!.detail, expected);
    }
  }
  assert.deepEqual(await allChanges(store), before);
}

Deno.test(
  "members import new events and changes for organizers they edit for",
  withBoth(async (store, { ours }) => {
    const file = [line({ external_id: "new", organizer_id: OURS }), line({ id: ours!.id })];
    const expected = { ...CLEAN, created: 1, updated: 1 };
    assert.deepEqual(await importFile(store, file, { ...AMY, dryRun: true }), expected);
    assert.deepEqual(await importFile(store, file, AMY), expected);
    assert.equal((await getEvent(store, ours!.id))!.record.title, "Anew");
  }),
);

Deno.test(
  "members touch no others' events, and find out nothing about hidden ones",
  withBoth(async (store, { theirs, theirDraft, ours }) => {
    await assertRefused(store, [
      [line({ external_id: "new", organizer_id: THEIRS }), "forbidden"],
      [line({ external_id: "new", organizer_id: organizerId(9) }), "invalid_body"],
      [line({ id: theirs!.id }), "forbidden"],
      [line({ id: theirDraft!.id }), "forbidden"],
      [line({ id: ours!.id, organizer_id: THEIRS }), "forbidden"],
      [line({ id: theirs!.id, organizer_id: OURS }), "forbidden"],
      [{ id: theirs!.id, deleted: true }, "forbidden"],
    ]);
    const bob = { principal: aMember("usr_bob") };
    await addMember(store, OURS, { userId: "usr_bob", role: "owner" });
    const moves: [object, string][] = [
      [line({ id: ours!.id, organizer_id: THEIRS }), "forbidden"],
      [line({ id: theirs!.id, organizer_id: OURS }), "forbidden"],
    ];
    await assertRefused(store, moves, bob);
    const carl = { principal: aMember("usr_carl") };
    await assertRefused(store, [
      [line({ id: theirDraft!.id }), "not_found"],
      [{ id: theirDraft!.id, deleted: true }, "not_found"],
      [line({ id: theirs!.id }), "forbidden"],
    ], carl);
  }),
);

Deno.test(
  "members may not say what only administrators may, whatever else the line says",
  withBoth(async (store, { ours }) => {
    const at = "2026-01-01T00:00:00Z";
    const forAdmins: Record<string, unknown> = {
      format: 1,
      version: 1,
      history: [],
      created_at: at,
      updated_at: at,
      completed_at: null,
      archived_from: null,
      starts_at: at,
      ends_at: null,
    };
    const lines = Object.entries(forAdmins).flatMap(([field, value]): [object, RegExp][] => {
      const refused = new RegExp(`^/${field}: "${field}" can be imported by administrators only`);
      return [
        [line({ id: ours!.id, [field]: value }), refused],
        [line({ external_id: "new", organizer_id: OURS, [field]: value }), refused],
      ];
    });
    await assertRefused(store, [
      ...lines,
      [line({ external_id: "new", organizer_id: OURS, status: "ARCHIVED" }), /^\/status/],
      [line({ id: ours!.id, status: "ARCHIVED" }), /^\/status/],
      [line({ id: "evt_01J00000000000000000000000", organizer_id: OURS }), /^\/id/],
    ]);
  }),
);

Deno.test(
  "members delete drafts of theirs only; administrators anything, for a reason that is kept",
  withBoth(async (store, { ours, ourDraft, theirs, theirDraft }) => {
    await assertRefused(store, [
      [{ id: ours!.id, deleted: true }, "illegal_transition"],
      [{ id: ours!.id, deleted: true, reason: "Please" }, "illegal_transition"],
    ]);
    const drafts = [
      { external_id: "DRAFT", organizer_id: OURS, deleted: true },
      { id: ourDraft!.id, deleted: true },
      { external_id: "DRAFT", organizer_id: OURS, deleted: true },
    ];
    for (const dryRun of [true, false]) {
      const report = await importFile(store, drafts, { ...AMY, dryRun });
      assert.deepEqual(report, { ...CLEAN, deleted: 1, unchanged: 2 }, `${dryRun}`);
    }
    const rest = [
      { id: theirs!.id, deleted: true, reason: "Spam" },
      { id: theirDraft!.id, deleted: true },
      { id: ours!.id, deleted: true },
      { id: ours!.id, external_id: "no matter", deleted: true },
    ];
    for (const dryRun of [true, false]) {
      const report = await importFile(store, rest, { dryRun });
      assert.deepEqual(report, { ...CLEAN, deleted: 3, unchanged: 1 }, `${dryRun}`);
    }
    const reasons = (await allChanges(store)).slice(-3).map((
      { event, reason },
    ) => [event.id, reason]);
    const unsaid = "Deleted by an import.";
    assert.deepEqual(
      new Map(reasons as [string, string][]),
      new Map([
        [theirs!.id, "Spam"],
        [theirDraft!.id, unsaid],
        [ours!.id, unsaid],
      ]),
    );
  }),
);

Deno.test(
  "a person named as an editor of one event imports changes to that one",
  withBoth(async (store, { theirs }) => {
    const staff = [{ user_id: "usr_carl", role: "editor" }];
    await importFile(store, [line({ id: theirs!.id, staff })]);
    const carl = { principal: aMember("usr_carl") };
    const retitled = line({ id: theirs!.id, title: "Carl's" });
    assert.deepEqual(await importFile(store, [retitled], carl), { ...CLEAN, updated: 1 });
    const past = { ...carl, now: NOW + 9 * DAY };
    assert.equal((await importFile(store, [{ id: theirs!.id, deleted: true }], past)).failed, 1);
  }),
);
