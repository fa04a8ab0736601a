/**
 * The part of the pages' script that takes a fresh copy of the page in: afterwards the page shows
 * what a reload would show, but what did not change stays where it is, with the focus on it, and
 * what is read aloud is what changed. Nothing is rendered here; nodes are taken over.
 */

export const FRESH_PAGE_SCRIPT = String.raw`
// Of events that left while a fresh page was on its way, the version in which they did.
const departed = new Map();

// Two nodes of one name stand for the same thing.
const nameOf = (node) => node.dataset?.id ?? node.nodeName + "." + node.className;

function takePage(fresh) {
  const focused = document.activeElement;
  const page = find(".event");
  const before = page?.textContent;
  const tone = page?.dataset.tone;
  document.title = fresh.title;
  keepPlace(() => {
    takeNode(find("main"), find("main", fresh));
    if (find(".cards")) count();
    refresh();
  });
  if (page && !page.isConnected) say(find("h1").textContent);
  // The banner says by itself how the event stands now.
  else if (page && tone === page.dataset.tone && before !== page.textContent) {
    say(find("h1", page).textContent + " has changed");
  }
  if (focused === document.body || document.activeElement !== document.body) return;
  (focused.isConnected ? focused : find("h1[tabindex]") ?? find("main"))
    .focus({ preventScroll: true });
}

function takeNode(shown, fresh) {
  for (const { name } of [...shown.attributes]) {
    if (!fresh.hasAttribute(name)) shown.removeAttribute(name);
  }
  for (const { name, value } of fresh.attributes) {
    if (shown.getAttribute(name) !== value) shown.setAttribute(name, value);
  }
  if (shown.matches(".cards")) return takeCards(shown, fresh);
  let at = shown.firstChild;
  for (const next of fresh.childNodes) {
    let same = at;
    while (same && nameOf(same) !== nameOf(next)) same = same.nextSibling;
    if (!same) {
      shown.insertBefore(document.importNode(next, true), at);
      continue;
    }
    while (at !== same) at = removed(at);
    at = same.nextSibling;
    if (next.nodeType === Node.ELEMENT_NODE) takeNode(same, next);
    else if (same.data !== next.data) same.data = next.data;
  }
  while (at) at = removed(at);
}

function removed(node) {
  const next = node.nextSibling;
  node.remove();
  return next;
}

function takeCards(list, fresh) {
  const shown = new Map(
    [...list.querySelectorAll("[data-live]")].map((card) => [card.dataset.id, card]),
  );
  const now = serverNow();
  const added = [];
  const changed = [];
  let last = null;
  for (const next of fresh.children) {
    const { id, version, listedUntil } = next.dataset;
    let card = shown.get(id);
    shown.delete(id);
    // It was still there when the page was made.
    if (listedUntil <= now || departed.get(id) > version) continue;
    const isNewer = !card || Number(version) > Number(card.dataset.version);
    if (!card) {
      card = document.importNode(next, true);
      card.classList.add("rising");
      card.addEventListener("animationend", () => card.classList.remove("rising"), { once: true });
      added.push(card);
    } else if (isNewer) {
      const before = card.textContent;
      takeNode(card, next);
      if (card.textContent !== before) changed.push(card);
    }
    let place = last ? last.nextElementSibling : list.firstElementChild;
    while (place && !place.dataset.live) place = place.nextElementSibling;
    // Only these may have to move: the others are in their order.
    if (isNewer && place !== card) list.insertBefore(card, place);
    last = card;
  }
  for (const card of shown.values()) {
    // What was added may have pushed the last ones to the next page.
    const isOnNextPage = list.dataset.to &&
      last?.compareDocumentPosition(card) & Node.DOCUMENT_POSITION_FOLLOWING;
    if (isOnNextPage) card.remove();
    else drop(card, now);
  }
  tell(added, " was added", " events were added");
  tell(changed, " has changed", " events have changed");
}

function tell(cards, one, many) {
  if (cards.length > 3) say(cards.length + many);
  else for (const card of cards) say(titleOf(card) + one);
}
`;
