/** `/me/users`: what administrators do about users on a page. */
import assert from "node:assert/strict";
import { getUser } from "../../kv/users.ts";
import { ADMIN, testApp } from "../support/fixture.ts";
import { assertLeadsTo, openPath, pageOf, sendForm, wordsOf } from "../support/forms.ts";
import { json } from "../support/http.ts";
import { signedIn } from "../support/people.ts";

interface Line {
  action: string;
  by: string;
  detail: string | null;
}

const auditOf = async (t: Awaited<ReturnType<typeof testApp>>) =>
  (await json<{ items: Line[] }>(await t.request("GET", "/v1/audit", { headers: ADMIN }))).items;

Deno.test("GET /me/users is for administrators", async () => {
  await using t = await testApp();
  assertLeadsTo(await openPath(t, "/me/users"), "/auth/sign-in?return_to=%2Fme%2Fusers");
  for (const role of ["guest", "member"] as const) {
    const headers = await signedIn(t, role, { role });
    await pageOf(await openPath(t, "/me/users", headers), 403);
    const fields = { action: "role", user: headers.id, role: "admin" };
    await pageOf(await sendForm(t, "/me/users", { fields, headers }), 403);
    assert.equal((await getUser(t.store, headers.id))?.role, role);
    const refusals = (await auditOf(t)).filter(({ action, by }) =>
      action === "grant.refused" && by === headers.id
    );
    assert.deepEqual(refusals.map(({ detail }) => detail), ["POST /me/users forbidden"]);
  }
});

Deno.test("an administrator changes roles, suspends and reinstates, and the log tells of it", async () => {
  await using t = await testApp();
  const boss = await signedIn(t, "Boss", { role: "admin" });
  const bob = await signedIn(t, "<b>Bob</b>", { role: "guest" });
  const text = await pageOf(await openPath(t, "/me/users", boss));
  assert.ok(text.includes("&lt;b&gt;Bob&lt;/b&gt;") && !text.includes("<b>Bob"));
  const send = (fields: Record<string, string>) =>
    sendForm(t, "/me/users", { fields: { user: bob.id, ...fields }, headers: boss });

  assertLeadsTo(await send({ action: "role", role: "member" }), "/me/users?done=role_changed");
  assert.equal((await getUser(t.store, bob.id))?.role, "member");
  assertLeadsTo(await send({ action: "suspend" }), "/me/users?done=suspended");
  assertLeadsTo(await openPath(t, "/me", bob), "/auth/sign-in?return_to=%2Fme");
  assert.match(wordsOf(await pageOf(await openPath(t, "/me/users", boss))), /Bob.*, suspended/);
  assertLeadsTo(await send({ action: "reinstate" }), "/me/users?done=reinstated");
  assert.equal((await getUser(t.store, bob.id))?.suspendedAt, null);

  const actions = (await auditOf(t)).filter(({ by }) => by === boss.id).map(({ action }) => action);
  for (
    const action of ["user.role_changed", "user.suspended", "user.reinstated", "admin.request"]
  ) {
    assert.ok(actions.includes(action), action);
  }
});

Deno.test("a form of /me/users that is wrong changes nobody", async () => {
  await using t = await testApp({ hasRoot: false });
  const boss = await signedIn(t, "Boss", { role: "admin" });
  const bob = await signedIn(t, "Bob");
  const send = (fields: Record<string, string>) =>
    sendForm(t, "/me/users", { fields, headers: boss });
  for (
    const fields of [
      { action: "role", user: bob.id, role: "emperor" },
      { action: "role", user: "usr_../../x", role: "admin" },
      { action: "role", user: "usr_01M93NSS80PRVYXKFJ379K3XG8", role: "admin" },
      { action: "promote", user: bob.id, role: "admin" },
      { user: bob.id, role: "admin" },
    ]
  ) await pageOf(await send(fields as Record<string, string>), 404);
  assert.equal((await getUser(t.store, bob.id))?.role, "member");

  const own = await pageOf(await send({ action: "role", user: boss.id, role: "guest" }), 409);
  assert.match(wordsOf(own), /Nobody would be left who can.*Back to the page/);
  const root = await pageOf(await send({ action: "suspend", user: "usr_root" }), 409);
  assert.match(wordsOf(root), /Only whoever sets ADMIN_TOKEN decides/);

  const foreign = { ...boss, "sec-fetch-site": "cross-site" };
  const fields = { action: "role", user: bob.id, role: "admin" };
  await pageOf(await sendForm(t, "/me/users", { fields, headers: foreign }), 403);
  assert.equal((await getUser(t.store, bob.id))?.role, "member");
});

Deno.test("the users come in pages, and a form leads back to its own", async () => {
  await using t = await testApp();
  const boss = await signedIn(t, "Boss", { role: "admin" });
  for (let i = 0; i < 60; i++) {
    t.clock.now += 1;
    await signedIn(t, `User ${String(i).padStart(2, "0")}.`);
  }
  const first = await pageOf(await openPath(t, "/me/users", boss));
  const next = /href="(\/me\/users\?after=usr_\w+)"/.exec(first)?.[1];
  const second = await pageOf(await openPath(t, next!, boss));
  const names = [...`${first}${second}`.matchAll(/<bdi>(User \d\d)\.<\/bdi>/g)].map(([, name]) =>
    name
  );
  assert.equal(names.length, 60);
  assert.equal(new Set(names).size, 60);
  assert.ok(!second.includes("More users") && second.includes("Back to the start"));
  const [, after] = /name="after" value="(usr_\w+)"/.exec(second)!;
  const [, user] = /name="user" value="(usr_\w+)"/.exec(second)!;
  const fields = { action: "suspend", user: user!, after: after! };
  const answer = await sendForm(t, "/me/users", { fields, headers: boss });
  assertLeadsTo(answer, `/me/users?after=${after}&done=suspended`);
  // Whatever else is named there is no address of ours.
  const evil = { ...fields, after: "x&y=//evil.example" };
  assertLeadsTo(
    await sendForm(t, "/me/users", { fields: evil, headers: boss }),
    "/me/users?done=suspended",
  );
});
