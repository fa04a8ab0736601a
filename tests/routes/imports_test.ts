/** `POST /v1/imports`. */
import assert from "node:assert/strict";
import { REMEDIES } from "../../kv/errors.ts";
import type { EventCardView } from "../../lifecycle/event_view.ts";
import {
  ADMIN,
  allRecords,
  assertIndexesRebuild,
  DAY,
  HOUR,
  NOW,
  type TestApp,
  testApp,
} from "../support/fixture.ts";
import {
  as,
  assertWritesNothing,
  byName,
  json,
  list,
  pauseJobs,
  problem,
} from "../support/http.ts";

interface Report {
  created: number;
  updated: number;
  unchanged: number;
  deleted: number;
  failed: number;
  created_without_key: number;
  failures: { line: number; code: string; detail: string }[];
  remedies: Record<string, string>;
}

const NONE: Report = {
  created: 0,
  updated: 0,
  unchanged: 0,
  deleted: 0,
  failed: 0,
  created_without_key: 0,
  failures: [],
  remedies: {},
};

const NDJSON = { ...ADMIN, "content-type": "application/x-ndjson" };

/** A line about one event; `fields` are added to the least there can be. */
const line = (external_id: string, fields: object = {}) => ({
  external_id,
  title: `Event ${external_id}`,
  status: "CONFIRMED",
  start_date: "2026-12-05T19:00:00Z",
  end_date: "2026-12-05T20:00:00Z",
  ...fields,
});

function send(t: TestApp, lines: unknown[] | string, query = "") {
  const body = typeof lines === "string"
    ? lines
    : lines.map((one) => JSON.stringify(one) + "\n").join("");
  return t.request("POST", `/v1/imports${query}`, { body, headers: NDJSON });
}

async function load(t: TestApp, lines: unknown[] | string, query = ""): Promise<Report> {
  return await json<Report>(await send(t, lines, query));
}

async function byExternalId(t: TestApp, id: string): Promise<EventCardView> {
  return (await list(t, `?external_id=${id}`, ADMIN)).items[0]!;
}

Deno.test("an import creates, updates and leaves alone, and says how many of each", async () => {
  await using t = await testApp();
  const file = [line("a"), line("b"), line("c")];
  assert.deepEqual(await load(t, file), { ...NONE, created: 3 });
  await assertWritesNothing(t, async () => {
    assert.deepEqual(await load(t, file), { ...NONE, unchanged: 3 });
  });
  const changed = [line("a"), line("b", { title: "Anew" }), line("d")];
  assert.deepEqual(await load(t, changed), { ...NONE, created: 1, updated: 1, unchanged: 1 });
  assert.equal((await byExternalId(t, "b")).title, "Anew");
  await assertIndexesRebuild(t.store);
});

Deno.test("a line with neither id nor external id creates, and the answer says so", async () => {
  await using t = await testApp();
  const { external_id: _, ...nameless } = line("a");
  const report = { ...NONE, created: 2, created_without_key: 1 };
  assert.deepEqual(await load(t, [nameless, line("a")]), report);
  assert.equal((await load(t, [nameless])).created, 1, "each time");
});

Deno.test("a line is matched by its id where it has one", async () => {
  await using t = await testApp();
  const id = "evt_01J00000000000000000000000";
  assert.equal((await load(t, [line("a", { id })])).created, 1);
  assert.equal((await load(t, [line("renamed", { id })])).updated, 1);
  assert.equal((await byExternalId(t, "renamed")).id, id);
  const other = "evt_01J00000000000000000000001";
  const { failed, failures } = await load(t, [line("renamed", { id: other })]);
  assert.deepEqual([failed, failures[0]!.code], [1, "external_id_taken"]);
});

Deno.test("importing the same again changes nothing after the events started or ended", async () => {
  await using t = await testApp();
  await pauseJobs(t);
  const file = [line("a"), line("b", { end_date: null }), line("c", { status: "CANCELLED" })];
  await load(t, file);
  for (const now of [NOW + HOUR + 1, NOW + 3 * HOUR, NOW + 3 * DAY]) {
    t.clock.now = now;
    for (const job of ["start_events", "complete_events"]) {
      assert.deepEqual(await load(t, file), { ...NONE, unchanged: 3 }, `before ${job}`);
      await t.runner.run(job, { trigger: "manual" });
      await assertWritesNothing(t, async () => {
        assert.deepEqual(await load(t, file), { ...NONE, unchanged: 3 }, `after ${job}`);
      });
    }
  }
});

