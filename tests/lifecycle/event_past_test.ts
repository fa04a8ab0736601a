import assert from "node:assert/strict";
import type { EventStatus, HistoryEntry } from "../../kv/event_record.ts";
import { continuationOf, joinedHistory, requireConsistent } from "../../lifecycle/event_past.ts";
import { anEntry, entries, withHistory } from "../kv/history_entries.ts";
import { NOW } from "../support/fixture.ts";

const to = (version: number, from: EventStatus | null, to: EventStatus): HistoryEntry =>
  anEntry(version, { transition: { name: "x", from, to }, fields: null });

/** Where a line is refused. */
function pointerOf(check: () => void): string | null {
  try {
    check();
    return null;
  } catch (error) {
    const { code, extensions } = error as { code: string; extensions: { errors: object[] } };
    assert.equal(code, "invalid_body");
    return (extensions.errors[0] as { pointer: string }).pointer;
  }
}

const LIFE = [to(1, null, "DRAFT"), anEntry(2), to(3, "DRAFT", "CONFIRMED")];
const END = [...LIFE, to(4, "CONFIRMED", "COMPLETED"), to(5, "COMPLETED", "ARCHIVED")];

for (
  const [name, past, status, pointer] of [
    ["nothing of the past", {}, "DRAFT", null],
    ["nothing at all", {}, undefined, null],
    ["a version with its history", { version: 3, history: LIFE }, "CONFIRMED", null],
    ["a version without its history", { version: 3 }, "CONFIRMED", null],
    ["the end of a history", { version: 3, history: LIFE.slice(1) }, "CONFIRMED", null],
    ["a version without a status", { version: 3 }, undefined, "/status"],
    ["a status the history does not end at", { version: 3, history: LIFE }, "DRAFT", "/status"],
    ["a history without a version", { history: LIFE }, "CONFIRMED", "/version"],
    ["an empty history", { version: 3, history: [] }, "CONFIRMED", "/version"],
    ["a version before the history's end", { version: 2, history: LIFE }, "CONFIRMED", "/version"],
    ["a version beyond the history's end", { version: 4, history: LIFE }, "CONFIRMED", "/version"],
    [
      "a version twice",
      { version: 2, history: [anEntry(1), anEntry(2), anEntry(2)] },
      "DRAFT",
      "/history/2/version",
    ],
    [
      "versions backwards",
      { version: 1, history: [anEntry(2), anEntry(1)] },
      "DRAFT",
      "/history/1/version",
    ],
    [
      "a transition from where the event was not",
      { version: 2, history: [to(1, null, "DRAFT"), to(2, "CONFIRMED", "CANCELLED")] },
      "CANCELLED",
      "/history/1/transition/from",
    ],
    ["ARCHIVED", { version: 5, history: END, archivedFrom: "COMPLETED" }, "ARCHIVED", null],
    [
      "an archived_from the history contradicts",
      { version: 5, history: END, archivedFrom: "CANCELLED" },
      "ARCHIVED",
      "/archived_from",
    ],
    [
      "ARCHIVED as it was made",
      { version: 1, history: [to(1, null, "ARCHIVED")], archivedFrom: "CANCELLED" },
      "ARCHIVED",
      null,
    ],
    ["ARCHIVED without archived_from", { version: 5, history: END }, "ARCHIVED", "/archived_from"],
    ["ARCHIVED of no version", {}, "ARCHIVED", null],
    ["archived_from of another status", { archivedFrom: "COMPLETED" }, "DRAFT", "/archived_from"],
    ["archived_from of no status", { archivedFrom: "COMPLETED" }, undefined, "/archived_from"],
    ["null for what it has not", { archivedFrom: null, completedAt: null }, "CONFIRMED", null],
    ["completed_at of what is not over", { completedAt: NOW }, "CONFIRMED", "/completed_at"],
    ["completed_at of what is over", { completedAt: NOW }, "COMPLETED", null],
  ] as const
) {
  Deno.test(`a line with ${name} is ${pointer === null ? "taken" : `refused at ${pointer}`}`, () => {
    const given = past as unknown as Parameters<typeof requireConsistent>[0];
    assert.equal(pointerOf(() => requireConsistent(given, status)), pointer);
  });
}

/** The same event at some versions of one history. */
const at = (version: number, from = 1) => withHistory(entries(from, version), { id: ID });
const ID = "evt_01J00000000000000000000000";

const conflict = { name: "DomainError", code: "version_conflict" };

