import assert from "node:assert/strict";
import {
  findOrganizer,
  listMembers,
  listOrganizersOf,
  type Organizer,
  readOrganizer,
} from "../../kv/organizers.ts";
import { FORMATS } from "../../kv/formats.ts";
import { organizerKey } from "../../kv/keys.ts";
import type { Store } from "../../kv/store.ts";
import { organizerLine } from "../../lifecycle/export_lines.ts";
import { editOrganizer } from "../../lifecycle/organizers.ts";
import { ROOT } from "../../lifecycle/policy.ts";
import { anOrganizer } from "../kv/organizer_records.ts";
import { everything } from "../kv/test_store.ts";
import { allRecords, DAY, NOW } from "../support/fixture.ts";
import { CLEAN, exportFile, failuresOf, importFile } from "./import_lines.ts";
import { aMember, onStore } from "./lifecycle_fixture.ts";

const HALL = anOrganizer(1, { externalId: "hall", createdAt: NOW - 9 * DAY, updatedAt: NOW - DAY });
const { id: ID } = HALL;
const NEWER = FORMATS.organizer.current + 1;
const MEMBERS = [
  { userId: "usr_amy", role: "editor" },
  { userId: "usr_zoe", role: "owner" },
] as const;

const lineOf = (
  changes: Partial<Organizer> = {},
  members: readonly typeof MEMBERS[number][] = MEMBERS,
) => organizerLine({ ...HALL, ...changes }, [...members]);

const stored = async (store: Store) => (await readOrganizer(store, ID))!.organizer;

/** A dry run first, which must count the same and write nothing. */
async function importBoth(
  store: Store,
  lines: object[],
  options: Parameters<typeof importFile>[2] = {},
) {
  const before = await everything(store);
  const dry = await importFile(store, lines, { ...options, dryRun: true });
  assert.deepEqual(await everything(store), before, "a dry run writes nothing");
  const real = await importFile(store, lines, options);
  const counts = ({ failures: _, ...rest }: typeof real) => rest;
  assert.deepEqual(counts(dry), counts(real));
  assert.deepEqual(failuresOf(dry), failuresOf(real));
  return real;
}

Deno.test(
  "an organizer's line stores exactly what it says, and again changes nothing",
  onStore(async (store) => {
    assert.deepEqual(await importBoth(store, [lineOf()]), { ...CLEAN, created: 1 });
    assert.deepEqual(await stored(store), HALL);
    assert.deepEqual(await listMembers(store, ID), [...MEMBERS]);
    assert.deepEqual((await exportFile(store)).lines, [JSON.stringify(lineOf())]);
    const shuffled = { ...lineOf(), members: lineOf().members as object[] };
    shuffled.members = shuffled.members.toReversed();
    assert.deepEqual(await importBoth(store, [lineOf(), shuffled]), { ...CLEAN, unchanged: 2 });
  }),
);

Deno.test(
  "a newer line changes the organizer and its members, an older one is refused",
  onStore(async (store) => {
    await importFile(store, [lineOf()]);
    const next = { name: "Town Hall", externalId: "town", updatedAt: NOW };
    const report = await importBoth(store, [
      lineOf(next, MEMBERS.slice(1)),
      lineOf(next, MEMBERS.slice(1)),
    ]);
    assert.deepEqual(report, { ...CLEAN, updated: 1, unchanged: 1 });
    assert.deepEqual(await stored(store), { ...HALL, ...next });
    assert.deepEqual(await listMembers(store, ID), MEMBERS.slice(1));
    assert.deepEqual(await listOrganizersOf(store, "usr_amy"), []);
    assert.equal(await findOrganizer(store, "hall"), null);
    assert.deepEqual(failuresOf(await importBoth(store, [lineOf()])), ["1 version_conflict"]);
    assert.equal((await stored(store)).name, "Town Hall");
  }),
);

Deno.test(
  "a line that differs in the members alone, or in updated_at alone, is no unchanged one",
  onStore(async (store) => {
    await importFile(store, [lineOf()]);
    assert.equal((await importBoth(store, [lineOf({}, MEMBERS.slice(1))])).updated, 1);
    assert.equal(
      (await importBoth(store, [lineOf({ updatedAt: NOW }, MEMBERS.slice(1))])).updated,
      1,
    );
    assert.equal((await stored(store)).updatedAt, NOW);
  }),
);

Deno.test(
  "members of a line that names none stay; the administrator owns what has no others",
  onStore(async (store) => {
    const least = { type: "organizer", external_id: "club", name: "The Club" };
    assert.deepEqual(await importBoth(store, [least, least]), {
      ...CLEAN,
      created: 1,
      unchanged: 1,
    });
    const id = (await findOrganizer(store, "club"))!;
    assert.deepEqual(await listMembers(store, id), [{ userId: "usr_root", role: "owner" }]);
    const url = "https://example.org/";
    assert.equal((await importBoth(store, [{ ...least, url }])).updated, 1);
    assert.equal((await importBoth(store, [least], { now: NOW + DAY })).unchanged, 1);
    assert.equal((await readOrganizer(store, id))!.organizer.url, url);
    assert.equal((await importBoth(store, [{ ...least, members: [] }])).updated, 1);
    assert.deepEqual(await listMembers(store, id), []);
  }),
);

