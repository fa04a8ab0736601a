import assert from "node:assert/strict";
import type { EventId, EventRecord } from "../../kv/event_record.ts";
import { getEvent } from "../../kv/events.ts";
import { readPosition } from "../../kv/journal_places.ts";
import { readOrganizer, replaceOrganizer, restoreOrganizer } from "../../kv/organizers.ts";
import type { Store } from "../../kv/store.ts";
import { removeEvent } from "../../lifecycle/delete_event.ts";
import { editEvent } from "../../lifecycle/edit_event.ts";
import { type ExportOptions, startExport } from "../../lifecycle/export_events.ts";
import { GUEST, type Principal, ROOT } from "../../lifecycle/policy.ts";
import { entries, withHistory } from "../kv/history_entries.ts";
import { anOrganizer } from "../kv/organizer_records.ts";
import { aLine } from "../kv/people_records.ts";
import { HOUR, NOW, storeEvent } from "../support/fixture.ts";
import { exportFile, importFile } from "./import_lines.ts";
import { addMember, aMember, interrupt, onStore, organizerId } from "./lifecycle_fixture.ts";

const OURS = organizerId(1);
const THEIRS = organizerId(2);
const AS = { principal: ROOT, now: NOW };

function withBoth(body: (store: Store) => Promise<void>) {
  return onStore(async (store) => {
    await addMember(store, OURS, { userId: "usr_amy", role: "editor" });
    await addMember(store, OURS, { userId: "usr_vic", role: "viewer" });
    await addMember(store, THEIRS, { userId: "usr_bob", role: "owner" });
    await body(store);
  });
}

async function make(store: Store, overrides: Partial<EventRecord> = {}): Promise<EventId> {
  return (await storeEvent(store, { organizerId: OURS, ...overrides })).record.id;
}

const retitle = (store: Store, id: EventId, title: string) =>
  editEvent(store, id, { edit: { content: { title }, times: {} }, ...AS });

const moveTo = (store: Store, id: EventId, organizerId: EventRecord["organizerId"]) =>
  editEvent(store, id, { edit: { content: {}, times: {}, organizerId }, ...AS });

const remove = (store: Store, id: EventId) => removeEvent(store, id, { reason: "Gone", ...AS });

/** The export in short: `organizer …`, `event … v3`, `deleted …`, ids by what `names` calls them. */
async function outline(
  store: Store,
  names: Record<string, EventId>,
  options: Partial<ExportOptions> = {},
): Promise<string[]> {
  const called = new Map(Object.entries(names).map(([name, id]) => [id, name]));
  const { lines } = await exportFile(store, options);
  return lines.map((text) => {
    const line = JSON.parse(text);
    if (line.type === "organizer") return `organizer ${Number(line.id.slice(4))}`;
    const name = called.get(line.id) ?? line.id;
    return line.deleted ? `deleted ${name}` : `event ${name} v${line.version}`;
  });
}

Deno.test(
  "an export is every organizer, then every event with its history, as stored",
  withBoth(async (store) => {
    const long = withHistory(entries(1, 130), { organizerId: THEIRS });
    await importFile(store, [{
      ...JSON.parse(JSON.stringify({ id: long.id, organizer_id: THEIRS, title: "Long" })),
      start_date: "2026-12-05T17:00:00Z",
      end_date: "2026-12-05T17:30:00Z",
      status: "CONFIRMED",
      version: 130,
      history: entries(1, 130).map((entry) => ({
        ...entry,
        at: new Date(entry.at).toISOString(),
        fields: [],
      })),
    }]);
    const a = await make(store);
    const names = { a, long: long.id };
    const all = await outline(store, names);
    assert.deepEqual(all.toSorted(), [
      "event a v1",
      "event long v130",
      "organizer 1",
      "organizer 2",
    ]);
    assert.deepEqual(all.slice(0, 2), ["organizer 1", "organizer 2"]);
    const { lines } = await exportFile(store);
    const line = lines.map((text) => JSON.parse(text)).find(({ id }) => id === long.id);
    assert.equal(line.history.length, 130);
    assert.equal(line.status, "CONFIRMED", "the stored status, not the settled one");
    const events = lines.slice(2).map((text) => JSON.parse(text).id);
    assert.deepEqual(events, events.toSorted(), "by id");
  }),
);

