/** What organisers change, on lists that are open in a real browser. */
import assert from "node:assert/strict";
import { browserTest } from "../support/browser.ts";
import { HOUR, MINUTE } from "../support/fixture.ts";
import { soon } from "../support/http.ts";
import {
  card,
  focusedText,
  holdFresh,
  isGone,
  isMarked,
  mark,
  openLive,
  said,
  setHidden,
  startsIn,
  timesAsked,
  titles,
} from "../support/live_page.ts";
import { openSite } from "../support/live_site.ts";

browserTest("lists show what organisers change", async (browser, t) => {
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
    const before = await timesAsked(site, ...both);
    await site.transition(id, "ONGOING");
    for (const page of both) await card(page, "Early bird").getByText("Happening now").waitFor();
    assert.equal(await timesAsked(site, ...both), before);
    // What comes later goes on from that version.
    await site.edit(id, { title: "Late bird" });
    for (const page of both) await card(page, "Late bird").getByText("Happening now").waitFor();
  });

  await t.step("what is made private, cancelled or deleted falls, and nobody asks", async () => {
    const secret = await publish("A secret");
    const cancelled = await publish("Cancelled");
    const deleted = await publish("Deleted");
    const before = await timesAsked(site, ...both);
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
    assert.equal(await timesAsked(site, ...both), before);
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
    await page.unrouteAll({ behavior: "wait" });
  });

  await t.step("a burst of changes is asked for once, but not by all at once", async () => {
    const before = await timesAsked(site, ...both);
    for (const page of both) {
      await setHidden(page, true);
      // It waits for as long as the test does, and counts what it hears.
      await page.evaluate(`{
        Math.random = () => 0.9;
        const { setTimeout } = window;
        window.waiting = [];
        window.setTimeout = (then, ms) => ms === 900 ? waiting.push(then) : setTimeout(then, ms);
        window.heard = 0;
        window.EventSource = class extends EventSource {
          constructor(url) {
            super(url);
            this.addEventListener("message", () => heard++);
          }
        };
      }`);
    }
    for (let i = 0; i < 20; i++) await site.publish(`Burst ${i}`, startsIn(5 * HOUR));
    for (const page of both) {
      await setHidden(page, false);
      await soon(() => page.evaluate<boolean>("heard === 20"));
      assert.equal(await page.evaluate("waiting.length"), 1);
      await page.evaluate("waiting[0]()");
      await page.locator(".card").nth(28).waitFor();
      // On one of them another one, which it had to leave out.
      await said(page, /^2[01] events were added$/);
      assert.equal(await page.evaluate("waiting.length"), 1);
    }
    assert.equal(await timesAsked(site, ...both), before + 2);
  });

  for (const { complaints } of [one, other]) assert.deepEqual(complaints, []);
});
