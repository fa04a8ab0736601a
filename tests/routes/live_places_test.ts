/** Lists in a real browser keep what is looked at where it is, and the focus on it. */
import assert from "node:assert/strict";
import { browserTest } from "../support/browser.ts";
import { HOUR } from "../support/fixture.ts";
import {
  card,
  focusedText,
  holdNothing,
  isGone,
  openLive,
  startsIn,
  timesAsked,
  titles,
  twoFrames,
} from "../support/live_page.ts";
import { openSite } from "../support/live_site.ts";

browserTest("lists keep the place and the focus", async (browser, t) => {
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
    const before = await timesAsked(site, page);
    await site.publish("On the next page", tagged(100));
    await site.publish("Of another tag", startsIn(HOUR));
    // Both come before this.
    const { id } = await site.publish("A mark", tagged(0.7));
    await card(page, "A mark").waitFor({ state: "attached" });
    assert.equal(await timesAsked(site, page), before + 1);
    await site.edit(id, { tags: [] });
    await card(page, "A mark").waitFor(isGone);
    assert.equal(await timesAsked(site, page), before + 1);
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
});