Deno.test(
  "an export knows how many events it will hold, and where the journal stood",
  withBoth(async (store) => {
    for (let i = 0; i < 120; i++) await make(store);
    const before = await readPosition(store);
    const { total, position, lines } = await startExport(store, { principal: ROOT });
    assert.deepEqual([total, position], [120, before]);
    // Written while it is read: there or not, but always in what follows.
    const late = await make(store);
    assert.ok((await Array.fromAsync(lines)).length >= 122);
    assert.deepEqual(await outline(store, { late }, { since: position }), ["event late v1"]);
    const ours = await startExport(store, { principal: ROOT, organizerId: OURS });
    assert.equal(ours.total, null);
    assert.equal((await Array.fromAsync(ours.lines)).length, 122);
  }),
);

Deno.test(
  "an organizer made while the export runs is written before its first event",
  withBoth(async (store) => {
    const a = await make(store);
    let lists = 0;
    const late = anOrganizer(3);
    const { lines } = await startExport(store, { principal: ROOT });
    // Once the organizers have been read, and before the events.
    interrupt(store, "list", async () => {
      if (++lists !== 1) return;
      await restoreOrganizer(store, null, {
        organizer: late,
        members: [],
        by: "usr_ann",
        at: NOW,
        lineOf: () => aLine(1),
      });
      await moveTo(store, a, late.id);
    });
    const kinds = (await Array.fromAsync(lines)).map(({ type, id }) => `${type} ${id}`);
    assert.ok(kinds.includes(`organizer ${late.id}`), kinds.join());
    assert.ok(kinds.indexOf(`organizer ${late.id}`) < kinds.indexOf(`event ${a}`), kinds.join());
    assert.equal(kinds.length, new Set(kinds).size, "each once");
  }),
);

Deno.test(
  "since a position come changed events once each, deleted ones, and changed organizers",
  withBoth(async (store) => {
    const [a, b, c] = [await make(store), await make(store), await make(store)];
    const names = { a, b, c };
    const { position: since } = await exportFile(store);
    assert.deepEqual(await outline(store, names, { since }), []);
    await retitle(store, b, "one");
    await retitle(store, a, "two");
    await retitle(store, b, "three");
    await remove(store, c);
    // The clock had started them: that is a version of its own.
    assert.deepEqual(await outline(store, names, { since }), [
      "event a v3",
      "event b v4",
      "deleted c",
    ]);

    const read = (await readOrganizer(store, THEIRS))!;
    await replaceOrganizer(store, read, { ...read.organizer, name: "Anew" });
    assert.equal((await outline(store, names, { since }))[0], "organizer 2");
    const ours = (await readOrganizer(store, OURS))!;
    const { position } = await exportFile(store);
    await restoreOrganizer(store, ours, {
      organizer: ours.organizer,
      members: [],
      by: "usr_ann",
      at: NOW,
      lineOf: () => aLine(1),
    });
    const later = await outline(store, names, { since: position });
    // Until an event changes there is no later position, and both are told again.
    assert.deepEqual(later, ["organizer 1", "organizer 2"], "members alone are a change, too");
    await retitle(store, a, "four");
    const { position: last } = await exportFile(store);
    assert.deepEqual(await outline(store, names, { since: last }), []);
  }),
);

Deno.test(
  "an event that changes while its changes are read is left to the next export",
  withBoth(async (store) => {
    const a = await make(store);
    const { position: since } = await exportFile(store);
    await retitle(store, a, "one");
    const { lines, position } = await startExport(store, { principal: ROOT, since });
    await retitle(store, a, "two");
    assert.deepEqual(await Array.fromAsync(lines), []);
    assert.deepEqual(await outline(store, { a }, { since: position }), ["event a v4"]);
  }),
);

Deno.test(
  "an event that was deleted and came back under its id is told in that order",
  withBoth(async (store) => {
    const a = await make(store, { status: "DRAFT", externalId: "a" });
    await retitle(store, a, "one");
    const { position: since, lines } = await exportFile(store);
    const line = lines.find((text) => text.includes(a))!;
    await remove(store, a);
    await importFile(store, [line]);
    assert.deepEqual(await outline(store, { a }, { since }), ["deleted a", "event a v2"]);
    await onStore(async (other) => {
      await importFile(other, lines);
      const changes = (await exportFile(store, { since })).lines;
      assert.equal((await importFile(other, changes)).failed, 0);
      assert.deepEqual((await exportFile(other)).lines, (await exportFile(store)).lines);
    })();
  }),
);

