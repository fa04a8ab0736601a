/**
 * The script of the pages. Its first part is their clock: at the millisecond an event's time comes,
 * by the server's time, its card falls, its chip or its banner turns over. For that it asks nobody.
 * The others follow what people change.
 *
 * A string and not a file, because deployed code reads no files. It writes text and nodes only,
 * never markup, so it works under Trusted Types.
 */
import { versionOf } from "./asset_version.ts";
import { CHANGES_SCRIPT } from "./changes_script.ts";
import { FRESH_PAGE_SCRIPT } from "./fresh_page_script.ts";
import { CHIPS, HEADLINES } from "./status_words.ts";

const CLOCK_SCRIPT = String.raw`
const CHIPS = ${JSON.stringify(CHIPS)};
const HEADLINES = ${JSON.stringify(HEADLINES)};
const HOUR = 3600000;
const FALL = 800;
// However far the next boundary is: a timer does not count the time a device sleeps.
const LONGEST_WAIT = 30000;

// The page says when the server made it; the first byte came right after. A copy out of the
// browser's cache (Back, a reopened tab) says the same again much later, so what was learnt the
// first time is kept with the history entry.
const made = Number(document.body.dataset.now);
const kept = history.state?.made === made ? history.state : null;
const arrived = performance.getEntriesByType("navigation")[0]?.responseStart || performance.now();
const ahead = kept ? kept.ahead : made + (performance.now() - arrived) - Date.now();
history.replaceState({ ...history.state, made, ahead }, "");
const origin = Date.now() + ahead - performance.now();

// The monotonic clock may stand still while a device sleeps, the wall clock may be set back: the
// later of the two never shows what is over.
const serverNow = () => Math.max(performance.now() + origin, Date.now() + ahead);

const stillness = matchMedia("(prefers-reduced-motion: reduce)");
const find = (selector, within = document) => within.querySelector(selector);
const titleOf = (card) => find("[data-title]", card).textContent;
const setText = (element, text) => {
  if (element && element.textContent !== text) element.textContent = text;
};

function say(text) {
  const line = document.createElement("p");
  line.textContent = text;
  const region = find("[data-announcer]");
  region.append(line);
  while (region.childElementCount > 5) region.firstElementChild.remove();
}

function drop(card, at) {
  say(titleOf(card) + (at >= card.dataset.endsAt ? " has ended" : " is no longer listed"));
  card.removeAttribute("data-live");
  if (card.contains(document.activeElement)) {
    let next = card.nextElementSibling;
    while (next && !next.dataset.live) next = next.nextElementSibling;
    find(next ? "[data-title]" : "h1", next ?? document).focus();
  }
  card.inert = true;
  card.classList.add("falling");
  const remove = () => keepPlace(() => card.remove());
  if (stillness.matches || document.hidden) remove();
  else setTimeout(remove, FALL);
  count();
}

function count() {
  const left = document.querySelectorAll("[data-live=card]").length;
  setText(find("[data-count]"), String(left));
  setText(find("[data-noun]"), left === 1 ? "event" : "events");
  find("[data-empty]").hidden = left > 0;
}

// What comes or goes above moves what is looked at, where the browser does not hold it by itself.
function keepPlace(change) {
  const isInSight = (card) => card.getBoundingClientRect().bottom > 0;
  const seen = scrollY > 0 && [...document.querySelectorAll("[data-live=card]")].find(isInSight);
  const top = seen && seen.getBoundingClientRect().top;
  change();
  if (!seen?.isConnected) return;
  scrollBy({ top: seen.getBoundingClientRect().top - top, behavior: "instant" });
}

function turn(item, tone) {
  if (item.dataset.tone === tone) return;
  item.dataset.tone = tone;
  setText(find("[data-chip]", item), CHIPS[tone]);
  setText(find("[data-headline]", item), HEADLINES[tone]);
  setText(find("[data-detail]", item), "");
}

function close(page, tone) {
  page.removeAttribute("data-live");
  turn(page, tone);
  find("[data-countdown]", page).hidden = true;
}

let timer;
function refresh() {
  clearTimeout(timer);
  const now = serverNow();
  let wait = LONGEST_WAIT;
  // An absent time is NaN: it never comes.
  const hasCome = (time) => {
    if (time > now) wait = Math.min(wait, time - now);
    return time <= now;
  };
  for (const item of document.querySelectorAll("[data-live]")) {
    const [starts, ends, listed] = ["startsAt", "endsAt", "listedUntil"]
      .map((name) => Number(item.dataset[name] ?? NaN));
    if (hasCome(listed)) {
      drop(item, now);
    } else if (hasCome(ends)) {
      close(item, "over");
    } else {
      if (hasCome(starts)) turn(item, "now");
      const countdown = find("[data-countdown]", item);
      countdown.hidden = !hasCome(ends - HOUR);
      if (countdown.hidden) continue;
      const seconds = Math.ceil((ends - now) / 1000);
      const clock = Math.floor(seconds / 60) + ":" + String(seconds % 60).padStart(2, "0");
      setText(countdown, "ends in " + clock);
      hasCome(ends - (seconds - 1) * 1000);
    }
  }
  timer = setTimeout(refresh, Math.ceil(wait));
}

addEventListener("pageshow", refresh);
addEventListener("focus", refresh);
document.addEventListener("visibilitychange", refresh);
document.addEventListener("resume", refresh);
refresh();
`.trimStart();

export const LIVE_SCRIPT = CLOCK_SCRIPT + FRESH_PAGE_SCRIPT + CHANGES_SCRIPT;

export const LIVE_SCRIPT_URL = `/assets/live.js?v=${versionOf(LIVE_SCRIPT)}`;
