/** The pages in a real browser, with the real clock: the one place where tests wait. */
import assert from "node:assert/strict";
import type { EventRecord } from "../../kv/event_record.ts";
import { browserTest, openPage } from "../support/browser.ts";
import { HOUR, MINUTE, SECOND } from "../support/fixture.ts";
import { openSite, timesBetween } from "../support/live_site.ts";

browserTest("a card falls off the list by itself when its event ends", async (browser) => {
  await using site = await openSite();
  await site.fallSilent();
  const { page, complaints } = await openPage(browser);
  const endDate = Date.now() + 6 * SECOND;
  await site.stage("Short and sweet", timesBetween(endDate - HOUR, endDate));
  await site.stage("The long run");

  await page.goto(site.url);
  assert.equal(await page.locator(".card").count(), 2);
  assert.match(await page.locator(".count").innerText(), /^2 events$/);
  const ending = page.locator(".card", { hasText: "Short and sweet" });
  assert.match(await ending.locator(".countdown").innerText(), /^ends in 0:0[1-6]$/);

  await page.locator(".falling").waitFor();
  assert.ok(Date.now() >= endDate, "it fell before its end");
  await ending.waitFor({ state: "detached" });
  assert.match(await page.locator(".count").innerText(), /^1 event$/);
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
  const { page, complaints } = await openPage(browser, { reducedMotion: "reduce" });
  const endDate = Date.now() + 6 * SECOND;
  await site.stage("The only one", timesBetween(endDate - HOUR, endDate));

  await page.addInitScript(`
    new MutationObserver(() => {
      if (document.querySelector(".falling")) window.sawFalling = true;
    }).observe(document, { subtree: true, attributes: true, childList: true });
  `);
  await page.goto(site.url);
  await page.locator(".card a").first().focus();
  await page.locator(".card").waitFor({ state: "detached" });
  assert.equal(await page.evaluate("window.sawFalling"), undefined);
  assert.ok(await page.locator("[data-empty]").isVisible());
  // The focus was on the card; it must not be lost with it.
  assert.equal(await page.evaluate("document.activeElement.tagName"), "H1");
  assert.deepEqual(complaints, []);
});

browserTest("an event's page begins and is over without a reload", async (browser) => {
  await using site = await openSite();
  await site.fallSilent();
  const { page, complaints } = await openPage(browser);
  const now = Date.now();
  const { id } = await site.stage("A brief act", timesBetween(now + 5 * SECOND, now + 8 * SECOND));

  await page.goto(`${site.url}/events/${id}`);
  const banner = page.getByRole("status");
  assert.match(await banner.innerText(), /has not begun yet/);
  await banner.getByText("Happening now").waitFor();
  await banner.getByText("This event is over").waitFor();
  assert.ok(Date.now() >= now + 8 * SECOND, "it was over before its end");
  assert.ok(await page.locator(".countdown").isHidden());
  assert.deepEqual(site.asked, [`/events/${id}`]);
  assert.deepEqual(complaints, []);
});

browserTest(
  "a list that Back takes from the cache shows nothing that is over",
  async (browser) => {
    await using site = await openSite();
    const { page } = await openPage(browser);
    const endDate = Date.now() + 6 * SECOND;
    await site.stage("Gone by then", timesBetween(endDate - HOUR, endDate));
    const { id } = await site.stage("The long run");

    await page.goto(site.url);
    // What its script asks for meanwhile must not take the place of that copy.
    await site.publish("New on the list");
    await page.locator(".card", { hasText: "New on the list" }).waitFor();
    await page.goto(`${site.url}/events/${id}`);
    await site.fallSilent();
    await page.waitForTimeout(Math.max(0, endDate + 100 - Date.now()));
    await page.goBack();
    // By the time that the copy says it is, the event has more seconds to go than we wait.
    const ended = page.locator("[data-live=card]", { hasText: "Gone by then" });
    await ended.waitFor({ state: "detached", timeout: 2 * SECOND });
    assert.deepEqual(site.asked, ["/", "fresh /", `/events/${id}`]);
  },
);

browserTest("no page breaks its policy or its width, whatever the screen", async (browser) => {
  await using site = await openSite();
  const hostile = `<script>alert(1)</script>"><img src=x onerror=alert(2)>` + "long".repeat(20);
  const { id } = await site.stage(hostile, {
    summary: hostile,
    description: hostile,
    tags: [hostile.slice(0, 50), "music"],
    url: "javascript:alert(3)",
    imageUrl: "javascript:alert(4)",
    location: { ...NOWHERE, city: hostile.slice(0, 100) },
  });
  await site.stage("Ends soon", timesBetween(Date.now() - HOUR, Date.now() + 30 * MINUTE));
  const screens = [
    { colorScheme: "light", viewport: { width: 1280, height: 800 } },
    { colorScheme: "dark", viewport: { width: 1280, height: 800 } },
    { colorScheme: "light", viewport: { width: 390, height: 844 } },
    { colorScheme: "dark", viewport: { width: 360, height: 640 } },
  ] as const;
  for (const screen of screens) {
    const { page, complaints } = await openPage(browser, screen);
    for (const path of ["/", `/events/${id}`, "/?tag=music"]) {
      await page.goto(site.url + path);
      await page.locator(".countdown").first().waitFor({ state: "attached" });
      const width = await page.evaluate<number>(
        "document.documentElement.scrollWidth",
      );
      assert.ok(width <= screen.viewport.width, `${path} is ${width} px wide`);
    }
    assert.deepEqual(complaints, [], JSON.stringify(screen));
    await page.context().close();
  }
});

const NOWHERE: EventRecord["location"] = {
  name: null,
  address: null,
  city: null,
  country: null,
  latitude: null,
  longitude: null,
};
