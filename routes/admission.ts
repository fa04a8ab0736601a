/** What stands between a request and its route: who sent it, what is left to them, what they take. */
import type { MiddlewareHandler } from "hono";
import { DomainError } from "../kv/errors.ts";
import { GUEST } from "../lifecycle/policy.ts";
import type { AppDeps, AppEnv } from "./app_deps.ts";
import { hostCheck } from "./peer.ts";
import { requireAcceptable, requirePlainBody } from "./negotiation.ts";
import { rateLimit } from "./rate_limit.ts";
import { requireScopeOf } from "./scopes.ts";
import { isUnsafe, requireSameOrigin } from "./site_origin.ts";

/** A body may be sent so slowly that its sender has lost the right to it in between. */
const SLOW_BODY_MS = 1_000;

const REQUEST_DEADLINE_MS = 25_000;

/** These last as long as what they move or run. */
const TAKES_ITS_TIME = /^\/v1\/(imports|exports|events\/(stream|socket)|jobs\/[^/]+\/runs)$/;

/**
 * Lets a request in, or throws why not. The routes of the API and forms are limited: a load balancer
 * asks for the others as often as it likes, and people look at pages.
 */
export function admitted(deps: AppDeps): MiddlewareHandler<AppEnv> {
  const { store, clock, authenticate, requestDeadlineMs = REQUEST_DEADLINE_MS } = deps;
  const { charge, chargeFailure } = rateLimit(deps);
  const requireHost = hostCheck();
  return async (c, next) => {
    c.set("principal", GUEST);
    requireHost(c);
    try {
      c.set("principal", await authenticate(c.req.raw));
    } catch (error) {
      // Whoever guesses tokens would have a new bucket for each; here on every path. A store that
      // does not answer is no guess.
      if (error instanceof DomainError && error.code === "unauthenticated") chargeFailure(c);
      throw error;
    }
    const { path, method } = c.req;
    const beganAt = clock();
    if (isUnsafe(method)) {
      c.set("askAgain", async () => {
        if (clock() - beganAt < SLOW_BODY_MS) return;
        const principal = await authenticate(c.req.raw);
        if (principal.userId !== c.get("principal").userId) {
          throw new DomainError("unauthenticated");
        }
        c.set("principal", principal);
      });
    }
    const { credential } = c.get("principal");
    const isApi = path.startsWith("/v1/");
    if (isApi || isUnsafe(method)) charge(c);
    if (credential?.kind === "token") requireScopeOf(c, credential);
    else if (credential?.kind === "session" && isUnsafe(method)) requireSameOrigin(c, deps);
    if (!isApi || method === "OPTIONS") return await next();
    requireAcceptable(c);
    requirePlainBody(c);
    if (TAKES_ITS_TIME.test(path)) return await next();
    await store.deadlines.within(next(), requestDeadlineMs, "deadline_exceeded");
  };
}
