/** Screens that pages have to fit: those of desks and of phones, light and dark. */
import assert from "node:assert/strict";
import type { Page } from "playwright-core";
import { scaled } from "./fixture.ts";

const DESK = { width: 1200, height: 800 };
const PHONE = { width: 390, height: 844 };
const SMALL_PHONE = { width: 360, height: 640 };

export interface Screen {
  colorScheme: "light" | "dark";
  viewport: { width: number; height: number };
}

export const ALL_SCREENS: readonly [Screen, Screen, Screen, Screen] = [
  { colorScheme: "light", viewport: DESK },
  { colorScheme: "dark", viewport: DESK },
  { colorScheme: "light", viewport: PHONE },
  { colorScheme: "dark", viewport: PHONE },
];

const DARK_AND_SMALL: Screen = { colorScheme: "dark", viewport: SMALL_PHONE };

/** In the small scale each colour once, and the widest and the narrowest. */
export const SCREENS = scaled<readonly Screen[]>([...ALL_SCREENS, DARK_AND_SMALL], [
  ALL_SCREENS[0],
  DARK_AND_SMALL,
]);

/** What is opened from here on is opened on this screen. */
export async function turnTo(page: Page, { colorScheme, viewport }: Screen): Promise<void> {
  await page.emulateMedia({ colorScheme });
  await page.setViewportSize(viewport);
}

/** Asserts that nothing has to be moved sideways to be read. */
export async function assertFits(page: Page, where: string): Promise<void> {
  const width = await page.evaluate<number>("document.documentElement.scrollWidth");
  const room = page.viewportSize()!.width;
  assert.ok(width <= room, `${where} is ${width} px wide on ${room}`);
}
