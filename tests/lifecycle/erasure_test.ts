/** Asking to be forgotten: who may, and what is gone at once. */
import assert from "node:assert/strict";
import { findUser, getUser, listAdmins } from "../../kv/users.ts";
import { readOrganizer } from "../../kv/organizers.ts";
import { getErasure } from "../../kv/erasures.ts";
import { issueToken, tokenPrincipal } from "../../lifecycle/api_tokens.ts";
import { FORMER_NAME, requestErasure } from "../../lifecycle/erasure.ts";
import { editOrganizer } from "../../lifecycle/organizers.ts";
import { GUEST, ROOT } from "../../lifecycle/policy.ts";
import { digestOf } from "../../lifecycle/secrets.ts";
import { sessionPrincipal } from "../../lifecycle/sessions.ts";
import { signIn } from "../../lifecycle/sign_in.ts";
import { DAY, NOW } from "../support/fixture.ts";
import { everything } from "../kv/test_store.ts";
import { alice, ask, linesOf, ownEvent, person, TRACES } from "./erasures.ts";
import { onStore } from "./lifecycle_fixture.ts";

const [name, email, subject] = TRACES as [string, string, string];
const PROFILE = { issuer: "https://id.example", subject, name, email, emailVerified: true };
const SIGN_IN = {
  now: NOW,
  provider: "oidc",
  userAgent: null,
  signUp: { rule: "open" },
  adminUsers: new Set<string>(),
} as const;

Deno.test(
  "requestErasure() takes away at once by what a user can be known or act",
  onStore(async (store) => {
    const principal = await alice(store);
    const { userId } = principal;
    const signedIn = await signIn(store, PROFILE, { ...SIGN_IN, now: NOW - 1 });
    const token = await issueToken(store, { name: "x", scopes: [], expiresAt: NOW + 9 * DAY }, {
      principal,
      now: NOW - 1,
    });
    const digest = digestOf(signedIn.secret);
    const by = { now: NOW, rootFingerprint: null };
    assert.notEqual(await sessionPrincipal(store, digest, by), null);
    assert.notEqual(await tokenPrincipal(store, token.secret, by), null);

    const asked = await ask(store, principal, "cancel_events");
    const expected = { format: 1, organizers: "cancel_events", at: NOW, by: userId } as const;
    assert.deepEqual(asked, { ...expected, invitations: [] });
    assert.deepEqual(await getErasure(store, userId), asked);
    assert.equal(await sessionPrincipal(store, digest, by), null);
    assert.equal(await tokenPrincipal(store, token.secret, by), null);
    assert.equal(await findUser(store, PROFILE), null);
    const user = (await getUser(store, userId))!;
    assert.deepEqual(
      [user.name, user.email, user.emailVerified, user.identity, user.role, user.erasedAt],
      ["Erased", null, false, { issuer: "", subject: "" }, "guest", NOW],
    );
    const line = (await linesOf(store, userId)).at(-1)!;
    assert.deepEqual(
      [line.action, line.at, line.by, line.userId, line.detail],
      ["user.erasure_requested", NOW, userId, userId, "cancel_events"],
    );
  }),
);

Deno.test(
  "signIn() of somebody who was forgotten makes a user who has nothing of the old one",
  onStore(async (store) => {
    const principal = await alice(store);
    await ask(store, principal);
    const again = await signIn(store, PROFILE, SIGN_IN);
    assert.notEqual(again.principal.userId, principal.userId);
    assert.equal((await getUser(store, again.principal.userId))!.name, name);
    assert.equal((await getUser(store, principal.userId))!.name, "Erased");
  }),
);

Deno.test(
  "requestErasure() asked for again, and ten times at once, is the first one still",
  onStore(async (store) => {
    const principal = await alice(store);
    const choices = Array.from({ length: 10 }, (_, i) => i % 2 === 0 ? "pass_on" : "cancel_events");
    const answers = await Promise.all(
      choices.map((choice) => ask(store, principal, choice as "pass_on")),
    );
    assert.equal(new Set(answers.map((answer) => JSON.stringify(answer))).size, 1);
    assert.deepEqual(await ask(store, principal), answers[0]);
    const actions = (await linesOf(store, principal.userId)).map(({ action }) => action);
    assert.equal(actions.filter((action) => action === "user.erasure_requested").length, 1);
  }),
);

Deno.test(
  "requestErasure() is for people in person, and never for usr_root",
  onStore(async (store) => {
    const principal = await alice(store);
    const before = await everything(store);
    const as = (who: Parameters<typeof requestErasure>[2]["principal"]) =>
      requestErasure(store, "pass_on", { principal: who, now: NOW, hasRoot: true });
    const credential = { kind: "token", tokenId: "tok_1", scopes: [] } as const;
    await assert.rejects(as(GUEST), { code: "unauthenticated" });
    await assert.rejects(as({ ...principal, credential }), { code: "forbidden" });
    await assert.rejects(as(ROOT), { code: "root_user" });
    await assert.rejects(as({ ...principal, userId: "usr_gone" }), { code: "unauthenticated" });
    assert.deepEqual(await everything(store), before);
  }),
);

Deno.test(
  "requestErasure() refuses the last who can administer, of two at once as well",
  onStore(async (store) => {
    const admins = [await person(store, "Ann", true), await person(store, "Bob", true)];
    const answers = await Promise.allSettled(admins.map((admin) => ask(store, admin)));
    const refused = answers.filter((answer) => answer.status === "rejected");
    assert.deepEqual(refused.map(({ reason }) => reason.code), ["last_admin"]);
    const [left] = await listAdmins(store);
    assert.equal((await getUser(store, left!))!.erasedAt, null);
    const options = { principal: { ...ROOT, userId: left! }, now: NOW, hasRoot: true };
    await requestErasure(store, "pass_on", options);
    assert.deepEqual(await listAdmins(store), [], "ADMIN_TOKEN can administer");
  }),
);

Deno.test(
  "requestErasure() takes the person's name from the organizer that their first event made",
  onStore(async (store) => {
    const principal = await alice(store);
    const { organizerId } = await ownEvent(store, principal);
    const named = (await readOrganizer(store, organizerId))!;
    assert.equal(named.organizer.name, name);
    // Changed, but not its name.
    const url = "https://wonder.example/";
    await editOrganizer(store, organizerId, { content: { url }, principal, now: NOW - 1 });
    await ask(store, principal);
    const { organizer } = (await readOrganizer(store, organizerId))!;
    assert.deepEqual([organizer.name, organizer.url], [FORMER_NAME, url]);
  }),
);

Deno.test(
  "requestErasure() takes a name away that the provider has since replaced",
  onStore(async (store) => {
    const principal = await alice(store);
    const { organizerId } = await ownEvent(store, principal);
    await signIn(store, { ...PROFILE, name: "Alice Hargreaves" }, SIGN_IN);
    await ask(store, principal);
    assert.equal((await readOrganizer(store, organizerId))!.organizer.name, FORMER_NAME);
  }),
);

Deno.test(
  "requestErasure() leaves a name that somebody gave to the organizer",
  onStore(async (store) => {
    const principal = await alice(store);
    const { organizerId } = await ownEvent(store, principal);
    const content = { name: "Tea Parties" };
    await editOrganizer(store, organizerId, { content, principal, now: NOW - 1 });
    await ask(store, principal);
    assert.equal((await readOrganizer(store, organizerId))!.organizer.name, "Tea Parties");
  }),
);
