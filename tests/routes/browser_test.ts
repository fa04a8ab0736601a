/** What the clock does on pages in a real browser, by the real clock: here tests wait. */
import assert from "node:assert/strict";
import type { Page } from "playwright-core";
import { browserTest, openInTime, openPage } from "../support/browser.ts";
import { HOUR, SECOND } from "../support/fixture.ts";
import { card, isGone, titles } from "../support/live_page.ts";
import { openSite, timesBetween } from "../support/live_site.ts";

/** When (epoch milliseconds) a card was first seen to fall. */
const FALL = `
  new MutationObserver(() => {
    if (document.querySelector(".falling")) window.fellAt ??= Date.now();
  }).observe(document, { subtree: true, attributes: true, childList: true });
`;

browserTest("a card falls off the list by itself when its event ends", async (browser) => {
  await using site = await openSite();
  await site.fallSilent();
  await site.stage("The long run");
  const { page, complaints, endDate, before } = await openInTime(browser, async (endDate) => {
    site.asked.length = 0;
    await site.stage("Short and sweet", timesBetween(endDate - HOUR, endDate));
    const { page, complaints } = await openPage(browser);
    await page.addInitScript(FALL);
    const earliest = Date.now();
    await page.goto(site.url);
    const before = {
      titles: await titles(page),
      count: await page.locator(".count").innerText(),
      countdowns: await page.locator(".countdown:not([hidden])").allInnerTexts(),
      seconds: [Date.now(), earliest].map((at) => Math.ceil((endDate - at) / SECOND)),
    };
    return { page, complaints, endDate, before };
  });
  assert.deepEqual(before.titles, ["The long run", "Short and sweet"]);
  assert.equal(before.count, "2 events");
  const [countdown, ...more] = before.countdowns;
  assert.deepEqual(more, []);
  const [, minutes, seconds] = /^ends in (\d+):(\d\d)$/.exec(countdown!)!;
  const left = Number(minutes) * 60 + Number(seconds);
  const [least, most] = before.seconds;
  assert.ok(least! <= left && left <= most!, `${countdown}, not ${least} to ${most}`);

  await card(page, "Short and sweet").waitFor(isGone);
  const fellAt = await page.evaluate<number>("fellAt");
  assert.ok(fellAt >= endDate, "it fell before its end");
  assert.equal(await page.locator(".count").innerText(), "1 event");
  assert.equal(
    await page.locator("[aria-live=polite]").textContent(),
    "Short and sweet has ended",
  );
  assert.deepEqual(site.asked, ["/"]);
  assert.deepEqual(complaints, []);
});

browserTest("the last card leaves an empty stage, at once without motion", async (browser) => {
  await using site = await openSite();
  await site.fallSilent();
  const { page, complaints, focused } = await openInTime(browser, async (endDate) => {
    await site.stage("The only one", timesBetween(endDate - HOUR, endDate));
    const { page, complaints } = await openPage(browser, { reducedMotion: "reduce" });
    await page.addInitScript(FALL);
    await page.goto(site.url);
    await page.evaluate(`document.querySelector(".card a")?.focus()`);
    return { page, complaints, focused: await page.locator(".card a:focus").count() };
  });
  assert.equal(focused, 1);
  await card(page, "The only one").waitFor(isGone);
  assert.equal(await page.evaluate("window.fellAt"), undefined);
  assert.ok(await page.locator("[data-empty]").isVisible());
  // The focus was on the card; it must not be lost with it.
  assert.equal(await page.evaluate("document.activeElement.tagName"), "H1");
  assert.deepEqual(complaints, []);
});

/** What the banner has said, each with the time (epoch milliseconds) from which on it did. */
const HEADLINES = `
  window.headlines = [];
  new MutationObserver(() => {
    const text = document.querySelector("[data-headline]")?.textContent;
    if (text && headlines.at(-1)?.text !== text) headlines.push({ text, since: Date.now() });
  }).observe(document, { subtree: true, characterData: true, childList: true });
`;
const headlines = (page: Page) =>
  page.evaluate<{ text: string; since: number }[]>("window.headlines");

browserTest("an event's page begins and is over without a reload", async (browser) => {
  await using site = await openSite();
  await site.fallSilent();
  const { page, complaints, startDate, endDate, id } = await openInTime(
    browser,
    async (startDate) => {
      site.asked.length = 0;
      // As long as it takes to open it is time enough to see it begin.
      const endDate = startDate + (startDate - Date.now());
      const { id } = await site.stage("A brief act", timesBetween(startDate, endDate));
      const { page, complaints } = await openPage(browser);
      await page.addInitScript(HEADLINES);
      await page.goto(`${site.url}/events/${id}`);
      return { page, complaints, startDate, endDate, id };
    },
  );
  await page.getByRole("status").getByText("This event is over").waitFor();
  const [first, second, third, ...more] = await headlines(page);
  assert.match(first!.text, /has not begun yet/);
  assert.equal(second!.text, "Happening now");
  assert.ok(second!.since >= startDate, "it began before its start");
  assert.equal(third!.text, "This event is over");
  assert.ok(third!.since >= endDate, "it was over before its end");
  assert.deepEqual(more, []);
  assert.ok(await page.locator(".countdown").isHidden());
  assert.deepEqual(site.asked, [`/events/${id}`]);
  assert.deepEqual(complaints, []);
});

/** The titles of what is live on a page once its script has run, and before anything else can. */
const LIVE_AT_FIRST = `
  addEventListener("DOMContentLoaded", () => {
    window.liveAtFirst = [...document.querySelectorAll("[data-live=card] [data-title]")]
      .map((title) => title.textContent);
  });
`;
const liveAtFirst = (page: Page) => page.evaluate("window.liveAtFirst");

browserTest(
  "a list that Back takes from the cache shows nothing that is over",
  async (browser) => {
    await using site = await openSite();
    const { id } = await site.stage("The long run");
    const { page, goneAt } = await openInTime(browser, async (endDate) => {
      site.asked.length = 0;
      await site.stage("Gone by then", timesBetween(endDate - HOUR, endDate));
      const { page } = await openPage(browser);
      await page.addInitScript(LIVE_AT_FIRST);
      const asked = Date.now();
      await page.goto(site.url);
      // A page's clock is behind by as long as its first byte was on its way.
      return { page, goneAt: endDate + (Date.now() - asked) };
    });
    assert.deepEqual(await liveAtFirst(page), ["The long run", "Gone by then"]);
    // What its script asks for meanwhile must not take the place of that copy.
    await site.publish("New on the list");
    await card(page, "New on the list").waitFor();
    await page.goto(`${site.url}/events/${id}`);
    await site.fallSilent();
    await page.waitForTimeout(Math.max(0, goneAt - Date.now()));
    await page.goBack();
    assert.deepEqual(await liveAtFirst(page), ["The long run"]);
    assert.deepEqual(site.asked, ["/", "fresh /", `/events/${id}`]);
  },
);
