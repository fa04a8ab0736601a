/** How many requests a minute are served to one token, or to one address of those without. */
import { createHash } from "node:crypto";
import type { Context } from "hono";
import { DomainError } from "../kv/errors.ts";
import type { AppDeps, AppEnv } from "./app_deps.ts";
import { bearerToken } from "./authentication.ts";
import { clientAddress, peerOf } from "./peer.ts";

/**
 * Charges a request to the token it was let in with, or else to its address, and says in the
 * answer's headers what is left (draft-ietf-httpapi-ratelimit-headers).
 */
export type ChargeRequest = (c: Context<AppEnv>, by: { token: boolean }) => void;

/** Each charge throws {@linkcode DomainError} `rate_limited` when nothing is left. */
export function rateLimit({ buckets, trustedProxies = [] }: AppDeps): ChargeRequest {
  if (buckets === undefined) return () => {};
  const policy = `"default";q=${buckets.perMinute};w=60`;
  return (c, by) => {
    const token = by.token ? bearerToken(c.req.header("authorization") ?? "") : undefined;
    // A preflight is free: a browser that is refused one cannot tell its script why.
    const cost = c.req.method === "OPTIONS" ? 0 : 1;
    const taken = buckets.take(token === undefined ? addressKey(c) : tokenKey(token), cost);
    const headers = c.get("answerHeaders");
    headers["ratelimit-policy"] = policy;
    headers["ratelimit"] = `"default";r=${taken.remaining};t=${taken.fullInSeconds}`;
    if (taken.allowed) return;
    headers["retry-after"] = String(taken.nextInSeconds);
    const who = token === undefined ? "address" : "token";
    throw new DomainError(
      "rate_limited",
      `${buckets.perMinute} requests a minute may come from one ${who}; ` +
        `the next one may in ${taken.nextInSeconds} s.`,
    );
  };

  function addressKey(c: Context<AppEnv>): string {
    // Each look at a header costs, and without proxies this one says nothing.
    const forwardedFor = trustedProxies.length === 0 ? undefined : c.req.header("x-forwarded-for");
    return clientAddress({ peer: peerOf(c), forwardedFor }, trustedProxies);
  }
}

/** The hash: no secret lies in memory for longer than its request. */
function tokenKey(token: string): string {
  return `token ${createHash("sha256").update(token).digest("base64")}`;
}