Deno.test("a line reopens what is over only with another end, in the future", async () => {
  await using t = await testApp();
  await pauseJobs(t);
  await load(t, [line("a")]);
  t.clock.now = NOW + 3 * HOUR;
  await t.runner.run("complete_events", { trigger: "manual" });
  const earlier = line("a", { end_date: "2026-12-05T20:30:00Z" });
  assert.equal((await load(t, [earlier])).updated, 1);
  assert.equal((await byExternalId(t, "a")).status, "COMPLETED");
  const later = line("a", { end_date: "2026-12-05T23:00:00Z" });
  assert.equal((await load(t, [later])).updated, 1);
  assert.equal((await byExternalId(t, "a")).status, "ONGOING");
});

Deno.test("a line that fails is named, and the others are stored", async () => {
  await using t = await testApp();
  const lines = [
    JSON.stringify(line("a")),
    "not JSON",
    JSON.stringify({ ...line("b"), title: 7 }),
    "",
    JSON.stringify(line("c", { end_date: "2026-12-05T18:00:00Z" })),
    JSON.stringify(line("d", { starts_at: "2026-12-05T18:00:00Z" })),
    JSON.stringify(line("e", { description: "x".repeat(300_000) })),
    JSON.stringify(line("f", { organizer_id: "org_00000000000000000000000000" })),
    JSON.stringify(line("g")),
  ];
  const report = await load(t, lines.join("\n"));
  assert.deepEqual([report.created, report.failed], [2, 6]);
  assert.deepEqual(report.failures.map(({ line, code }) => [line, code]), [
    [2, "malformed_json"],
    [3, "invalid_body"],
    [5, "invalid_body"],
    [6, "invalid_body"],
    [7, "invalid_body"],
    [8, "invalid_body"],
  ]);
  const { malformed_json, invalid_body } = REMEDIES;
  assert.deepEqual(report.remedies, { malformed_json, invalid_body });
  const details = report.failures.map(({ detail }) => detail);
  for (
    const [i, names] of [
      /JSON/,
      /^\/title/,
      /^\/end_date/,
      /^\/ends_at/,
      /^\/description/,
      /^\/organizer_id/,
    ]
      .entries()
  ) {
    assert.match(details[i]!, names);
  }
  assert.equal((await allRecords(t.store)).length, 2);
});

Deno.test("a dry run tells what would become of each line, and writes nothing", async () => {
  await using t = await testApp();
  await load(t, [line("a"), line("b")]);
  await assertWritesNothing(t, async () => {
    const lines = [line("a"), line("b", { title: "Anew" }), line("c"), line("c"), {}];
    const { failures, ...counts } = await load(t, lines, "?dry_run=true");
    const { failures: _, ...none } = NONE;
    const expected = { ...none, created: 1, updated: 1, unchanged: 2, failed: 1 };
    assert.deepEqual({ ...counts, remedies: {} }, expected);
    assert.deepEqual(failures.map(({ line }) => line), [5]);
  });
});

Deno.test("two imports of one file at once create every event once", async () => {
  await using t = await testApp();
  const file = Array.from({ length: 100 }, (_, i) => line(`${i}`, { tags: [`tag ${i % 7}`] }));
  const reports = await Promise.all([load(t, file), load(t, file.toReversed()), load(t, file)]);
  const sum = (count: "created" | "unchanged") =>
    reports.reduce((total, report) => total + report[count], 0);
  assert.deepEqual([sum("created"), sum("unchanged")], [100, 200]);
  const records = await allRecords(t.store);
  assert.equal(records.length, 100);
  assert.equal(new Set(records.map((record) => record.organizerId)).size, 1);
  await assertIndexesRebuild(t.store);
});

Deno.test("imports are for who is signed in, as x-ndjson, and know one parameter", async () => {
  await using t = await testApp({ authenticate: byName });
  const type = { "content-type": "application/x-ndjson" };
  const post = (headers: Record<string, string>, query = "") =>
    t.request("POST", `/v1/imports${query}`, { body: JSON.stringify(line("a")), headers });
  await assertWritesNothing(t, async () => {
    await problem(await post(type), 401, "unauthenticated");
    const wrong = await post({ ...as("root"), "content-type": "application/json" });
    await problem(wrong, 415, "unsupported_media_type");
    await problem(await post({ ...type, ...as("root") }, "?dry_run=yes"), 400, "invalid_query");
    await problem(await post({ ...type, ...as("root") }, "?dryrun=true"), 400, "invalid_query");
  });
  const none = await t.request("POST", "/v1/imports", { headers: { ...type, ...as("root") } });
  assert.deepEqual(await json<Report>(none), NONE);
});

