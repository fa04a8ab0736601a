/** Signing in, tokens and sessions in a real browser, and what others cannot do with them. */
import assert from "node:assert/strict";
import { browserTest, openPage } from "../support/browser.ts";
import { openOwnSite, signedInAs, signIn } from "../support/own_site.ts";

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
