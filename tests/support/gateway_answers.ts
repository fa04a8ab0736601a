/** What the tests' Upstash answers with, true or as a switch has it. */
import type { ServerResponse } from "node:http";
import type { Refusal } from "./gateway_switches.ts";
import { EVENT_STREAM } from "./subscription_stream.ts";

const JSON_TYPE = { "content-type": "application/json" };

const SENTENCES = {
  401: "WRONGPASS invalid or missing auth token",
  429: "ERR max requests limit exceeded",
  503: "ERR the service is not available",
} as const;

export const UNAUTHORIZED = SENTENCES[401];

export function answerJson(
  response: ServerResponse,
  { status = 200, headers = {}, body }: {
    status?: number;
    headers?: Record<string, string>;
    body: unknown;
  },
): void {
  response.writeHead(status, { ...JSON_TYPE, ...headers });
  response.end(JSON.stringify(body));
}

/** Answers in place of the truth. */
export function refuse(
  response: ServerResponse,
  { refusal, isStream }: { refusal: Refusal; isStream: boolean },
): void {
  if (refusal === "broken") {
    response.destroy();
  } else if (refusal === "html") {
    response.writeHead(200, { "content-type": "text/html" });
    response.end("<!doctype html><title>Please sign in</title>");
  } else if (refusal === "half_line") {
    response.writeHead(200, isStream ? EVENT_STREAM : JSON_TYPE);
    response.end(isStream ? "data: subscri" : '{"resul');
  } else {
    answerJson(response, { status: refusal, body: { error: SENTENCES[refusal] } });
  }
}

/** Waits before an answer, but not once nobody waits for it any more. */
export function pause(ms: number, response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    if (response.destroyed) return resolve();
    const done = () => {
      clearTimeout(timer);
      response.off("close", done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    response.once("close", done);
  });
}
