import assert from "node:assert/strict";
import { listAudit } from "../../kv/audit.ts";
import { readSession } from "../../kv/sessions.ts";
import type { Store } from "../../kv/store.ts";
import { findUser, getUser, listUsers, readUser, replaceUser, type User } from "../../kv/users.ts";
import { digestOf } from "../../lifecycle/secrets.ts";
import { ROOT_SESSION_MS, SESSION_MS } from "../../lifecycle/sessions.ts";
import { signIn, type SignInOptions, signInRoot } from "../../lifecycle/sign_in.ts";
import { identityText, type Profile, roleAtSignUp, type SignUp } from "../../lifecycle/sign_up.ts";
import { loseAnswers, testStore } from "../kv/test_store.ts";
import { HOUR, NOW } from "../support/fixture.ts";
import { interrupt, onStore } from "./lifecycle_fixture.ts";

const ISSUER = "https://provider.example";
const ANN: Profile = {
  issuer: ISSUER,
  subject: "ann",
  name: "Ann",
  email: "ann@example.org",
  emailVerified: true,
};

const options = (more: Partial<SignInOptions> = {}): SignInOptions => ({
  now: NOW,
  provider: "oidc",
  userAgent: "A browser",
  signUp: { rule: "invited" },
  adminUsers: new Set(),
  ...more,
});

const actions = async (store: Store) =>
  (await listAudit(store, { before: null, limit: 50 })).map(({ action, detail }) =>
    detail === null ? action : `${action} ${detail}`
  ).reverse();

async function change(store: Store, profile: Profile, changes: Partial<User>): Promise<void> {
  const read = (await readUser(store, (await findUser(store, profile))!))!;
  const next = { ...read.user, ...changes };
  assert.equal(await replaceUser(store, read, next, { hasRoot: true, together() {} }), "replaced");
}

Deno.test(
  "a first sign-in makes a user and a session, of which only the digest is kept",
  onStore(async (store) => {
    const { principal, secret, session } = await signIn(store, ANN, options());
    assert.deepEqual([principal.role, principal.name], ["guest", "Ann"]);
    assert.match(secret, /^[\w-]{43}$/);
    const user = (await getUser(store, principal.userId))!;
    assert.deepEqual([user.email, user.emailVerified], ["ann@example.org", true]);
    assert.deepEqual(user.identity, { issuer: ISSUER, subject: "ann" });
    assert.deepEqual([user.createdAt, user.signedInAt], [NOW, NOW]);
    assert.equal(await readSession(store, secret), null);
    assert.deepEqual((await readSession(store, digestOf(secret)))!.session, session);
    assert.equal(session.expiresAt, NOW + SESSION_MS);
    assert.deepEqual(await actions(store), ["user.created guest", "session.created"]);
  }),
);

Deno.test(
  "of many first sign-ins at once one makes the user, and all are that user's",
  onStore(async (store) => {
    const signedIn = await Promise.all(
      Array.from({ length: 6 }, () => signIn(store, ANN, options())),
    );
    assert.equal(new Set(signedIn.map(({ principal }) => principal.userId)).size, 1);
    assert.equal((await listUsers(store, { limit: 10 })).length, 1);
    for (const { secret } of signedIn) assert.ok(await readSession(store, digestOf(secret)));
    const created = (await actions(store)).filter((action) => action.startsWith("user.created"));
    assert.equal(created.length, 1);
  }),
);

Deno.test(
  "who comes again is as the provider names them now, and keeps their role",
  onStore(async (store) => {
    const { principal: { userId } } = await signIn(store, ANN, options());
    await change(store, ANN, { role: "member" });
    const later = NOW + HOUR;
    await signIn(store, ANN, options({ now: later }));
    assert.deepEqual(
      (({ updatedAt, signedInAt, role }) => [updatedAt, signedInAt, role])(
        (await getUser(store, userId))!,
      ),
      [NOW, later, "member"],
      "nothing about them has changed",
    );
    const { email: _, ...renamed } = { ...ANN, name: "  Ann\n Other " };
    await signIn(store, renamed, options({ now: later }));
    const user = (await getUser(store, userId))!;
    assert.deepEqual([user.name, user.email, user.emailVerified], ["Ann Other", null, false]);
    assert.equal(user.updatedAt, later);
  }),
);

Deno.test(
  "the session that the browser had ends with the next one, whosever it was",
  onStore(async (store) => {
    const first = await signIn(store, ANN, options());
    const endedBy = ({ principal: { userId }, secret }: typeof first) => ({
      userId,
      digest: digestOf(secret),
    });
    const bob = { ...ANN, subject: "bob" };
    const second = await signIn(store, bob, options({ ended: endedBy(first) }));
    assert.equal(await readSession(store, digestOf(first.secret)), null);
    const byForm = { now: NOW, userAgent: null, rootFingerprint: "0a1b2c3d" };
    const root = await signInRoot(store, { ...byForm, ended: endedBy(second) });
    assert.equal(await readSession(store, digestOf(second.secret)), null);
    assert.equal(root.session.expiresAt, NOW + ROOT_SESSION_MS);
    const rows = await Array.fromAsync(store.kv.list({ prefix: ["session_by_user"] }));
    assert.deepEqual(rows.map(({ key }) => key[1]), ["usr_root"]);
  }),
);

Deno.test(
  "who is suspended cannot sign in, which is written down, and can once let in again",
  onStore(async (store) => {
    await signIn(store, ANN, options());
    await change(store, ANN, { suspendedAt: NOW, credentialsEndedAt: NOW });
    const again = () => signIn(store, ANN, options({ now: NOW + 1 }));
    await assert.rejects(again(), { code: "user_suspended" });
    assert.equal((await actions(store)).at(-1), "session.refused suspended");
    await change(store, ANN, { suspendedAt: null });
    await again();
  }),
);

