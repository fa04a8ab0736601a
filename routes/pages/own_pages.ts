/**
 * The pages of people who are signed in: their own, the organizers' people, the users, and where
 * invitations lead. Each form is sent to its own page's address, so that what it answers can be
 * asked for again, and come back to after a sign-in.
 */
import { type ErrorHandler, Hono, type MiddlewareHandler } from "hono";
import { DomainError } from "../../kv/errors.ts";
import { refuseTokens } from "../../lifecycle/policy.ts";
import type { AppDeps, AppEnv } from "../app_deps.ts";
import { preferredType, PROBLEM } from "../negotiation.ts";
import { requireSameOrigin } from "../site_origin.ts";
import { signInPath } from "./account.tsx";
import { erasePages } from "./erase_routes.tsx";
import { invitationPages } from "./invitation_routes.tsx";
import { mePages } from "./me_routes.tsx";
import { pageErrors } from "./page_errors.tsx";
import { peoplePages } from "./people_routes.tsx";
import { usersPages } from "./users_routes.tsx";

const PATHS = ["/me/*", "/organizers/:id/people", "/invitations/*"];

export function ownPages(deps: AppDeps): Hono<AppEnv> {
  const app = new Hono<AppEnv>();
  app.onError(orSignIn(pageErrors(deps)));
  for (const path of PATHS) app.use(path, personal(deps));
  mePages(app, deps);
  erasePages(app, deps);
  usersPages(app, deps);
  peoplePages(app, deps);
  invitationPages(app, deps);
  return app;
}

/**
 * Nothing of these pages is kept or handed on, and nothing is done for a page of another site, nor
 * for a program: its token's scopes are those of the API, where each operation names its own.
 */
function personal(deps: AppDeps): MiddlewareHandler<AppEnv> {
  return async (c, next) => {
    // Strangers' forms as well: they are asked to sign in, and that is nobody else's to bring about.
    if (c.req.method === "POST") requireSameOrigin(c, deps);
    refuseTokens(c.get("principal"));
    await next();
    c.res.headers.set("cache-control", "no-store");
    // Not "no-referrer": it takes the origin from forms, too, which older browsers are known by.
    c.res.headers.set("referrer-policy", "same-origin");
    c.res.headers.set("x-robots-tag", "noindex");
  };
}

/** Who is not signed in, or not any more, is led there, and back to the page. */
function orSignIn(otherwise: ErrorHandler<AppEnv>): ErrorHandler<AppEnv> {
  return (error, c) => {
    const isNeeded = error instanceof DomainError && error.code === "unauthenticated";
    const isPage = c.req.method === "GET" && preferredType(c, ["text/html", PROBLEM]) !== PROBLEM;
    if (!isNeeded || !isPage) return otherwise(error, c);
    const { pathname, search } = new URL(c.req.url);
    return c.redirect(signInPath(pathname + search), 303);
  };
}
