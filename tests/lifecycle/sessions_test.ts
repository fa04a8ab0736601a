import assert from "node:assert/strict";
import { listAudit } from "../../kv/audit.ts";
import { sessionKey } from "../../kv/keys.ts";
import { readSession, type Session } from "../../kv/sessions.ts";
import type { Store } from "../../kv/store.ts";
import { fingerprintOf, rootBy } from "../../lifecycle/admin_token.ts";
import { digestOf } from "../../lifecycle/secrets.ts";
import {
  endMySessions,
  keptMs,
  listMySessions,
  newSession,
  sessionName,
  sessionPrincipal,
} from "../../lifecycle/sessions.ts";
import { signInRoot } from "../../lifecycle/sign_in.ts";
import { changeUser } from "../../lifecycle/users.ts";
import { ROOT } from "../../lifecycle/policy.ts";
import { aSession } from "../kv/people_records.ts";
import { ADMIN_TOKEN, DAY, HOUR, NOW } from "../support/fixture.ts";
import { signedIn } from "../support/people.ts";
import { aMember, interrupt, onStore } from "./lifecycle_fixture.ts";

const BY_ROOT = { principal: ROOT, now: NOW, hasRoot: true };

async function began(store: Store, now = NOW) {
  const { id, cookie } = await signedIn({ store, clock: { now } }, "Ann");
  return { id, digest: digestOf(cookie.slice("session=".length)) };
}

/** Who the session stands for; null: nobody. */
const who = async (
  store: Store,
  digest: string,
  now: number,
  rootFingerprint: string | null = null,
) => (await sessionPrincipal(store, digest, { now, rootFingerprint }))?.userId ?? null;

Deno.test(
  "a session ends after thirty days however much it is used, to the millisecond",
  onStore(async (store) => {
    const { id, digest } = await began(store);
    for (let now = NOW; now < NOW + 30 * DAY; now += 6 * DAY) {
      assert.equal(await who(store, digest, now), id);
    }
    assert.equal(await who(store, digest, NOW + 30 * DAY - 1), id);
    assert.equal(await who(store, digest, NOW + 30 * DAY), null);
  }),
);

Deno.test(
  "a session ends after seven days without use, to the millisecond",
  onStore(async (store) => {
    const { id, digest } = await began(store);
    assert.equal(await who(store, digest, NOW + 7 * DAY), null);
    assert.equal(await who(store, digest, NOW + 7 * DAY - 1), id);
    // It has been in use then, so it goes on from there.
    assert.equal(await who(store, digest, NOW + 14 * DAY - 2), id);
  }),
);

Deno.test(
  "that a session is in use is written down once an hour",
  onStore(async (store) => {
    const { digest } = await began(store);
    let commits = 0;
    const { commit } = store;
    store.commit = (operation) => (commits++, commit.call(store, operation));
    const seen = async (now: number) => {
      await who(store, digest, now);
      return [commits, (await readSession(store, digest))!.session.seenAt];
    };
    assert.deepEqual(await seen(NOW + HOUR - 1), [0, NOW]);
    assert.deepEqual(await seen(NOW + HOUR), [1, NOW + HOUR]);
    assert.deepEqual(await seen(NOW + HOUR + 1), [1, NOW + HOUR]);
    assert.deepEqual(await seen(NOW + 2 * HOUR), [2, NOW + 2 * HOUR]);
  }),
);

Deno.test(
  "a session is no less good when the store cannot write down that it is in use",
  onStore(async (store) => {
    const { id, digest } = await began(store);
    const { DomainError } = await import("../../kv/errors.ts");
    store.commit = () => Promise.reject(new DomainError("outcome_unknown"));
    assert.equal(await who(store, digest, NOW + HOUR), id);
    store.commit = () => Promise.reject(new TypeError("a bug"));
    await assert.rejects(who(store, digest, NOW + HOUR), TypeError);
  }),
);

Deno.test(
  "a session that ends while its use is written down stays ended",
  onStore(async (store) => {
    const { id, digest } = await began(store);
    const principal = { userId: id, role: "member" as const, name: "Ann" };
    let isEnded = false;
    interrupt(store, "get", async () => {
      if (isEnded) return;
      isEnded = true;
      await endMySessions(store, { principal, now: NOW, which: () => true });
    });
    await who(store, digest, NOW + HOUR);
    assert.ok(isEnded);
    assert.equal(await readSession(store, digest), null);
  }),
);

Deno.test(
  "a suspension ends sessions for good: letting the user in again brings none back",
  onStore(async (store) => {
    const { id, digest } = await began(store, NOW - HOUR);
    await changeUser(store, id, { isSuspended: true }, BY_ROOT);
    assert.equal(await who(store, digest, NOW), null);
    assert.deepEqual(await listMySessions(store, { principal: aMember(id), now: NOW }), []);
    await changeUser(store, id, { isSuspended: false }, BY_ROOT);
    assert.equal(await who(store, digest, NOW), null);
    assert.deepEqual(await listMySessions(store, { principal: aMember(id), now: NOW }), []);
    // Of the suspension's own millisecond is none either.
    assert.equal(await who(store, (await began(store, NOW)).digest, NOW), null);
    assert.equal(await who(store, (await began(store, NOW + 1)).digest, NOW + 1), id);
  }),
);

