/** A request to the tests' Upstash, from its method and token to its answer. */
import type { Buffer } from "node:buffer";
import type { IncomingMessage, ServerResponse } from "node:http";
import { buffer } from "node:stream/consumers";
import { answerJson, pause, refuse, UNAUTHORIZED } from "./gateway_answers.ts";
import type { GatewayCounts, GatewaySwitches } from "./gateway_switches.ts";
import type { RedisCommands } from "./redis_commands.ts";
import type { RedisSubscriptions } from "./redis_subscriptions.ts";
import {
  commandOfPath,
  type Outcome,
  outcomeOf,
  parseCommand,
  parseCommands,
  parsePath,
  ProtocolError,
} from "./upstash_protocol.ts";

export interface GatewayDeps {
  token: string;
  switches: GatewaySwitches;
  counts: GatewayCounts;
  commands: RedisCommands;
  subscriptions: RedisSubscriptions;
}

const METHODS = ["HEAD", "GET", "POST", "PUT"];

/** Answers a request, as the switches have it. @throws only what is a bug. */
export async function handle(
  request: IncomingMessage,
  response: ServerResponse,
  deps: GatewayDeps,
): Promise<void> {
  deps.counts.requests++;
  try {
    await answer({ request, body: await buffer(request) }, response, deps);
  } catch (error) {
    // A client that went away in the middle of its request has no answer to wait for.
    if (response.destroyed || !request.complete) return;
    if (!(error instanceof ProtocolError)) throw error;
    if (response.headersSent) return void response.end();
    const { status, message } = error;
    const headers: Record<string, string> = status === 405 ? { allow: METHODS.join(", ") } : {};
    await pause(deps.switches.delayMs, response);
    answerJson(response, { status, headers, body: { error: message } });
  }
}

interface Asked {
  request: IncomingMessage;
  body: Buffer;
}

async function answer(
  { request, body }: Asked,
  response: ServerResponse,
  { token, switches, counts, commands, subscriptions }: GatewayDeps,
): Promise<void> {
  const { method, headers } = request;
  // Not by `URL`, which resolves dots: they may be a key.
  const [, path, search] = /^([^?]*)\??(.*)$/.exec(request.url!)!;
  const query = new URLSearchParams(search);
  if (!METHODS.includes(method!)) throw new ProtocolError(405, `ERR ${method} is not allowed`);
  const bearer = headers.authorization?.replace(/^Bearer /i, "");
  if ((bearer ?? query.get("_token")) !== token) throw new ProtocolError(401, UNAUTHORIZED);

  const [verb, ...names] = parsePath(path!);
  const isStream = verb === "subscribe" || verb === "psubscribe";
  const refusal = isStream ? switches.refuseSubscriptions : switches.refuseCommands;
  if (refusal !== null) {
    counts.refused++;
    await pause(switches.delayMs, response);
    return refuse(response, { refusal, isStream });
  }
  if (isStream) {
    if (names.length === 0) throw new ProtocolError(400, `ERR ${verb} to what?`);
    await pause(switches.delayMs, response);
    if (response.destroyed) return;
    return await subscriptions.open({ verb, names }, response);
  }

  const isBase64 = headers["upstash-encoding"] === "base64";
  const outcomes = await run([verb, ...names], { body, query, isBase64 }, commands);
  if (switches.repliesToCut > 0) {
    switches.repliesToCut--;
    counts.cutReplies++;
    return void response.destroy();
  }
  await pause(switches.delayMs, response);
  const syncToken = { "upstash-sync-token": String(counts.requests) };
  answerJson(response, { headers: syncToken, body: outcomes });
}

/** @throws {ProtocolError} also when a single command fails: its error has a status of its own. */
async function run(
  path: string[],
  { body, query, isBase64 }: { body: Buffer; query: URLSearchParams; isBase64: boolean },
  commands: RedisCommands,
): Promise<Outcome | Outcome[]> {
  const [first] = path;
  if (first === "pipeline" || first === "multi-exec") {
    const list = parseCommands(body);
    const replies =
      await (first === "pipeline" ? commands.run(list) : commands.runAtomically(list));
    return replies.map((reply) => outcomeOf(reply, { isBase64 }));
  }
  const command = first === "" ? parseCommand(body) : commandOfPath(path, { body, query });
  const [reply] = await commands.run([command]);
  const outcome = outcomeOf(reply!, { isBase64 });
  if ("error" in outcome) throw new ProtocolError(400, outcome.error);
  return outcome;
}