Deno.test(
  "external ids of organizers are one each, and may be handed on within a file",
  onStore(async (store) => {
    const other = anOrganizer(2, { externalId: "ball", updatedAt: NOW });
    await importFile(store, [lineOf(), organizerLine(other, [])]);
    const taken = organizerLine({ ...anOrganizer(3), externalId: "hall" }, []);
    assert.deepEqual(failuresOf(await importBoth(store, [taken])), ["1 external_id_taken"]);
    const file = [
      organizerLine({ ...other, externalId: "hall", updatedAt: NOW + 1 }, []),
      lineOf({ externalId: "town", updatedAt: NOW + 1 }),
    ];
    assert.deepEqual(await importBoth(store, file), { ...CLEAN, updated: 2 });
    assert.equal(await findOrganizer(store, "hall"), other.id);
  }),
);

Deno.test(
  "events find the organizer that has the external id at their line",
  onStore(async (store) => {
    const event = (external_id: string) => ({
      external_id,
      organizer_external_id: "hall",
      title: "Gala",
      start_date: "2026-12-06",
    });
    const other = anOrganizer(2, { updatedAt: NOW });
    const file = [
      event("too early"),
      lineOf(),
      organizerLine(other, []),
      event("a"),
      lineOf({ externalId: null, updatedAt: NOW }),
      organizerLine({ ...other, externalId: "hall", updatedAt: NOW + 1 }, []),
      event("b"),
    ];
    const report = await importBoth(store, file);
    assert.deepEqual(failuresOf(report), ["1 invalid_body"]);
    assert.match(report.failures[0]!.detail, /^\/organizer_external_id/);
    assert.deepEqual([report.created, report.updated], [4, 2]);
    const homes = (await allRecords(store)).map((
      { externalId, organizerId },
    ) => [externalId, organizerId]);
    assert.deepEqual(homes.sort(), [["a", ID], ["b", other.id]]);
  }),
);

Deno.test(
  "a line of a newer format, or for a stored one of it, is refused",
  onStore(async (store) => {
    assert.deepEqual(failuresOf(await importBoth(store, [{ ...lineOf(), format: NEWER }])), [
      "1 newer_format",
    ]);
    await store.kv.set(organizerKey(ID), { ...HALL, format: NEWER });
    const report = await importFile(store, [lineOf({ name: "Other", updatedAt: NOW })]);
    assert.deepEqual(failuresOf(report), ["1 newer_format"]);
  }),
);

Deno.test(
  "ten thousand members go in and out again",
  onStore(async (store) => {
    const members = Array.from({ length: 10_000 }, (_, i) => ({
      userId: `usr_${String(i).padStart(6, "0")}` as const,
      role: "viewer" as const,
    }));
    const line = organizerLine(HALL, members);
    assert.equal((await importFile(store, [line])).created, 1);
    assert.deepEqual((await exportFile(store)).lines, [JSON.stringify(line)]);
    assert.equal((await importFile(store, [line])).unchanged, 1);
  }),
);

Deno.test(
  "two imports at once leave the organizer whole, and what was changed here meanwhile stays",
  onStore(async (store) => {
    const file = [lineOf(), organizerLine(anOrganizer(2, { externalId: "ball" }), [])];
    const reports = await Promise.all(Array.from({ length: 4 }, () => importFile(store, file)));
    assert.deepEqual(reports.flatMap(({ failures }) => failures), []);
    assert.deepEqual(await stored(store), HALL);
    assert.deepEqual(await listMembers(store, ID), [...MEMBERS]);
    await editOrganizer(store, ID, { content: { name: "Here" }, principal: ROOT, now: NOW });
    assert.deepEqual(failuresOf(await importFile(store, file)), ["1 version_conflict"]);
    assert.equal((await stored(store)).name, "Here");
  }),
);

Deno.test(
  "members import what they may POST and PATCH, and nothing that is for administrators",
  onStore(async (store) => {
    const amy = { principal: aMember("usr_amy") };
    const zoe = { principal: aMember("usr_zoe") };
    const mine = { type: "organizer", external_id: "mine", name: "Mine" };
    const renamed = { ...mine, name: "Ours" };
    const report = await importBoth(store, [mine, mine, renamed, renamed], amy);
    assert.deepEqual(report, { ...CLEAN, created: 1, updated: 1, unchanged: 2 });
    const id = (await findOrganizer(store, "mine"))!;
    assert.deepEqual(await listMembers(store, id), [{ userId: "usr_amy", role: "owner" }]);
    assert.deepEqual(failuresOf(await importBoth(store, [renamed], zoe)), ["1 forbidden"]);
    await importFile(store, [lineOf()]);
    for (
      const [line, place] of [
        [{ ...mine, created_at: "2026-01-01T00:00:00Z" }, /^\/created_at/],
        [{ ...mine, updated_at: "2026-01-01T00:00:00Z" }, /^\/updated_at/],
        [{ ...mine, members: [] }, /^\/members/],
        [{ ...mine, id: anOrganizer(9).id }, /^\/id/],
        [{ ...mine, id: ID, external_id: "hall" }, /no owner/],
        [{ ...mine, id, external_id: "hall" }, /belongs to organizer/],
      ] as const
    ) {
      const { failed, failures } = await importBoth(store, [line], amy);
      assert.equal(failed, 1);
      assert.match(failures[0]!.detail, place);
    }
    assert.deepEqual(await stored(store), HALL);
    assert.deepEqual(await importBoth(store, [{ ...renamed, id }], amy), {
      ...CLEAN,
      unchanged: 1,
    });
  }),
);
