import assert from "node:assert/strict";
import {
  createToken,
  deleteTokens,
  listTokens,
  readToken,
  type TokenId,
  touchToken,
} from "../../kv/api_tokens.ts";
import { tokenKey } from "../../kv/keys.ts";
import { findOutcome } from "../../kv/outcomes.ts";
import { NOW } from "../support/fixture.ts";
import { aToken } from "./people_records.ts";
import { everything, loseAnswers, loseSight, type TestStore, testStore } from "./test_store.ts";

const ANN = "usr_ann";
const tokenOf = (number: number) => aToken({ id: `tok_${number}` as TokenId, userId: ANN });

async function stored(store: TestStore, number: number) {
  const token = { digest: `digest ${number}`, token: tokenOf(number) };
  assert.ok(await createToken(store, token, { together() {} }));
  return (await readToken(store, token.digest))!;
}

Deno.test("a token is found by its digest, and among its user's by when it was made", async () => {
  using store = await testStore();
  for (const number of [2, 1]) await stored(store, number);
  assert.deepEqual((await readToken(store, "digest 1"))!.token, tokenOf(1));
  assert.equal(await readToken(store, "digest 9"), null);
  const listed = await listTokens(store, ANN);
  assert.deepEqual(listed.map(({ token, digest }) => [token.id, digest]), [
    ["tok_1", "digest 1"],
    ["tok_2", "digest 2"],
  ]);
  assert.deepEqual(await listTokens(store, "usr_bob"), []);
  await store.kv.delete(tokenKey("digest 1"));
  assert.equal((await listTokens(store, ANN)).length, 1);
});

Deno.test("a user's tokens are listed however many there are", async () => {
  using store = await testStore();
  for (let number = 1; number <= 501; number++) await stored(store, number);
  assert.equal((await listTokens(store, ANN)).length, 501);
});

Deno.test("touchToken() says that it was used, and brings no revoked one back", async () => {
  using store = await testStore();
  await touchToken(store, await stored(store, 1), NOW);
  const read = (await readToken(store, "digest 1"))!;
  assert.equal(read.token.usedAt, NOW);
  await deleteTokens(store, [read]);
  await touchToken(store, read, NOW + 1);
  assert.deepEqual((await everything(store)).map(({ key }) => key[0]), ["store"]);
});

Deno.test("deleteTokens() revokes with what is written for it", async () => {
  using store = await testStore();
  const first = await stored(store, 1);
  await stored(store, 2);
  await deleteTokens(store, [first], (operation) => operation.set(["mark"], null));
  assert.equal(await readToken(store, "digest 1"), null);
  assert.deepEqual((await listTokens(store, ANN)).map(({ token }) => token.id), ["tok_2"]);
  assert.equal(store.sent.at(-1)!.sets.length, 1);
});

Deno.test("a token whose commit's answer was lost is there, and is made once", async () => {
  using store = await testStore();
  loseAnswers(store);
  await stored(store, 1);
  assert.equal((await listTokens(store, ANN)).length, 1);
});

Deno.test("when it cannot be looked up whether a token was stored, the outcome is unknown", async () => {
  using store = await testStore({ readDeadlineMs: 1 });
  loseSight(store);
  await assert.rejects(stored(store, 1), { code: "outcome_unknown" });
});

Deno.test("of two tokens for one key of idempotency one is made, with its outcome", async () => {
  using store = await testStore();
  const place = { userId: ANN, digest: "key", now: NOW } as const;
  const found = await findOutcome(store, place);
  assert.ok("slot" in found);
  const outcomeOf = () => ({
    requestHash: "hash",
    status: 201,
    headers: {},
    body: new Uint8Array(),
    expiresAt: NOW + 1,
  });
  const make = (number: number) =>
    createToken(store, { digest: `digest ${number}`, token: tokenOf(number) }, {
      remember: { slot: found.slot, outcomeOf },
      together() {},
    });
  assert.deepEqual((await Promise.all([make(1), make(2)])).toSorted(), [false, true]);
  assert.equal((await listTokens(store, ANN)).length, 1);
  assert.ok("outcome" in await findOutcome(store, place));
});
