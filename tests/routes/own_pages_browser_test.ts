/** Signing in, inviting a colleague, joining and signing out, in real browsers. */
import assert from "node:assert/strict";
import type { Browser, Page } from "playwright-core";
import { SILENT } from "../../lifecycle/log.ts";
import { signInProviders } from "../../routes/sign_in/providers.ts";
import { assertAccessible } from "../support/accessibility.ts";
import { browserTest, openPage } from "../support/browser.ts";
import { ADMIN_TOKEN, DAY, freshStore } from "../support/fixture.ts";
import { type LiveSite, openSite } from "../support/live_site.ts";
import { openIdProvider } from "../support/openid_provider.ts";

const openOwnSite = () => openSite({ signIn: { isDevelopment: true } });

async function signIn(page: Page, name: string): Promise<void> {
  await page.getByLabel("Your name").fill(name);
  await page.getByRole("button", { name: "Sign in", exact: true }).click();
}

/** A browser profile of its own, in which `name` is signed in and looks at `/me`. */
async function signedInAs(browser: Browser, site: LiveSite, name: string) {
  const opened = await openPage(browser);
  await opened.page.goto(`${site.url}/me`);
  await signIn(opened.page, name);
  await opened.page.getByRole("heading", { name, level: 1 }).waitFor();
  return opened;
}

/** Whoever holds `ADMIN_TOKEN` makes somebody a member. */
async function makeMember(browser: Browser, site: LiveSite, name: string): Promise<void> {
  const { page, complaints } = await openPage(browser);
  await page.goto(`${site.url}/me/users`);
  await page.getByText("Sign in as the administrator").first().click();
  await page.getByLabel("Administrator’s token").fill(ADMIN_TOKEN);
  await page.getByRole("button", { name: "Sign in as the administrator" }).click();
  await page.getByLabel(`Role of ${name}`).selectOption("member");
  await page.getByRole("button", { name: `Change the role of ${name}` }).click();
  await page.getByRole("status").getByText("The role has been changed").waitFor();
  assert.deepEqual(complaints, []);
  await page.context().close();
}

/** As a program of the page's own would. */
async function createEvent(page: Page, fields: Record<string, unknown>): Promise<void> {
  const start_date = new Date(Date.now() + DAY).toISOString();
  const body = JSON.stringify({ start_date, end_date: null, status: "CONFIRMED", ...fields });
  const status = await page.evaluate<number, string>(
    // The types here are Deno's, and the browser has the page's own address.
    async (body) =>
      (await fetch(new URL("/v1/events", (globalThis as { origin?: string }).origin), {
        method: "POST",
        headers: { "content-type": "application/json" },
        body,
      })).status,
    body,
  );
  assert.equal(status, 201);
}

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
    await ada.page.getByText("Invite somebody").click();
    await ada.page.getByRole("button", { name: "Make the invitation" }).click();
    const field = ada.page.getByLabel("The invitation’s link");
    // The focus is on it: it is there to be copied.
    assert.equal(
      await field.evaluate((element) => element === element.ownerDocument.activeElement),
      true,
    );
    const link = await field.inputValue();

    const bob = await openPage(browser);
    await bob.page.goto(link);
    await bob.page.getByRole("heading", { name: "You are invited by Ada" }).waitFor();
    await bob.page.getByRole("main").getByRole("link", { name: "Sign in" }).click();
    await signIn(bob.page, "Bob");
    assert.equal(bob.page.url(), link);
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
    assert.equal((await bob.page.goto(hidden))?.status(), 404);
    // Neither does the way back show what was theirs.
    await bob.page.goto(`${site.url}/me`);
    assert.equal(new URL(bob.page.url()).pathname, "/auth/sign-in");

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

const SCREENS = [
  { colorScheme: "light", viewport: { width: 1200, height: 800 } },
  { colorScheme: "dark", viewport: { width: 1200, height: 800 } },
  { colorScheme: "light", viewport: { width: 390, height: 844 } },
  { colorScheme: "dark", viewport: { width: 390, height: 844 } },
] as const;

browserTest("no page of those who are signed in has a fault that axe finds", async (browser) => {
  await using site = await openOwnSite();
  const long = "Friends of the Very Long Name of an Opera House at the Lake";
  const ada = await signedInAs(browser, site, long);
  await makeMember(browser, site, long);
  await createEvent(ada.page, { title: "Open rehearsal" });
  await createEvent(ada.page, { title: "The secret guest", visibility: "PRIVATE" });
  await createEvent(ada.page, { title: "A plan", status: "DRAFT" });
  await ada.page.goto(`${site.url}/me`);
  const people = await ada.page.getByRole("link", { name: /^People of/ }).getAttribute("href");
  const bob = await signedInAs(browser, site, "Bob");
  const root = await openPage(browser);
  await root.page.goto(`${site.url}/auth/sign-in?return_to=/me/users`);
  await root.page.getByText("Sign in as the administrator").first().click();
  await root.page.getByLabel("Administrator’s token").fill(ADMIN_TOKEN);
  await root.page.getByRole("button", { name: "Sign in as the administrator" }).click();

  async function look({ page }: { page: Page }, name: string, act: () => Promise<unknown>) {
    for (const { colorScheme, viewport } of SCREENS) {
      await page.emulateMedia({ colorScheme });
      await page.setViewportSize(viewport);
      await act();
      const where = `${name} ${colorScheme} ${viewport.width}`;
      const width = await page.evaluate<number>("document.documentElement.scrollWidth");
      assert.ok(width <= viewport.width, `${where} is ${width} px wide`);
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
});