Deno.test("continuationOf() tells the same, an older and a newer version of one history", () => {
  const stored = at(5);
  assert.equal(continuationOf(stored, at(5)), "same");
  assert.equal(continuationOf(stored, at(3)), "older");
  assert.equal(continuationOf(stored, at(9)), "newer");
  assert.equal(continuationOf(stored, at(9, 5)), "newer", "what both have in common is enough");
  assert.equal(continuationOf(at(5, 4), at(9)), "newer");
  assert.equal(continuationOf(stored, at(3, 3)), "older");
});

Deno.test("continuationOf() is a conflict when nobody can tell whether one follows", () => {
  for (const line of [at(9, 6), at(9, 9), { ...at(3), history: [] }, { ...at(9), history: [] }]) {
    assert.throws(() => continuationOf(at(5), line), conflict);
  }
  const gap = { ...at(9), history: [...entries(1, 5), ...entries(7, 9)] };
  assert.throws(() => continuationOf(at(5), gap), conflict, "a gap");
});

Deno.test("continuationOf() is a conflict when the histories went apart", () => {
  const other = anEntry(4, { at: NOW });
  for (const version of [3, 4, 5, 9]) {
    const line = at(version);
    line.history = line.history.map((entry) => entry.version === 4 ? other : entry);
    if (version < 4) assert.equal(continuationOf(at(5), line), "older");
    else assert.throws(() => continuationOf(at(5), line), conflict, `${version}`);
  }
});

for (
  const [name, changes] of [
    ["a title", { title: "Other" }],
    ["only updated_at", { updatedAt: NOW }],
    ["only created_at", { createdAt: NOW }],
    ["the order of the tags", { tags: ["b", "a"] }],
    [
      "the order of the staff",
      { staff: [{ userId: "usr_b", role: "viewer" }, { userId: "usr_a", role: "viewer" }] },
    ],
    ["a role", { staff: [{ userId: "usr_a", role: "editor" }] }],
    ["a text for the same instant", { startText: "2026-12-05T18:00:00+01:00" }],
    ["a zone", { timeZone: "Europe/London" }],
    ["a value of the metadata", { metadata: { a: "2" } }],
    ["one place of a coordinate", { location: { ...at(1).location, latitude: 51.500001 } }],
    ["completed_at", { completedAt: NOW }],
    ["an organizer", { organizerId: "org_00000000000000000000000009" }],
  ] as const
) {
  Deno.test(`the same version with ${name} changed is a conflict, and not "unchanged"`, () => {
    const stored = {
      ...at(5),
      tags: ["a", "b"],
      metadata: { a: "1" },
      staff: [{ userId: "usr_a", role: "viewer" }, { userId: "usr_b", role: "viewer" }],
      location: { ...at(1).location, latitude: 51.5 },
    } as ReturnType<typeof at>;
    assert.equal(continuationOf(stored, structuredClone(stored)), "same");
    const line = { ...stored, ...changes } as unknown as ReturnType<typeof at>;
    assert.throws(() => continuationOf(stored, line), conflict);
  });
}

Deno.test("the same version is the same in another order of keys, and with a -0", () => {
  const stored = { ...at(5), metadata: { a: "1", b: "2" } };
  stored.location = { ...stored.location, latitude: 0 };
  const line = { ...stored, metadata: { b: "2", a: "1" } };
  line.location = { ...stored.location, latitude: -0 };
  assert.equal(continuationOf(stored, line), "same");
});

Deno.test("what the clock did is the same whichever job recorded it, and when", () => {
  const by = (actor: HistoryEntry["by"], last = to(4, "CONFIRMED", "COMPLETED")) => {
    const record = at(4);
    record.history[3] = { ...last, by: actor };
    return record;
  };
  const stored = by("job:run_01J00000000000000000000000");
  assert.equal(continuationOf(stored, by("job:run_01J00000000000000000000001")), "same");
  assert.equal(continuationOf(stored, { ...by("clock"), updatedAt: NOW }), "same");
  assert.throws(
    () => continuationOf(stored, by("usr_alice")),
    conflict,
    "by hand is another thing",
  );
  const started = by("clock", to(4, "CONFIRMED", "ONGOING"));
  assert.throws(() => continuationOf(stored, started), conflict, "another transition");
  assert.throws(() => continuationOf(stored, { ...by("clock"), title: "Other" }), conflict);
});

Deno.test("joinedHistory() has each version once, in order, as the line tells it", () => {
  const line = [anEntry(3, { reason: "line" }), anEntry(5)];
  const joined = joinedHistory(entries(1, 4), line);
  assert.deepEqual(joined.map(({ version, reason }) => [version, reason]), [
    [1, null],
    [2, null],
    [3, "line"],
    [4, null],
    [5, null],
  ]);
});
