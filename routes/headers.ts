/** The headers that every answer of the API has, problems included. */
import type { Context } from "hono";
import type { AppEnv } from "./app_deps.ts";

/** What every answer of the API carries. Nobody keeps one unasked, unless its route says more. */
export function commonHeaders(c: Context<AppEnv>, contentType: string): Record<string, string> {
  return {
    "content-type": contentType,
    "cache-control": "no-cache",
    "x-content-type-options": "nosniff",
    "x-request-id": c.get("requestId"),
  };
}
