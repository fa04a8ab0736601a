import assert from "node:assert/strict";
import { listAudit } from "../../kv/audit.ts";
import { readToken, type TokenId } from "../../kv/api_tokens.ts";
import { tokenKey } from "../../kv/keys.ts";
import type { Store } from "../../kv/store.ts";
import type { UserRole } from "../../kv/users.ts";
import { fingerprintOf, rootBy } from "../../lifecycle/admin_token.ts";
import {
  issueToken,
  listMyTokens,
  revokeToken,
  tokenPrincipal,
} from "../../lifecycle/api_tokens.ts";
import { type Principal, ROOT } from "../../lifecycle/policy.ts";
import { ALL_SCOPES, type Scope } from "../../lifecycle/scopes.ts";
import { digestOf, isApiToken, newApiToken, newSecret, SECRET } from "../../lifecycle/secrets.ts";
import { changeUser } from "../../lifecycle/users.ts";
import { aToken } from "../kv/people_records.ts";
import { loseAnswers, testStore } from "../kv/test_store.ts";
import { ADMIN_TOKEN, DAY, HOUR, MINUTE, NOW } from "../support/fixture.ts";
import { signedIn } from "../support/people.ts";
import { interrupt, onStore } from "./lifecycle_fixture.ts";

const BY_ROOT = { principal: ROOT, now: NOW, hasRoot: true };

async function ann(store: Store, now = NOW - DAY) {
  const { id } = await signedIn({ store, clock: { now } }, "Ann");
  return { userId: id, role: "member" as const, name: "Ann" };
}

const issue = (
  store: Store,
  principal: Principal,
  { now = NOW, expiresAt }: { now?: number; expiresAt?: number } = {},
) => {
  const input = { name: "Shop", scopes: ["events:read" as const] };
  const ends = expiresAt ?? now + 30 * DAY;
  return issueToken(store, { ...input, expiresAt: ends }, { principal, now });
};

const who = async (
  store: Store,
  secret: string,
  now = NOW,
  rootFingerprint: string | null = null,
) => (await tokenPrincipal(store, secret, { now, rootFingerprint }))?.userId ?? null;

Deno.test(
  "a token stands for its person, with its scopes and their role of now",
  onStore(async (store) => {
    const principal = await ann(store);
    const { token, secret } = await issueToken(
      store,
      { name: "Shop", scopes: ["events:read", "admin", "events:read"], expiresAt: NOW + DAY },
      { principal, now: NOW },
    );
    assert.ok(isApiToken(secret));
    const scopes = ["events:read", "admin"];
    assert.deepEqual(token.scopes, scopes);
    for (const role of ["guest", "admin"] as const) {
      await changeUser(store, principal.userId, { role }, BY_ROOT);
      assert.deepEqual(await tokenPrincipal(store, secret, { now: NOW, rootFingerprint: null }), {
        ...principal,
        role,
        credential: { kind: "token", tokenId: token.id, scopes },
      });
    }
    assert.equal(await who(store, newApiToken()), null);
  }),
);

Deno.test(
  "an administrator's token without the scope admin makes a member of them, a guest's no more than a guest",
  onStore(async (store) => {
    const principal = await ann(store);
    const roleBy = async (role: UserRole, scopes: Scope[]) => {
      await changeUser(store, principal.userId, { role }, BY_ROOT);
      const input = { name: "Shop", scopes, expiresAt: NOW + DAY };
      const { secret } = await issueToken(store, input, { principal, now: NOW });
      return (await tokenPrincipal(store, secret, { now: NOW, rootFingerprint: null }))!.role;
    };
    const others = ALL_SCOPES.filter((scope) => scope !== "admin");
    assert.equal(await roleBy("admin", ALL_SCOPES), "admin");
    assert.equal(await roleBy("admin", ["admin"]), "admin");
    assert.equal(await roleBy("admin", others), "member");
    assert.equal(await roleBy("member", ALL_SCOPES), "member");
    assert.equal(await roleBy("guest", others), "guest");
    // What is made with ADMIN_TOKEN is no exception.
    const rootFingerprint = fingerprintOf(store, ADMIN_TOKEN);
    const { secret } = await issue(store, rootBy(rootFingerprint));
    const root = await tokenPrincipal(store, secret, { now: NOW, rootFingerprint });
    assert.deepEqual([root!.userId, root!.role], ["usr_root", "member"]);
  }),
);

