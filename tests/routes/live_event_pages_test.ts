/** What becomes of an event, on its page and on its organizer's in a real browser. */
import assert from "node:assert/strict";
import type { EventRecord } from "../../kv/event_record.ts";
import { browserTest, openInTime } from "../support/browser.ts";
import { DAY, HOUR } from "../support/fixture.ts";
import {
  card,
  focusedText,
  isGone,
  isMarked,
  mark,
  openLive,
  said,
  startsIn,
  timesAsked,
} from "../support/live_page.ts";
import { openSite, timesBetween } from "../support/live_site.ts";

browserTest("an event's and an organizer's page show what becomes of it", async (browser, t) => {
  await using site = await openSite();
  const event = await site.publish("Hamlet", startsIn(2 * HOUR));
  const { id, organizer_id } = event;
  await using live = await openLive(browser, `${site.url}/events/${id}`);
  await using organizer = await openLive(browser, `${site.url}/organizers/${organizer_id}`);
  const { page } = live;
  const banner = page.getByRole("status");
  const heading = (text: string) => page.getByRole("heading", { level: 1, name: text });

  await t.step("an edit shows, and the link that had the focus keeps it", async () => {
    await page.locator(".facts a").focus();
    await mark(banner);
    await site.edit(id, { title: "Macbeth", summary: "A tragedy.", tags: ["drama"] });
    await heading("Macbeth").waitFor();
    assert.equal(await page.title(), "Macbeth · Curtain");
    await page.locator(".summary", { hasText: "A tragedy." }).waitFor();
    await said(page, "Macbeth has changed");
    assert.notEqual(await focusedText(page), "");
    assert.equal(await focusedText(page), await page.locator(".facts a").innerText());
    await card(organizer.page, "Macbeth").waitFor();
  });

  await t.step("a cancellation is read aloud, and nobody asks for it", async () => {
    const before = await timesAsked(site, page);
    await site.transition(id, "CANCELLED");
    await banner.getByText("This event was cancelled").waitFor();
    // The same region: else no screen reader would say it.
    assert.ok(await isMarked(banner));
    assert.equal(await timesAsked(site, page), before);
    await card(organizer.page, "Macbeth").waitFor(isGone);
  });

  await t.step("a cancelled event that is taken up again is live again", async () => {
    await site.transition(id, "CONFIRMED");
    await banner.getByText("This event has not begun yet").waitFor();
    assert.ok(await isMarked(banner));
    await card(organizer.page, "Macbeth").waitFor();
    await site.edit(id, { end_date: new Date(Date.now() + DAY).toISOString() });
    await page.locator("[data-ends-at]").waitFor();
    await site.transition(id, "ONGOING");
    await banner.getByText("Happening now").waitFor();
  });

  await t.step("an event that is over goes to what the organizer has had", async () => {
    await site.transition(id, "COMPLETED");
    await banner.getByText("This event is over").waitFor();
    await organizer.page.locator(".past li", { hasText: "Macbeth" }).waitFor();
    await card(organizer.page, "Macbeth").waitFor(isGone);
  });

  await t.step("a page whose event is hidden says so, and is there again with it", async () => {
    await site.edit(id, { visibility: "PRIVATE" });
    await heading("There is nothing here").waitFor();
    await said(page, "There is nothing here");
    assert.equal(await page.locator(".event").count(), 0);
    await site.edit(id, { visibility: "UNLISTED" });
    await heading("Macbeth").waitFor();
    await page.locator(".notice").waitFor();
  });

  await t.step("events of others do not concern an organizer's page", async () => {
    const before = await timesAsked(site, organizer.page);
    await site.stage("Of others");
    await site.publish("Of its own");
    await card(organizer.page, "Of its own").waitFor();
    assert.equal(await timesAsked(site, organizer.page), before + 1);
    assert.equal(await card(organizer.page, "Of others").count(), 0);
  });

  await t.step("what the clock does is asked for only where it goes on elsewhere", async () => {
    const opened = await openInTime(browser, async (at) => {
      // Not published: what is over by then would be refused.
      const { id: beginning } = await site.stage(`Begins at ${at}`, timesBetween(at, at + DAY));
      const { id: ending } = await site.stage(`Ends at ${at}`, {
        ...timesBetween(at - DAY, at),
        status: "ONGOING",
        organizerId: organizer_id as EventRecord["organizerId"],
      });
      const paths = [`/events/${beginning}`, `/events/${ending}`, "/"];
      const pages = await Promise.all(paths.map((path) => openLive(browser, site.url + path)));
      return { at, pages };
    });
    await using begun = opened.pages[0]!;
    await using over = opened.pages[1]!;
    await using list = opened.pages[2]!;
    const [begins, ends] = [`Begins at ${opened.at}`, `Ends at ${opened.at}`];
    await organizer.page.locator(".past li", { hasText: ends }).waitFor();
    await said(list.page, `${ends} has ended`);
    await card(list.page, ends).waitFor(isGone);
    await card(list.page, begins).getByText("Happening now").waitFor();
    await begun.page.getByRole("status").getByText("Happening now").waitFor();
    await over.page.getByRole("status").getByText("This event is over").waitFor();
    // All of it was told, too.
    await list.page.locator('.card[data-version="2"]', { hasText: begins }).waitFor();
    await begun.page.locator('.event[data-version="2"]').waitFor();
    await over.page.locator('.event[data-version="2"]').waitFor();
    for (const { page, complaints } of opened.pages) {
      assert.equal(await timesAsked(site, page), 0, page.url());
      assert.deepEqual(complaints, []);
    }
  });

  assert.deepEqual(organizer.complaints, []);
  // Only that what was hidden is not found.
  assert.deepEqual(live.complaints.filter((text) => !text.includes("404")), []);
});
