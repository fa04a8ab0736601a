/** `GET /v1/events/stream`: what a browser takes from it, who gets it, and what it leaves behind. */
import assert from "node:assert/strict";
import { DomainError } from "../../kv/errors.ts";
import { BEGINNING, placeText, readPosition } from "../../kv/journal_places.ts";
import { trimJournal } from "../../kv/journal_trim.ts";
import type { EventCardView } from "../../lifecycle/event_view.ts";
import { createLogger } from "../../lifecycle/log.ts";
import { GUEST, type Principal, ROOT } from "../../lifecycle/policy.ts";
import type { ChangeMessage } from "../../lifecycle/realtime/message.ts";
import { addMember, aMember, organizerId } from "../lifecycle/lifecycle_fixture.ts";
import { ADMIN, DAY, HOUR, NOW, storeEvent, type TestApp, testApp } from "../support/fixture.ts";
import { as, byName, create, list, places, problem, soon, TOMORROW } from "../support/http.ts";
import { servedApp } from "../support/served_app.ts";
import { SseClient, type SseFrame, SseFrames } from "../support/sse.ts";

const STREAM = "/v1/events/stream";

/** Opens a stream; it is one, or the test fails. */
async function watch(
  t: TestApp,
  query = "",
  headers: Record<string, string> = {},
): Promise<SseFrames> {
  const response = await t.request("GET", STREAM + query, { headers });
  if (response.status !== 200) assert.fail(await response.text());
  return new SseFrames(response);
}

const change = ({ data }: SseFrame): ChangeMessage => JSON.parse(data!);

/** `created Winter Gala`, or of what has no data `left`. */
async function next(frames: SseFrames): Promise<string> {
  const frame = await frames.message();
  assert.equal(frame.event, "message", JSON.stringify(frame));
  const { type, data } = change(frame);
  return [type.slice("event.".length), data?.title].join(" ").trim();
}

async function reset(frames: SseFrames) {
  const frame = await frames.message();
  assert.equal(frame.event, "reset");
  return { ...JSON.parse(frame.data!), id: frame.id };
}

/** Asserts that nobody is followed any more, and nothing runs for them. */
async function assertDeserted({ realtime }: TestApp): Promise<void> {
  await soon(() => realtime.size === 0 && realtime.hub.size === 0);
}

function edit(t: TestApp, id: string, body: object, headers: Record<string, string> = ADMIN) {
  return t.request("PATCH", `/v1/events/${id}`, { body, headers });
}

function cancel(t: TestApp, id: string, headers: Record<string, string> = ADMIN) {
  return t.request("POST", `/v1/events/${id}/transitions`, { body: { to: "CANCELLED" }, headers });
}

Deno.test("a stream has the headers of one that no proxy keeps or packs", async () => {
  await using t = await testApp();
  const response = await t.request("GET", STREAM, {
    headers: { accept: "text/event-stream", "accept-encoding": "gzip" },
  });
  assert.equal(response.status, 200);
  const header = (name: string) => response.headers.get(name);
  assert.equal(header("content-type"), "text/event-stream");
  assert.equal(header("cache-control"), "no-store, no-transform");
  assert.equal(header("x-accel-buffering"), "no");
  assert.equal(header("access-control-allow-origin"), "*");
  assert.equal(header("content-length"), null);
  assert.match(header("x-request-id")!, /^req_/);
  await response.body!.cancel();
  await assertDeserted(t);
});

Deno.test("a stream begins with when to come back and from where, and then tells each change", async () => {
  await using t = await testApp();
  await create(t, ADMIN);
  await using frames = await watch(t);
  const { value: greeting } = await frames.next();
  assert.equal(greeting!.id, await readPosition(t.store));
  assert.equal(greeting!.data, null);
  assert.ok(greeting!.retry! >= 1_000 && greeting!.retry! <= 5_000);
  const event = await create(t, ADMIN, { title: "Gala" });
  const frame = await frames.message();
  assert.equal(frame.id, await readPosition(t.store));
  const { id, subject, data } = change(frame);
  assert.deepEqual([id, subject], [frame.id, event.id]);
  const [, , { description: _, metadata: __, staff: ___, ...card }] = [0, 0, event];
  assert.deepEqual(data, card as EventCardView);
  await edit(t, event.id, { title: "Ball" });
  assert.equal(await next(frames), "updated Ball");
  await cancel(t, event.id);
  const left = await frames.message();
  assert.deepEqual(change(left), {
    specversion: "1.0",
    id: `${left.id}.left`,
    source: "/v1/events",
    type: "event.left",
    subject: event.id,
    time: "2026-12-05T18:00:00Z",
    sequence: "0000000003",
  });
  assert.equal(left.id, await readPosition(t.store), "the plain id of the change");
});

