/** `/me`: a person's own page and its forms. */
import assert from "node:assert/strict";
import { listMyTokens } from "../../lifecycle/api_tokens.ts";
import { listMySessions } from "../../lifecycle/sessions.ts";
import { aMember } from "../lifecycle/lifecycle_fixture.ts";
import { ADMIN, DAY, HOUR, testApp } from "../support/fixture.ts";
import { assertLeadsTo, openPath, pageOf, sendForm, wordsOf } from "../support/forms.ts";
import { create, json, problem } from "../support/http.ts";
import { signedIn, tokenOf } from "../support/people.ts";

Deno.test("GET /me leads whoever is not signed in there, and back", async () => {
  await using t = await testApp();
  assertLeadsTo(await openPath(t, "/me"), "/auth/sign-in?return_to=%2Fme");
  assertLeadsTo(
    await openPath(t, "/me?done=left", { cookie: `session=${"A".repeat(43)}` }),
    "/auth/sign-in?return_to=%2Fme%3Fdone%3Dleft",
  );
});

Deno.test("GET /me tells a member who they are, and nobody keeps it", async () => {
  await using t = await testApp();
  const ada = await signedIn(t, "Ada", { email: "ada@example.org" });
  const response = await openPath(t, "/me", ada);
  assert.equal(response.headers.get("cache-control"), "no-store");
  assert.equal(response.headers.get("referrer-policy"), "same-origin");
  const text = await pageOf(response);
  assert.match(text, /<meta name="robots" content="noindex"/);
  const words = wordsOf(text);
  assert.match(words, /Role Member E-mail ada@example\.org User id usr_/);
  assert.match(words, /development\|ada To hand to whoever appoints administrators/);
  assert.ok(!words.includes("You are a guest"));
  assert.ok(!text.includes("/me/users"));
});

Deno.test("GET /me tells a guest what they may not do, and why", async () => {
  await using t = await testApp();
  const words = wordsOf(
    await pageOf(await openPath(t, "/me", await signedIn(t, "Gus", { role: "guest" }))),
  );
  assert.match(words, /You are a guest.*cannot create events or organizers, because.*invitation/);
});

Deno.test("GET /me leads an administrator to the users, and the one of ADMIN_TOKEN, too", async () => {
  await using t = await testApp();
  const boss = await pageOf(await openPath(t, "/me", await signedIn(t, "Boss", { role: "admin" })));
  assert.match(boss, /href="\/me\/users"/);
  assert.ok(!boss.includes("development|boss"));
  const root = wordsOf(await pageOf(await openPath(t, "/me", ADMIN)));
  assert.match(root, /Administrator Sign out Role Administrator User id usr_root/);
});

Deno.test("GET /me shows one's organizers and events with their status, and nobody else's", async () => {
  await using t = await testApp();
  const ada = await signedIn(t, "Ada");
  const bob = await signedIn(t, "Bob");
  const event = await create(t, ada, { title: "The opening" });
  await create(t, ada, { title: "A secret", visibility: "PRIVATE", status: "DRAFT" });
  await create(t, bob, { title: "Of somebody else" });
  const text = await pageOf(await openPath(t, "/me", ada));
  const words = wordsOf(text);
  assert.match(words, /The opening .*Upcoming/);
  assert.match(words, /A secret .*Private Draft/);
  assert.ok(!words.includes("Of somebody else"));
  assert.ok(text.includes(`href="/events/${event.id}"`));
  assert.ok(text.includes(`href="/organizers/${event.organizer_id}/people"`));

  // Over by the clock alone: no sweep has run.
  t.clock.now += 2 * DAY;
  const later = wordsOf(await pageOf(await openPath(t, "/me", ada)));
  assert.match(later, /A secret .*Lately The opening .*Over/);
});

