import assert from "node:assert/strict";
import { listAudit } from "../../kv/audit.ts";
import type { StaffMember } from "../../kv/event_record.ts";
import type { Organizer, OrganizerMember } from "../../kv/organizers.ts";
import type { Store } from "../../kv/store.ts";
import { submitEvent } from "../../lifecycle/create_event.ts";
import { editEvent } from "../../lifecycle/edit_event.ts";
import { eventLine, organizerLine } from "../../lifecycle/export_lines.ts";
import { submitOrganizer } from "../../lifecycle/organizers.ts";
import { entries, withHistory } from "../kv/history_entries.ts";
import { anOrganizer } from "../kv/organizer_records.ts";
import { NOW } from "../support/fixture.ts";
import { importFile } from "./import_lines.ts";
import { aMember, onStore } from "./lifecycle_fixture.ts";

const ANN = aMember("usr_ann");
const BOB: StaffMember = { userId: "usr_bob", role: "viewer" };
const CAROL: StaffMember = { userId: "usr_carol", role: "editor" };
const EVENT = "evt_01J00000000000000000000000";
const TIMES = { startDate: "2026-12-06T19:00:00Z", endDate: "2026-12-06T20:00:00Z" };

/** The lines, oldest first, told shortly. */
async function lines(store: Store): Promise<string[]> {
  const found = await listAudit(store, { before: null, limit: 50 });
  return found.reverse().map(({ action, by, userId, detail }) =>
    `${by} ${action} ${userId} ${detail?.replace(/evt_\w+/, "evt")}`
  );
}

const submit = (store: Store, staff: StaffMember[]) =>
  submitEvent(store, {
    content: { title: "Gala", staff },
    times: TIMES,
    status: "CONFIRMED",
  }, { principal: ANN, now: NOW });

Deno.test(
  "who makes an organizer, with or without an event, owns it by a line of the audit log",
  onStore(async (store) => {
    await submitOrganizer(store, { name: "House" }, { principal: ANN, now: NOW });
    assert.deepEqual(await lines(store), ["usr_ann organizer.created usr_ann owner"]);
    await submitEvent(store, { content: { title: "Gala" }, times: TIMES, status: "DRAFT" }, {
      principal: aMember("usr_dora"),
      now: NOW + 1,
    });
    assert.deepEqual((await lines(store)).at(-1), "usr_dora organizer.created usr_dora owner");
  }),
);

Deno.test(
  "each change of who is named on an event is a line, and nothing else of it is one",
  onStore(async (store) => {
    const { id } = await submit(store, [BOB]);
    const edit = (content: { staff?: StaffMember[]; title?: string }, now: number) =>
      editEvent(store, id, { edit: { content, times: {} }, principal: ANN, now });
    await edit({ title: "Winter Gala" }, NOW + 1);
    await edit({ staff: [BOB] }, NOW + 2);
    await edit({ staff: [{ ...BOB, role: "editor" }, CAROL] }, NOW + 3);
    await edit({ staff: [CAROL] }, NOW + 4);
    assert.deepEqual(await lines(store), [
      "usr_ann organizer.created usr_ann owner",
      "usr_ann staff.added usr_bob evt viewer",
      "usr_ann staff.role_changed usr_bob evt editor",
      "usr_ann staff.added usr_carol evt editor",
      "usr_ann staff.removed usr_bob evt",
    ]);
  }),
);

Deno.test(
  "each right that an administrator's import gives or takes is a line, as theirs, and nothing else of it is one",
  onStore(async (store) => {
    const hall = anOrganizer(1, { updatedAt: NOW });
    const { id } = hall;
    const given = (members: OrganizerMember[], more: Partial<Organizer> = {}) =>
      organizerLine({ ...hall, ...more }, members);
    const send = async (lines: object[], now: number, dryRun = false) =>
      assert.equal((await importFile(store, lines, { now, dryRun })).failed, 0);
    const [ann, bob] = [ANN.userId, "usr_bob"] as const;
    const first: OrganizerMember[] = [{ userId: ann, role: "owner" }, {
      userId: bob,
      role: "viewer",
    }];
    await send([given(first)], NOW, true);
    await send([given(first)], NOW);
    await send([given(first)], NOW + 1);
    await send([given(first, { name: "Anew", updatedAt: NOW + 2 })], NOW + 2);
    await send([given([{ userId: bob, role: "owner" }], { updatedAt: NOW + 3 })], NOW + 3);
    const { members: _, ...alone } = given([], { id: anOrganizer(2).id });
    await send([alone], NOW + 4);
    const past = (staff: StaffMember[], version: number) => {
      const of = { id: EVENT, organizerId: id, staff } as const;
      const record = withHistory(entries(1, version), of);
      return eventLine(record, record.history);
    };
    await send([past([BOB], 2)], NOW + 5);
    await send([past([CAROL], 3)], NOW + 6);
    assert.deepEqual(await lines(store), [
      "usr_root member.added usr_ann owner",
      "usr_root member.added usr_bob viewer",
      "usr_root member.role_changed usr_bob owner",
      "usr_root member.removed usr_ann owner",
      "usr_root organizer.created usr_root owner",
      "usr_root staff.added usr_bob evt viewer",
      "usr_root staff.added usr_carol evt editor",
      "usr_root staff.removed usr_bob evt",
    ]);
    const told = await listAudit(store, { before: null, limit: 50 });
    assert.deepEqual(told.at(-1)!.organizerId, id);
  }),
);

Deno.test(
  "a line is stored in the commit of the change: a refused change leaves none",
  onStore(async (store) => {
    const { commit } = store;
    let commits = 0;
    store.commit = (operation) => {
      commits++;
      return commit.call(store, operation);
    };
    const { id } = await submit(store, [BOB]);
    assert.equal(commits, 1);
    store.commit = () => Promise.resolve({ ok: false });
    const change = { edit: { content: { staff: [] }, times: {} }, principal: ANN, now: NOW + 1 };
    await assert.rejects(editEvent(store, id, change), { code: "conflict" });
    assert.equal((await lines(store)).length, 2);
  }),
);
