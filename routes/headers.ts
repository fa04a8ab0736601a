/** The headers that answers have, problems included. */
import type { Context } from "hono";
import type { AppEnv } from "./app_deps.ts";
import { CORS_HEADERS } from "./cors.ts";

/** What a PATCH takes (RFC 5789 section 3.1). */
export const ACCEPT_PATCH = "application/merge-patch+json, application/json";

const API_HEADERS = {
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
  // Pages of other sites may use the API, also those that want all they load to agree to that.
  "cross-origin-resource-policy": "cross-origin",
  ...CORS_HEADERS,
};

const PAGE_HEADERS = {
  "x-content-type-options": "nosniff",
  "referrer-policy": "strict-origin-when-cross-origin",
  "cross-origin-resource-policy": "same-origin",
};

/** Whether programs ask for this and not people, so that other sites' scripts may, too. */
export function isApiPath(path: string): boolean {
  return path.startsWith("/v1/") || /^\/(healthz|readyz|openapi\.json)$/.test(path);
}

/** What every answer of the API carries. Nobody keeps one unasked, unless its route says more. */
export function commonHeaders(c: Context<AppEnv>, contentType: string): Record<string, string> {
  return {
    "content-type": contentType,
    "cache-control": "no-cache",
    ...API_HEADERS,
    ...c.get("answerHeaders"),
    "x-request-id": c.get("requestId"),
  };
}

/** Gives an answer that was made without {@linkcode commonHeaders}, as pages are, what it lacks. */
export function completeHeaders(c: Context<AppEnv>): void {
  const { headers } = c.res;
  if (headers.has("x-request-id")) return;
  const missing: Record<string, string> = {
    ...(isApiPath(c.req.path) ? API_HEADERS : PAGE_HEADERS),
    ...c.get("answerHeaders"),
    "x-request-id": c.get("requestId"),
  };
  for (const [name, value] of Object.entries(missing)) {
    if (!headers.has(name)) headers.set(name, value);
  }
}