Deno.test("names are text on /me, whatever they are", async () => {
  await using t = await testApp();
  const evil = `<script>alert(1)</script>`;
  const eve = await signedIn(t, evil);
  await create(t, eve, { title: evil });
  const fields = { action: "make_token", name: evil, scope: "events:read", days: "7" };
  for (
    const text of [
      await pageOf(await sendForm(t, "/me", { fields, headers: eve })),
      await pageOf(await openPath(t, "/me", eve)),
      await pageOf(await openPath(t, "/me?done=%3Cscript%3Ealert(1)%3C/script%3E", eve)),
    ]
  ) {
    assert.ok(text.includes("&lt;script&gt;"));
    assert.ok(!text.includes("<script>alert"));
  }
});

Deno.test("only words of the list are told as done", async () => {
  await using t = await testApp();
  const ada = await signedIn(t, "Ada");
  for (const [word, isTold] of [["token_revoked", true], ["constructor", false], ["x", false]]) {
    const text = await pageOf(await openPath(t, `/me?done=${word}`, ada));
    assert.equal(text.includes(`role="status"`), isTold, `${word}`);
  }
});

Deno.test("a token is made by its form, and its secret shown once", async () => {
  await using t = await testApp();
  const ada = await signedIn(t, "Ada");
  const fields = {
    action: "make_token",
    name: " The box office ",
    scope: ["events:read", "events:write"],
    days: "30",
  };
  const response = await sendForm(t, "/me", { fields, headers: ada });
  assert.equal(response.headers.get("cache-control"), "no-store");
  const text = await pageOf(response);
  const secret = />([^<]+)<\/textarea>/.exec(text)?.[1];
  const [token] = await listMyTokens(t.store, { principal: aMember(ada.id), now: t.clock.now });
  assert.deepEqual(
    [token?.name, token?.scopes, token!.expiresAt - t.clock.now],
    ["The box office", ["events:read", "events:write"], 30 * DAY],
  );
  const after = await pageOf(await openPath(t, "/me", ada));
  assert.ok(!after.includes(secret!));
  assert.match(wordsOf(after), /The box office events:read events:write made .*, never used/);

  const me = await t.request("GET", "/v1/me", { headers: { authorization: `Bearer ${secret}` } });
  assert.equal((await json<{ id: string }>(me)).id, ada.id);

  const revoke = { action: "revoke_token", token: token!.id };
  assertLeadsTo(
    await sendForm(t, "/me", { fields: revoke, headers: ada }),
    "/me?done=token_revoked",
  );
  assert.deepEqual(
    await listMyTokens(t.store, { principal: aMember(ada.id), now: t.clock.now }),
    [],
  );
  const again = wordsOf(
    await pageOf(await sendForm(t, "/me", { fields: revoke, headers: ada }), 404),
  );
  assert.match(again, /There is nothing here .*Back to the page/);
});

Deno.test("a token's form says at the field what is wrong, keeps the rest, and makes none", async () => {
  await using t = await testApp();
  const ada = await signedIn(t, "Ada");
  const good = { action: "make_token", name: "Fine", scope: "events:write", days: "30" };
  for (
    const [wrong, id, said] of [
      [{ name: "  " }, "token-name", "1 to 100 characters"],
      [{ name: "x".repeat(101) }, "token-name", "1 to 100 characters"],
      [{ scope: [] }, "token-scopes", "Choose at least one"],
      [{ scope: ["events:read", "everything"] }, "token-scopes", "Choose at least one"],
      [{ days: "367" }, "token-days", "Choose one of these"],
      [{ days: "" }, "token-days", "Choose one of these"],
    ] as const
  ) {
    const fields = { ...good, ...wrong } as Record<string, string>;
    const text = await pageOf(await sendForm(t, "/me", { fields, headers: ada }), 422);
    const note = new RegExp(`id="${id}-note" class="note"><strong class="wrong">[^<]*${said}`);
    assert.match(text, note, JSON.stringify(wrong));
    assert.match(text, /<details class="other-way" open="">/);
    if (!("scope" in wrong)) assert.match(text, /value="events:write" checked=""/);
  }
  assert.deepEqual(
    await listMyTokens(t.store, { principal: aMember(ada.id), now: t.clock.now }),
    [],
  );
});

