/** Each failure that the gateway can be switched to. */
import assert from "node:assert/strict";
import type { Refusal } from "../support/gateway_switches.ts";
import { json } from "../support/http.ts";
import { random } from "../support/random.ts";
import { type GatewayTest, gatewayTest } from "./gateway_fixture.ts";
import { soon } from "../support/http.ts";

const publish = ({ post }: GatewayTest, message: string) =>
  post("/", ["PUBLISH", "ch", message]) as Promise<{ result: number }>;

gatewayTest("a refusal with a status is answered, and nothing is done", async (t) => {
  const { gateway: { switches, counts }, ask, post } = t;
  for (const status of [401, 429, 503] as const) {
    switches.refuseCommands = status;
    switches.refuseSubscriptions = status;
    for (const path of ["/incr/n", "/subscribe/ch"]) {
      const { error } = await json<{ error: string }>(await ask(path), status);
      assert.match(error, /^[A-Z]+ /);
    }
  }
  assert.deepEqual([counts.refused, counts.commands, counts.subscribed], [6, {}, 0]);
  switches.refuseCommands = null;
  assert.deepEqual(await post("/", ["INCR", "n"]), { result: 1 });
});

gatewayTest("commands and subscriptions are refused apart from each other", async (t) => {
  const { gateway: { switches }, ask, listen } = t;
  switches.refuseSubscriptions = 503;
  assert.equal((await publish(t, "x")).result, 0);
  switches.refuseCommands = 503;
  switches.refuseSubscriptions = null;
  const listener = await listen("/subscribe/ch");
  assert.equal(await listener.line(), "data: subscribe,ch,1");
  await json(await ask("/ping"), 503);
  await listener.leave();
});

gatewayTest("a refusal may look like an answer", async ({ gateway: { switches }, ask }) => {
  const answer = async (path: string, refusal: Refusal) => {
    switches.refuseCommands = switches.refuseSubscriptions = refusal;
    const response = await ask(path);
    return [response.status, response.headers.get("content-type"), await response.text()];
  };
  const page = "<!doctype html><title>Please sign in</title>";
  assert.deepEqual(await answer("/ping", "html"), [200, "text/html", page]);
  assert.deepEqual(await answer("/subscribe/ch", "html"), [200, "text/html", page]);
  assert.deepEqual(await answer("/ping", "half_line"), [200, "application/json", '{"resul']);
  assert.deepEqual(await answer("/subscribe/ch", "half_line"), [
    200,
    "text/event-stream",
    "data: subscri",
  ]);
});

gatewayTest("a refusal may be a broken connection", async ({ gateway, ask }) => {
  gateway.switches.refuseCommands = gateway.switches.refuseSubscriptions = "broken";
  for (const path of ["/incr/n", "/subscribe/ch"]) await assert.rejects(ask(path), TypeError);
  assert.deepEqual([gateway.counts.requests, gateway.counts.commands], [2, {}]);
});

gatewayTest("a reply is cut off after its command was done", async ({ gateway, ask, post }) => {
  gateway.switches.repliesToCut = 2;
  for (const path of ["/incr/n", "/incr/n"]) await assert.rejects(ask(path), TypeError);
  assert.deepEqual([gateway.switches.repliesToCut, gateway.counts.cutReplies], [0, 2]);
  assert.deepEqual(await post("/", ["GET", "n"]), { result: "2" });
});

gatewayTest("answers wait when they are delayed, until nobody waits for them", async (t) => {
  const { redis, gateway: { switches, counts }, ask, listen, post } = t;
  switches.delayMs = 1;
  assert.deepEqual(await post("/", ["PING"]), { result: "PONG" });
  const listener = await listen("/subscribe/ch");
  assert.equal(await listener.line(), "data: subscribe,ch,1");
  await listener.leave();
  switches.delayMs = 600_000;
  const giveUp = new AbortController();
  let isAnswered = false;
  const asked = ["/incr/n", "/subscribe/ch", "/nonsense"].map(async (path) => {
    await ask(path, { signal: giveUp.signal });
    isAnswered = true;
  });
  const ends = Promise.allSettled(asked);
  // The command is done at once, which makes giving up the dangerous thing it is.
  await soon(async () => await redis.command("GET", "n") === "1" && counts.requests === 5);
  for (let i = 0; i < 20; i++) await redis.command("PING");
  assert.equal(isAnswered, false);
  giveUp.abort();
  for (const end of await ends) {
    assert.equal((end as PromiseRejectedResult).reason.name, "AbortError");
  }
});

