/** `/invitations/{secret}`: where an invitation's link leads. */
import assert from "node:assert/strict";
import type { OrganizerId } from "../../kv/event_record.ts";
import { getOrganizerRole, type OrganizerRole } from "../../kv/organizers.ts";
import { getUser } from "../../kv/users.ts";
import { invite } from "../../lifecycle/invitations.ts";
import { createLogger } from "../../lifecycle/log.ts";
import { ROOT } from "../../lifecycle/policy.ts";
import { ADMIN, DAY, testApp } from "../support/fixture.ts";
import { assertLeadsTo, openPath, pageOf, sendForm, wordsOf } from "../support/forms.ts";
import { create } from "../support/http.ts";
import { signedIn, tokenOf } from "../support/people.ts";

const SAME = { "sec-fetch-site": "same-origin" };

/** An organizer of Ada's, who invites. */
async function aTroupe(options: Parameters<typeof testApp>[0] = {}) {
  const t = await testApp(options);
  const ada = await signedIn(t, "Ada <3");
  const id = (await create(t, ada)).organizer_id as OrganizerId;
  return {
    t,
    id,
    ada,
    async invited(role: OrganizerRole = "editor", email: string | null = null) {
      const by = { principal: ROOT, now: t.clock.now };
      const { secret } = await invite(t.store, id, { ...by, role, email });
      return `/invitations/${secret}`;
    },
    join: (path: string, headers: Record<string, string>) =>
      sendForm(t, path, { fields: {}, headers }),
    [Symbol.asyncDispose]: () => t[Symbol.asyncDispose](),
  };
}

Deno.test("an invitation's page says what it is for, and is kept by nobody and told to nobody", async () => {
  await using troupe = await aTroupe();
  const { t, invited } = troupe;
  const path = await invited();
  const gone = `/invitations/${"A".repeat(43)}`;
  for (const [asked, status] of [[path, 200], [gone, 410], ["/invitations/x", 410]] as const) {
    const response = await openPath(t, asked);
    assert.equal(response.headers.get("cache-control"), "no-store");
    assert.equal(response.headers.get("referrer-policy"), "same-origin");
    assert.equal(response.headers.get("x-robots-tag"), "noindex");
    assert.match(await pageOf(response, status), /<meta name="robots" content="noindex"/);
  }
  const text = await pageOf(await openPath(t, path));
  assert.match(
    wordsOf(text),
    /You are invited by Ada &lt;3 As Editor.*Until Sat 12 Dec 2026, 18:00/,
  );
  assert.ok(
    text.includes(
      `class="button" href="/auth/sign-in?${new URLSearchParams({ return_to: path })}"`,
    ),
  );
  assert.ok(!text.includes("<form"));
});

Deno.test("whoever is invited joins once, and becomes a member of the site", async () => {
  await using troupe = await aTroupe();
  const { t, id, invited, join } = troupe;
  const path = await invited();
  const gus = await signedIn(t, "Gus", { role: "guest" });
  assert.match(await pageOf(await openPath(t, path, gus)), /<button type="submit">Join<\/button>/);
  assertLeadsTo(await join(path, gus), `/organizers/${id}/people?done=joined`);
  assert.equal(await getOrganizerRole(t.store, id, gus.id), "editor");
  assert.equal((await getUser(t.store, gus.id))?.role, "member");
  await pageOf(await openPath(t, `/organizers/${id}/people?done=joined`, gus));

  const bob = await signedIn(t, "Bob");
  assert.match(wordsOf(await pageOf(await join(path, bob), 410)), /This invitation has ended/);
  await pageOf(await openPath(t, path, bob), 410);
  assert.equal(await getOrganizerRole(t.store, id, bob.id), null);
});

Deno.test("of several who join at once with one link, one does", async () => {
  await using troupe = await aTroupe();
  const { t, invited, join } = troupe;
  const path = await invited();
  const people = await Promise.all(["A", "B", "C", "D"].map((name) => signedIn(t, name)));
  const answers = await Promise.all(people.map((headers) => join(path, headers)));
  assert.deepEqual(answers.map(({ status }) => status).sort(), [303, 410, 410, 410]);
});

Deno.test("an invitation is good to its last millisecond, and not for another person", async () => {
  await using troupe = await aTroupe();
  const { t, id, ada, invited, join } = troupe;
  const zoe = await signedIn(t, "Zoe", { email: "Zoe@example.org" });
  const bob = await signedIn(t, "Bob", { email: "bob@example.org" });
  const path = await invited("viewer", "zoe@example.org");

  const other = await pageOf(await openPath(t, path, bob));
  assert.match(wordsOf(other), /for somebody else.*Sign in/);
  assert.ok(!other.includes("zoe@") && !other.includes("Join</button>"));
  const refused = wordsOf(await pageOf(await join(path, bob), 403));
  assert.match(refused, /This invitation is for somebody else/);
  assert.ok(!refused.includes("zoe@"));
  assert.match(wordsOf(await pageOf(await openPath(t, path, zoe))), /Join/);

  const any = await invited("editor");
  assert.match(await pageOf(await openPath(t, any, ada)), /already, and may do as much/);
  assert.match(wordsOf(await pageOf(await join(any, ada), 409)), /You are among them already/);

  t.clock.now += 7 * DAY - 1;
  await pageOf(await openPath(t, any, bob));
  t.clock.now += 1;
  await pageOf(await openPath(t, any), 410);
  await pageOf(await join(any, bob), 410);
  assert.equal(await getOrganizerRole(t.store, id, bob.id), null);
});

Deno.test("nobody joins by a page of another site, without a session, or by a token", async () => {
  await using troupe = await aTroupe();
  const { t, id, invited, join } = troupe;
  const path = await invited();
  const bob = await signedIn(t, "Bob");
  const { cookie } = bob;
  for (
    const headers of [
      { cookie },
      { cookie, "sec-fetch-site": "cross-site" },
      { cookie, origin: "https://evil.example" },
    ]
  ) await pageOf(await join(path, headers), 403);
  const stranger = await pageOf(await join(path, SAME), 401);
  assert.ok(stranger.includes(`?${new URLSearchParams({ return_to: path })}`));
  const token = await tokenOf(t, bob, ["events:read", "events:write", "organizers:write"]);
  await pageOf(await join(path, { ...token, ...SAME }), 403);
  assert.equal(await getOrganizerRole(t.store, id, bob.id), null);
});

Deno.test("neither the log nor the audit log says an invitation's link", async () => {
  const lines: string[] = [];
  const log = createLogger({
    level: "debug",
    readable: false,
    timeZone: "UTC",
    write: (line) => lines.push(line),
  });
  await using troupe = await aTroupe({ log });
  const { t, invited, join } = troupe;
  const path = await invited("editor", "zoe@example.org");
  await join(path, await signedIn(t, "Bob"));
  await openPath(t, path);
  const audit = await (await t.request("GET", "/v1/audit", { headers: ADMIN })).text();
  assert.match(audit, /POST \/invitations\/… invitation_not_yours/);
  for (const text of [audit, lines.join("\n")]) {
    assert.match(text, /\/invitations\/…/);
    assert.ok(!text.includes(path));
  }
});
