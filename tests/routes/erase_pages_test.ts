/** `/me/erase`: asking to be forgotten, on a page. */
import assert from "node:assert/strict";
import type { EventId } from "../../kv/event_record.ts";
import { getEvent } from "../../kv/events.ts";
import { getUser } from "../../kv/users.ts";
import { ADMIN, testApp } from "../support/fixture.ts";
import { assertLeadsTo, openPath, pageOf, sendForm, wordsOf } from "../support/forms.ts";
import { create } from "../support/http.ts";
import { signedIn, tokenOf } from "../support/people.ts";

Deno.test("whoever asks to be forgotten is signed out, and gone", async () => {
  await using t = await testApp();
  const ada = await signedIn(t, "<i>Ada</i>", { email: "ada@example.org" });
  const event = await create(t, ada);
  const text = await pageOf(await openPath(t, "/me/erase", ada));
  assert.match(text, /“&lt;i&gt;Ada&lt;\/i&gt;”/);
  const send = (fields: Record<string, string>, headers: Record<string, string> = ada) =>
    sendForm(t, "/me/erase", { fields, headers });

  const { "sec-fetch-site": _, ...other } = ada;
  const good = { organizers: "cancel_events", sure: "yes" };
  await pageOf(await send(good, { ...other, "sec-fetch-site": "cross-site" }), 403);
  await pageOf(await send(good, await tokenOf(t, ada, ["events:read"])), 403);
  const unsure = await pageOf(await send({ organizers: "cancel_events" }), 422);
  assert.match(unsure, /id="sure-note" class="note"><strong class="wrong">/);
  assert.match(unsure, /value="cancel_events" checked=""/);
  const unknown = await pageOf(await send({ organizers: "burn", sure: "yes" }), 422);
  assert.match(unknown, /id="organizers-note" class="note"><strong class="wrong">/);
  await pageOf(await openPath(t, "/me", ada));

  const response = await send(good);
  assert.match(response.headers.get("set-cookie")!, /^session=; Path=\/; Max-Age=0; /);
  const erased = await pageOf(response);
  assert.ok(!erased.includes("Ada"));
  await t.runner.idle();
  assertLeadsTo(await openPath(t, "/me", ada), "/auth/sign-in?return_to=%2Fme");
  const left = await getUser(t.store, ada.id);
  assert.deepEqual([left?.name, left?.email, left?.erasedAt], ["Erased", null, t.clock.now]);
  // Nobody had to wait for the tick.
  assert.equal((await getEvent(t.store, event.id as EventId))?.record.status, "CANCELLED");
});

Deno.test("who cannot be forgotten is told why", async () => {
  await using t = await testApp({ hasRoot: false });
  const boss = await signedIn(t, "Boss", { role: "admin" });
  const fields = { organizers: "pass_on", sure: "yes" };
  const last = await pageOf(await sendForm(t, "/me/erase", { fields, headers: boss }), 409);
  assert.match(wordsOf(last), /Make somebody else an administrator first/);
  const root = { ...ADMIN, "sec-fetch-site": "same-origin" };
  await pageOf(await sendForm(t, "/me/erase", { fields, headers: root }), 409);
  assert.ok(!(await pageOf(await openPath(t, "/me", ADMIN))).includes("/me/erase"));
});
