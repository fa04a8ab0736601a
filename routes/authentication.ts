/** Who a request comes from: for now, whoever holds `ADMIN_TOKEN` is the administrator. */
import { createHash, timingSafeEqual } from "node:crypto";
import { DomainError } from "../kv/errors.ts";
import { GUEST, type Principal, ROOT } from "../lifecycle/policy.ts";

/**
 * Compares in constant time. Credentials that are not valid are refused, never taken for none.
 * The answer throws {@linkcode DomainError} `unauthenticated`.
 */
export function bearerAuthentication(adminToken: string | null): (request: Request) => Principal {
  const expected = adminToken === null ? null : sha256(adminToken);
  return (request) => {
    const header = request.headers.get("authorization");
    if (header === null) return GUEST;
    const token = bearerToken(header);
    if (token !== undefined && expected !== null && timingSafeEqual(sha256(token), expected)) {
      return ROOT;
    }
    throw new DomainError("unauthenticated", "The Authorization header holds no valid token.");
  };
}

/** The token of an `Authorization` header; undefined where it holds none of this kind. */
export function bearerToken(header: string): string | undefined {
  return /^Bearer +([\x21-\x7e]+) *$/i.exec(header)?.[1];
}

function sha256(text: string) {
  return createHash("sha256").update(text).digest();
}