Deno.test(
  "who was erased and comes again is somebody new",
  onStore(async (store) => {
    const { principal: { userId } } = await signIn(store, ANN, options());
    await change(store, ANN, { erasedAt: NOW });
    const again = await signIn(store, ANN, options());
    assert.notEqual(again.principal.userId, userId);
  }),
);

Deno.test(
  "who is erased while they sign in is somebody new, too",
  onStore(async (store) => {
    const { principal: { userId } } = await signIn(store, ANN, options());
    let isErased = false;
    interrupt(store, "get", async () => {
      if (isErased) return;
      isErased = true;
      await change(store, ANN, { erasedAt: NOW });
    });
    const again = await signIn(store, ANN, options());
    assert.ok(isErased);
    assert.notEqual(again.principal.userId, userId);
  }),
);

Deno.test(
  "an administrator by ADMIN_USERS is one at every sign-in, and by its issuer and subject only",
  onStore(async (store) => {
    const adminUsers = new Set([`${ISSUER}|ann`]);
    await signIn(store, ANN, options());
    const { principal } = await signIn(store, ANN, options({ adminUsers }));
    assert.equal(principal.role, "admin");
    assert.ok((await actions(store)).includes("user.role_changed admin"));
    for (
      const other of [
        { ...ANN, issuer: "https://other.example" },
        { ...ANN, subject: "Ann" },
        { ...ANN, subject: "ann2" },
      ]
    ) assert.equal((await signIn(store, other, options({ adminUsers }))).principal.role, "guest");
    // Who is not named any more stays what they are: that is an administrator's to take away.
    assert.equal((await signIn(store, ANN, options())).principal.role, "admin");
  }),
);

Deno.test(
  "a profile without a usable identity signs nobody in",
  onStore(async (store) => {
    const usable = "x".repeat(500);
    for (const text of ["", `${usable}x`]) {
      for (const part of [{ issuer: text }, { subject: text }]) {
        const signingIn = signIn(store, { ...ANN, ...part }, options());
        await assert.rejects(signingIn, { code: "sign_in_failed" });
      }
    }
    await signIn(store, { ...ANN, issuer: usable, subject: usable }, options());
    assert.equal((await listUsers(store, { limit: 10 })).length, 1);
  }),
);

Deno.test(
  "somebody always has a name: the provider's, else the address, else none in particular",
  onStore(async (store) => {
    const named = async (subject: string, about: Partial<Profile>) => {
      const profile = { issuer: ISSUER, subject, emailVerified: false, ...about };
      const { principal } = await signIn(store, profile, options());
      return principal.name;
    };
    assert.equal(await named("1", { name: "x".repeat(200) }), "x".repeat(100));
    assert.equal(await named("2", { name: " \n ", email: "ann@example.org" }), "ann@example.org");
    // Never half a character, which no import takes.
    assert.equal(await named("5", { name: `x${"🎭".repeat(120)}` }), `x${"🎭".repeat(99)}`);
    // What nobody sees, and what turns the text around it.
    assert.equal(await named("6", { name: "\u3164\u200b" }), "Somebody");
    assert.equal(await named("7", { name: "Ann\u202e\u0000\u2066 Lee" }), "Ann Lee");
    assert.equal(await named("3", {}), "Somebody");
    assert.equal(await named("4", { email: `${"x".repeat(250)}@a.org` }), "Somebody");
  }),
);

Deno.test("sign-ins whose commit's answer was lost make one user and one session", async () => {
  using store = await testStore();
  loseAnswers(store);
  const first = await signIn(store, ANN, options());
  const second = await signIn(store, ANN, options({ now: NOW + 1 }));
  assert.equal(first.principal.userId, second.principal.userId);
  assert.equal((await actions(store)).filter((one) => one === "session.created").length, 2);
  for (const { secret } of [first, second]) assert.ok(await readSession(store, digestOf(secret)));
});

Deno.test("a user who changes again and again while they sign in is a conflict in the end", async () => {
  using store = await testStore();
  await signIn(store, ANN, options());
  store.faults.commit = () => Promise.resolve({ ok: false });
  await assert.rejects(signIn(store, ANN, options({ now: NOW + 1 })), { code: "conflict" });
});

Deno.test("roleAtSignUp(): who may create events at once", () => {
  const invited: SignUp = { rule: "invited" };
  const domains: SignUp = { rule: "domains", domains: ["example.org", "b.example"] };
  const role = (signUp: SignUp, about: Partial<Profile> = {}) =>
    roleAtSignUp({ ...ANN, ...about }, { signUp, adminUsers: new Set(["x|y"]) });
  assert.equal(role(invited), "guest");
  assert.equal(role({ rule: "open" }), "member");
  assert.equal(role(domains), "member");
  assert.equal(role(domains, { email: "Ann@EXAMPLE.org" }), "member");
  assert.equal(role(domains, { email: "ann@b.example" }), "member");
  for (
    const about of [
      { emailVerified: false },
      { email: "ann@sub.example.org" },
      { email: "ann@notexample.org" },
      { email: "ann@example.org.evil" },
      { email: "ann@example.org@evil.example" },
      { email: "example.org" },
      { email: "" },
      { email: "ann@" },
    ]
  ) assert.equal(role(domains, about), "guest", JSON.stringify(about));
  const { email: _, ...without } = ANN;
  assert.equal(roleAtSignUp(without, { signUp: domains, adminUsers: new Set() }), "guest");
  assert.equal(role(invited, { issuer: "x", subject: "y" }), "admin");
  assert.equal(identityText({ issuer: "x", subject: "y" }), "x|y");
});