Deno.test("returns are spread: no two streams are told to come back after the same time", async () => {
  await using t = await testApp();
  const retries = new Set<number>();
  for (let i = 0; i < 20; i++) {
    await using frames = await watch(t);
    retries.add((await frames.next()).value!.retry!);
  }
  assert.ok(retries.size > 15);
});

Deno.test("what a list shows and what follows its position is what there is", async () => {
  await using t = await testApp();
  for (let i = 0; i < 3; i++) await create(t, ADMIN, { title: `${i}` });
  const { position, items } = await list(t);
  await edit(t, items[0]!.id, { title: "edited" });
  await using frames = await watch(t, `?last_event_id=${position}`);
  await cancel(t, items[1]!.id);
  assert.deepEqual([await next(frames), await next(frames)], ["updated edited", "left"]);
});

Deno.test("Last-Event-ID is gone on from, and wins over the parameter", async () => {
  await using t = await testApp();
  const positions = [await readPosition(t.store)];
  for (const title of "abc") {
    await create(t, ADMIN, { title });
    positions.push(await readPosition(t.store));
  }
  const from = async (query: string, headers: Record<string, string> = {}) => {
    await using frames = await watch(t, query, headers);
    return await next(frames);
  };
  assert.equal(await from(`?last_event_id=${positions[0]}`), "created a");
  assert.equal(await from("", { "last-event-id": positions[1]! }), "created b");
  assert.equal(
    await from(`?last_event_id=${positions[0]}`, { "last-event-id": positions[2]! }),
    "created c",
  );
  assert.equal(await from(`?last_event_id=${positions[2]}`, { "last-event-id": "" }), "created c");
});

Deno.test("a browser that is cut off again and again misses nothing and gets nothing twice", async () => {
  await using t = await testApp();
  await using client = new SseClient((headers) => t.request("GET", STREAM, { headers }), {
    retryMs: 0,
  });
  let reading = client.next();
  await soon(() => t.realtime.size === 1);
  for (let i = 0; i < 40; i++) {
    if (i % 3 === 0) await client.cut();
    await create(t, ADMIN, { title: `${i}` });
    if (i % 4 === 0) await client.cut();
    assert.equal(change((await reading).value!).data!.title, `${i}`);
    reading = client.next();
  }
  assert.ok(client.connections > 10);
});

Deno.test("ids that cannot be gone on from are answered by one reset that says why, then changes", async () => {
  await using t = await testApp();
  await using other = await testApp();
  for (const one of [t, other]) for (let i = 0; i < 3; i++) await create(one, ADMIN);
  const old = placeText(t.store, BEGINNING);
  await trimJournal(t.store, NOW + 1);
  const cases = {
    malformed: ["x", "1712-0", "\u00e9", "y".repeat(5_000), `${old}.left`, "null", "a".repeat(200)],
    other_store: [await readPosition(other.store)],
    ahead: [`${t.store.epoch}.${"f".repeat(20)}-1`],
    too_old: [old],
  };
  for (const [reason, ids] of Object.entries(cases)) {
    for (const requested of ids) {
      await using frames = await watch(t, "", { "last-event-id": requested });
      const { value: greeting } = await frames.next();
      assert.deepEqual([greeting!.id, greeting!.data], ["", null], "nothing to go on from yet");
      const position = await readPosition(t.store);
      assert.deepEqual(await reset(frames), {
        reason,
        requested: requested.slice(0, 200),
        position,
        id: position,
      });
      await create(t, ADMIN, { title: "after" });
      assert.equal(await next(frames), "created after");
    }
  }
  await problem(
    await t.request("GET", `${STREAM}?last_event_id=${"a".repeat(201)}`),
    400,
    "invalid_query",
  );
});

Deno.test("a client that is cut off before it read the reset gets it again", async () => {
  await using t = await testApp();
  await create(t, ADMIN);
  const frames = await watch(t, "", { "last-event-id": "x" });
  await frames.next();
  await frames.return();
  assert.equal(frames.lastId, "", "a browser keeps what it had");
});

Deno.test("a stream has the list's filters", async () => {
  await using t = await testApp();
  await using music = await watch(t, "?tag=music&online=true");
  await using cancelled = await watch(t, "?status=CANCELLED");
  await using both = await watch(t, "?status=CONFIRMED,CANCELLED");
  const { id } = await create(t, ADMIN, { title: "a", tags: ["music"] });
  assert.equal(await next(both), "created a");
  await edit(t, id, { title: "b", online: true });
  assert.equal(await next(music), "updated b");
  assert.equal(await next(both), "updated b");
  await cancel(t, id);
  assert.equal(await next(music), "left");
  assert.equal(await next(cancelled), "transitioned b");
  assert.equal(await next(both), "transitioned b");
});

