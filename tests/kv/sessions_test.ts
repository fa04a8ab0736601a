import assert from "node:assert/strict";
import { sessionKey } from "../../kv/keys.ts";
import {
  createSession,
  deleteSessions,
  listDigests,
  listSessions,
  readSession,
  touchSession,
} from "../../kv/sessions.ts";
import type { Store } from "../../kv/store.ts";
import { DAY, NOW } from "../support/fixture.ts";
import { aSession } from "./people_records.ts";
import { everything, testStore } from "./test_store.ts";

const ANN = "usr_ann";

async function stored(store: Store, digest: string, userId: `usr_${string}` = ANN) {
  await createSession(store, { digest, session: aSession(userId), keptMs: DAY }, () => {});
  return (await readSession(store, digest))!;
}

Deno.test("a session is found by its digest, and among its user's", async () => {
  using store = await testStore();
  await stored(store, "b");
  await stored(store, "a");
  await stored(store, "c", "usr_bob");
  assert.deepEqual((await readSession(store, "a"))!.session, aSession(ANN));
  assert.equal(await readSession(store, "x"), null);
  assert.deepEqual((await listSessions(store, ANN)).map(({ digest }) => digest), ["a", "b"]);
  assert.deepEqual(await listDigests(store, ANN), ["a", "b"]);
  // Its record may have expired a moment before the other row.
  await store.kv.delete(sessionKey("a"));
  assert.deepEqual((await listSessions(store, ANN)).map(({ digest }) => digest), ["b"]);
});

Deno.test("touchSession() says that it was in use, and brings no ended one back", async () => {
  using store = await testStore();
  const read = await stored(store, "a");
  await touchSession(store, read, { now: NOW, keptMs: DAY });
  assert.equal((await readSession(store, "a"))!.session.seenAt, NOW);
  const again = (await readSession(store, "a"))!;
  await deleteSessions(store, { userId: ANN, digests: ["a"] });
  await touchSession(store, again, { now: NOW + 1, keptMs: DAY });
  assert.equal(await readSession(store, "a"), null);
  assert.deepEqual(await listDigests(store, ANN), []);
});

Deno.test("deleteSessions() ends those that are named, together with what is written for it", async () => {
  using store = await testStore();
  for (const digest of ["a", "b", "c"]) await stored(store, digest);
  const before = store.sent.length;
  await deleteSessions(store, {
    userId: ANN,
    digests: ["a", "c"],
    together: (operation) => operation.set(["mark"], null),
  });
  assert.equal(store.sent.length, before + 1);
  assert.deepEqual(await listDigests(store, ANN), ["b"]);
  assert.notEqual((await store.get(["mark"])).versionstamp, null);
});

Deno.test("any number of sessions is ended, in commits that are small enough", async () => {
  using store = await testStore();
  const names = Array.from({ length: 1_001 }, (_, i) => `digest ${String(i).padStart(4, "0")}`);
  for (const digest of names) await stored(store, digest);
  assert.deepEqual(await listDigests(store, ANN), names);
  const before = store.sent.length;
  await deleteSessions(store, {
    userId: ANN,
    digests: names,
    together: (operation) => operation.set(["mark"], null),
  });
  const commits = store.sent.slice(before);
  assert.ok(commits.length > 1 && commits.every(({ deletes }) => deletes.length <= 400));
  assert.equal(commits.filter(({ sets }) => sets.length > 0).length, 1);
  assert.deepEqual((await everything(store)).map(({ key }) => key[0]), ["mark", "store"]);
});
