/** Moving house: what was moved in comes out unchanged, at rest and under writes. */
import assert from "node:assert/strict";
import { DomainError } from "../../kv/errors.ts";
import { submitEvent } from "../../lifecycle/create_event.ts";
import { removeEvent } from "../../lifecycle/delete_event.ts";
import { editEvent } from "../../lifecycle/edit_event.ts";
import { submitOrganizer } from "../../lifecycle/organizers.ts";
import { ROOT } from "../../lifecycle/policy.ts";
import { transitionEvent } from "../../lifecycle/transition_event.ts";
import type { EventId } from "../../kv/event_record.ts";
import {
  ADMIN,
  allRecords,
  assertIndexesRebuild,
  NOW,
  scaled,
  testApp,
} from "../support/fixture.ts";
import type { TestApp } from "../support/fixture.ts";
import { generatedLines } from "../support/generated_events.ts";
import { json } from "../support/http.ts";
import { random } from "../support/random.ts";

interface Report {
  created: number;
  updated: number;
  unchanged: number;
  deleted: number;
  failed: number;
  failures: unknown[];
}

async function load(t: TestApp, lines: string): Promise<Report> {
  const headers = { ...ADMIN, "content-type": "application/x-ndjson" };
  const report = await json<Report>(
    await t.request("POST", "/v1/imports", { body: lines, headers }),
  );
  assert.deepEqual(report.failures, []);
  return report;
}

async function save(t: TestApp, query = ""): Promise<{ lines: string; position: string }> {
  const response = await t.request("GET", `/v1/exports${query}`, { headers: ADMIN });
  const lines = await response.text();
  assert.equal(response.status, 200, lines);
  assert.equal(response.headers.get("content-type"), "application/x-ndjson");
  return { lines, position: response.headers.get("journal-position")! };
}

/** Not `assert.equal`, whose message would hold both files. */
function assertSameFile(actual: string, expected: string): void {
  if (actual === expected) return;
  const [ours, theirs] = [actual.split("\n"), expected.split("\n")];
  const i = ours.findIndex((line, i) => line !== theirs[i]);
  assert.equal(ours[i], theirs[i], `line ${i + 1} of ${ours.length} (expected ${theirs.length})`);
}

Deno.test("ten years of events are imported, exported, imported elsewhere, exported: the same bytes", async () => {
  const count = scaled(40_000, 800);
  const file = [...generatedLines(count)].join("");
  await using first = await testApp();
  assert.equal((await load(first, file)).created, count + 7);
  const out = await save(first);
  assertSameFile(out.lines, file);
  await using second = await testApp();
  await load(second, out.lines);
  assertSameFile((await save(second)).lines, file);
  await assertIndexesRebuild(second.store);
  // And once more, into the store that has it all.
  assert.equal((await load(second, file)).unchanged, count + 7);
});

/** Organizers at work: everything that can be written, by a seed. */
async function work(t: TestApp, ids: EventId[], { seed, deeds }: { seed: number; deeds: number }) {
  const next = random(seed);
  const pick = <T>(list: T[]): T => list[Math.floor(next() * list.length)]!;
  const as = { principal: ROOT, now: NOW };
  for (let i = 0; i < deeds; i++) {
    const kind = Math.floor(next() * 8);
    const id = pick(ids);
    try {
      if (kind === 0) {
        const name = `House ${seed}-${i}`;
        const { id: organizerId } = await submitOrganizer(t.store, { name }, as);
        const made = await submitEvent(t.store, {
          content: { title: name, externalId: name },
          times: { startDate: "2026-12-06T10:00:00Z" },
          status: "DRAFT",
          organizerId,
        }, as);
        ids.push(made.id);
      } else if (kind === 1) {
        await removeEvent(t.store, id, { reason: "Gone.", ...as });
      } else if (kind === 2) {
        const input = { to: "CANCELLED" as const, reason: null };
        await transitionEvent(t.store, id, { input, ...as });
      } else {
        const edit = { content: { title: `Edit ${seed}-${i}`, tags: ["new"] }, times: {} };
        await editEvent(t.store, id, { edit, ...as });
      }
    } catch (error) {
      // Deleted, cancelled or archived meanwhile.
      assert.ok(error instanceof DomainError, String(error));
    }
  }
}

Deno.test("an export under writes and what followed it are the store", async () => {
  await using first = await testApp();
  await load(first, [...generatedLines(scaled(3_000, 300), { seed: 5 })].join(""));
  const ids = (await allRecords(first.store)).map((record) => record.id);
  await using second = await testApp();

  const deeds = scaled(400, 60);
  const works = [1, 2, 3].map((seed) => work(first, ids, { seed, deeds }));
  let isOver = false;
  const over = Promise.all(works).then(() => isOver = true);
  let { lines, position } = await save(first);
  await load(second, lines);
  let followers = 0;
  do {
    ({ lines, position } = await save(first, `?since=${position}`));
    await load(second, lines);
    followers++;
  } while (!isOver);
  await over;
  ({ lines, position } = await save(first, `?since=${position}`));
  await load(second, lines);

  assertSameFile((await save(second)).lines, (await save(first)).lines);
  await assertIndexesRebuild(second.store);
  assert.ok(followers > 0);
  const rest = await save(first, `?since=${position}`);
  assert.deepEqual(rest, { lines: "", position }, "and then nothing follows");
});
