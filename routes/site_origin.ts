/** Where people reach this site, and whether what asks comes from there. */
import type { Context } from "hono";
import { DomainError } from "../kv/errors.ts";
import { isLoopback } from "../lifecycle/loopback.ts";
import type { AppDeps, AppEnv } from "./app_deps.ts";
import { cameByHttps } from "./peer.ts";

export interface SiteOrigin {
  /** `https://events.example` */
  origin: string;
  /** Whether nobody on the way can read along; on the machine itself there is no way. */
  isSecure: boolean;
}

type OriginDeps = Pick<AppDeps, "publicOrigin" | "trustedProxies">;

/** As it is configured, else as the request says. */
export function siteOrigin(
  c: Context<AppEnv>,
  { publicOrigin = null, trustedProxies = [] }: OriginDeps,
): SiteOrigin {
  if (publicOrigin !== null) {
    return { origin: publicOrigin, isSecure: publicOrigin.startsWith("https:") };
  }
  const isSecure = cameByHttps(c, trustedProxies);
  const { host } = new URL(c.req.url);
  return { origin: `${isSecure ? "https" : "http"}://${host}`, isSecure };
}

/** @throws {DomainError} `insecure_origin` where a session's cookie could be read on its way. */
export function requireConfidential({ origin, isSecure }: SiteOrigin): void {
  if (isSecure || isLoopback(new URL(origin).hostname)) return;
  throw new DomainError("insecure_origin", `People cannot sign in at ${origin}: it is not https.`);
}

/**
 * Refuses what a page of another site asks for in the name of whoever is signed in here; by the
 * browser's word, whatever the method's or the body's type. (Fetch Metadata; RFC 6454.)
 * @throws {DomainError} `cross_site`.
 */
export function requireSameOrigin(c: Context<AppEnv>, deps: OriginDeps): void {
  const site = c.req.header("sec-fetch-site");
  const isSame = site === undefined
    ? c.req.header("origin") === siteOrigin(c, deps).origin
    : site === "same-origin";
  if (isSame) return;
  throw new DomainError("cross_site");
}

const READS = ["GET", "HEAD", "OPTIONS"];

/** Whether the request may change something. */
export function isUnsafe(method: string): boolean {
  return !READS.includes(method);
}
