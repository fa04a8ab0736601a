import assert from "node:assert/strict";
import { Hono } from "hono";
import type { EventRecord, UserId } from "../../kv/event_record.ts";
import { requireTimes } from "../../lifecycle/edit_event.ts";
import { NO_LOCATION } from "../../lifecycle/event_content.ts";
import { JobRunner } from "../../lifecycle/jobs/runner.ts";
import { SILENT } from "../../lifecycle/log.ts";
import { GUEST, type Principal } from "../../lifecycle/policy.ts";
import { resolveTimes, type TimeInput } from "../../lifecycle/time_input.ts";
import type { AppEnv } from "../../routes/app_deps.ts";
import { pages } from "../../routes/pages/pages.tsx";
import { countdownText, startLeaf, whenOf, whenText } from "../../routes/pages/when_text.ts";
import { freshStore, HOUR, MINUTE, NOW, SECOND, storeEvent } from "../support/fixture.ts";

const OPEN_ENDED_MS = 6 * HOUR;

interface Site extends AsyncDisposable {
  clock: { now: number };
  /** Stores an event, by default from an hour before `NOW` to an hour after. */
  stage: (event?: Partial<EventRecord>) => Promise<EventRecord>;
  get: (path: string, principal?: Principal) => Promise<{ response: Response; text: string }>;
}

/** The pages alone, asked by whoever the test says. */
async function openSite(): Promise<Site> {
  const store = await freshStore();
  const clock = { now: NOW };
  const read = () => clock.now;
  const runner = new JobRunner(store, { clock: read, log: SILENT });
  const app = pages({
    store,
    runner,
    clock: read,
    openEndedMs: OPEN_ENDED_MS,
    log: SILENT,
    authenticate: () => GUEST,
    build: { version: "0.0.0-test", deployment: null },
  });
  return {
    clock,
    stage: async (event = {}) => (await storeEvent(store, event)).record,
    async get(path, principal = GUEST) {
      const asked = new Hono<AppEnv>().use(async (c, next) => {
        c.set("principal", principal);
        await next();
      }).route("/", app);
      const response = await asked.request(path);
      return { response, text: await response.text() };
    },
    async [Symbol.asyncDispose]() {
      await runner.stop();
      store.close();
    },
  };
}

const times = (input: TimeInput) => requireTimes(input, null);

/** The words of a page, without its markup. */
const wordsOf = (html: string) =>
  html.replace(/<[^>]*>/g, " ").replace(/\s+/g, " ").replace(/ ([.,:])| ?(–) ?/g, "$1$2");

Deno.test("GET / shows the live events as cards and no other event", async () => {
  await using site = await openSite();
  await site.stage({ title: "On now", location: { ...NO_LOCATION, city: "Utrecht" } });
  await site.stage({ title: "To come", ...times({ startDate: "2026-12-06T20:00:00Z" }) });
  await site.stage({ title: "Cancelled", status: "CANCELLED" });
  await site.stage({ title: "A draft", status: "DRAFT" });
  await site.stage({ title: "Unlisted", visibility: "UNLISTED" });
  await site.stage({ title: "Past", ...times({ startDate: "2026-12-01", endDate: "2026-12-02" }) });
  const { response, text } = await site.get("/");
  assert.equal(response.status, 200);
  assert.equal(response.headers.get("content-type"), "text/html; charset=UTF-8");
  assert.ok(text.startsWith("<!DOCTYPE html>"));
  assert.deepEqual(
    [...text.matchAll(/data-title="true">([^<]*)</g)].map(([, title]) => title),
    ["On now", "To come"],
  );
  const words = wordsOf(text);
  assert.match(words, /What’s on 2 events/);
  assert.match(words, /Happening now ends in 60:00 On now/);
  assert.match(words, /Sat 5 Dec 2026, 17:00–19:00 · UTC Utrecht music/);
  assert.match(words, /Upcoming To come Sun 6 Dec 2026, 20:00 · UTC/);
});

Deno.test("GET / shows an event one millisecond before its end and not at its end", async () => {
  await using site = await openSite();
  const { id, endDate } = await site.stage();
  site.clock.now = endDate! - 1;
  const before = await site.get("/");
  assert.ok(before.text.includes(id));
  assert.ok(before.text.includes("ends in 0:01"));
  site.clock.now = endDate!;
  const after = await site.get("/");
  assert.ok(!after.text.includes(id));
  assert.match(wordsOf(after.text), /0 events The stage is empty/);
});

