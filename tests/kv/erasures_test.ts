/** Erasures as they are stored, and what is deleted for them. */
import assert from "node:assert/strict";
import { readToken } from "../../kv/api_tokens.ts";
import {
  addErasure,
  deleteAnswers,
  deleteCredentials,
  endErasure,
  listErasures,
} from "../../kv/erasures.ts";
import {
  outcomeKey,
  sessionByUserKey,
  sessionKey,
  tokenByUserKey,
  tokenKey,
  userKey,
} from "../../kv/keys.ts";
import { readSession } from "../../kv/sessions.ts";
import { NOW } from "../support/fixture.ts";
import { everything, testStore } from "./test_store.ts";

const ERASURE = {
  format: 1,
  organizers: "pass_on",
  at: NOW,
  by: "usr_ann",
  invitations: [],
} as const;

Deno.test("deleteCredentials() and deleteAnswers() delete however many there are, and nobody else's", async () => {
  using store = await testStore();
  const storeOf = async (userId: "usr_ann" | "usr_anna", count: number) => {
    for (let i = 0; i < count; i++) {
      const digest = `${userId} ${i}`;
      await store.kv.atomic()
        .set(sessionKey(digest), { format: 1, userId })
        .set(sessionByUserKey(userId, digest), null)
        .set(tokenKey(digest), { format: 1, userId })
        .set(tokenByUserKey(userId, `tok_${i}`), digest)
        .set(outcomeKey(userId, digest), { format: 1 })
        .commit();
    }
  };
  await storeOf("usr_anna", 1);
  const before = await everything(store);
  await storeOf("usr_ann", 401);
  await deleteCredentials(store, "usr_ann");
  await deleteAnswers(store, "usr_ann");
  assert.deepEqual(await everything(store), before);
  assert.notEqual(await readSession(store, "usr_anna 0"), null);
  assert.notEqual(await readToken(store, "usr_anna 0"), null);
});

Deno.test("endErasure() of two at once ends it once, with what goes along", async () => {
  using store = await testStore();
  const operation = store.kv.atomic().set(userKey("usr_ann"), { format: 1 });
  addErasure(operation, "usr_ann", { ...ERASURE, invitations: [] });
  await operation.commit();
  const [stored] = await listErasures(store);
  assert.deepEqual(stored!.erasure, ERASURE);
  const told: number[] = [];
  const ended = await Promise.all([1, 2, 3].map(async (n) => {
    const isOurs = await endErasure(store, stored!, (commit) => commit.set(["told", n], null));
    if (isOurs) told.push(n);
    return isOurs;
  }));
  assert.deepEqual(ended.toSorted(), [false, false, true]);
  const left = (await everything(store)).filter(({ key }) => key[0] !== "store");
  assert.deepEqual(left.map(({ key }) => key), [["told", told[0]]]);
});
