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

export interface ApiResponseInit {
  /** Absent where there is no body. */
  contentType?: string;
  status?: number;
  /** These win over what every answer carries. */
  headers?: Record<string, string>;
}

/** Of an answer to somebody who is signed in: no cache that others use, too, has it at all. */
const OWN = { "cache-control": "private, no-cache", vary: "authorization, cookie" };
const ANYBODYS = { "cache-control": "no-cache" };

/**
 * An answer of the API, with what every one carries. Nobody keeps one unasked, unless its route says
 * more.
 */
export function apiResponse(
  c: Context<AppEnv>,
  body: BodyInit | null,
  { contentType, status = 200, headers }: ApiResponseInit,
): Response {
  const response = new Response(body, {
    status,
    headers: {
      ...(contentType === undefined ? {} : { "content-type": contentType }),
      ...(c.get("principal")?.userId ? OWN : ANYBODYS),
      ...API_HEADERS,
      ...c.get("answerHeaders"),
      "x-request-id": c.get("requestId"),
      ...headers,
    },
  });
  c.set("completeAnswer", response);
  return response;
}

/** Gives an answer that {@linkcode apiResponse} did not make, as pages are, what it lacks. */
export function completeHeaders(c: Context<AppEnv>): void {
  // Not asked of the answer itself: a look at its headers makes the runtime build it twice. And what
  // became a socket takes no more.
  if (c.res === c.get("completeAnswer") || c.res.status === 101) return;
  const missing: Record<string, string> = {
    ...(isApiPath(c.req.path) ? API_HEADERS : PAGE_HEADERS),
    ...c.get("answerHeaders"),
    "x-request-id": c.get("requestId"),
  };
  const { headers } = c.res;
  for (const [name, value] of Object.entries(missing)) {
    if (!headers.has(name)) headers.set(name, value);
  }
}
