/** How many requests a minute are served to one user, or to one address of strangers. */
import type { Context } from "hono";
import { DomainError } from "../kv/errors.ts";
import type { UserId } from "../kv/event_record.ts";
import type { Principal } from "../lifecycle/policy.ts";
import type { AppDeps, AppEnv } from "./app_deps.ts";
import { clientAddress, peerOf } from "./peer.ts";
import type { Taken, TokenBuckets } from "./token_buckets.ts";

/**
 * Charges a request to who was let in, or else to its address, and says in the answer's headers what
 * is left (draft-ietf-httpapi-ratelimit-headers). Who is signed in on many devices is one client, and
 * so are a user's tokens, each by itself.
 */
export interface RequestCharges {
  /** Throws {@linkcode DomainError} `rate_limited` when nothing is left. */
  charge: (c: Context<AppEnv>) => void;
  /** The same of somebody whose credentials are not valid. */
  chargeFailure: (c: Context<AppEnv>) => void;
}

export function rateLimit(
  { buckets, attempts, trustedProxies = [] }: AppDeps,
): RequestCharges {
  const policy = `"default";q=${buckets?.perMinute};w=60`;

  function charge(c: Context<AppEnv>): void {
    if (buckets === undefined) return;
    const key = callerKey(c.get("principal"));
    // A preflight is free: a browser that is refused one cannot tell its script why.
    const cost = c.req.method === "OPTIONS" ? 0 : 1;
    const taken = buckets.take(key ?? addressOf(c, trustedProxies), cost);
    const headers = c.get("answerHeaders");
    headers["ratelimit-policy"] = policy;
    headers["ratelimit"] = `"default";r=${taken.remaining};t=${taken.fullInSeconds}`;
    if (!taken.allowed) {
      refuse(c, { taken, perMinute: buckets.perMinute, who: whoOf(c.get("principal")) });
    }
  }

  return {
    charge,
    chargeFailure(c) {
      charge(c);
      if (attempts !== undefined) chargeAttempt(c, { attempts, trustedProxies });
    },
  };
}

/**
 * Charges a try at a secret to its address.
 * @throws {DomainError} `rate_limited`.
 */
export function chargeAttempt(
  c: Context<AppEnv>,
  { attempts, trustedProxies = [] }: { attempts: TokenBuckets } & Pick<AppDeps, "trustedProxies">,
): void {
  const taken = attempts.take(addressOf(c, trustedProxies));
  if (!taken.allowed) refuse(c, { taken, perMinute: attempts.perMinute, who: "address" });
}

/**
 * Charges what costs much to who is signed in.
 * @throws {DomainError} `rate_limited`.
 */
export function chargeUser(
  c: Context<AppEnv>,
  { userId, buckets }: { userId: UserId; buckets: TokenBuckets },
): void {
  const taken = buckets.take(userId);
  if (!taken.allowed) refuse(c, { taken, perMinute: buckets.perMinute, who: "user" });
}

function refuse(
  c: Context<AppEnv>,
  { taken, perMinute, who }: { taken: Taken; perMinute: number; who: string },
): never {
  c.get("answerHeaders")["retry-after"] = String(taken.nextInSeconds);
  throw new DomainError(
    "rate_limited",
    `${perMinute} requests a minute may come from one ${who}; ` +
      `the next one may in ${taken.nextInSeconds} s.`,
  );
}

function whoOf({ userId, credential }: Principal): string {
  return userId === null ? "address" : credential?.kind === "token" ? "token" : "user";
}

/** Null for a stranger. Never an address, which has no blank. */
function callerKey({ userId, credential }: Principal): string | null {
  if (userId === null) return null;
  return credential?.kind === "token" ? `token ${credential.tokenId}` : `user ${userId}`;
}

function addressOf(
  c: Context<AppEnv>,
  trustedProxies: NonNullable<AppDeps["trustedProxies"]>,
): string {
  // Each look at a header costs, and without proxies this one says nothing.
  const forwardedFor = trustedProxies.length === 0 ? undefined : c.req.header("x-forwarded-for");
  return clientAddress({ peer: peerOf(c), forwardedFor }, trustedProxies);
}
