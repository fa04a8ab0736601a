/** A page that is open in a real browser while things change. */
import assert from "node:assert/strict";
import type { Browser, BrowserContextOptions, Locator, Page, Route } from "playwright-core";
import { openPage } from "./browser.ts";
import { soon } from "./http.ts";
import type { LiveSite } from "./live_site.ts";

interface OpenOptions extends BrowserContextOptions {
  /** Before the page is there. */
  prepare?: (page: Page) => Promise<unknown>;
}

/** It asks again at once. And it knows how many times it is about to, or has no answer to yet. */
const ASKING = `
  Math.random = () => 0;
  window.unanswered = 0;
  const { setTimeout } = window;
  window.setTimeout = (then, ms) => {
    if (ms !== 0) return setTimeout(then, ms);
    unanswered++;
    return setTimeout(() => (then(), unanswered--), ms);
  };
  const { send } = XMLHttpRequest.prototype;
  XMLHttpRequest.prototype.send = function () {
    unanswered++;
    this.addEventListener("loadend", () => unanswered--);
    send.call(this);
  };
`;

/** A page that asks again at once, and that knows whether it was ever loaded anew. */
export async function openLive(
  browser: Browser,
  address: string,
  { prepare, ...options }: OpenOptions = {},
) {
  const { page, complaints } = await openPage(browser, options);
  await page.addInitScript(`{${ASKING}}`);
  await prepare?.(page);
  await page.goto(address);
  await page.evaluate("window.isFirst = true");
  return {
    page,
    complaints,
    async [Symbol.asyncDispose]() {
      const isFirst = await page.evaluate("window.isFirst");
      await page.context().close();
      assert.equal(isFirst, true, "the page was loaded anew");
    },
  };
}

export const card = (page: Page, title: string) => page.locator(".card", { hasText: title });
export const isGone = { state: "detached" } as const;
export const titles = (page: Page) =>
  page.locator(".card:not(.falling) [data-title]").allInnerTexts();
export const said = (page: Page, text: string | RegExp) =>
  page.locator("[data-announcer] p", { hasText: text }).first().waitFor({ state: "attached" });
export const startsIn = (ms: number) => ({ start_date: new Date(Date.now() + ms).toISOString() });

/** As when another tab is looked at, and as when this one is again. */
export const setHidden = (page: Page, isHidden: boolean) =>
  page.evaluate(`
    Object.defineProperty(document, "hidden", { configurable: true, get: () => ${isHidden} });
    document.dispatchEvent(new Event("visibilitychange"));
  `);

/**
 * How often these pages were asked for again by their scripts, by the time that these have taken in
 * all they asked for. What they are to be asked for has to show on them, or they do not ask yet.
 */
export async function timesAsked(site: LiveSite, ...pages: Page[]): Promise<number> {
  for (const page of pages) await soon(() => page.evaluate<boolean>("unanswered === 0"));
  const asked = pages.map((page) => `fresh ${new URL(page.url()).pathname}`);
  return site.asked.filter((path) => asked.includes(path)).length;
}

export const focusedText = (page: Page) =>
  page.evaluate<string>("document.activeElement.innerText");

/** By then the browser has laid out and scrolled whatever it was going to. */
export const twoFrames = (page: Page) =>
  page.evaluate(
    "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))",
  );

/** A name that the element itself has, and no copy of it. */
export const mark = (locator: Locator) =>
  locator.evaluate((element) => void Object.assign(element, { isMarked: true }));
export const isMarked = (locator: Locator) => locator.evaluate((element) => "isMarked" in element);

/** Holds the next answer of a page that is asked for again: it was made, but comes when it is let go. */
export async function holdFresh(page: Page) {
  const made = Promise.withResolvers<void>();
  const release = Promise.withResolvers<void>();
  await page.route(/fresh=/, async (route: Route) => {
    const response = await route.fetch();
    made.resolve();
    await release.promise;
    await route.fulfill({ response });
  }, { times: 1 });
  return { made: made.promise, release: release.resolve };
}

/** Not every browser holds what is looked at where it is. */
export const holdNothing = (page: Page) =>
  page.route(/curtain\.css/, async (route) => {
    const response = await route.fetch();
    await route.fulfill({
      response,
      body: `${await response.text()} * { overflow-anchor: none; }`,
    });
  });