Deno.test("GET / tells its script when it was made and when each card falls", async () => {
  await using site = await openSite();
  await site.stage();
  const { text } = await site.get("/");
  assert.match(text, new RegExp(`<body data-now="${NOW}" data-stream="/v1/events/stream" `));
  assert.match(text, new RegExp(`data-ends-at="${NOW + HOUR}" data-listed-until="${NOW + HOUR}"`));
  // It has begun: nothing is to happen at its start any more.
  assert.ok(!text.includes("data-starts-at"));
});

Deno.test("GET / lets an open-ended event fall without an end to count down to", async () => {
  await using site = await openSite();
  const { startDate } = await site.stage(times({ startDate: "2026-12-05T17:30:00Z" }));
  const { text } = await site.get("/");
  assert.match(text, new RegExp(`data-listed-until="${startDate + OPEN_ENDED_MS}"`));
  assert.ok(!text.includes("data-ends-at"));
  assert.match(text, /data-countdown="true" hidden=""/);
});

Deno.test("GET / counts down during the last hour only", async () => {
  await using site = await openSite();
  await site.stage();
  site.clock.now = NOW - 1;
  assert.match((await site.get("/")).text, /data-countdown="true" hidden=""/);
  site.clock.now = NOW;
  assert.match((await site.get("/")).text, /data-countdown="true">ends in 60:00</);
});

Deno.test("GET / pages through more events than fit, each shown once", async () => {
  await using site = await openSite();
  for (let day = 1; day <= 31; day++) {
    const startDate = `2027-01-${String(day).padStart(2, "0")}`;
    await site.stage({ title: `Day ${day}`, tags: ["daily"], ...times({ startDate }) });
  }
  const first = await site.get("/?tag=daily");
  assert.match(wordsOf(first.text), /30 events on this page/);
  const next = /class="next" rel="next" href="([^"]+)"/.exec(first.text)![1]!;
  const second = await site.get(next.replaceAll("&amp;", "&"));
  assert.match(wordsOf(second.text), /1 event on this page/);
  assert.match(wordsOf(second.text), /Day 31 .*Back to the start/);
  assert.ok(!second.text.includes('rel="next"'));
});

Deno.test("GET /?tag= shows the events with that tag, and a tag no event can have is empty", async () => {
  await using site = await openSite();
  await site.stage({ title: "Tagged", tags: ["R&D <b>", "music"] });
  await site.stage({ title: "Other", tags: ["music"] });
  const { text } = await site.get("/");
  const link = /href="(\/\?tag=R[^"]*)"/.exec(text)![1]!;
  const tagged = await site.get(link);
  assert.match(wordsOf(tagged.text), /What’s on: R&amp;D &lt;b&gt; 1 event Show all events/);
  assert.ok(tagged.text.includes("Tagged"));
  assert.ok(!tagged.text.includes("Other"));
  // Longer than a key of the store may be.
  const long = await site.get(`/?tag=${"x".repeat(5_000)}`);
  assert.equal(long.response.status, 200);
  assert.match(wordsOf(long.text), /0 events/);
});

