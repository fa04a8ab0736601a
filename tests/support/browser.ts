/** A real browser for tests of what only a browser shows. */
import assert from "node:assert/strict";
import { type Browser, type BrowserContextOptions, chromium, type Page } from "playwright-core";

const COMMON_PATHS = [
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
  "/usr/bin/google-chrome-stable",
  "/snap/bin/chromium",
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
  "C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe",
];

/** Where Chromium is: `CHROMIUM_PATH`, else the first common path there is; null when nowhere. */
export function findChromium(): string | null {
  const named = Deno.env.get("CHROMIUM_PATH");
  if (named !== undefined && named !== "") return named;
  return COMMON_PATHS.find(exists) ?? null;
}

function exists(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/**
 * Registers a test that is given a browser of its own. Without Chromium it is ignored, and its name
 * says why; in CI it fails instead, so that a missing browser is never taken for a passed test.
 */
export function browserTest(
  name: string,
  fn: (browser: Browser, t: Deno.TestContext) => Promise<void>,
): void {
  const executablePath = findChromium();
  const required = Deno.env.has("CI");
  const ignore = executablePath === null && !required;
  Deno.test({
    name: ignore ? `${name} [ignored: no Chromium found, set CHROMIUM_PATH]` : name,
    ignore,
    async fn(t) {
      assert.ok(executablePath !== null, "CI needs Chromium: install it or set CHROMIUM_PATH");
      // The sandbox needs rights that containers rarely give; the pages are our own.
      const browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });
      try {
        await fn(browser, t);
      } finally {
        await browser.close();
      }
    },
  });
}

/** A page waits for as long as it takes; when this is over, nobody believes any more that it comes. */
const PATIENCE_MS = 120_000;

/** A page in a context of its own, and all that it complained of: its console, errors, the CSP. */
export async function openPage(
  browser: Browser,
  options: BrowserContextOptions = {},
): Promise<{ page: Page; complaints: string[] }> {
  const context = await browser.newContext(options);
  context.setDefaultTimeout(PATIENCE_MS);
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on("console", (message) => {
    if (message.type() === "error" || message.type() === "warning") complaints.push(message.text());
  });
  page.on("pageerror", (error) => complaints.push(String(error)));
  // A violated policy is not always told on the console.
  await page.addInitScript(`
    addEventListener("securitypolicyviolation", (event) => {
      console.error("CSP: " + event.violatedDirective + " refused " + event.blockedURI);
    });
  `);
  return { page, complaints };
}

/**
 * Opens pages on something whose time has not come yet, however slow the machine is. `open` is given
 * when it comes (epoch milliseconds); if it was ready only later, its pages are closed, and it opens
 * others on something with twice as long to go.
 */
export async function openInTime<T>(
  browser: Browser,
  open: (at: number) => Promise<T>,
  leadMs = 1_500,
): Promise<T> {
  const others = browser.contexts();
  const at = Date.now() + leadMs;
  const opened = await open(at);
  if (Date.now() < at) return opened;
  const late = browser.contexts().filter((context) => !others.includes(context));
  await Promise.all(late.map((context) => context.close()));
  return await openInTime(browser, open, 2 * leadMs);
}