Deno.test(
  "what a session may do is what its user may now",
  onStore(async (store) => {
    const { id, digest } = await began(store);
    for (const role of ["admin", "guest", "member"] as const) {
      await changeUser(store, id, { role }, BY_ROOT);
      const principal = await sessionPrincipal(store, digest, { now: NOW, rootFingerprint: null });
      assert.deepEqual(principal, {
        userId: id,
        role,
        name: "Ann",
        credential: { kind: "session", digest },
      });
    }
  }),
);

Deno.test(
  "the administrator's session counts while the ADMIN_TOKEN that began it is set",
  onStore(async (store) => {
    const [first, second] = ["first", "second"].map((token) => fingerprintOf(store, token));
    const begin = async (rootFingerprint: string) => {
      const { secret } = await signInRoot(store, { now: NOW, userAgent: null, rootFingerprint });
      return digestOf(secret);
    };
    const digests = [await begin(first!), await begin(second!)];
    for (const [i, digest] of digests.entries()) {
      assert.equal(await who(store, digest, NOW, first), i === 0 ? "usr_root" : null);
      assert.equal(await who(store, digest, NOW, second), i === 1 ? "usr_root" : null);
      assert.equal(await who(store, digest, NOW, null), null);
    }
    const mine = await listMySessions(store, { principal: rootBy(second!), now: NOW });
    assert.deepEqual(mine.map((one) => one.digest), [digests[1]]);
  }),
);

Deno.test(
  "the administrator's session of before it was told with which ADMIN_TOKEN it began is over",
  onStore(async (store) => {
    const rootFingerprint = fingerprintOf(store, ADMIN_TOKEN);
    const { rootFingerprint: _, ...session } = aSession("usr_root", { format: 1 });
    await store.kv.set(sessionKey("of before"), session);
    assert.equal(await who(store, "of before", NOW, rootFingerprint), null);
    // Of everybody else it is what it was.
    const { id, digest } = await began(store);
    const { value } = await store.kv.get<Session>(sessionKey(digest));
    const { rootFingerprint: __, ...before } = { ...value!, format: 1 };
    await store.kv.set(sessionKey(digest), before);
    assert.equal(await who(store, digest, NOW, rootFingerprint), id);
  }),
);

Deno.test(
  "the sessions of a user are listed newest first, ended ones left out",
  onStore(async (store) => {
    const digests: string[] = [];
    for (const days of [31, 8, 2, 1]) digests.push((await began(store, NOW - days * DAY)).digest);
    const { id } = await began(store, NOW - 3 * DAY);
    const listed = await listMySessions(store, { principal: aMember(id), now: NOW });
    const days = listed.map(({ session }) => (NOW - session.createdAt) / DAY);
    assert.deepEqual(days, [1, 2, 3]);
    assert.equal(await who(store, "x".repeat(43), NOW), null);
  }),
);

Deno.test(
  "endMySessions() ends those that are chosen, with one line in the audit log",
  onStore(async (store) => {
    const first = await began(store);
    const second = await began(store);
    const { id: userId } = first;
    const principal = { userId, role: "member" as const, name: "Ann" };
    const end = (which: (digest: string) => boolean) =>
      endMySessions(store, { principal, now: NOW, which });
    assert.equal(await end((digest) => digest === first.digest), 1);
    assert.equal(await who(store, first.digest, NOW), null);
    assert.equal(await who(store, second.digest, NOW), userId);
    assert.equal(await end((digest) => digest === first.digest), 0);
    assert.equal(await end(() => true), 1);
    const lines = await listAudit(store, { userId, before: null, limit: 50 });
    const ended = lines.filter(({ action }) => action === "sessions.ended");
    assert.deepEqual(ended.map(({ detail }) => detail), ["1", "1"]);
  }),
);

Deno.test("newSession() shortens what the browser calls itself; sessionName() tells no digest", () => {
  const about = { provider: "oidc", now: NOW, lastsMs: DAY };
  const session = newSession("usr_ann", { ...about, userAgent: "x".repeat(1_000) });
  assert.equal(session.userAgent, "x".repeat(200));
  assert.equal(newSession("usr_ann", { ...about, userAgent: null }).userAgent, null);
  assert.equal(keptMs(session, NOW), DAY);
  assert.equal(keptMs({ ...session, expiresAt: NOW + 30 * DAY }, NOW), 7 * DAY);
  assert.equal(keptMs(session, NOW + 2 * DAY), 1);
  assert.equal(sessionName("a".repeat(43)), `ses_${"a".repeat(16)}`);
});