Deno.test(
  "of an organizer: what moved away is deleted, what moved in appears, others' is not told",
  withBoth(async (store) => {
    const [away, into, back, other] = [
      await make(store),
      await make(store, { organizerId: THEIRS }),
      await make(store),
      await make(store, { organizerId: THEIRS }),
    ];
    const names = { away, into, back, other };
    const ours = { organizerId: OURS };
    const all = await outline(store, names, ours);
    assert.deepEqual(all.toSorted(), ["event away v1", "event back v1", "organizer 1"]);
    const { position } = await exportFile(store, ours);
    const since = { ...ours, since: position };
    await moveTo(store, away, THEIRS);
    await retitle(store, away, "theirs by now");
    await moveTo(store, into, OURS);
    await moveTo(store, back, THEIRS);
    await moveTo(store, back, OURS);
    await retitle(store, other, "theirs");
    await remove(store, other);
    assert.deepEqual(await outline(store, names, since), [
      "deleted away",
      "event into v3",
      "deleted back",
      "event back v4",
    ]);
  }),
);

Deno.test(
  "an event that came back under its id at another organizer's is not shown to the first",
  withBoth(async (store) => {
    const a = await make(store, { status: "DRAFT" });
    const { position: since, lines } = await exportFile(store);
    await retitle(store, a, "ours");
    const after = (await exportFile(store)).lines.find((text) => text.includes(a))!;
    assert.notEqual(lines.find((text) => text.includes(a)), after);
    await remove(store, a);
    const theirs = { ...JSON.parse(after), organizer_id: THEIRS, title: "Secret" };
    assert.equal((await importFile(store, [theirs])).created, 1);
    const ours = await exportFile(store, { since, organizerId: OURS });
    assert.ok(!ours.lines.some((line) => line.includes("Secret")), ours.lines.join("\n"));
    assert.deepEqual(ours.lines.map((line) => JSON.parse(line).deleted), [true]);
  }),
);

Deno.test(
  "an organizer's export reads its events through pages, those of one moment too",
  withBoth(async (store) => {
    const made: EventId[] = [];
    for (let i = 0; i < 130; i++) {
      made.push(
        await make(store, {
          startDate: NOW + Math.floor(i / 60) * HOUR,
          endDate: null,
          endText: null,
        }),
      );
      await make(store, { organizerId: THEIRS });
    }
    const { lines } = await exportFile(store, { organizerId: OURS });
    const ids = lines.slice(1).map((line) => JSON.parse(line).id);
    assert.deepEqual(ids.toSorted(), made.toSorted());
  }),
);

Deno.test(
  "all is for administrators; an organizer's for those who write its events",
  withBoth(async (store) => {
    await make(store);
    const may = async (principal: Principal, organizerId?: EventRecord["organizerId"]) => {
      try {
        const { lines } = await startExport(store, { principal, organizerId });
        await lines.return(undefined);
        return "may";
      } catch (error) {
        return (error as { code: string }).code;
      }
    };
    const amy = aMember("usr_amy");
    for (
      const [principal, id, expected] of [
        [ROOT, undefined, "may"],
        [ROOT, OURS, "may"],
        [ROOT, organizerId(9), "not_found"],
        [GUEST, undefined, "unauthenticated"],
        [GUEST, OURS, "unauthenticated"],
        [GUEST, organizerId(9), "unauthenticated"],
        [amy, undefined, "forbidden"],
        [amy, OURS, "may"],
        [amy, THEIRS, "forbidden"],
        [amy, organizerId(9), "not_found"],
        [aMember("usr_vic"), OURS, "forbidden"],
        [aMember("usr_bob"), THEIRS, "may"],
        [aMember("usr_nobody"), OURS, "forbidden"],
      ] as const
    ) {
      assert.equal(await may(principal, id), expected, `${principal.userId} ${id}`);
    }
    assert.equal((await getEvent(store, await make(store)))!.record.organizerId, OURS);
  }),
);
