/**
 * When something changes, everybody who has the page open asks for it again within a second. It is
 * rendered for the first of them; the others are sent the same.
 */
import type { MiddlewareHandler } from "hono";
import { readPosition } from "../../kv/journal_places.ts";
import type { AppDeps, AppEnv } from "../app_deps.ts";
import { sendText } from "./layout.tsx";

/** As long as the pages take to ask, and a little more. */
const KEPT_MS = 2_000;
const PAGES_KEPT = 20;

interface SharedPage {
  text: string;
  /** Where the journal stood before the page was read: while it still does, nothing has changed. */
  position: string;
  /** Epoch milliseconds. Names of organizers change without a journal. */
  until: number;
}

/** Only what guests see, and only for scripts: they tell the time by the page that they run on. */
export function sharedPages({ store, clock }: Pick<AppDeps, "store" | "clock">) {
  const kept = new Map<string, SharedPage>();
  const handler: MiddlewareHandler<AppEnv> = async (c, next) => {
    const isAskedAgain = c.req.query("fresh") !== undefined;
    if (!isAskedAgain || c.get("principal").userId !== null) return await next();
    const position = await readPosition(store);
    const now = clock();
    const known = kept.get(c.req.url);
    if (known !== undefined && known.position === position && now < known.until) {
      return sendText(c, known.text);
    }
    await next();
    if (c.res.status !== 200) return;
    const text = await c.res.clone().text();
    // The addresses are the clients' to think of.
    if (kept.size >= PAGES_KEPT) kept.clear();
    kept.set(c.req.url, { text, position, until: Math.min(now + KEPT_MS, nextTurn(text, now)) });
  };
  return handler;
}

/** The next instant at which the clock turns something over; the page tells its script of all. */
function nextTurn(text: string, now: number): number {
  const times = text.matchAll(/ data-(?:starts-at|ends-at|listed-until)="(\d+)"/g);
  return Math.min(...[...times].map(([, at]) => Number(at)).filter((at) => at > now));
}
