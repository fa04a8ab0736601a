/**
 * What caches may keep, and for how long: never beyond the moment at which the clock changes what an
 * answer shows, and never so long that a cancellation stays hidden. (RFC 9111; the tags are RFC
 * 9110's.)
 */
import { createHash } from "node:crypto";
import type { Context } from "hono";
import type { EventStatus } from "../kv/event_record.ts";
import type { EventPage } from "../lifecycle/event_walk.ts";
import { statusAt } from "../lifecycle/status.ts";
import type { AppEnv } from "./app_deps.ts";

/** Seconds for which a list or an event is kept at most, whatever the clock does. */
export const LIST_SECONDS = 15;
export const EVENT_SECONDS = 60;

/** What of a request decides who asks. */
const VARY = "authorization, cookie";

/** Whether time alone brings events into a list of these effective statuses. */
export function entersByTime(statuses: EventStatus[] | undefined): boolean {
  if (statuses === undefined) return false;
  const has = (status: EventStatus) => statuses.includes(status);
  return (has("ONGOING") && !has("CONFIRMED")) ||
    (has("COMPLETED") && !(has("CONFIRMED") && has("ONGOING")));
}

/**
 * The headers of an answer that everybody sees alike, until `next`. Who is signed in gets an answer
 * of their own, which nobody keeps unasked.
 */
export function keptUntil(
  c: Context<AppEnv>,
  next: number | null,
  { now, cap }: { now: number; cap: number },
): Record<string, string> {
  const vary = { vary: VARY };
  if (c.get("principal").userId !== null) return { "cache-control": "private, no-cache", ...vary };
  // Caches count whole seconds, of an age that was rounded as well.
  const left = next === null ? cap : Math.floor((next - now) / 1000) - 1;
  const seconds = Math.max(0, Math.min(cap, left));
  return { "cache-control": `public, max-age=${seconds}, must-revalidate`, ...vary };
}

/** The headers of an answer that is asked for anew each time. */
export function neverKept(c: Context<AppEnv>): Record<string, string> {
  const isPublic = c.get("principal").userId === null;
  return { "cache-control": isPublic ? "no-cache" : "private, no-cache", vary: VARY };
}

/**
 * The weak tag of a page: of its events as they are shown, where it goes on, and in which store. Not
 * of the journal's position, which moves with every write of any event.
 */
export function pageTag(
  { items, nextCursor }: EventPage,
  { epoch, now }: { epoch: string; now: number },
): string {
  let text = `${epoch} ${nextCursor}`;
  for (const card of items) text += ` ${card.id} ${card.version} ${statusAt(card, now)}`;
  return `W/"${createHash("sha1").update(text).digest("base64url")}"`;
}
