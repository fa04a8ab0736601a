/** `/v1/events/socket` on a real socket: what is told, what closes it, and what it refuses. */
import assert from "node:assert/strict";
import { readPosition } from "../../kv/journal_places.ts";
import type { Principal } from "../../lifecycle/policy.ts";
import { ADMIN } from "../support/fixture.ts";
import { as, byName, create, problem, soon } from "../support/http.ts";
import { type ServedApp, servedApp } from "../support/served_app.ts";

interface Frame {
  id: string;
  event?: string;
  // deno-lint-ignore no-explicit-any -- whatever came
  data?: any;
}

/** A socket whose frames are waited for one by one. */
class TestSocket {
  readonly socket: WebSocket;
  readonly closed: Promise<CloseEvent>;
  readonly #frames: Frame[] = [];
  #waiting: ((frame: Frame) => void) | null = null;

  constructor({ url }: ServedApp, hello?: unknown) {
    this.socket = new WebSocket(`${url.replace("http", "ws")}/v1/events/socket`);
    this.closed = new Promise((resolve) => this.socket.onclose = resolve);
    this.socket.onmessage = ({ data }) => {
      const frame: Frame = JSON.parse(data);
      if (this.#waiting !== null) this.#waiting(frame);
      else this.#frames.push(frame);
    };
    if (hello === undefined) return;
    this.socket.onopen = () =>
      this.socket.send(typeof hello === "string" ? hello : JSON.stringify(hello));
  }

  async next(): Promise<Frame> {
    const ready = this.#frames.shift();
    if (ready !== undefined) return ready;
    const { promise, resolve } = Promise.withResolvers<Frame>();
    this.#waiting = resolve;
    const frame = await promise;
    this.#waiting = null;
    return frame;
  }

  async [Symbol.asyncDispose]() {
    this.socket.close();
    await this.closed;
  }
}

Deno.test("a socket tells what happens after its first message", async () => {
  await using t = await servedApp();
  await using socket = new TestSocket(t, {});
  const { id } = await socket.next();
  assert.equal(id, await readPosition(t.store));
  const event = await create(t, ADMIN);
  const frame = await socket.next();
  assert.deepEqual(Object.keys(frame), ["id", "data"]);
  assert.equal(frame.id, await readPosition(t.store));
  assert.deepEqual([frame.data.type, frame.data.subject], ["event.created", event.id]);
  assert.equal(frame.data.data.title, event.title);
});

Deno.test("a socket goes on from an id, within its filters", async () => {
  await using t = await servedApp();
  const from = await readPosition(t.store);
  await create(t, ADMIN, { title: "Unheard", tags: ["talk"] });
  const { id } = await create(t, ADMIN, { tags: ["music"] });
  await using socket = new TestSocket(t, { last_event_id: from, tag: "music" });
  assert.equal((await socket.next()).id, from);
  assert.equal((await socket.next()).data.subject, id);
});

Deno.test("a socket whose id is of another store is told to start anew, and goes on", async () => {
  await using t = await servedApp();
  const position = await readPosition(t.store);
  await using socket = new TestSocket(t, { last_event_id: position.replace(/^[^.]*/, "00000000") });
  // Nothing to go on from comes before it: cut off in between, a client would miss the reset.
  const reset = await socket.next();
  assert.deepEqual([reset.event, reset.id, reset.data.reason], ["reset", position, "other_store"]);
  const event = await create(t, ADMIN);
  assert.equal((await socket.next()).data.subject, event.id);
});

for (
  const [name, hello, code] of [
    ["is no JSON", "{", "malformed_json"],
    ["is garbage", "\u0000\uffff", "malformed_json"],
    ["is no object", [], "invalid_query"],
    ["names what there is not", { citty: "London" }, "invalid_query"],
    ["names no status", { status: "HAPPY" }, "invalid_query"],
    ["is too long", " ".repeat(9_000), "payload_too_large"],
  ] as const
) {
  Deno.test(`a first message that ${name} is answered with a problem and the end`, async () => {
    await using t = await servedApp();
    await using socket = new TestSocket(t, hello);
    const { event, data } = await socket.next();
    assert.deepEqual([event, data.code], ["problem", code]);
    assert.notEqual(data.detail, "");
    assert.equal((await socket.closed).code, 1008);
  });
}

Deno.test("a second message ends a socket", async () => {
  await using t = await servedApp();
  await using socket = new TestSocket(t, {});
  await socket.next();
  socket.socket.send("{}");
  assert.equal((await socket.closed).code, 1008);
  await soon(() => t.realtime.size === 0);
});

Deno.test("who leaves a socket is followed no longer", async () => {
  await using t = await servedApp();
  {
    await using socket = new TestSocket(t, {});
    await socket.next();
    assert.equal(t.realtime.size, 1);
  }
  await soon(() => t.realtime.size === 0 && t.realtime.hub.size === 0);
});

Deno.test("sockets end cleanly when the process is about to stop", async () => {
  await using t = await servedApp();
  await using socket = new TestSocket(t, {});
  await socket.next();
  await t.realtime.stop();
  const { code, wasClean } = await socket.closed;
  assert.deepEqual([code, wasClean], [1000, true]);
});

Deno.test("a right that is lost ends a socket at the next heartbeat", async () => {
  let who: Principal | null = null;
  await using t = await servedApp({
    authenticate: (request) => who ?? byName(request),
    realtime: { heartbeatMs: 1 },
  });
  who = { userId: "usr_alice", role: "member", name: null };
  await using socket = new TestSocket(t, {});
  await socket.next();
  who = { userId: "usr_mallory", role: "member", name: null };
  await socket.closed;
});

Deno.test("the address of sockets tells who comes without one", async () => {
  await using t = await servedApp();
  const response = await t.request("GET", "/v1/events/socket");
  assert.equal(response.headers.get("upgrade"), "websocket");
  await problem(response, 426, "upgrade_required");
});

Deno.test("a socket with cookies is refused to pages of other sites", async () => {
  await using t = await servedApp();
  const headers = { upgrade: "websocket", cookie: "session=1", origin: "https://evil.example" };
  await problem(await t.request("GET", "/v1/events/socket", { headers }), 403, "cross_site");
});

Deno.test("drafts and private events are told on a socket to their people only", async () => {
  await using t = await servedApp({ authenticate: byName });
  await using stranger = new TestSocket(t, { status: "DRAFT,CONFIRMED" });
  await stranger.next();
  await create(t, as("alice"), { status: "DRAFT" });
  await create(t, as("alice"), { visibility: "PRIVATE" });
  const seen = await create(t, as("alice"));
  assert.equal((await stranger.next()).data.subject, seen.id);
});
