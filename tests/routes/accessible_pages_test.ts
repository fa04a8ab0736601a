/** The pages as axe sees them, in a light and a dark house, on a desk and on a phone. */
import type { Page } from "playwright-core";
import { assertAccessible } from "../support/accessibility.ts";
import { browserTest, openPage } from "../support/browser.ts";
import { DAY, HOUR, scaled } from "../support/fixture.ts";
import { timesBetween } from "../support/live_site.ts";
import { ALL_SCREENS, assertFits, type Screen, turnTo } from "../support/screens.ts";
import {
  createEvent,
  makeMember,
  openOwnSite,
  signedInAs,
  signedInAsRoot,
} from "../support/own_site.ts";

let seen = 0;
/** In the small scale each page is looked at on one screen, and the next one on the next. */
const screens = () => {
  const next = ALL_SCREENS[seen++ % ALL_SCREENS.length]!;
  return scaled<readonly Screen[]>(ALL_SCREENS, [next]);
};

browserTest("no page has a fault that axe finds", async (browser) => {
  await using site = await openOwnSite();
  const long = "Friends of the Very Long Name of an Opera House at the Lake";
  const ada = await signedInAs(browser, site, long);
  const root = await signedInAsRoot(browser, site);
  await makeMember(root.page, long);
  await createEvent(ada.page, { title: "Open rehearsal" });
  await createEvent(ada.page, { title: "The secret guest", visibility: "PRIVATE" });
  await createEvent(ada.page, { title: "A plan", status: "DRAFT" });
  const over = await site.stage("Last week's", timesBetween(Date.now() - DAY, Date.now() - HOUR));
  await ada.page.goto(`${site.url}/me`);
  const people = await ada.page.getByRole("link", { name: /^People of/ }).getAttribute("href");
  const bob = await signedInAs(browser, site, "Bob");

  async function look({ page }: { page: Page }, name: string, act: () => Promise<unknown>) {
    for (const screen of screens()) {
      await turnTo(page, screen);
      await act();
      const where = `${name} ${screen.colorScheme} ${screen.viewport.width}`;
      await assertFits(page, where);
      await assertAccessible(page, where);
      // To look at them by oneself.
      const folder = Deno.env.get("SCREENSHOTS");
      if (folder) {
        const path = `${folder}/${where.replaceAll(" ", "_")}.png`;
        await page.screenshot({ path, fullPage: true });
      }
    }
  }
  const open = ({ page }: { page: Page }, path: string) => () => page.goto(site.url + path);
  const send =
    ({ page }: { page: Page }, path: string, [summary, button]: [string, string]) => async () => {
      await page.goto(site.url + path);
      await page.getByText(summary).first().click();
      const name = page.getByLabel("What it is for");
      if (await name.isVisible()) await name.fill("The box office");
      await page.getByRole("button", { name: button }).click();
      await page.getByRole("main").getByText("Copy it now").waitFor();
    };

  await look(ada, "token", send(ada, "/me", ["Make a token", "Make the token"]));
  await look(ada, "me", open(ada, "/me?done=token_revoked"));
  await look(bob, "guest", open(bob, "/me"));
  await look(ada, "invite", send(ada, people!, ["Invite somebody", "Make the invitation"]));
  const link = await ada.page.getByLabel("The invitation’s link").inputValue();
  const invitation = link.slice(site.url.length);
  const stranger = await openPage(browser);
  await look(stranger, "invitation_stranger", open(stranger, invitation));
  await look(bob, "invitation_invited", open(bob, invitation));
  await look(ada, "invitation_member", open(ada, invitation));
  await bob.page.goto(link);
  await bob.page.getByRole("button", { name: "Join" }).click();
  await bob.page.getByRole("status").getByText("You are one of these people now").waitFor();
  await look(bob, "people_editor", open(bob, `${people}?done=joined`));
  await look(ada, "people_owner", async () => {
    await ada.page.goto(site.url + people);
    for (const details of await ada.page.locator("summary").all()) await details.click();
  });
  await look(stranger, "invitation_gone", open(stranger, invitation));
  await look(bob, "organizer", open(bob, people!.replace("/people", "")));
  await look(root, "users", open(root, "/me/users?done=suspended"));
  await look(root, "root", async () => {
    await root.page.goto(`${site.url}/me`);
    await root.page.getByText("Make a token").first().click();
    await root.page.getByLabel("What it is for").fill("x");
    for (const box of await root.page.getByRole("checkbox").all()) await box.uncheck();
    await root.page.getByRole("button", { name: "Make the token" }).click();
    await root.page.getByText("Choose at least one").waitFor();
  });
  await look(ada, "erase", open(ada, "/me/erase"));
  await look(stranger, "sign_in", open(stranger, "/me"));
  await look(stranger, "front", open(stranger, "/"));
  await look(stranger, "over", open(stranger, `/events/${over.id}`));
});
