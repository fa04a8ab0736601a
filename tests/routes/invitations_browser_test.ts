/** Inviting a colleague, joining and signing out, in real browsers. */
import assert from "node:assert/strict";
import type { Page } from "playwright-core";
import { SILENT } from "../../lifecycle/log.ts";
import { signInProviders } from "../../routes/sign_in/providers.ts";
import { browserTest, openPage } from "../support/browser.ts";
import { freshStore } from "../support/fixture.ts";
import { openSite } from "../support/live_site.ts";
import { openIdProvider } from "../support/openid_provider.ts";
import {
  createEvent,
  makeMember,
  openOwnSite,
  signedInAs,
  signedInAsRoot,
  signIn,
} from "../support/own_site.ts";

browserTest(
  "a colleague is invited, joins in another browser and sees the events",
  async (browser) => {
    await using site = await openOwnSite();
    const ada = await signedInAs(browser, site, "Ada");
    await ada.page.getByText("You are a guest").waitFor();
    const root = await signedInAsRoot(browser, site);
    await makeMember(root.page, "Ada");
    assert.deepEqual(root.complaints, []);
    await createEvent(ada.page, { title: "Open rehearsal" });
    await createEvent(ada.page, { title: "The secret guest", visibility: "PRIVATE" });

    await ada.page.goto(`${site.url}/me`);
    await ada.page.getByRole("link", { name: "People of Ada" }).click();
    await ada.page.setViewportSize({ width: 390, height: 844 });
    const roles = ada.page.locator(".roles dt");
    await roles.first().waitFor();
    const lines = await roles.evaluateAll((terms) =>
      terms.map((term) => {
        const range = term.ownerDocument.createRange();
        range.selectNodeContents(term);
        return range.getClientRects().length;
      })
    );
    assert.deepEqual(lines, [1, 1, 1], "a role is broken within its word");
    await ada.page.getByText("Invite somebody").click();
    await ada.page.getByRole("button", { name: "Make the invitation" }).click();
    // The focus is on it: it is there to be copied.
    const focused = ada.page.locator(":focus");
    const link = await ada.page.getByLabel("The invitation’s link").and(focused).inputValue();

    const bob = await openPage(browser);
    await bob.page.goto(link);
    await bob.page.getByRole("heading", { name: "You are invited by Ada" }).waitFor();
    await bob.page.getByRole("main").getByRole("link", { name: "Sign in" }).click();
    await signIn(bob.page, "Bob");
    await bob.page.waitForURL(link);
    await bob.page.getByRole("button", { name: "Join" }).click();
    await bob.page.getByRole("status").getByText("You are one of these people now").waitFor();
    await bob.page.getByRole("link", { name: "Ada", exact: true }).click();
    for (const title of ["Open rehearsal", "The secret guest"]) {
      await bob.page.getByRole("link", { name: title }).first().waitFor();
    }
    await bob.page.getByRole("link", { name: "The secret guest" }).click();
    await bob.page.getByText("Private: only the people of this event see this page").waitFor();
    const hidden = bob.page.url();

    // The link has been used up, and whoever is not invited sees nothing.
    const eve = await signedInAs(browser, site, "Eve");
    await eve.page.goto(link);
    await eve.page.getByRole("heading", { name: "This invitation has ended" }).waitFor();
    assert.equal((await eve.page.goto(hidden))?.status(), 404);

    await bob.page.goto(`${site.url}/me`);
    await bob.page.getByRole("button", { name: "Sign out", exact: true }).click();
    await bob.page.waitForURL(`${site.url}/`);
    await bob.page.getByRole("navigation").getByRole("link", { name: "Sign in" }).waitFor();
    // The way back does not show what was theirs.
    await bob.page.goBack();
    assert.equal(new URL(bob.page.url()).pathname, "/auth/sign-in");
    assert.equal((await bob.page.goBack())?.status(), 404);
    assert.equal(bob.page.url(), hidden);

    await ada.page.goto(`${site.url}/me`);
    await ada.page.getByRole("link", { name: "People of Ada" }).click();
    await ada.page.getByRole("button", { name: "Remove Bob" }).click();
    await ada.page.getByRole("status").getByText("no longer among these people").waitFor();
    for (const { complaints } of [ada, bob]) {
      assert.deepEqual(complaints.filter((text) => !/404|410/.test(text)), []);
    }
  },
);

/** People sign in with a real OpenID provider, and nobody needs an invitation to the site. */
async function openProvidersSite() {
  const provider = await openIdProvider();
  const store = await freshStore();
  let url = "";
  const providers = signInProviders({ signIn: { oidc: provider, preset: null } }, {
    store,
    clock: () => Date.now(),
    log: SILENT,
    // Known once it is served.
    origin: () => url,
    exposeKvPath: () => {},
  });
  const site = await openSite({ store, signIn: { providers, signUp: { rule: "open" } } });
  url = site.url;
  return {
    site,
    async [Symbol.asyncDispose]() {
      await site[Symbol.asyncDispose]();
      await provider[Symbol.asyncDispose]();
    },
  };
}

/** From the page that offers the provider through the provider's own; null changes its mind. */
async function passProvider(page: Page, account: string | null): Promise<void> {
  await page.getByRole("link", { name: /^Continue with/ }).click();
  await page.getByLabel("Account").fill(account ?? "bob");
  await page.getByRole("button", { name: account === null ? "Cancel" : "Sign in" }).click();
}

browserTest("the same with an OpenID provider, and after changing one's mind", async (browser) => {
  await using opened = await openProvidersSite();
  const { site } = opened;
  const alice = await openPage(browser);
  await alice.page.goto(`${site.url}/me`);
  await passProvider(alice.page, "alice");
  await alice.page.getByRole("heading", { name: "Alice Ångström", level: 1 }).waitFor();
  await alice.page.getByText("alice@example.org").waitFor();
  await createEvent(alice.page, { title: "The secret guest", visibility: "PRIVATE" });
  await alice.page.goto(`${site.url}/me`);
  await alice.page.getByRole("link", { name: "People of Alice" }).click();
  await alice.page.getByText("Invite somebody").click();
  await alice.page.getByRole("button", { name: "Make the invitation" }).click();
  const link = await alice.page.getByLabel("The invitation’s link").inputValue();

  const bob = await openPage(browser);
  const toSignIn = async () => {
    await bob.page.goto(link);
    await bob.page.getByRole("main").getByRole("link", { name: "Sign in" }).click();
  };
  await toSignIn();
  await passProvider(bob.page, null);
  await bob.page.getByRole("heading", { name: "You are not signed in" }).waitFor();
  await toSignIn();
  await passProvider(bob.page, "bob");
  await bob.page.waitForURL(link);
  await bob.page.getByRole("button", { name: "Join" }).click();
  await bob.page.getByRole("status").getByText("You are one of these people now").waitFor();
  await bob.page.getByRole("link", { name: "Alice Ångström", exact: true }).click();
  await bob.page.getByRole("link", { name: "The secret guest" }).click();
  await bob.page.getByText("Private: only the people of this event see this page").waitFor();
  await bob.page.goto(`${site.url}/me`);
  await bob.page.getByRole("button", { name: "Sign out", exact: true }).click();
  await bob.page.waitForURL(`${site.url}/`);
  await bob.page.goto(link);
  await bob.page.getByRole("heading", { name: "This invitation has ended" }).waitFor();
  // The sign-in that was cancelled, the link that is used up; the provider has no icon.
  for (const { complaints } of [alice, bob]) {
    assert.deepEqual(complaints.filter((text) => !/ (400|404|410) /.test(text)), []);
  }
});
