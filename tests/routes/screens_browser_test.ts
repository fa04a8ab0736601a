/** Pages with the worst of texts, on every screen. */
import assert from "node:assert/strict";
import { NO_LOCATION } from "../../lifecycle/event_content.ts";
import { browserTest, openPage } from "../support/browser.ts";
import { HOUR, MINUTE } from "../support/fixture.ts";
import { openSite, timesBetween } from "../support/live_site.ts";
import { assertFits, SCREENS, turnTo } from "../support/screens.ts";

browserTest("no page breaks its policy or its width, whatever the screen", async (browser) => {
  await using site = await openSite();
  const hostile = `<script>alert(1)</script>"><img src=x onerror=alert(2)>` + "long".repeat(20);
  const { id } = await site.stage(hostile, {
    summary: hostile,
    description: hostile,
    tags: [hostile.slice(0, 50), "music"],
    url: "javascript:alert(3)",
    imageUrl: "javascript:alert(4)",
    location: { ...NO_LOCATION, city: hostile.slice(0, 100) },
  });
  await site.stage("Ends soon", timesBetween(Date.now() - HOUR, Date.now() + 30 * MINUTE));
  const { page, complaints } = await openPage(browser);
  for (const screen of SCREENS) {
    await turnTo(page, screen);
    for (const path of ["/", `/events/${id}`, "/?tag=music"]) {
      await page.goto(site.url + path);
      await page.locator(".countdown").first().waitFor({ state: "attached" });
      await assertFits(page, path);
    }
    assert.deepEqual(complaints, [], JSON.stringify(screen));
  }
});
