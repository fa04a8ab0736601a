/** Pages in a real browser that hear nothing for a while: hidden, put away, or cut off. */
import assert from "node:assert/strict";
import { browserTest } from "../support/browser.ts";
import { ADMIN, DAY, freshStore } from "../support/fixture.ts";
import { create, soon } from "../support/http.ts";
import {
  card,
  isGone,
  openLive,
  setHidden,
  startsIn,
  timesAsked,
  titles,
} from "../support/live_page.ts";
import { openSite } from "../support/live_site.ts";

// Whoever is cut off is asked to come back after a second and some more: here after a second.
Math.random = () => 0;

browserTest("pages go on after interruptions", async (browser, t) => {
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
      const before = await timesAsked(site, page);
      await site.publish("Meanwhile");
      assert.equal(await timesAsked(site, page), before);
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
});