Deno.test("GET / answers a cursor of another list with a page, status 400", async () => {
  await using site = await openSite();
  for (let i = 0; i <= 30; i++) await site.stage({ tags: ["one", "two"] });
  const [, cursor] = /cursor=([^"]+)"/.exec((await site.get("/?tag=one")).text)!;
  assert.equal((await site.get(`/?tag=one&cursor=${cursor}`)).response.status, 200);
  const { response, text } = await site.get(`/?tag=two&cursor=${cursor}`);
  assert.equal(response.status, 400);
  assert.equal(response.headers.get("content-type"), "text/html; charset=UTF-8");
  assert.match(wordsOf(text), /Start again from the first page/);
});

Deno.test("every page sends a strict policy and may not be kept", async () => {
  await using site = await openSite();
  const { id } = await site.stage();
  for (const path of ["/", `/events/${id}`, "/events/nothing", `/?cursor=${"x".repeat(80)}`]) {
    const { headers } = (await site.get(path)).response;
    assert.equal(headers.get("cache-control"), "private, no-cache");
    assert.equal(
      headers.get("content-security-policy"),
      "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' https: data:; " +
        "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    );
    assert.equal(headers.get("x-content-type-options"), "nosniff");
    assert.equal(headers.get("referrer-policy"), "strict-origin-when-cross-origin");
  }
});

Deno.test("the pages' assets are served under the addresses that the pages link", async () => {
  await using site = await openSite();
  const { text } = await site.get("/");
  const types = {
    css: /href="(\/assets\/curtain\.css\?v=[0-9a-f]{10})"/,
    javascript: /src="(\/assets\/live\.js\?v=[0-9a-f]{10})"/,
  };
  for (const [type, link] of Object.entries(types)) {
    const { response, text: asset } = await site.get(link.exec(text)![1]!);
    assert.equal(response.status, 200);
    assert.equal(response.headers.get("content-type"), `text/${type}; charset=utf-8`);
    assert.equal(response.headers.get("cache-control"), "public, max-age=300");
    assert.ok(asset.length > 1_000);
    assert.ok(!/innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(/.test(asset));
  }
});

Deno.test("GET /events/:id says where the event stands", async (t) => {
  await using site = await openSite();
  const past = { ...times({ startDate: "2026-12-05T12:00:00Z", endDate: "2026-12-05T18:00:00Z" }) };
  const tomorrow = times({ startDate: "2026-12-06T20:00:00Z" });
  const begun = (startDate: string) => times({ startDate });
  const cases: [string, Partial<EventRecord>, RegExp][] = [
    ["not yet", tomorrow, /This event has not begun yet/],
    ["happening now", {}, /Happening now ends in 60:00/],
    ["over, as the clock has it", past, /This event is over/],
    ["over, as it was recorded", { ...past, status: "COMPLETED" }, /This event is over/],
    ["over early", { status: "COMPLETED" }, /This event is over/],
    ["cancelled", { status: "CANCELLED" }, /This event was cancelled/],
    [
      "archived after it took place",
      { ...past, status: "ARCHIVED", archivedFrom: "COMPLETED" },
      /This event is over It has been put away in the archive/,
    ],
    [
      "archived after it was cancelled",
      { status: "ARCHIVED", archivedFrom: "CANCELLED" },
      /This event was cancelled It has been put away in the archive/,
    ],
    ["open-ended", begun("2026-12-05T17:00:00Z"), /Happening now No end was given/],
    [
      "open-ended, begun long ago",
      begun("2026-12-05T12:00:00Z"),
      /This event has begun No end was given; it is no longer listed/,
    ],
  ];
  for (const [name, event, words] of cases) {
    await t.step(name, async () => {
      const { id } = await site.stage(event);
      const { response, text } = await site.get(`/events/${id}`);
      assert.equal(response.status, 200);
      assert.match(wordsOf(text), words);
    });
  }
});

Deno.test("GET /events/:id tells its script of the times that are still to come", async () => {
  await using site = await openSite();
  const dates = times({ startDate: "2026-12-05T20:00:00Z", endDate: "2026-12-05T22:00:00Z" });
  const live = await site.stage(dates);
  const page = await site.get(`/events/${live.id}`);
  assert.match(
    page.text,
    new RegExp(
      `data-live="page" data-tone="upcoming" data-starts-at="${dates.startDate}" ` +
        `data-ends-at="${dates.endDate}"`,
    ),
  );
  const cancelled = await site.stage({ ...dates, status: "CANCELLED" });
  const { text } = await site.get(`/events/${cancelled.id}`);
  assert.ok(!/data-live|data-starts-at|data-ends-at/.test(text));
});

Deno.test("GET /events/:id answers 404 with a page for what is not there", async () => {
  await using site = await openSite();
  for (const id of ["evt_01ARZ3NDEKTSV4RRFFQ69G5FAV", "nonsense", "evt_%00", "%E0%A4%A"]) {
    const { response, text } = await site.get(`/events/${id}`);
    assert.equal(response.status, 404, id);
    assert.match(wordsOf(text), /There is nothing here/);
    assert.ok(text.includes('<meta name="robots" content="noindex"/>'));
  }
});

Deno.test("GET /events/:id shows drafts and private events to their people only, with a notice", async () => {
  await using site = await openSite();
  const userId: UserId = "usr_anna";
  const anna: Principal = { userId, role: "member", name: "Anna" };
  const ben: Principal = { userId: "usr_ben", role: "member", name: "Ben" };
  const staff: EventRecord["staff"] = [{ userId, role: "viewer" }];
  const hidden: [Partial<EventRecord>, RegExp][] = [
    [{ status: "DRAFT" }, /Not announced yet: only the people of this event/],
    [{ visibility: "PRIVATE" }, /Private: only the people of this event/],
  ];
  for (const [event, notice] of hidden) {
    const { id } = await site.stage({ ...event, staff });
    assert.equal((await site.get(`/events/${id}`)).response.status, 404);
    assert.equal((await site.get(`/events/${id}`, ben)).response.status, 404);
    const { response, text } = await site.get(`/events/${id}`, anna);
    assert.equal(response.status, 200);
    assert.match(wordsOf(text), notice);
    assert.ok(text.includes('<meta name="robots" content="noindex"/>'));
  }
});

Deno.test("GET /events/:id shows an unlisted event to everyone, with a notice", async () => {
  await using site = await openSite();
  const { id } = await site.stage({ visibility: "UNLISTED" });
  const { response, text } = await site.get(`/events/${id}`);
  assert.equal(response.status, 200);
  assert.match(wordsOf(text), /Unlisted: no list shows this event/);
  assert.ok(text.includes('<meta name="robots" content="noindex"/>'));
});

Deno.test("the pages escape what people wrote and link http and https only", async () => {
  await using site = await openSite();
  const hostile = `<script>alert(1)</script>" onmouseover='x' <img src=x>`;
  const { id } = await site.stage({
    title: hostile,
    summary: hostile,
    description: `# ${hostile}\n\n**bold** [link](javascript:alert(1))`,
    tags: [hostile.slice(0, 50)],
    url: "javascript:alert(1)",
    imageUrl: "javascript:alert(1)",
    location: { ...NO_LOCATION, name: hostile, city: hostile },
  });
  for (const path of ["/", `/events/${id}`]) {
    const { text } = await site.get(path);
    assert.ok(!/<script>|<img|" onmouseover|href="javascript|src="javascript/.test(text), path);
    assert.ok(text.includes("&lt;script&gt;alert(1)&lt;/script&gt;&quot;"));
  }
  const { text } = await site.get(`/events/${id}`);
  assert.ok(text.includes("\n\n**bold** [link](javascript:alert(1))</div>"));
});

Deno.test("an event's link and picture are shown as addresses that lead out harmlessly", async () => {
  await using site = await openSite();
  const url = "https://example.org/a?b=1&c=2";
  const { id } = await site.stage({ url, imageUrl: "https://example.org/a.png" });
  const { text } = await site.get(`/events/${id}`);
  assert.ok(
    text.includes(
      `<a href="https://example.org/a?b=1&amp;c=2" rel="noopener nofollow">example.org</a>`,
    ),
  );
  assert.match(text, /<img src="https:\/\/example\.org\/a\.png" alt="" loading="lazy"/);
  // The page's policy would refuse it.
  const plain = await site.stage({ imageUrl: "http://example.org/a.png" });
  assert.ok(!(await site.get(`/events/${plain.id}`)).text.includes("<img"));
});

Deno.test("cards and pages say where an event is", async () => {
  await using site = await openSite();
  const places: [Partial<EventRecord>, string][] = [
    [{ location: { ...NO_LOCATION, city: "Lyon", country: "France" } }, "Lyon, France"],
    [{ location: { ...NO_LOCATION, city: "Singapore", country: "Singapore" } }, "Singapore"],
    [{ location: { ...NO_LOCATION, name: "The Barn" } }, "The Barn"],
    [{ online: true }, "Online"],
    [{ online: true, location: { ...NO_LOCATION, city: "Lyon" } }, "Lyon · also online"],
  ];
  for (const [event] of places) await site.stage(event);
  const { text } = await site.get("/");
  const shown = [...text.matchAll(/class="place" dir="auto">([^<]*)</g)].map(([, place]) => place);
  assert.deepEqual(shown.sort(), places.map(([, place]) => place).sort());
  const { id } = await site.stage({
    online: true,
    location: { ...NO_LOCATION, name: "Old Hall", address: "12 Drury Yard", city: "London" },
  });
  const page = wordsOf((await site.get(`/events/${id}`)).text);
  assert.match(page, /Where Old Hall 12 Drury Yard London · also online/);
});

Deno.test("whenText() says when an event is, in its own zone", () => {
  const cases: [TimeInput, string][] = [
    [
      { startDate: "2026-12-05T19:30", endDate: "2026-12-05T23:00", timeZone: "Europe/London" },
      "Sat 5 Dec 2026, 19:30–23:00 · Europe/London",
    ],
    // An instant is told in the event's zone.
    [
      {
        startDate: "2026-12-05T23:30:00Z",
        endDate: "2026-12-06T01:00:00Z",
        timeZone: "Asia/Tokyo",
      },
      "Sun 6 Dec 2026, 08:30–10:00 · Asia/Tokyo",
    ],
    [
      { startDate: "2026-12-05T22:00", endDate: "2026-12-06T04:00", timeZone: "Europe/Madrid" },
      "Sat 5 Dec, 22:00 – Sun 6 Dec 2026, 04:00 · Europe/Madrid",
    ],
    [
      { startDate: "2026-12-31T22:00", endDate: "2027-01-01T04:00", timeZone: "Europe/Madrid" },
      "Thu 31 Dec 2026, 22:00 – Fri 1 Jan 2027, 04:00 · Europe/Madrid",
    ],
    [
      { startDate: "2026-09-05T19:30", timeZone: "America/New_York" },
      "Sat 5 Sep 2026, 19:30 · America/New York",
    ],
    [
      { startDate: "2026-12-05T19:30:00+05:30", endDate: "2026-12-05T21:00:00+05:30" },
      "Sat 5 Dec 2026, 19:30–21:00 · UTC+05:30",
    ],
    [
      { startDate: "2026-12-05T19:30:15Z", endDate: "2026-12-05T21:00:00Z" },
      "Sat 5 Dec 2026, 19:30–21:00 · UTC",
    ],
    [
      { startDate: "2026-12-05T19:30:00+01:00", endDate: "2026-12-05T21:30:00+02:00" },
      "Sat 5 Dec 2026, 19:30 UTC+01:00 – 21:30 UTC+02:00",
    ],
    // The clocks go back at two: one hour long, though both read 01:30.
    [
      {
        startDate: "2026-10-25T01:30:00+01:00",
        endDate: "2026-10-25T01:30:00+00:00",
        timeZone: "Europe/London",
      },
      "Sun 25 Oct 2026, 01:30 UTC+01:00 – 01:30 UTC · Europe/London",
    ],
    [{ startDate: "2026-12-05", endDate: "2026-12-05" }, "Sat 5 Dec 2026"],
    [{ startDate: "2026-12-05", endDate: "2026-12-07" }, "Sat 5 – Mon 7 Dec 2026"],
    [{ startDate: "2026-11-30", endDate: "2026-12-02" }, "Mon 30 Nov – Wed 2 Dec 2026"],
    [{ startDate: "2026-12-30", endDate: "2027-01-02" }, "Wed 30 Dec 2026 – Sat 2 Jan 2027"],
    [{ startDate: "2026-12-05", endDate: null }, "from Sat 5 Dec 2026"],
  ];
  for (const [input, expected] of cases) {
    const resolved = resolveTimes(input, null);
    assert.ok(resolved.outcome === "resolved", JSON.stringify(resolved));
    assert.equal(whenText(resolved.times), expected);
  }
});

Deno.test("whenOf() shows a text in an unknown form as it is stored", () => {
  const stored = { allDay: false, timeZone: null, startText: "2026-W49-6", endText: null };
  assert.equal(whenText(stored), "2026-W49-6");
  assert.equal(whenOf(stored).end, null);
  assert.equal(startLeaf(stored), null);
});

Deno.test("startLeaf() is the day the event starts on, where it is", () => {
  const input = { startDate: "2026-12-05T23:30:00Z", timeZone: "Asia/Tokyo" };
  assert.deepEqual(startLeaf(times(input)), { weekday: "Sun", day: "6", month: "Dec" });
});

Deno.test("countdownText() never says that less is left than is", () => {
  assert.equal(countdownText(HOUR), "ends in 60:00");
  assert.equal(countdownText(MINUTE + 32 * SECOND), "ends in 1:32");
  assert.equal(countdownText(MINUTE + 31 * SECOND + 1), "ends in 1:32");
  assert.equal(countdownText(1), "ends in 0:01");
});
