/** What a client takes (`Accept`) and how it packed what it sends (`Content-Encoding`). */
import type { Context } from "hono";
import { DomainError } from "../kv/errors.ts";
import type { AppEnv } from "./app_deps.ts";

export const PROBLEM = "application/problem+json";
const JSON_TYPES = ["application/json", PROBLEM];
/** What these routes answer in place of JSON. */
const OTHER_TYPES: Record<string, string[]> = {
  "/v1/exports": ["application/x-ndjson", PROBLEM],
  "/v1/events/stream": ["text/event-stream", PROBLEM],
};

/**
 * Refuses a request of the API whose answer its sender would not take.
 * @throws {DomainError} `not_acceptable`
 */
export function requireAcceptable(c: Context<AppEnv>): void {
  const accept = c.req.header("accept");
  if (accept === undefined || accept === "*/*" || accept.trim() === "") return;
  const types = OTHER_TYPES[c.req.path] ?? JSON_TYPES;
  if (types.some((type) => qualityOf(accept, type) > 0)) return;
  throw new DomainError(
    "not_acceptable",
    `This route answers in ${types.join(" or ")}, which "${accept.slice(0, 100)}" leaves out.`,
  );
}

/**
 * Refuses a body that is compressed: its size could not be told before it is unpacked.
 * @throws {DomainError} `unsupported_media_type`
 */
export function requirePlainBody(c: Context<AppEnv>): void {
  if (c.req.method === "GET" || c.req.method === "HEAD") return;
  const coding = c.req.header("content-encoding")?.trim();
  if (coding === undefined || coding === "" || /^identity$/i.test(coding)) return;
  // RFC 9110 section 15.5.16: this header tells the refusal from one of the media type.
  c.get("answerHeaders")["accept-encoding"] = "identity";
  throw new DomainError(
    "unsupported_media_type",
    `A body may not be compressed (Content-Encoding: "${coding.slice(0, 100)}"); send it as it is.`,
  );
}

/** Which of `types` the client likes best, the first of them where it says nothing of use. */
export function preferredType<Type extends string>(
  c: Context<AppEnv>,
  types: readonly [Type, ...Type[]],
): Type {
  const accept = c.req.header("accept") ?? "";
  const best = (a: Type, b: Type) => qualityOf(accept, b) > qualityOf(accept, a) ? b : a;
  return types.reduce(best);
}

/**
 * How much the client likes a media type, 0 to 1. The most specific of the ranges that fit decides
 * (RFC 9110 section 12.5.1); `q=0` leaves out.
 */
function qualityOf(accept: string, type: string): number {
  const ranges = accept.toLowerCase().split(",").map(rangeOf);
  for (const fitting of [type, type.replace(/\/.*/, "/*"), "*/*"]) {
    const found = ranges.filter(({ range }) => range === fitting);
    if (found.length > 0) return Math.max(...found.map(({ quality }) => quality));
  }
  return 0;
}

function rangeOf(text: string): { range: string; quality: number } {
  const [range = "", ...parameters] = text.split(";").map((part) => part.trim());
  const weight = parameters.find((parameter) => /^q=[01](\.\d*)?$/.test(parameter));
  return { range, quality: weight === undefined ? 1 : Number(weight.slice("q=".length)) };
}
