import assert from "node:assert/strict";
import {
  addAuditLine,
  type AuditLine,
  isWritten,
  listAudit,
  writeAuditLine,
} from "../../kv/audit.ts";
import type { UserId } from "../../kv/event_record.ts";
import { auditByUserPrefix, auditKey } from "../../kv/keys.ts";
import { NOW } from "../support/fixture.ts";
import { aLine } from "./people_records.ts";
import { everything, testStore } from "./test_store.ts";

const ids = (lines: AuditLine[]) => lines.map(({ id }) => Number(id.slice(4)));

Deno.test("a line is listed, newest first, also within one millisecond", async () => {
  using store = await testStore();
  for (const [number, at] of [[3, NOW + 1], [1, NOW], [2, NOW], [4, NOW - 1]] as const) {
    await writeAuditLine(store, aLine(number, { at }));
  }
  const listed = await listAudit(store, { before: null, limit: 10 });
  assert.deepEqual(ids(listed), [3, 2, 1, 4]);
  assert.deepEqual(listed[0], aLine(3, { at: NOW + 1 }));
});

Deno.test("pages go on before the last line of the page before, of all and of one user", async () => {
  using store = await testStore();
  for (let i = 0; i < 25; i++) {
    const userId = i % 3 === 0 ? "usr_bob" : "usr_carol";
    await writeAuditLine(store, aLine(i, { at: NOW + Math.floor(i / 10), userId }));
  }
  const walk = async (userId?: UserId): Promise<number[]> => {
    const found: AuditLine[] = [];
    for (;;) {
      const page = await listAudit(store, { userId, before: found.at(-1) ?? null, limit: 4 });
      found.push(...page);
      if (page.length < 4) return ids(found);
    }
  };
  const all = Array.from({ length: 25 }, (_, i) => 24 - i);
  assert.deepEqual(await walk(), all);
  assert.deepEqual(await walk("usr_alice"), all, "who did it");
  assert.deepEqual(await walk("usr_bob"), all.filter((i) => i % 3 === 0), "whom it is about");
  assert.deepEqual(await walk("usr_dora"), []);
});

Deno.test("a line about who did it is theirs once, and one of nobody is no user's", async () => {
  using store = await testStore();
  await writeAuditLine(store, aLine(1, { userId: "usr_alice" }));
  await writeAuditLine(store, aLine(2, { by: null }));
  const mine = await listAudit(store, { userId: "usr_alice", before: null, limit: 10 });
  assert.deepEqual(ids(mine), [1]);
  assert.deepEqual(ids(await listAudit(store, { before: null, limit: 10 })), [2, 1]);
});

Deno.test("a line that has expired leaves no hole in its user's list", async () => {
  using store = await testStore();
  for (const number of [1, 2]) await writeAuditLine(store, aLine(number));
  await store.kv.delete(auditKey(NOW, aLine(1).id));
  const left = await listAudit(store, { userId: "usr_alice", before: null, limit: 10 });
  assert.deepEqual(ids(left), [2]);
});

Deno.test("addAuditLine() is part of the commit: made with it, or not at all", async () => {
  using store = await testStore();
  const line = aLine(1);
  const refused = store.kv.atomic().check({ key: ["other"], versionstamp: "00000000000000010000" });
  addAuditLine(refused, line);
  assert.equal((await store.commit(refused)).ok, false);
  assert.equal(await isWritten(store, line), false);
  assert.deepEqual((await everything(store)).map(({ key }) => key[0]), ["store"]);
  assert.ok((await store.commit(addAuditLine(store.kv.atomic(), line))).ok);
  assert.equal(await isWritten(store, line), true);
  assert.deepEqual((await everything(store)).map(({ key }) => key), [
    auditKey(NOW, line.id),
    [...auditByUserPrefix("usr_alice"), NOW, line.id],
    ["store"],
  ]);
});

Deno.test("isWritten() that cannot look says that the outcome is unknown", async () => {
  using store = await testStore({ readDeadlineMs: 1 });
  store.faults.silent = true;
  await assert.rejects(isWritten(store, aLine(1)), { code: "outcome_unknown" });
});
