/** What organisers change, on pages that are open in a real browser. */
import assert from "node:assert/strict";
import type { Browser } from "playwright-core";
import { browserTest } from "../support/browser.ts";
import { ADMIN, DAY, freshStore, HOUR, MINUTE, SECOND } from "../support/fixture.ts";
import { create, soon } from "../support/http.ts";
import {
  card,
  focusedText,
  holdFresh,
  holdNothing,
  isGone,
  isMarked,
  mark,
  openLive,
  said,
  setHidden,
  startsIn,
  timesAsked,
  titles,
  twoFrames,
} from "../support/live_page.ts";
import { openSite } from "../support/live_site.ts";

// One browser for all of it: its start takes longer than most of these.
browserTest("what becomes of events shows on the pages that are open", async (browser, t) => {
  await t.step("lists show what organisers change", (t) => lists(browser, t));
  await t.step("lists keep the place and the focus", (t) => placeAndFocus(browser, t));
  await t.step("an event's and an organizer's page", (t) => pagesOfOne(browser, t));
  await t.step("pages go on after interruptions", (t) => interruptions(browser, t));
});

async function lists(browser: Browser, t: Deno.TestContext) {
  await using site = await openSite();
  await using one = await openLive(browser, site.url);
  await using other = await openLive(browser, site.url);
  const both = [one.page, other.page];
  const { page } = one;
  /** Once it is on both, nothing is on its way any more. */
  const publish = async (title: string, fields = {}) => {
    const event = await site.publish(title, fields);
    for (const page of both) await card(page, title).waitFor();
    return event;
  };

  await t.step("a published event appears where it belongs, and the empty stage goes", async () => {
    await publish("In the middle", startsIn(2 * HOUR));
    for (const page of both) {
      assert.ok(await page.locator("[data-empty]").isHidden());
      await said(page, "In the middle was added");
    }
    await publish("At the end", startsIn(3 * HOUR));
    await publish("At the beginning", startsIn(HOUR));
    for (const page of both) {
      assert.deepEqual(await titles(page), ["At the beginning", "In the middle", "At the end"]);
      assert.equal(await page.locator(".count").innerText(), "3 events");
    }
  });

  await t.step("a new title shows on the same card, and a new time moves it", async () => {
    const { id } = await publish("Misspelt", startsIn(4 * HOUR));
    await mark(card(page, "Misspelt"));
    await card(page, "Misspelt").locator("[data-title]").focus();
    await site.edit(id, { title: "Well spelt" });
    for (const page of both) await said(page, "Well spelt has changed");
    await site.edit(id, startsIn(90 * MINUTE));
    for (const page of both) {
      await page.locator(".card:nth-child(2)", { hasText: "Well spelt" }).waitFor();
      assert.deepEqual(
        await titles(page),
        ["At the beginning", "Well spelt", "In the middle", "At the end"],
      );
    }
    assert.ok(await isMarked(card(page, "Well spelt")));
    assert.equal(await focusedText(page), "Well spelt");
  });

  await t.step("a start by hand turns the chip over, and nobody asks for it", async () => {
    const { id } = await publish("Early bird", startsIn(4 * HOUR));
    const before = timesAsked(site);
    await site.transition(id, "ONGOING");
    for (const page of both) await card(page, "Early bird").getByText("Happening now").waitFor();
    assert.equal(timesAsked(site), before);
    // What comes later goes on from that version.
    await site.edit(id, { title: "Late bird" });
    for (const page of both) await card(page, "Late bird").getByText("Happening now").waitFor();
  });

  await t.step("what is made private, cancelled or deleted falls, and nobody asks", async () => {
    const secret = await publish("A secret");
    const cancelled = await publish("Cancelled");
    const deleted = await publish("Deleted");
    const before = timesAsked(site);
    await site.edit(secret.id, { visibility: "PRIVATE" });
    await site.transition(cancelled.id, "CANCELLED");
    await site.remove(deleted.id);
    for (const page of both) {
      for (const title of ["A secret", "Cancelled", "Deleted"]) {
        await said(page, `${title} is no longer listed`);
        await card(page, title).waitFor(isGone);
      }
      assert.equal(await page.locator(".count").innerText(), "5 events");
    }
    assert.equal(timesAsked(site), before);
  });

  await t.step("what changes while a fresh page is on its way is not lost", async () => {
    const { id } = await publish("Here and gone");
    const held = await holdFresh(page);
    await site.publish("A reason to ask");
    await held.made;
    await site.publish("Another reason");
    await site.edit(id, { visibility: "PRIVATE" });
    await card(page, "Here and gone").waitFor(isGone);
    held.release();
    await card(page, "A reason to ask").waitFor();
    assert.equal(await card(page, "Here and gone").count(), 0);
    for (const page of both) await card(page, "Another reason").waitFor();
  });

  await t.step("what is over by the time its page comes is not added", async () => {
    await page.route(/fresh=/, async (route) => {
      const response = await route.fetch();
      const body = (await response.text())
        .replace(/data-listed-until="\d+"(?=(?:(?!<li).)*Too late<)/, 'data-listed-until="1"');
      await route.fulfill({ response, body });
    });
    await setHidden(page, true);
    await site.publish("Too late");
    await site.publish("In time");
    await setHidden(page, false);
    await card(page, "In time").waitFor();
    assert.equal(await card(page, "Too late").count(), 0);
    assert.equal(await page.locator(".count").innerText(), "8 events");
    await page.unrouteAll();
  });

  await t.step("a burst of changes is asked for once, but not by all at once", async () => {
    for (const page of both) {
      await setHidden(page, true);
      await page.evaluate(`
        Math.random = () => 0.9;
        const wait = setTimeout;
        window.waits = [];
        window.setTimeout = (then, ms) => (waits.push(ms), wait(then, ms));
      `);
    }
    const before = timesAsked(site);
    for (let i = 0; i < 20; i++) await site.publish(`Burst ${i}`, startsIn(5 * HOUR));
    for (const page of both) {
      await setHidden(page, false);
      await page.locator(".card").nth(28).waitFor();
      // On one of them another one, which it had to leave out.
      await said(page, /^2[01] events were added$/);
      assert.equal(await page.evaluate("waits.filter((ms) => ms === 900).length"), 1);
    }
    assert.equal(timesAsked(site), before + 2);
  });

  for (const { complaints } of [one, other]) assert.deepEqual(complaints, []);
}

