/** Signing in, inviting a colleague, joining and signing out, in real browsers. */
import assert from "node:assert/strict";
import type { Page } from "playwright-core";
import { SILENT } from "../../lifecycle/log.ts";
import { signInProviders } from "../../routes/sign_in/providers.ts";
import { browserTest, openPage } from "../support/browser.ts";
import { freshStore } from "../support/fixture.ts";
import { openSite } from "../support/live_site.ts";
import { openIdProvider } from "../support/openid_provider.ts";
import { createEvent, makeMember, openOwnSite, signedInAs, signIn } from "../support/own_site.ts";

browserTest(
  "a colleague is invited, joins in another browser and sees the events",
  async (browser) => {
    await using site = await openOwnSite();
    const ada = await signedInAs(browser, site, "Ada");
    await ada.page.getByText("You are a guest").waitFor();
    await makeMember(browser, site, "Ada");
    await createEvent(ada.page, { title: "Open rehearsal" });
    await createEvent(ada.page, { title: "The secret guest", visibility: "PRIVATE" });

    await ada.page.goto(`${site.url}/me`);
    await ada.page.getByRole("link", { name: "People of Ada" }).click();
    await ada.page.setViewportSize({ width: 390, height: 844 });
    const lines = await ada.page.locator(".roles dt").evaluateAll((terms) =>
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

browserTest(
  "a token is made and used, and the sessions are ended, by forms alone",
  async (browser) => {
    await using site = await openOwnSite();
    const { page } = await openPage(browser, { javaScriptEnabled: false });
    await page.goto(`${site.url}/me`);
    await signIn(page, "Ada");
    const elsewhere = await signedInAs(browser, site, "Ada");

    await page.getByText("Make a token").first().click();
    await page.getByLabel("What it is for").fill("The box office");
    await page.getByLabel(/^events:read/).uncheck();
    await page.getByRole("button", { name: "Make the token" }).click();
    await page.getByText("Choose at least one of these").waitFor();
    await page.getByLabel(/^events:read/).check();
    await page.getByLabel("How long it lasts").selectOption("7");
    await page.getByRole("button", { name: "Make the token" }).click();
    const secret = await page.getByLabel("The token", { exact: true }).inputValue();
    const headers = { authorization: `Bearer ${secret}` };
    const asked = () => fetch(`${site.url}/v1/me`, { headers });
    const me = await asked();
    assert.deepEqual([me.status, (await me.json()).name], [200, "Ada"]);
    await page.getByRole("button", { name: "Revoke the token The box office" }).click();
    await page.getByRole("status").getByText("The token is revoked").waitFor();
    const refused = await asked();
    await refused.body?.cancel();
    assert.equal(refused.status, 401);

    await page.getByRole("button", { name: "End all others" }).click();
    await page.getByRole("status").getByText("All your other sessions have ended").waitFor();
    await elsewhere.page.reload();
    assert.equal(new URL(elsewhere.page.url()).pathname, "/auth/sign-in");
    // The one that is left is this one.
    await page.getByText("this browser").waitFor();
    await page.getByRole("button", { name: "Sign out the session" }).click();
    await page.waitForURL(`${site.url}/`);
  },
);

browserTest("a browser keeps its session to itself, and takes nobody else's", async (browser) => {
  await using site = await openOwnSite();
  const { page } = await openPage(browser);
  const context = page.context();
  // Somebody who had the browser before, or another page of the host, left it there.
  const planted = "A".repeat(43);
  await context.addCookies([{ name: "session", value: planted, url: site.url }]);
  // Wherever the sign-in was asked to lead, it leads to this site.
  const evil = "//evil.example/";
  await page.goto(`${site.url}/auth/sign-in?${new URLSearchParams({ return_to: evil })}`);
  await signIn(page, "Ada");
  await page.waitForURL(`${site.url}/`);
  const sessions = async () => (await context.cookies()).filter(({ name }) => name === "session");
  const [first, ...more] = await sessions();
  assert.deepEqual(more, []);
  assert.notEqual(first?.value, planted);
  assert.deepEqual(
    [first?.httpOnly, first?.sameSite, first?.path, first?.domain],
    [true, "Lax", "/", "127.0.0.1"],
  );
  assert.equal(await page.evaluate("document.cookie"), "");

  await page.goto(`${site.url}/auth/sign-in?return_to=/me`);
  await signIn(page, "Bob");
  await page.getByRole("heading", { name: "Bob", level: 1 }).waitFor();
  const [second] = await sessions();
  assert.notEqual(second?.value, first?.value);
  // Whoever kept a copy of the first has nothing any more.
  const response = await fetch(`${site.url}/v1/me`, {
    headers: { cookie: `session=${first?.value}` },
  });
  await response.body?.cancel();
  assert.equal(response.status, 401);
});

browserTest("a page of another site gets nothing done in somebody's name", async (browser) => {
  await using site = await openOwnSite();
  const { page } = await signedInAs(browser, site, "Ada");
  await page.context().route("http://evil.example/**", (route) =>
    route.fulfill({
      contentType: "text/html",
      body: `<form method="post" action="${site.url}/me">
        <input name="action" value="make_token"><input name="name" value="Stolen">
        <input name="scope" value="events:write"><input name="days" value="30">
        <button>Win a prize</button></form>`,
    }));
  await page.goto("http://evil.example/");
  await page.getByRole("button").click();
  // The cookie is not sent from there at all.
  await page.getByText("This came from another site").waitFor();
  await page.goto(`${site.url}/me`);
  assert.equal(await page.getByText("Stolen").count(), 0);
});