gatewayTest("the share of messages that is lost is drawn from the seed", async (t) => {
  const { gateway: { switches, counts }, listen } = t;
  const listener = await listen("/subscribe/ch");
  await listener.line();
  switches.lostShare = 0.2;
  for (let i = 0; i < 100; i++) await publish(t, String(i));
  await soon(() => counts.delivered + counts.lost === 100);
  switches.lostShare = 1;
  await publish(t, "lost");
  await soon(() => counts.delivered + counts.lost === 101);
  switches.lostShare = 0;
  await publish(t, "last");
  const draw = random(7);
  const passed = Array.from({ length: 100 }, (_, i) => String(i)).filter(() => draw() >= 0.2);
  for (const message of [...passed, "last"]) {
    assert.equal(await listener.line(), `data: message,ch,${message}`);
  }
  assert.deepEqual([counts.publishes, counts.lost], [102, 101 - passed.length]);
  assert.ok(passed.length > 50 && passed.length < 100);
  await listener.leave();
}, { seed: 7 });

gatewayTest("all subscriptions are cut now, in each of three ways", async (t) => {
  const { redis, gateway, listen } = t;
  const cut = async (how?: "end" | "half_line" | "break") => {
    const listeners = [await listen("/subscribe/ch"), await listen("/subscribe/ch")];
    for (const listener of listeners) await listener.line();
    await publish(t, "said");
    assert.equal(gateway.cutSubscriptions(how), 2);
    const [{ line }, other] = listeners as [typeof listeners[0], typeof listeners[0]];
    await other.leave();
    await soon(async () => await redis.subscribers("ch") === 0);
    assert.equal(await line(), "data: message,ch,said");
    return line;
  };
  const ended = await cut();
  assert.equal(await ended(), null);
  const halved = await cut("half_line");
  assert.equal(await halved(), "data: message");
  assert.equal(await halved(), null);
  const broken = await cut("break");
  await assert.rejects(broken(), /error reading a body from connection/);
  assert.deepEqual([gateway.counts.cuts, gateway.openSubscriptions], [6, 0]);
});

gatewayTest("a subscription is cut after so many messages", async (t) => {
  const { gateway: { switches, counts }, listen } = t;
  for (const how of ["end", "break"] as const) {
    Object.assign(switches, { cut: how, cutAfterMessages: 2 });
    const { line } = await listen("/subscribe/ch");
    await line();
    for (const message of ["1", "2", "3"]) await publish(t, message);
    assert.equal(await line(), "data: message,ch,1");
    assert.equal(await line(), "data: message,ch,2");
    if (how === "end") assert.equal(await line(), null);
    else await assert.rejects(line(), TypeError);
  }
  assert.deepEqual([counts.cuts, counts.delivered, counts.publishes], [2, 4, 6]);
});

gatewayTest("a subscription is cut after a time", async (t) => {
  const { gateway: { switches }, listen } = t;
  switches.cutAfterMs = 600_000;
  const spared = await listen("/subscribe/ch");
  await spared.line();
  switches.cutAfterMs = 1;
  const cut = await listen("/subscribe/ch");
  assert.equal(await cut.line(), "data: subscribe,ch,1");
  assert.equal(await cut.line(), null);
  await publish(t, "heard");
  assert.equal(await spared.line(), "data: message,ch,heard");
  await spared.leave();
});

gatewayTest("silent subscriptions stay open and say nothing at all", async (t) => {
  const { redis, gateway: { switches, counts }, listen } = t;
  switches.isSilent = true;
  const listener = await listen("/subscribe/ch");
  assert.equal(listener.response.status, 200);
  let isSilent = true;
  const first = listener.line().finally(() => isSilent = false);
  await soon(async () => await redis.subscribers("ch") === 1);
  for (let i = 0; i < 50; i++) assert.equal((await publish(t, "lost")).result, 1);
  await soon(() => counts.lost === 50);
  assert.ok(isSilent);
  switches.isSilent = false;
  assert.equal(await first, ": keep-alive");
  await listener.leave();
}, { keepAliveMs: 1 });