async function placeAndFocus(browser: Browser, t: Deno.TestContext) {
  await using site = await openSite();
  const tagged = (i: number) => ({ ...startsIn(i * HOUR), tags: ["music"] });
  for (let i = 1; i <= 31; i++) await site.publish(`Number ${i}.`, tagged(i));
  const phone = { viewport: { width: 390, height: 844 }, prepare: holdNothing };
  await using live = await openLive(browser, `${site.url}/?tag=music`, phone);
  const { page } = live;
  const seen = card(page, "Number 12.");
  const place = async () => Math.round((await seen.boundingBox())!.y);
  await seen.locator("[data-title]").focus();
  await seen.evaluate((element) => element.scrollIntoView({ block: "start" }));

  await t.step("a card that is added above moves nothing that is looked at", async () => {
    const before = await place();
    await site.publish("Above all", tagged(0.5));
    await card(page, "Above all").waitFor({ state: "attached" });
    await twoFrames(page);
    assert.equal(await place(), before);
    assert.equal(await focusedText(page), "Number 12.");
    // The page is as long as before: what was the last on it begins the next one.
    assert.equal(await page.locator(".card").count(), 30);
    assert.equal(await card(page, "Number 30.").count(), 0);
    assert.equal(await page.locator("[data-announcer]").innerText(), "Above all was added");
  });

  await t.step("a card that falls above moves nothing either", async () => {
    const before = await place();
    const [first] = (await page.locator(".card a[data-title]").first().getAttribute("href"))!
      .match(/evt_\w+/)!;
    await site.edit(first, { visibility: "PRIVATE" });
    await card(page, "Above all").waitFor(isGone);
    await twoFrames(page);
    assert.equal(await place(), before);
  });

  await t.step("what is on other pages of the list is not asked for", async () => {
    const before = timesAsked(site);
    await site.publish("On the next page", tagged(100));
    await site.publish("Of another tag", startsIn(HOUR));
    // Both come before this.
    const { id } = await site.publish("A mark", tagged(0.7));
    await card(page, "A mark").waitFor({ state: "attached" });
    assert.equal(timesAsked(site), before + 1);
    await site.edit(id, { tags: [] });
    await card(page, "A mark").waitFor(isGone);
    assert.equal(timesAsked(site), before + 1);
  });

  await t.step("a later page takes in what belongs on it, and nothing else", async () => {
    const next = (await page.locator(".next").getAttribute("href"))!;
    await using second = await openLive(browser, site.url + next, phone);
    const before = await titles(second.page);
    await site.publish("On the first page", tagged(0.8));
    await site.publish("On the second page", tagged(101));
    await card(second.page, "On the second page").waitFor({ state: "attached" });
    assert.deepEqual(await titles(second.page), [...before, "On the second page"]);
    assert.deepEqual(second.complaints, []);
  });

  assert.deepEqual(live.complaints, []);
}