const ID = "evt_01J00000000000000000000000";
const HALL = "org_01J00000000000000000000000";
const organizer = {
  type: "organizer",
  id: HALL,
  external_id: "hall",
  name: "The Hall",
  members: [],
};
const at = "2026-12-01T00:00:00Z";
const edited = (version: number) => ({
  version,
  at,
  by: "usr_amy",
  transition: null,
  reason: null,
  fields: [],
});
const past = { id: ID, organizer_id: HALL, version: 1, created_at: at, updated_at: at };

Deno.test("what an import brings that is over is completed for the record at once", async () => {
  await using t = await testApp();
  const ended = { start_date: "2026-12-01T19:00:00Z", end_date: "2026-12-01T20:00:00Z" };
  await load(t, [line("a", ended)], "?dry_run=true");
  await t.runner.idle();
  assert.deepEqual(await allRecords(t.store), []);
  await load(t, [line("a", ended)]);
  await t.runner.idle();
  assert.deepEqual((await allRecords(t.store)).map(({ status }) => status), ["COMPLETED"]);
});

Deno.test("lines that are nothing, or nested, or named like what objects have, fail one by one", async () => {
  await using t = await testApp();
  const nested = (open: string, close: string) => open.repeat(20_000) + close.repeat(20_000);
  const event = JSON.stringify(line("a")).slice(0, -1);
  const hostile = [
    "null",
    "7",
    "true",
    '"event"',
    "[]",
    "{}",
    nested("[", "]"),
    nested('{"a":', "}").replace("}", "1}"),
    `${event},"metadata":${nested("[", "]")}}`,
    `${event},"__proto__":{"title":"x"}}`,
    `${event},"metadata":{"__proto__":"x"}}`,
    `${event},"history":[${nested("[", "]")}]}`,
    `${event},"constructor":{}}`,
    '{"type":"__proto__"}',
    '{"type":"Event","external_id":"a"}',
    '{"type":["event"]}',
    '{"type":{"toString":1}}',
    '{"deleted":true}',
    '{"deleted":true,"external_id":null}',
    '{"deleted":true,"external_id":""}',
    `{"deleted":false,"id":"${ID}"}`,
    `{"deleted":"true","id":"${ID}"}`,
    `{"deleted":true,"id":"${ID}","title":"x"}`,
    `{"deleted":true,"id":"evt_x"}`,
    '{"type":"organizer"}',
    '{"type":"organizer","name":"x"}',
    '{"type":"organizer","external_id":"x","name":"x","deleted":true}',
    `{"type":"organizer","external_id":"x","name":"x","members":${
      JSON.stringify([
        { user_id: "usr_a", role: "owner" },
        { user_id: "usr_a", role: "viewer" },
      ])
    }}`,
    '{"type":"organizer","external_id":"x","name":"x","members":[null]}',
    '{"type":"organizer","external_id":"x","name":"x","format":1e300}',
    `${event},"version":1e300}`,
    `${event},"version":0}`,
    `${event},"version":1.5}`,
    `${event},"created_at":"2026-02-30T00:00:00Z"}`,
    `${event},"starts_at":null,"ends_at":null}`,
    `${event},"title":"\\ud800"}`,
    `${event},"external_id":"${"é".repeat(101)}"}`,
  ];
  for (const query of ["?dry_run=true", ""]) {
    await assertWritesNothing(t, async () => {
      const report = await load(t, hostile.join("\n"), query);
      assert.equal(report.failed, hostile.length, JSON.stringify(report).slice(0, 2_000));
      for (const { detail } of report.failures) assert.ok(detail.length < 1_000, detail);
    });
  }
});

Deno.test("a file cut off anywhere refuses the cut line, and the rest goes in", async () => {
  const whole = [organizer, line("a", past), line("b", { ...past, id: ID.replace(/.$/, "1") })]
    .map((one) => JSON.stringify(one) + "\n").join("");
  const last = whole.lastIndexOf("\n", whole.length - 2) + 1;
  for (const cut of [last + 1, last + 20, whole.length - 2]) {
    await using t = await testApp();
    const { failures, ...counts } = await load(t, whole.slice(0, cut));
    assert.deepEqual([counts.created, counts.failed], [2, 1]);
    assert.deepEqual(failures.map(({ line, code }) => [line, code]), [[3, "malformed_json"]]);
    assert.deepEqual(await load(t, whole), { ...NONE, created: 1, unchanged: 2 }, "sent again");
    await assertIndexesRebuild(t.store);
  }
});