Deno.test("an event by name is followed whatever its status, unlisted too, until it is hidden", async () => {
  await using t = await testApp();
  const { id } = await create(t, ADMIN, { title: "a", visibility: "UNLISTED" });
  await using frames = await watch(t, `?event=${id}`);
  await create(t, ADMIN, { title: "another" });
  await cancel(t, id);
  assert.equal(await next(frames), "transitioned a");
  await edit(t, id, { title: "b" });
  assert.equal(await next(frames), "updated b");
  await edit(t, id, { visibility: "PRIVATE" });
  assert.equal(await next(frames), "left");
  await edit(t, id, { title: "secret" });
  await edit(t, id, { title: "c", visibility: "PUBLIC" });
  assert.equal(await next(frames), "updated c");
  await t.request("DELETE", `/v1/events/${id}?reason=x`, { headers: ADMIN });
  assert.equal(await next(frames), "deleted");
});

Deno.test("parameters that are none are refused before anything is opened", async () => {
  await using t = await testApp();
  const wrong = [
    "?limit=5",
    "?cursor=x",
    "?sort=start_date",
    "?external_id=x",
    "?since=x",
    "?status=HAPPY",
    "?event=x",
    "?event=evt_1",
    "?tag=",
    "?starts_after=today",
    "?online=1",
    "?tag=a&tag=b",
  ];
  for (const query of wrong) {
    const body = await problem(await t.request("GET", STREAM + query), 400, "invalid_query");
    assert.equal(places(body).length, 1, query);
  }
  assert.equal(t.realtime.hub.size, 0);
});

Deno.test("who takes no stream is told so", async () => {
  await using t = await testApp();
  for (const accept of ["application/json", "text/html", "text/event-stream;q=0"]) {
    const response = await t.request("GET", STREAM, { headers: { accept } });
    await problem(response, 406, "not_acceptable");
  }
  for (const accept of ["*/*", "text/*", "text/event-stream", "application/json, */*;q=0.1"]) {
    await using _ = await watch(t, "", { accept });
  }
  await assertDeserted(t);
});

Deno.test("HEAD tells the headers and follows nobody", async () => {
  await using t = await testApp();
  const response = await t.request("HEAD", STREAM);
  assert.deepEqual(
    [response.status, response.headers.get("content-type"), await response.text()],
    [200, "text/event-stream", ""],
  );
  await assertDeserted(t);
  await using served = await servedApp();
  const head = await fetch(served.url + STREAM, { method: "HEAD" });
  assert.deepEqual([head.status, await head.text()], [200, ""]);
  await assertDeserted(served);
});

Deno.test("other methods are refused, and which there are is said", async () => {
  await using t = await testApp();
  for (const method of ["POST", "PUT", "PATCH", "DELETE"]) {
    const response = await t.request(method, STREAM, { headers: ADMIN });
    assert.notEqual(response.status, 200);
    await response.body?.cancel();
  }
  const post = await t.request("POST", STREAM, { headers: ADMIN });
  await problem(post, 405, "method_not_allowed");
  const options = await t.request("OPTIONS", STREAM, {
    headers: { origin: "https://example.org", "access-control-request-method": "GET" },
  });
  assert.equal(options.status, 204);
  await options.body?.cancel();
});

Deno.test("credentials that are not valid are refused, and no stream is opened", async () => {
  await using t = await testApp();
  const response = await t.request("GET", STREAM, { headers: { authorization: "Bearer x" } });
  await problem(response, 401, "unauthenticated");
  assert.equal(t.realtime.hub.size, 0);
});

Deno.test("drafts, private and unlisted events are told to their people only", async () => {
  await using t = await testApp({ authenticate: byName });
  const id = organizerId(1);
  for (const name of ["alice", "viewer"]) {
    await addMember(t.store, id, {
      userId: `usr_${name}`,
      role: name === "alice" ? "owner" : "viewer",
    });
  }
  const names = {
    guest: {},
    eve: as("eve"),
    alice: as("alice"),
    viewer: as("viewer"),
    root: as("root"),
  };
  const query = "?status=DRAFT,CONFIRMED";
  const streams = new Map<string, SseFrames>();
  for (const [name, headers] of Object.entries(names)) {
    streams.set(name, await watch(t, query, headers));
  }
  for (
    const [title, fields] of Object.entries({
      draft: { status: "DRAFT" },
      private: { visibility: "PRIVATE" },
      unlisted: { visibility: "UNLISTED" },
      public: {},
    })
  ) await create(t, as("alice"), { title, ...fields });
  for (const [name, frames] of streams) {
    const told = [];
    do told.push(await next(frames)); while (told.at(-1) !== "created public");
    assert.equal(told.length, name === "guest" || name === "eve" ? 1 : 4, name);
    await frames.return();
  }
  await assertDeserted(t);
});