async function pagesOfOne(browser: Browser, t: Deno.TestContext) {
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
    const before = timesAsked(site, `/events/${id}`);
    await site.transition(id, "CANCELLED");
    await banner.getByText("This event was cancelled").waitFor();
    // The same region: else no screen reader would say it.
    assert.ok(await isMarked(banner));
    assert.equal(timesAsked(site, `/events/${id}`), before);
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
    const before = timesAsked(site, `/organizers/${organizer_id}`);
    await site.stage("Of others");
    await site.publish("Of its own");
    await card(organizer.page, "Of its own").waitFor();
    assert.equal(timesAsked(site, `/organizers/${organizer_id}`), before + 1);
    assert.equal(await card(organizer.page, "Of others").count(), 0);
  });

  await t.step("what the clock does is asked for only where it goes on elsewhere", async () => {
    const { title, id, ...opened } = await openBeforeItBegins();
    await using its = opened.its;
    await using list = opened.list;
    await organizer.page.locator(".past li", { hasText: title }).waitFor();
    await said(list.page, `${title} has ended`);
    await card(list.page, title).waitFor(isGone);
    // Created, begun, over: all of it was told.
    await its.page.locator('.event[data-version="3"]').waitFor();
    await its.page.getByRole("status").getByText("This event is over").waitFor();
    assert.deepEqual(site.asked.filter((path) => path === "fresh /"), []);
    assert.equal(timesAsked(site, `/events/${id}`), 0);
    assert.deepEqual([...its.complaints, ...list.complaints], []);
  });

  /** A brief act, its page and the list: opened in time, however slow the machine is. */
  async function openBeforeItBegins(lead = SECOND) {
    const title = `An act in ${lead} ms`;
    const [start_date, end_date] = [lead, lead + 2 * SECOND].map((ms) => startsIn(ms).start_date);
    const { id } = await site.publish(title, { start_date, end_date });
    const its = await openLive(browser, `${site.url}/events/${id}`);
    const list = await openLive(browser, site.url);
    if (Date.now() < Date.parse(start_date!)) return { title, id, its, list };
    for (const late of [its, list]) await late[Symbol.asyncDispose]();
    return await openBeforeItBegins(3 * lead);
  }

  assert.deepEqual(organizer.complaints, []);
  // Only that what was hidden is not found.
  assert.deepEqual(live.complaints.filter((text) => !text.includes("404")), []);
}

async function interruptions(browser: Browser, t: Deno.TestContext) {
  await using site = await openSite();
  await site.publish("From the beginning");
  await using live = await openLive(browser, site.url);
  const { page } = live;
  const watchers = (count: number) => soon(() => site.app.realtime.size === count);

  await t.step(
    "a page in the background asks for nothing, and then has what it missed",
    async () => {
      await watchers(1);
      await setHidden(page, true);
      await watchers(0);
      const before = timesAsked(site);
      await site.publish("Meanwhile");
      assert.equal(timesAsked(site), before);
      await setHidden(page, false);
      await card(page, "Meanwhile").waitFor();
    },
  );

  await t.step("a page that is put away and taken out again goes on", async () => {
    await page.evaluate(`dispatchEvent(new PageTransitionEvent("pagehide"))`);
    await watchers(0);
    await site.publish("While it was away");
    await page.evaluate(`dispatchEvent(new PageTransitionEvent("pageshow"))`);
    await card(page, "While it was away").waitFor();
  });
  assert.deepEqual(live.complaints, []);

  await t.step("the server may go and come back", async () => {
    await site.restart({
      async meanwhile(app) {
        await create(app, ADMIN, { title: "While it was down", ...startsIn(DAY), end_date: null });
      },
    });
    await card(page, "While it was down").waitFor();
  });

  await t.step("a stream that is refused is asked for again", async () => {
    await setHidden(page, true);
    let refused = 0;
    await page.route(/\/stream/, (route) => {
      refused++;
      return route.fulfill({ status: 503 });
    }, { times: 2 });
    await setHidden(page, false);
    await site.publish("After two refusals");
    await card(page, "After two refusals").waitFor();
    assert.equal(refused, 2);
  });

  await t.step(
    "a page that cannot be had is asked for again, and what is not ours is none",
    async () => {
      const portal = { contentType: "text/html", body: "<main>Accept our terms</main>" };
      const answers = [{ status: 502, body: "" }, { status: 200, ...portal }];
      await page.route(/fresh=/, (route) => route.fulfill(answers.shift()), { times: 2 });
      await site.publish("After two failures");
      await card(page, "After two failures").waitFor();
      assert.deepEqual(answers, []);
      assert.equal(await page.getByText("Accept our terms").count(), 0);
    },
  );

  await t.step("a page whose place in the journal is gone is read anew", async () => {
    await setHidden(page, true);
    await site.restart({
      store: await freshStore(),
      async meanwhile(app) {
        await create(app, ADMIN, { title: "Elsewhere", ...startsIn(DAY), end_date: null });
      },
    });
    await setHidden(page, false);
    await card(page, "Elsewhere").waitFor();
    await card(page, "From the beginning").waitFor(isGone);
    assert.deepEqual(await titles(page), ["Elsewhere"]);
    await site.publish("And on it goes");
    await card(page, "And on it goes").waitFor();
  });
}