Deno.test("a line may carry thousands of versions, and members of thousands", async () => {
  await using t = await testApp();
  const history = Array.from({ length: 6_000 }, (_, i) => edited(i + 1));
  const members = Array.from(
    { length: 10_000 },
    (_, i) => ({ user_id: `usr_${i}`, role: "viewer" }),
  );
  const file = [{ ...organizer, members }, line("a", { ...past, version: 6_000, history })];
  assert.deepEqual(await load(t, file), { ...NONE, created: 2 });
  assert.deepEqual(await load(t, file), { ...NONE, unchanged: 2 });
  const out = await (await t.request("GET", "/v1/exports", { headers: ADMIN })).text();
  const [house, event] = out.trimEnd().split("\n").map((text) => JSON.parse(text));
  assert.equal(house.members.length, 10_000);
  assert.deepEqual(event.history, history);
});

Deno.test("an entry of the history that no record can hold fails its line, not the import", async () => {
  await using t = await testApp();
  const field = { field: "f".repeat(50), before: "雪".repeat(200), after: "雪".repeat(200) };
  const large = { ...edited(1), fields: Array.from({ length: 300 }, () => field) };
  const many = {
    ...edited(1),
    fields: Array.from({ length: 300 }, (_, i) => ({ ...field, field: `${i}` })),
  };
  const file = [
    organizer,
    line("a", { ...past, history: [many] }),
    line("b", { ...past, id: ID.replace(/.$/, "1"), history: [large] }),
    line("c"),
  ];
  for (const query of ["?dry_run=true", ""]) {
    const { failures, created } = await load(t, file, query);
    assert.deepEqual(failures.map(({ line, code }) => [line, code]), [[2, "event_too_large"]]);
    assert.equal(created, 3, "what a field says twice counts once");
  }
});

Deno.test("what is too large to be stored is so in a dry run, too", async () => {
  await using t = await testApp();
  const metadata = Object.fromEntries(Array.from({ length: 50 }, (_, i) => [i, "雪".repeat(500)]));
  await load(t, [organizer, line("b", { organizer_id: HALL })]);
  const file = [
    line("a", { organizer_id: HALL, metadata }),
    line("b", { organizer_id: HALL, metadata }),
    line("c", { ...past, metadata }),
  ];
  for (const query of ["?dry_run=true", ""]) {
    const { failures } = await load(t, file, query);
    assert.deepEqual(failures.map(({ line, code }) => [line, code]), [
      [1, "event_too_large"],
      [2, "event_too_large"],
      [3, "event_too_large"],
    ]);
  }
});

Deno.test("a dry run of a file of everything counts as the import does", async () => {
  await using t = await testApp();
  await load(t, [
    organizer,
    line("moved", { organizer_id: HALL }),
    line("gone", { organizer_id: HALL }),
  ]);
  const { id } = await byExternalId(t, "moved");
  const other = { ...organizer, id: "org_01J00000000000000000000001", external_id: "ball" };
  const file = [
    { ...organizer, name: "Town Hall" },
    { ...organizer, name: "Town Hall" },
    other,
    other,
    line("moved", { id, organizer_external_id: "ball" }),
    ...Array.from({ length: 16 }, (_, i) => line(`${i}`, { organizer_external_id: "ball" })),
    // The first organizer has no such event any more.
    line("moved", { organizer_id: HALL }),
    line("new", past),
    line("new", past),
    line("new", { ...past, title: "Another" }),
    { external_id: "gone", organizer_external_id: "hall", deleted: true },
    { external_id: "gone", organizer_external_id: "hall", deleted: true },
    line("gone", { organizer_id: HALL }),
    { external_id: "nothing", deleted: true },
    { external_id: "x", organizer_external_id: "nobody", deleted: true },
  ];
  let dry: Report | undefined;
  await assertWritesNothing(t, async () => {
    dry = await load(t, file, "?dry_run=true");
  });
  const real = await load(t, file);
  assert.deepEqual({ ...dry, failures: [] }, { ...real, failures: [] });
  assert.deepEqual(dry!.failures.map(({ line, code }) => [line, code]), [
    [25, "version_conflict"],
    [30, "invalid_body"],
  ]);
  assert.deepEqual(real.failures.map(({ line }) => line), dry!.failures.map(({ line }) => line));
  assert.deepEqual([real.updated, real.deleted], [2, 1]);
  await assertIndexesRebuild(t.store);
});
