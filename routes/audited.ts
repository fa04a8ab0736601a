/**
 * What of the requests goes into the audit log beside the grants themselves, which are written
 * with what they change: a grant that was refused, and what was done by an administrator's power.
 */
import type { MiddlewareHandler } from "hono";
import { writeAuditLine } from "../kv/audit.ts";
import { DomainError, type ErrorCode, isStoreFailure } from "../kv/errors.ts";
import { auditLine } from "../lifecycle/audit.ts";
import type { AppDeps, AppEnv } from "./app_deps.ts";
import { loggedPath } from "./logged_path.ts";
import { isUnsafe } from "./site_origin.ts";
import { TokenBuckets } from "./token_buckets.ts";

/** Who may do what is decided there, and on these pages. */
const GRANTS = new RegExp(
  "^(/v1/(users/|tokens|me($|/)|organizers/[^/]+/(members|invitations))" +
    "|/me($|/)|/organizers/[^/]+/people$|/invitations/)",
);
/** What only administrators read of others. */
const OTHERS_DATA = /^\/(v1\/(users|exports|audit)|me\/users)(\/|$)/;
/** Of the pages with forms, those where an administrator's power counts. */
const POWER_PAGES = /^\/(me\/users|organizers\/[^/]+\/people)$/;
/** A member's right as well, and told by the event itself. */
const IS_CREATION = /^\/v1\/(events|organizers)$/;

const REFUSALS: ErrorCode[] = ["forbidden", "insufficient_scope", "last_admin", "last_owner"];
REFUSALS.push("root_user", "cross_site", "invitation_not_yours");

/** Of one person; more than that are no mistakes, and each line is kept for a year. */
const REFUSALS_PER_MINUTE = 30;

export function audited({ store, clock }: Pick<AppDeps, "store" | "clock">): MiddlewareHandler<
  AppEnv
> {
  const refusals = new TokenBuckets({ perMinute: REFUSALS_PER_MINUTE, clock });
  return async (c, next) => {
    await next();
    const principal = c.get("principal");
    const { path, method } = c.req;
    if (principal.userId === null) return;
    const isPowers = path.startsWith("/v1/") || POWER_PAGES.test(path);
    const code = c.error instanceof DomainError ? c.error.code : null;
    const isRefusal = code !== null && REFUSALS.includes(code) && isUnsafe(method) &&
      GRANTS.test(path);
    const isPower = isPowers && principal.role === "admin" && c.res.status < 400 &&
      (isUnsafe(method) ? !IS_CREATION.test(path) : OTHERS_DATA.test(path));
    if (!isRefusal && !isPower) return;
    if (isRefusal && !refusals.take(principal.userId).allowed) return;
    const action = isRefusal ? "grant.refused" : "admin.request";
    const detail = `${method} ${loggedPath(path).slice(0, 200)}${isRefusal ? ` ${code}` : ""}`;
    try {
      await writeAuditLine(store, auditLine(action, { principal, now: clock() }, { detail }));
    } catch (error) {
      // What was asked for is done; the log still has it.
      if (!isStoreFailure(error)) throw error;
      c.get("log").error("the audit log could not be written", { audit: action, detail });
    }
  };
}