Deno.test(
  "a token ends when it says, to the millisecond",
  onStore(async (store) => {
    const principal = await ann(store);
    const { secret } = await issue(store, principal, { expiresAt: NOW + DAY });
    assert.equal(await who(store, secret, NOW + DAY - 1), principal.userId);
    assert.equal(await who(store, secret, NOW + DAY), null);
    const listed = (now: number) => listMyTokens(store, { principal, now });
    assert.equal((await listed(NOW + DAY - 1)).length, 1);
    assert.equal((await listed(NOW + DAY)).length, 0);
  }),
);

Deno.test(
  "a token lasts from one day to 366",
  onStore(async (store) => {
    const principal = await ann(store);
    for (
      const [lasts, isAllowed] of [
        // A minute for the way, and for a clock that is not ours.
        [DAY - MINUTE - 1, false],
        [DAY - MINUTE, true],
        [366 * DAY + MINUTE, true],
        [366 * DAY + MINUTE + 1, false],
        [0, false],
        [-DAY, false],
        [NaN, false],
        [Infinity, false],
      ] as const
    ) {
      const issuing = issue(store, principal, { expiresAt: NOW + lasts });
      if (isAllowed) await issuing;
      else await assert.rejects(issuing, { code: "invalid_body" }, `${lasts}`);
    }
  }),
);

Deno.test(
  "a revoked token is none at once, and its person's only can they revoke",
  onStore(async (store) => {
    const principal = await ann(store);
    const { id } = await signedIn({ store, clock: { now: NOW } }, "Bob");
    const bob = { userId: id, role: "member" as const, name: "Bob" };
    const { token, secret } = await issue(store, principal);
    const revoke = (by: Principal, id: TokenId) =>
      revokeToken(store, id, { principal: by, now: NOW });
    await assert.rejects(revoke(bob, token.id), { code: "not_found" });
    assert.equal(await who(store, secret), principal.userId);
    await revoke(principal, token.id);
    assert.equal(await who(store, secret), null);
    await assert.rejects(revoke(principal, token.id), { code: "not_found" });
    const lines = await listAudit(store, { userId: principal.userId, before: null, limit: 9 });
    assert.deepEqual(lines.slice(0, 2).map(({ action, detail }) => [action, detail]), [
      ["token.revoked", token.id],
      ["token.created", `${token.id} events:read`],
    ]);
  }),
);

Deno.test(
  "a suspension ends tokens for good",
  onStore(async (store) => {
    const principal = await ann(store);
    const { secret } = await issue(store, principal, { now: NOW - HOUR });
    await changeUser(store, principal.userId, { isSuspended: true }, BY_ROOT);
    assert.equal(await who(store, secret), null);
    await changeUser(store, principal.userId, { isSuspended: false }, BY_ROOT);
    assert.equal(await who(store, secret), null);
    assert.deepEqual(await listMyTokens(store, { principal, now: NOW }), []);
    const later = await issue(store, principal, { now: NOW + 1 });
    assert.equal(await who(store, later.secret, NOW + 1), principal.userId);
  }),
);

Deno.test(
  "a token makes and revokes no tokens, whatever its scopes; ADMIN_TOKEN does",
  onStore(async (store) => {
    const principal = await ann(store);
    const { token } = await issue(store, principal);
    const program: Principal = {
      ...principal,
      credential: { kind: "token", tokenId: token.id, scopes: ALL_SCOPES },
    };
    await assert.rejects(issue(store, program), { code: "forbidden" });
    const revoking = revokeToken(store, token.id, { principal: program, now: NOW });
    await assert.rejects(revoking, { code: "forbidden" });
    const rootFingerprint = fingerprintOf(store, ADMIN_TOKEN);
    const root: Principal = {
      ...rootBy(rootFingerprint),
      credential: { kind: "token", tokenId: "root", scopes: ALL_SCOPES },
    };
    const { secret } = await issue(store, root);
    assert.equal(await who(store, secret, NOW, rootFingerprint), "usr_root");
  }),
);

Deno.test(
  "what was made with an ADMIN_TOKEN ends when another is set, or none",
  onStore(async (store) => {
    const [first, second] = ["first", "second"].map((token) => fingerprintOf(store, token));
    const { secret } = await issue(store, rootBy(first!));
    assert.equal(await who(store, secret, NOW, first), "usr_root");
    for (const set of [second!, null]) assert.equal(await who(store, secret, NOW, set), null);
    const listed = (by: string) => listMyTokens(store, { principal: rootBy(by), now: NOW });
    assert.deepEqual([(await listed(first!)).length, (await listed(second!)).length], [1, 0]);
    // A token of root's that names no fingerprint is one of before there were any.
    const { rootFingerprint: _, ...token } = aToken({ id: "tok_1", userId: "usr_root", format: 1 });
    const before = newApiToken();
    await store.kv.set(tokenKey(digestOf(before)), token);
    for (const set of [first!, null]) assert.equal(await who(store, before, NOW, set), null);
    // Other people's have nothing to do with it.
    const principal = await ann(store);
    const { secret: anns } = await issue(store, principal);
    for (const set of [first!, null]) {
      assert.equal(await who(store, anns, NOW, set), principal.userId);
    }
  }),
);

