/**
 * The part of the pages' script that follows what people change, by the stream that the page names.
 * What only turns an event over, and what leaves a list, is shown at once; for anything else the
 * page is asked for again, because words and times are the server's to render.
 */

export const CHANGES_SCRIPT = String.raw`
// Pages that show the same are told the same in the same instant; they ask within this time.
const SPREAD = 1000;
const LONGEST_BACKOFF = 60000;
const { stream, position } = document.body.dataset;
const TURNS = { ONGOING: "now", COMPLETED: "over", CANCELLED: "cancelled" };

const backoff = (failures) =>
  Math.min(LONGEST_BACKOFF, 1000 * 2 ** failures) * (0.5 + Math.random() / 2);

let source = null;
let lastId = position;
let failures = 0;
let reconnecting;

// A browser has six connections to a host without HTTP/2: pages in the background leave theirs to
// those that are looked at, and go on from where they were.
function follow() {
  clearTimeout(reconnecting);
  if (!stream || source || document.hidden) return;
  const url = new URL(stream, location.href);
  url.searchParams.set("last_event_id", lastId);
  const opened = source = new EventSource(url);
  opened.onopen = () => failures = 0;
  opened.onmessage = ({ data, lastEventId }) => {
    lastId = lastEventId;
    apply(JSON.parse(data));
  };
  opened.addEventListener("reset", ({ lastEventId }) => {
    lastId = lastEventId;
    ask();
  });
  opened.onerror = () => {
    // It comes back by itself, unless it was answered with anything but a stream.
    if (opened.readyState !== EventSource.CLOSED) return;
    unfollow();
    reconnecting = setTimeout(follow, backoff(failures++));
  };
}

function unfollow() {
  clearTimeout(reconnecting);
  source?.close();
  source = null;
}

function apply({ type, subject, sequence, time, data }) {
  const version = Number(sequence);
  const list = find(".cards");
  const item = [...document.querySelectorAll("[data-id]")]
    .find(({ dataset, inert }) => dataset.id === subject && !inert);
  if (version <= Number(item?.dataset.version)) return;
  if (type === "event.left" || type === "event.deleted") {
    if (asking) departed.set(subject, version);
    if (list && item) drop(item, Date.parse(time));
    // Here it goes on below, or it was all that the page was about.
    if (!list || list.dataset.past) ask();
  } else if (isTurn()) {
    item.dataset.version = version;
    item.removeAttribute("data-starts-at");
    if (data.status === "ONGOING") turn(item, "now");
    else close(item, TURNS[data.status]);
    refresh();
  } else if (item || !list || isWithin(list, Date.parse(data.starts_at))) {
    ask();
  }

  // A transition changes nothing else; but its own page says more of an event that has no end.
  function isTurn() {
    if (type !== "event.transitioned" || version !== Number(item?.dataset.version) + 1) return false;
    if (list) return data.status === "ONGOING";
    return data.status in TURNS && (data.status !== "ONGOING" || item.dataset.endsAt);
  }
}

// Other pages of the list show what starts earlier or later.
function isWithin({ dataset: { from, to } }, start) {
  return !(start < from) && !(start > to);
}

let asking = null;
let isStale = false;
let refusals = 0;

function ask() {
  isStale = true;
  asking ??= setTimeout(load, Math.random() * SPREAD);
}

function load() {
  isStale = false;
  departed.clear();
  const url = new URL(location.href);
  url.hash = "";
  // An address of its own: what the browser keeps of the page itself tells the time it was made.
  url.searchParams.set("fresh", "");
  // Not fetch: only this makes a document of the answer where no markup may be written.
  const request = new XMLHttpRequest();
  request.open("GET", url);
  request.responseType = "document";
  request.timeout = 30000;
  request.onloadend = () => {
    const { status, response } = request;
    // What stands between may answer with a page of its own.
    const isOurs = status > 0 && status < 500 && response?.body?.dataset.now;
    asking = isOurs ? null : setTimeout(load, backoff(refusals++));
    if (!isOurs) return;
    refusals = 0;
    takePage(response);
    if (isStale) ask();
  };
  request.send();
}

addEventListener("pageshow", follow);
addEventListener("pagehide", unfollow);
addEventListener("online", follow);
document.addEventListener("visibilitychange", () => document.hidden ? unfollow() : follow());
follow();
`;