Deno.test("sessions are ended one by one, all others at once, and this one signs out", async () => {
  await using t = await testApp();
  const here = await signedIn(t, "Ada");
  t.clock.now += HOUR;
  const there = await signedIn(t, "Ada");
  const names = async () =>
    [...(await pageOf(await openPath(t, "/me", here))).matchAll(/value="(ses_[^"]+)"/g)]
      .map(([, name]) => name!);
  const text = wordsOf(await pageOf(await openPath(t, "/me", here)));
  assert.equal(text.match(/this browser/g)?.length, 1);
  const [other] = await names();
  const end = (session: string) =>
    sendForm(t, "/me", { fields: { action: "end_session", session }, headers: here });
  assertLeadsTo(await end(other!), "/me?done=session_ended");
  assertLeadsTo(await openPath(t, "/me", there), "/auth/sign-in?return_to=%2Fme");

  await signedIn(t, "Ada");
  await signedIn(t, "Ada");
  const others = { fields: { action: "end_others" }, headers: here };
  assertLeadsTo(await sendForm(t, "/me", others), "/me?done=others_ended");
  assert.equal(
    (await listMySessions(t.store, { principal: aMember(here.id), now: t.clock.now })).length,
    1,
  );

  const bob = await signedIn(t, "Bob");
  const [own] = await names();
  const foreign = { fields: { action: "end_session", session: own! }, headers: bob };
  await pageOf(await sendForm(t, "/me", foreign), 404);

  const out = await end(own!);
  assertLeadsTo(out, "/");
  assert.match(out.headers.get("set-cookie")!, /^session=; Path=\/; Max-Age=0; /);
  assertLeadsTo(await openPath(t, "/me", here), "/auth/sign-in?return_to=%2Fme");
});

Deno.test("no form is done for another site, in another type, for strangers or for tokens", async () => {
  await using t = await testApp();
  const ada = await signedIn(t, "Ada");
  const { cookie } = ada;
  const fields = { action: "make_token", name: "Stolen", scope: "events:write", days: "30" };
  const sent = (headers: Record<string, string>) => sendForm(t, "/me", { fields, headers });
  for (
    const headers of [
      { cookie },
      { cookie, "sec-fetch-site": "cross-site" },
      { cookie, "sec-fetch-site": "same-site" },
      { cookie, "sec-fetch-site": "none" },
      { cookie, origin: "https://evil.example" },
      { cookie, origin: "null" },
      { "sec-fetch-site": "cross-site" },
    ]
  ) await pageOf(await sent(headers), 403);
  for (const type of ["application/json", "text/plain", "multipart/form-data; boundary=x"]) {
    await pageOf(await sent({ ...ada, "content-type": type }), 415);
  }
  const stranger = wordsOf(await pageOf(await sent({ "sec-fetch-site": "same-origin" }), 401));
  assert.match(stranger, /Please sign in/);
  const token = await tokenOf(t, ada, ["events:read", "events:write", "admin"]);
  await pageOf(await sent({ ...token, "sec-fetch-site": "same-origin" }), 403);
  await pageOf(await openPath(t, "/me", token), 403);
  await pageOf(await sendForm(t, "/me", { fields: { action: "x" }, headers: ada }), 404);
  const tokens = await listMyTokens(t.store, { principal: aMember(ada.id), now: t.clock.now });
  assert.deepEqual(tokens.map(({ name }) => name), ["A program"]);
});

Deno.test("programs are told what is wrong on /me as problems", async () => {
  await using t = await testApp();
  const headers = { accept: "application/problem+json" };
  await problem(await t.request("GET", "/me", { headers }), 401, "unauthenticated");
});
