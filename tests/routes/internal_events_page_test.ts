/** What an organizer's page shows to its people, and to nobody else. */
import assert from "node:assert/strict";
import type { OrganizerId } from "../../kv/event_record.ts";
import { DAY, storeEvent, testApp } from "../support/fixture.ts";
import { openPath, pageOf, wordsOf } from "../support/forms.ts";
import { create } from "../support/http.ts";
import { signedIn } from "../support/people.ts";

Deno.test("an organizer's page shows its people what others do not see, and keeps it for none", async () => {
  await using t = await testApp();
  const ada = await signedIn(t, "Ada");
  const bob = await signedIn(t, "Bob");
  const { organizer_id: id } = await create(t, ada, { title: "For all" });
  const unlisted = await create(t, ada, { title: "Unlisted", visibility: "UNLISTED" });
  const hidden = await create(t, ada, { title: "Private", visibility: "PRIVATE" });
  await create(t, ada, { title: "Drafted", status: "DRAFT" });

  const own = await openPath(t, `/organizers/${id}?fresh=1`, ada);
  assert.equal(own.headers.get("cache-control"), "no-store");
  const text = await pageOf(own);
  for (const title of ["Private", "Drafted", "Unlisted"]) {
    assert.match(text, new RegExp(`>${title}</a>`));
  }
  assert.ok(text.includes(`href="/organizers/${id}/people"`));
  // The pages that are rendered once for many are of strangers alone.
  for (const headers of [bob, {}]) {
    const others = await pageOf(await openPath(t, `/organizers/${id}?fresh=1`, headers));
    assert.match(others, /For all/);
    assert.doesNotMatch(others, />(Private|Drafted|Unlisted)<\/a>|\/people/);
    assert.ok(!others.includes("Only for your people"));
    await pageOf(await openPath(t, `/events/${hidden.id}`, headers), 404);
    await pageOf(await openPath(t, `/events/${unlisted.id}`, headers));
  }
  const page = await openPath(t, `/events/${hidden.id}`, ada);
  assert.equal(page.headers.get("cache-control"), "no-store");
  await pageOf(page);
  assert.ok((await pageOf(await openPath(t, `/organizers/${id}`, ada))).includes("Drafted"));
});

Deno.test("an organizer's people see what is withheld, and nothing twice or that is over", async () => {
  await using t = await testApp();
  const ada = await signedIn(t, "Ada");
  const organizerId = (await create(t, ada, { title: "On the list" })).organizer_id as OrganizerId;
  const { startDate } = (await storeEvent(t.store)).record;
  const long = { startDate: startDate - 9 * DAY, endDate: t.clock.now };
  await storeEvent(t.store, { organizerId, title: "Withheld", isWithheld: true });
  await storeEvent(t.store, { organizerId, title: "Over", visibility: "PRIVATE", ...long });
  const text = await pageOf(await openPath(t, `/organizers/${organizerId}`, ada));
  const internal = wordsOf(text.slice(text.indexOf("Only for your people")));
  assert.match(internal, /Withheld .*Unlisted Happening now/);
  assert.doesNotMatch(internal, /On the list|Over/);
  assert.ok(!internal.includes("There may be more"));

  for (let i = 0; i < 30; i++) await storeEvent(t.store, { organizerId, status: "DRAFT" });
  const more = await pageOf(await openPath(t, `/organizers/${organizerId}`, ada));
  assert.ok(more.includes("There may be more"));
});