Deno.test(
  "tokens of another ADMIN_TOKEN do not count among the hundred",
  onStore(async (store) => {
    const [first, second] = ["first", "second"].map((token) => rootBy(fingerprintOf(store, token)));
    for (let i = 0; i < 100; i++) await issue(store, first!);
    await assert.rejects(issue(store, first!), { code: "too_many_tokens" });
    await issue(store, second!);
  }),
);

Deno.test(
  "fingerprintOf() tells tokens apart, by 32 bits that mean nothing in another store",
  onStore(async (store) => {
    const fingerprint = fingerprintOf(store, ADMIN_TOKEN);
    assert.match(fingerprint, /^[0-9a-f]{8}$/);
    assert.equal(fingerprintOf(store, ADMIN_TOKEN), fingerprint);
    assert.notEqual(fingerprintOf(store, `${ADMIN_TOKEN}.`), fingerprint);
    using other = await testStore();
    assert.notEqual(fingerprintOf(other, ADMIN_TOKEN), fingerprint);
  }),
);

Deno.test(
  "one person has a hundred tokens at most, expired ones not counted",
  onStore(async (store) => {
    const principal = await ann(store);
    for (let i = 0; i < 100; i++) await issue(store, principal, { expiresAt: NOW + DAY });
    await assert.rejects(issue(store, principal), { code: "too_many_tokens" });
    await issue(store, principal, { now: NOW + DAY });
  }),
);

Deno.test(
  "that a token is used is written down once an hour, and is no condition",
  onStore(async (store) => {
    const principal = await ann(store);
    const { secret } = await issue(store, principal);
    const used = async (now: number) => {
      await who(store, secret, now);
      return (await readToken(store, digestOf(secret)))!.token.usedAt;
    };
    assert.equal(await used(NOW), NOW);
    assert.equal(await used(NOW + HOUR - 1), NOW);
    assert.equal(await used(NOW + HOUR), NOW + HOUR);
    const { DomainError } = await import("../../kv/errors.ts");
    store.commit = () => Promise.reject(new DomainError("outcome_unknown"));
    assert.equal(await used(NOW + 2 * HOUR), NOW + HOUR);
    store.commit = () => Promise.reject(new TypeError("a bug"));
    await assert.rejects(used(NOW + 2 * HOUR), TypeError);
  }),
);

Deno.test(
  "a token that is revoked while its use is written down stays revoked",
  onStore(async (store) => {
    const principal = await ann(store);
    const { token, secret } = await issue(store, principal);
    let isRevoked = false;
    interrupt(store, "get", async () => {
      if (isRevoked) return;
      isRevoked = true;
      await revokeToken(store, token.id, { principal, now: NOW });
    });
    await who(store, secret);
    assert.ok(isRevoked);
    assert.equal(await readToken(store, digestOf(secret)), null);
  }),
);

Deno.test("tokens whose commit's answer was lost are made once", async () => {
  using store = await testStore();
  const principal = await ann(store);
  loseAnswers(store);
  const { token, secret } = await issue(store, principal);
  assert.equal(await who(store, secret), principal.userId);
  assert.equal((await listMyTokens(store, { principal, now: NOW })).length, 1);
  await revokeToken(store, token.id, { principal, now: NOW });
  assert.equal(await who(store, secret), null);
});

Deno.test("a token that is not stored is a conflict, and no secret is told", async () => {
  using store = await testStore();
  const principal = await ann(store);
  store.faults.commit = () => Promise.resolve({ ok: false });
  await assert.rejects(issue(store, principal), { code: "conflict" });
});

Deno.test("secrets are random, of the forms that are looked for, and kept as digests", () => {
  const tokens = new Set(Array.from({ length: 100 }, newApiToken));
  assert.equal(tokens.size, 100);
  for (const token of tokens) assert.match(token, /^curtain_[0-9a-f]{70}$/);
  const secrets = new Set(Array.from({ length: 100 }, newSecret));
  assert.equal(secrets.size, 100);
  for (const secret of secrets) assert.match(secret, SECRET);
  assert.match(digestOf("a"), SECRET);
  assert.notEqual(digestOf("a"), digestOf("b"));
  const [token] = tokens;
  assert.ok(isApiToken(token!));
  for (const no of ["", "curtain_", token!.slice(1), `${token}0`, ` ${token}`, `${token}\n`]) {
    assert.ok(!isApiToken(no), no);
  }
});
