/** People in real browsers: signing in by the development form, and what they do by themselves. */
import assert from "node:assert/strict";
import type { Browser, Page } from "playwright-core";
import { openPage } from "./browser.ts";
import { ADMIN_TOKEN, DAY } from "./fixture.ts";
import { type LiveSite, openSite } from "./live_site.ts";

export const openOwnSite = () => openSite({ signIn: { isDevelopment: true } });

export async function signIn(page: Page, name: string): Promise<void> {
  await page.getByLabel("Your name").fill(name);
  await page.getByRole("button", { name: "Sign in", exact: true }).click();
}

/** A browser profile of its own, in which `name` is signed in and looks at `/me`. */
export async function signedInAs(browser: Browser, site: LiveSite, name: string) {
  const opened = await openPage(browser);
  await opened.page.goto(`${site.url}/me`);
  await signIn(opened.page, name);
  await opened.page.getByRole("heading", { name, level: 1 }).waitFor();
  return opened;
}

/** Whoever holds `ADMIN_TOKEN`, and looks at `/me/users`. */
export async function signedInAsRoot(browser: Browser, site: LiveSite) {
  const opened = await openPage(browser);
  const { page } = opened;
  await page.goto(`${site.url}/me/users`);
  await page.getByText("Sign in as the administrator").first().click();
  await page.getByLabel("Administrator’s token").fill(ADMIN_TOKEN);
  await page.getByRole("button", { name: "Sign in as the administrator" }).click();
  await page.waitForURL(`${site.url}/me/users`);
  return opened;
}

/** By the form of `/me/users`, which is open. */
export async function makeMember(page: Page, name: string): Promise<void> {
  await page.getByLabel(`Role of ${name}`).selectOption("member");
  await page.getByRole("button", { name: `Change the role of ${name}` }).click();
  await page.getByRole("status").getByText("The role has been changed").waitFor();
}

/** As a program of the page's own would. */
export async function createEvent(page: Page, fields: Record<string, unknown>): Promise<void> {
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
