/** `/organizers/{id}/people`: who acts for an organizer, on a page. */
import assert from "node:assert/strict";
import type { OrganizerId } from "../../kv/event_record.ts";
import { getOrganizerRole } from "../../kv/organizers.ts";
import { ROOT } from "../../lifecycle/policy.ts";
import { setMember } from "../../lifecycle/members.ts";
import { invite, listOpenInvitations, MAX_OPEN_INVITATIONS } from "../../lifecycle/invitations.ts";
import { ADMIN, DAY, testApp } from "../support/fixture.ts";
import { assertLeadsTo, openPath, pageOf, sendForm, wordsOf } from "../support/forms.ts";
import { create } from "../support/http.ts";
import { type Browser, signedIn } from "../support/people.ts";

/** An owner, an editor, a viewer and somebody else; each asks and sends as themselves. */
async function aTroupe(options: Parameters<typeof testApp>[0] = {}) {
  const t = await testApp(options);
  const [ada, ed, vi, bob] = [
    await signedIn(t, "Ada"),
    await signedIn(t, "Ed"),
    await signedIn(t, "<i>Vi</i>"),
    await signedIn(t, "Bob"),
  ];
  const id = (await create(t, ada)).organizer_id as OrganizerId;
  const by = { principal: ROOT, now: t.clock.now };
  await setMember(t.store, id, { ...by, userId: ed.id, role: "editor" });
  await setMember(t.store, id, { ...by, userId: vi.id, role: "viewer" });
  const path = `/organizers/${id}/people`;
  return {
    t,
    id,
    path,
    ...{ ada, ed, vi, bob },
    see: (headers: Record<string, string> = {}) => openPath(t, path, headers),
    send: (headers: Record<string, string>, fields: Record<string, string>) =>
      sendForm(t, path, { fields, headers }),
    roleOf: ({ id: userId }: Browser) => getOrganizerRole(t.store, id, userId),
    open: () => listOpenInvitations(t.store, id, by),
    [Symbol.asyncDispose]: () => t[Symbol.asyncDispose](),
  };
}

Deno.test("an organizer's people are seen by them and by administrators only", async () => {
  await using troupe = await aTroupe();
  const { ada, ed, vi, bob, path, see, t } = troupe;
  assertLeadsTo(await see(), `/auth/sign-in?${new URLSearchParams({ return_to: path })}`);
  await pageOf(await see(bob), 403);
  for (const headers of [ada, ed, vi, ADMIN]) {
    const response = await see(headers);
    assert.equal(response.headers.get("cache-control"), "no-store");
    const text = await pageOf(response);
    assert.ok(text.includes("&lt;i&gt;Vi&lt;/i&gt;") && !text.includes("<i>Vi"));
    const isDecider = headers === ada || headers === ADMIN;
    assert.equal(text.includes("Invite somebody"), isDecider);
    assert.equal(text.includes(`value="role"`), isDecider);
    assert.equal(text.includes("Leave these people"), headers !== ADMIN);
  }
  for (const id of ["org_00000000000000000000000009", "x", "org_<script>"]) {
    await pageOf(await openPath(t, `/organizers/${encodeURIComponent(id)}/people`, ada), 404);
  }
});

Deno.test("two colleagues whose names look alike are told apart by who decides about them", async () => {
  await using troupe = await aTroupe();
  const { t, id, ada, vi, see } = troupe;
  // The first letter is Cyrillic.
  const other = await signedIn(t, "\u0410da");
  const by = { principal: ROOT, now: t.clock.now };
  await setMember(t.store, id, { ...by, userId: other.id, role: "viewer" });
  const text = await pageOf(await see(ada));
  for (const who of [ada, other]) assert.ok(text.includes(`<code>${who.id}</code>`));
  assert.ok(!(await pageOf(await see(vi))).includes("<code>"), "it is nothing to who only looks");
});

Deno.test("owners change roles and remove people; nobody else does", async () => {
  await using troupe = await aTroupe();
  const { ada, ed, vi, bob, path, send, roleOf } = troupe;
  const toEditor = { action: "role", user: vi.id, role: "editor" };
  for (const headers of [ed, vi, bob]) {
    await pageOf(await send(headers, toEditor), 403);
    await pageOf(await send(headers, { action: "remove", user: ada.id }), 403);
  }
  await pageOf(await send({ "sec-fetch-site": "same-origin" }, toEditor), 401);
  await pageOf(await send({ ...ada, "sec-fetch-site": "cross-site" }, toEditor), 403);
  assert.deepEqual([await roleOf(vi), await roleOf(ada)], ["viewer", "owner"]);

  assertLeadsTo(await send(ada, toEditor), `${path}?done=role_changed`);
  assert.equal(await roleOf(vi), "editor");
  assertLeadsTo(await send(ada, { action: "remove", user: vi.id }), `${path}?done=removed`);
  assert.equal(await roleOf(vi), null);
  await pageOf(await send(ada, { action: "remove", user: vi.id }), 404);
  for (
    const fields of [
      { action: "role", user: ed.id, role: "emperor" },
      { action: "role", user: bob.id, role: "editor" },
      { action: "adopt", user: ed.id },
      // No key is that long.
      { action: "remove", user: `usr_${"x".repeat(5_000)}` },
      { action: "role", user: "x".repeat(5_000), role: "editor" },
      {},
    ]
  ) await pageOf(await send(ada, fields as Record<string, string>), 404);
  assert.deepEqual([await roleOf(ed), await roleOf(bob)], ["editor", null]);
});

