/**
 * What browsers let other sites do with the API: everything that takes no cookies. Credentials are
 * never allowed across origins, so that the answer is the same for every origin and a cache need
 * not tell them apart.
 */

/** What a page of another site may read of an answer beside its body. */
const READABLE_HEADERS = [
  "ETag",
  "Link",
  "Location",
  "Retry-After",
  "RateLimit",
  "RateLimit-Policy",
  "Journal-Position",
  "Export-Events",
  "Idempotency-Replayed",
  "X-Request-Id",
];

/** What it may send beside what every page may. */
const WRITABLE_HEADERS = [
  "Authorization",
  "Content-Type",
  "If-Match",
  "If-None-Match",
  "Idempotency-Key",
  "Prefer",
  "X-Request-Id",
  "Last-Event-ID",
];

/** As long as Chromium keeps a preflight's answer. */
const MAX_AGE_SECONDS = 7_200;

/** On every answer of the API. */
export const CORS_HEADERS = {
  "access-control-allow-origin": "*",
  "access-control-expose-headers": READABLE_HEADERS.join(", "),
};

/** More of them on the answer to a preflight, of an address that takes `methods`. */
export function preflightHeaders(methods: string[]): Record<string, string> {
  return {
    "access-control-allow-methods": methods.join(", "),
    "access-control-allow-headers": WRITABLE_HEADERS.join(", "),
    "access-control-max-age": String(MAX_AGE_SECONDS),
  };
}
