/** Records of an older and of a newer format, next to today's. */
import assert from "node:assert/strict";
import { DomainError } from "../../kv/errors.ts";
import { getEvent, replaceEvent } from "../../kv/events.ts";
import { type Format, FORMATS, isNewer, requireWritable, upgraded } from "../../kv/formats.ts";
import { finishRun, getJobRecord, replaceLease, updateJobRecord } from "../../kv/jobs.ts";
import { createOrganizer, readOrganizer, replaceOrganizer } from "../../kv/organizers.ts";
import { aRecord, assertIndexesRebuild, storeEvent } from "../support/fixture.ts";
import { NEXT_FORMAT } from "../support/versions.ts";
import { edit } from "./event_steps.ts";
import { aLease, aRun, JOB } from "./job_records.ts";
import { anOrganizer } from "./organizer_records.ts";
import { testStore } from "./test_store.ts";

const THIRD: Format = {
  current: 3,
  steps: {
    1: ({ name, ...rest }) => ({ ...rest, title: name }),
    2: (record) => ({ ...record, length: (record.title as string).length }),
  },
};

Deno.test("upgraded() takes a record through every step between its format and today's", () => {
  const third = { format: 3, title: "Gala", length: 4 };
  assert.deepEqual(upgraded({ format: 1, name: "Gala" }, THIRD), third);
  assert.deepEqual(upgraded({ format: 2, title: "Gala" }, THIRD), third);
  assert.deepEqual(upgraded({ name: "Gala" }, THIRD), third, "no number is format 1");
});

Deno.test("upgraded() leaves today's and newer records as they are", () => {
  for (const record of [{ format: 3, title: "Gala" }, { format: 4, heading: "Gala" }]) {
    assert.equal(upgraded(record, THIRD), record);
  }
});

Deno.test("requireWritable() refuses a newer format only, and names both", () => {
  for (const format of [1, 2, 3]) requireWritable({ format }, THIRD, "it");
  assert.equal(isNewer({ format: 4 }, THIRD), true);
  assert.throws(() => requireWritable({ format: 4 }, THIRD, 'event "evt_1"'), {
    code: "newer_format",
    message: /event "evt_1": it has format 4, this program writes format 3/,
  });
});

Deno.test("every format has a step from each one before it", () => {
  for (const [type, { current, steps }] of Object.entries(FORMATS)) {
    for (let format = 1; format < current; format++) assert.ok(steps[format], `${type} ${format}`);
  }
});

Deno.test("an older event is upgraded when read, and written in today's format", async () => {
  using today = await testStore();
  const { record: { id } } = await storeEvent(today);
  using next = await testStore({ kv: today.kv, schema: NEXT_FORMAT });
  const read = (await getEvent(next, id))!;
  assert.deepEqual([read.record.format, languageOf(read.record)], [
    FORMATS.event.current + 1,
    "en",
  ]);
  const raw = await next.kv.get<{ format: number }>(["event", id]);
  assert.equal(raw.value!.format, FORMATS.event.current, "reading writes nothing");
  const result = await replaceEvent(next, read, [edit(read.record, { title: "Gala" })]);
  assert.equal(result.outcome, "committed");
  const written = await next.kv.get<Record<string, unknown>>(["event", id]);
  assert.deepEqual([written.value!.format, languageOf(written.value!)], [
    FORMATS.event.current + 1,
    "en",
  ]);
  await assertIndexesRebuild(next);
});

const languageOf = (record: object) => (record as { language?: string }).language;

Deno.test("what was stored before anything could be withheld is not, and its indexes are whole", async () => {
  using store = await testStore();
  const { isWithheld: _, ...organizer } = { ...anOrganizer(1), format: 1 };
  await store.kv.set(["organizer", organizer.id], organizer);
  assert.deepEqual((await readOrganizer(store, organizer.id))!.organizer, anOrganizer(1));
  const { record } = await storeEvent(store);
  const { isWithheld: __, ...first } = { ...record, format: 1 };
  await store.kv.set(["event", record.id], first);
  // Their entries are what they were: no generation is needed for that.
  await assertIndexesRebuild(store);
  const read = (await getEvent(store, record.id))!;
  assert.deepEqual(read.record, record);
  await replaceEvent(store, read, [edit(read.record, { title: "Gala" })]);
  await assertIndexesRebuild(store);
});

Deno.test("a newer event is served as far as it is understood, and never written", async () => {
  using today = await testStore();
  using next = await testStore({ kv: today.kv, schema: NEXT_FORMAT });
  const { record } = await storeEvent(next, { title: "From tomorrow" });
  const read = (await getEvent(today, record.id))!;
  assert.equal(read.record.title, "From tomorrow");
  await assert.rejects(
    replaceEvent(today, read, [edit(read.record, { title: "Lost" })]),
    (error) => error instanceof DomainError && error.code === "newer_format",
  );
  assert.deepEqual(await getEvent(today, record.id), read);
});

Deno.test("an older organizer is upgraded, a newer one never written", async () => {
  using today = await testStore();
  const organizer = anOrganizer(1);
  await createOrganizer(today, organizer, "usr_alice");
  using next = await testStore({ kv: today.kv, schema: NEXT_FORMAT });
  const read = (await readOrganizer(next, organizer.id))!;
  assert.deepEqual([read.organizer.format, languageOf(read.organizer)], [
    FORMATS.organizer.current + 1,
    "en",
  ]);
  assert.equal(await replaceOrganizer(next, read, { ...read.organizer, name: "Hall" }), true);
  const newer = (await readOrganizer(today, organizer.id))!;
  assert.equal(newer.organizer.name, "Hall");
  await assert.rejects(
    replaceOrganizer(today, newer, { ...newer.organizer, name: "Lost" }),
    (error) => error instanceof DomainError && error.code === "newer_format",
  );
});

Deno.test("a job's record of a newer format is left alone while the job still runs", async () => {
  using today = await testStore();
  using next = await testStore({ kv: today.kv, schema: NEXT_FORMAT });
  await updateJobRecord(next, JOB, (record) => ({ ...record, format: 2, emptyRuns: 5 }));
  const before = await getJobRecord(today, JOB);
  await assert.rejects(
    updateJobRecord(today, JOB, (record) => record),
    (error) => error instanceof DomainError && error.code === "newer_format",
  );
  const lease = aLease(1);
  const versionstamp = (await replaceLease(today, JOB, null, lease))!;
  const change = (record: typeof before.value) => ({ ...record, emptyRuns: 0 });
  const end = { job: JOB, run: aRun(1), change };
  assert.equal(await finishRun(today, { lease, versionstamp }, end), true);
  assert.deepEqual(await getJobRecord(today, JOB), before);
});

Deno.test("both formats lie side by side in one list", async () => {
  using today = await testStore();
  using next = await testStore({ kv: today.kv, schema: NEXT_FORMAT });
  const ids = [(await storeEvent(today)).record.id, (await storeEvent(next)).record.id];
  for (const store of [today, next]) {
    for (const id of ids) assert.equal((await getEvent(store, id))!.record.title, aRecord().title);
    await assertIndexesRebuild(store);
  }
});