Deno.test("everybody may leave, but for the last owner, who is told why", async () => {
  await using troupe = await aTroupe();
  const { ada, ed, vi, path, send, roleOf, see } = troupe;
  assertLeadsTo(await send(vi, { action: "remove", user: vi.id }), "/me?done=left");
  await pageOf(await see(vi), 403);
  for (
    const fields of [
      { action: "remove", user: ada.id },
      { action: "role", user: ada.id, role: "viewer" },
    ] as Record<string, string>[]
  ) {
    const text = await pageOf(await send(ada, fields), 409);
    assert.match(wordsOf(text), /left without an owner\. Make somebody else an owner first/);
    assert.ok(text.includes(`href="${path}"`));
  }
  await send(ada, { action: "role", user: ed.id, role: "owner" });
  assertLeadsTo(await send(ada, { action: "remove", user: ada.id }), "/me?done=left");
  assert.equal(await roleOf(ada), null);
});

Deno.test("an invitation's link is shown once, under the site's own name, and can be revoked", async () => {
  await using troupe = await aTroupe({ publicOrigin: "https://events.example" });
  const { ada: { "sec-fetch-site": _, ...ada }, path, send, see, open, t } = troupe;
  // Behind a proxy the browser's own word for where it is.
  const owner = { ...ada, origin: "https://events.example" };
  const response = await send(owner, { action: "invite", role: "editor", email: "", days: "3" });
  assert.equal(response.headers.get("cache-control"), "no-store");
  const text = await pageOf(response);
  const link = />(https:\/\/events\.example\/invitations\/[\w-]{43})<\/textarea>/.exec(text)?.[1];
  assert.ok(link, text);
  assert.match(wordsOf(text), /one person, .* once, as editor\. Copy it now/);
  const [invitation] = await open();
  assert.equal(invitation!.expiresAt - t.clock.now, 3 * DAY);
  const after = await pageOf(await see(ada));
  assert.ok(!after.includes(link.slice(-43)));
  assert.match(wordsOf(after), /Open Editor until Tue 8 Dec 2026, 18:00/);

  const revoke = { action: "revoke", invitation: invitation!.id };
  assertLeadsTo(await send(owner, revoke), `${path}?done=invitation_revoked`);
  assert.deepEqual(await open(), []);
  await pageOf(await send(owner, revoke), 404);
});

Deno.test("whoever invites more people than may be waited for is told to revoke first", async () => {
  await using troupe = await aTroupe();
  const { ada, id, send, t } = troupe;
  const by = { principal: ROOT, now: t.clock.now };
  for (let i = 0; i < MAX_OPEN_INVITATIONS; i++) {
    await invite(t.store, id, { ...by, role: "viewer", email: null });
  }
  const more = await send(ada, { action: "invite", role: "editor", email: "", days: "3" });
  assert.match(wordsOf(await pageOf(more, 409)), /These are enough invitations .* Revoke those/);
});

Deno.test("an invitation's form says at the field what is wrong, and makes none", async () => {
  await using troupe = await aTroupe();
  const { ada, ed, vi, bob, send, open } = troupe;
  const good = { action: "invite", role: "viewer", email: "zoe@example.org", days: "7" };
  for (
    const [wrong, id] of [
      [{ role: "emperor" }, "invite-role"],
      [{ email: "zoe" }, "invite-email"],
      [{ email: `<script>"@x` }, "invite-email"],
      [{ days: "31" }, "invite-days"],
    ] as const
  ) {
    const text = await pageOf(
      await send(ada, { ...good, ...wrong } as Record<string, string>),
      422,
    );
    assert.match(text, new RegExp(`id="${id}-note" class="note"><strong class="wrong">`));
    assert.ok(!text.includes('<script>"'));
    assert.match(text, /<details class="other-way" open="">/);
  }
  for (const headers of [ed, vi, bob]) await pageOf(await send(headers, good), 403);
  assert.deepEqual(await open(), []);
  await pageOf(await send(ada, good));
  assert.equal((await open())[0]?.email, "zoe@example.org");
});