Deno.test("what was public and is hidden now is not told again, but that it left", async () => {
  await using t = await testApp();
  const start = await readPosition(t.store);
  const { id } = await create(t, ADMIN, { title: "public" });
  await edit(t, id, { title: "still public" });
  await edit(t, id, { title: "secret", visibility: "PRIVATE" });
  await create(t, ADMIN, { title: "the last" });
  await using live = await watch(t);
  await using replayed = await watch(t, `?last_event_id=${start}`);
  assert.deepEqual([await next(replayed), await next(replayed)], ["left", "created the last"]);
  await edit(t, id, { title: "more secret" });
  await create(t, ADMIN, { title: "after" });
  assert.equal(await next(live), "created after");
});

Deno.test("a right that is lost ends the stream at the next heartbeat, a right that is kept does not", async () => {
  const members = new Map<string, Principal>([["alice", aMember("usr_alice")], ["root", ROOT]]);
  await using t = await testApp({
    realtime: { heartbeatMs: 1 },
    authenticate(request) {
      const name = request.headers.get("x-as");
      if (name === null) return GUEST;
      const principal = members.get(name);
      if (principal === undefined) throw new DomainError("unauthenticated");
      return principal;
    },
  });
  await addMember(t.store, organizerId(1), { userId: "usr_alice", role: "viewer" });
  const rest = async (frames: SseFrames) => {
    let heartbeats = 0;
    for await (const { data } of frames) {
      assert.equal(data, null);
      assert.ok(heartbeats++ < 50, "it goes on");
    }
  };
  await using guest = await watch(t);
  // The session is over.
  const session = await watch(t, "", as("alice"));
  await session.next();
  members.delete("alice");
  await rest(session);
  // No administrator any more.
  const admin = await watch(t, "", as("root"));
  await admin.next();
  members.set("root", aMember("usr_root"));
  await rest(admin);
  // No member of the organizer any more.
  members.set("alice", aMember("usr_alice"));
  const member = await watch(t, "", as("alice"));
  await member.next();
  await t.store.kv.delete(["organizer_by_member", "usr_alice", organizerId(1)]);
  await rest(member);
  await soon(() => t.realtime.size === 1);
  for (let i = 0; i < 5; i++) assert.equal((await guest.next()).done, false);
});

Deno.test("a heartbeat moves the id past what was not told", async () => {
  await using t = await testApp({ realtime: { heartbeatMs: 1 } });
  await using frames = await watch(t, "?tag=music");
  await create(t, ADMIN);
  const position = await readPosition(t.store);
  let frame: SseFrame;
  do frame = (await frames.next()).value!; while (frame.id !== position);
  assert.deepEqual([frame.data, frame.comments.length], [null, 1]);
});

Deno.test("who leaves frees a seat; each caller has some, and so has the process", async () => {
  await using t = await testApp({
    authenticate: byName,
    streamLimits: { all: 3, perCaller: 2 },
    trustedProxies: ["192.0.2.0/24"],
  });
  const ask = (from: string, headers: Record<string, string> = {}) =>
    t.request("GET", STREAM, { from, headers });
  const open: SseFrames[] = [];
  for (let i = 0; i < 2; i++) open.push(new SseFrames(await ask("198.51.100.1")));
  const refused = await ask("198.51.100.1");
  assert.equal(refused.headers.get("retry-after"), "30");
  await problem(refused, 429, "too_many_streams");
  // A user's are counted by the user, wherever they come from.
  open.push(new SseFrames(await ask("198.51.100.1", as("alice"))));
  const overloaded = await ask("198.51.100.2");
  assert.equal(overloaded.headers.get("retry-after"), "30");
  await problem(overloaded, 503, "overloaded");
  assert.equal(t.realtime.hub.size, 3);
  await open.pop()!.return();
  await soon(() => t.realtime.size === 2);
  // Behind a proxy that is trusted, an address is what that says.
  open.push(new SseFrames(await ask("192.0.2.1", { "x-forwarded-for": "198.51.100.3" })));
  await problem(await ask("198.51.100.1"), 429, "too_many_streams");
  for (const frames of open.splice(0)) await frames.return();
  await assertDeserted(t);
  for (let i = 0; i < 10; i++) {
    const response = await ask("198.51.100.1");
    assert.equal(response.status, 200, "every seat is free again");
    await response.body!.cancel();
    await soon(() => t.realtime.size === 0);
  }
  await assertDeserted(t);
});

