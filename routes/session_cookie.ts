/**
 * The session's cookie. Over https its name begins with `__Host-`, so that no other host of the
 * domain, and nothing without TLS, can set it; the plain name counts on the machine itself only.
 */
import type { Context } from "hono";
import { SECRET } from "../lifecycle/secrets.ts";
import type { AppEnv } from "./app_deps.ts";
import { isLoopback } from "../lifecycle/loopback.ts";
import type { SiteOrigin } from "./site_origin.ts";

const SECURE_NAME = "__Host-session";
const PLAIN_NAME = "session";

/** What the cookie of a request to `url` says; null where it says nothing, or two things. */
export function sessionSecret(cookies: string, url: string): string | null {
  const secure = valueOf(cookies, SECURE_NAME);
  if (secure !== undefined) return secure;
  return isLoopback(new URL(url).hostname) ? valueOf(cookies, PLAIN_NAME) ?? null : null;
}

/** Undefined when there is no such cookie; null for one that is not ours, or comes twice. */
function valueOf(cookies: string, name: string): string | null | undefined {
  if (!cookies.includes(`${name}=`)) return undefined;
  const values = cookies.split(";").map((cookie) => cookie.trim())
    .filter((cookie) => cookie.startsWith(`${name}=`))
    .map((cookie) => cookie.slice(name.length + 1));
  const [value] = values;
  if (value === undefined) return undefined;
  return values.length === 1 && SECRET.test(value) ? value : null;
}

/** The `Set-Cookie` of a session that begins; `lastsMs` is how long the browser keeps it. */
export function sessionCookie({ isSecure }: SiteOrigin, secret: string, lastsMs: number): string {
  const name = isSecure ? SECURE_NAME : PLAIN_NAME;
  const secure = isSecure ? "; Secure" : "";
  const seconds = Math.floor(lastsMs / 1000);
  return `${name}=${secret}; Path=/; Max-Age=${seconds}; HttpOnly; SameSite=Lax${secure}`;
}

/** Adds the `Set-Cookie` of a session that has ended. */
export function clearSession(c: Context<AppEnv>, origin: SiteOrigin): void {
  c.header("set-cookie", sessionCookie(origin, "", 0), { append: true });
}
