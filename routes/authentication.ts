/**
 * Who a request comes from: whoever holds `ADMIN_TOKEN`, the person of an API token, or the person
 * who is signed in with the browser's session.
 */
import { createHash, timingSafeEqual } from "node:crypto";
import { DomainError } from "../kv/errors.ts";
import type { Store } from "../kv/store.ts";
import { fingerprintOf, rootBy } from "../lifecycle/admin_token.ts";
import { tokenPrincipal } from "../lifecycle/api_tokens.ts";
import { GUEST, type Principal } from "../lifecycle/policy.ts";
import { ALL_SCOPES } from "../lifecycle/scopes.ts";
import { digestOf, isApiToken } from "../lifecycle/secrets.ts";
import { sessionPrincipal } from "../lifecycle/sessions.ts";
import { sessionSecret } from "./session_cookie.ts";

export interface AuthenticationOptions {
  /** Epoch milliseconds. */
  clock: () => number;
  adminToken: string | null;
}

/**
 * A token that is not valid is refused, never taken for none, and never made up for by a cookie. A
 * session that has ended is none: browsers go on sending its cookie.
 * The answer throws {@linkcode DomainError} `unauthenticated`.
 */
export function authentication(
  store: Store,
  { clock, adminToken }: AuthenticationOptions,
): (request: Request) => Principal | Promise<Principal> {
  const isRoot = tokenCheck(adminToken);
  const rootFingerprint = adminToken === null ? null : fingerprintOf(store, adminToken);
  const root = rootFingerprint === null ? null : rootByToken(rootFingerprint);

  async function bearer(header: string): Promise<Principal> {
    const token = bearerToken(header);
    const principal = token === undefined || !isApiToken(token)
      ? null
      : await tokenPrincipal(store, token, { now: clock(), rootFingerprint });
    if (principal !== null) return principal;
    throw new DomainError("unauthenticated", "The Authorization header holds no valid token.");
  }

  async function session(secret: string): Promise<Principal> {
    const options = { now: clock(), rootFingerprint };
    return await sessionPrincipal(store, digestOf(secret), options) ?? GUEST;
  }

  return (request) => {
    const header = request.headers.get("authorization");
    if (header !== null) {
      const token = bearerToken(header);
      const isRoots = token !== undefined && isRoot(token);
      return root !== null && isRoots ? root : bearer(header);
    }
    const cookies = request.headers.get("cookie");
    const secret = cookies === null ? null : sessionSecret(cookies, request.url);
    return secret === null ? GUEST : session(secret);
  };
}

/** `ADMIN_TOKEN`'s user, as whoever shows it with a request. */
function rootByToken(rootFingerprint: string): Principal {
  const credential = { kind: "token", tokenId: "root", scopes: ALL_SCOPES } as const;
  return { ...rootBy(rootFingerprint), credential };
}

/** Whether a text is the administrator's token, compared in constant time. */
export function tokenCheck(adminToken: string | null): (text: string) => boolean {
  const expected = adminToken === null ? null : sha256(adminToken);
  return (text) => expected !== null && timingSafeEqual(sha256(text), expected);
}

/** The token of an `Authorization` header; undefined where it holds none of this kind. */
function bearerToken(header: string): string | undefined {
  return /^Bearer +([\x21-\x7e]+) *$/i.exec(header)?.[1];
}

function sha256(text: string) {
  return createHash("sha256").update(text).digest();
}