Deno.test("a stream that could not be opened leaves its seat", async () => {
  await using t = await testApp({ streamLimits: { perCaller: 1 } });
  const { list } = t.store;
  t.store.list = () => Promise.reject(new DomainError("store_unavailable"));
  for (let i = 0; i < 3; i++) {
    await problem(await t.request("GET", STREAM), 503, "store_unavailable");
  }
  t.store.list = list;
  await using _ = await watch(t);
  assert.equal(t.realtime.size, 1);
});

Deno.test("a stream that cannot be served breaks off, says so in the log, and leaves its seat", async () => {
  const lines: { message: string; level: string }[] = [];
  const log = createLogger({
    level: "info",
    readable: false,
    timeZone: "UTC",
    write: (line) => lines.push(JSON.parse(line)),
    clock: () => NOW,
  });
  await using t = await testApp({
    log,
    streamLimits: { perCaller: 1 },
    realtime: { entriesKept: 2 },
  });
  const start = await readPosition(t.store);
  for (let i = 0; i < 9; i++) await storeEvent(t.store);
  const frames = await watch(t, `?last_event_id=${start}`);
  await frames.next();
  const { list } = t.store;
  t.store.list = () => Promise.reject(new TypeError("a bug"));
  await assert.rejects(frames.next());
  t.store.list = list;
  assert.deepEqual(lines.map(({ level }) => level), ["error"]);
  await assertDeserted(t);
  await using again = await watch(t, `?last_event_id=${start}`);
  assert.equal(await next(again), "created Winter Gala");
});

Deno.test("who does not read is dropped, and harms nobody who does", async () => {
  await using t = await testApp({ realtime: { stallMs: 500 } });
  await using reader = await watch(t);
  const stalled = [await watch(t), await watch(t)];
  const reading = (async () => {
    const told: string[] = [];
    while (told.length < 5) told.push(await next(reader));
    return told;
  })();
  for (let i = 0; i < 4; i++) await create(t, ADMIN);
  await soon(() => t.realtime.size === 1);
  await create(t, ADMIN, { title: "the last" });
  assert.equal((await reading).at(-1), "created the last");
  for (const frames of stalled) assert.equal((await frames.next()).done, true);
});

Deno.test("streams end cleanly when the process is about to stop, and no new ones begin", async () => {
  await using t = await testApp();
  const open = [await watch(t), await watch(t)];
  for (const frames of open) await frames.next();
  const ends = open.map((frames) => frames.next());
  await t.realtime.stop();
  for (const end of ends) assert.deepEqual(await end, { done: true, value: undefined });
  await assertDeserted(t);
  const late = await watch(t);
  assert.equal((await late.next()).done, true);
  assert.equal(t.realtime.hub.size, 0);
});

Deno.test("over a real connection changes come at once, and who hangs up is followed no longer", async () => {
  await using t = await servedApp();
  const frames = new SseFrames(await fetch(t.url + STREAM));
  await frames.next();
  await create(t, ADMIN, { title: "now" });
  assert.equal(await next(frames), "created now");
  assert.equal(t.realtime.size, 1);
  await frames.return();
  await assertDeserted(t);
});

Deno.test("an event that ends while somebody watches is told, with the job's time far away", async () => {
  await using t = await testApp({ clock: () => Date.now() });
  const end = Date.now() + 200;
  const { record } = await storeEvent(t.store, {
    startDate: end - HOUR,
    endDate: end,
    status: "ONGOING",
    createdAt: end - DAY,
  });
  // From here on, so that it makes no difference how long the opening takes.
  await using frames = await watch(t, `?last_event_id=${await readPosition(t.store)}`);
  const { type, subject } = change(await frames.message());
  assert.deepEqual([type, subject], ["event.left", record.id]);
  assert.ok(Date.now() >= end, "not before");
});

Deno.test("a replayed status is that of now", async () => {
  await using t = await testApp();
  const start = await readPosition(t.store);
  await create(t, ADMIN);
  t.clock.now += 2 * DAY;
  await using frames = await watch(t, `?status=COMPLETED&last_event_id=${start}`);
  const { type, data } = change(await frames.message());
  assert.deepEqual([type, data!.status, data!.completed_at], [
    "event.created",
    "COMPLETED",
    TOMORROW.end_date,
  ]);
});
