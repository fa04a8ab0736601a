/** API tokens: made and revoked by their person, and what a program that shows one may do. */
import { addAuditLine } from "../kv/audit.ts";
import {
  type ApiToken,
  createToken,
  deleteTokens,
  listTokens,
  readToken,
  type TokenId,
  touchToken,
} from "../kv/api_tokens.ts";
import { DomainError, invalidFields } from "../kv/errors.ts";
import type { UserId } from "../kv/event_record.ts";
import { FORMATS } from "../kv/formats.ts";
import type { Remember } from "../kv/outcomes.ts";
import type { Store } from "../kv/store.ts";
import { auditLine } from "./audit.ts";
import { newTokenId } from "./ids.ts";
import { type Principal, requireInPerson } from "./policy.ts";
import type { Scope } from "./scopes.ts";
import { digestOf, newApiToken } from "./secrets.ts";
import { principalOf, standing, TOUCHED_MS, written } from "./sessions.ts";

const DAY_MS = 24 * 3_600_000;
const MAX_DAYS = 366;
const MAX_TOKENS = 100;
/** A day from now, as a client has it, is less by the time it comes here; and its clock is its own. */
export const LEEWAY_MS = 60_000;

export interface NewToken {
  name: string;
  scopes: Scope[];
  /** Epoch milliseconds: 1 to 366 days from now. */
  expiresAt: number;
}

/**
 * Makes a token of the caller's; its secret is answered here and kept nowhere.
 * @throws {DomainError} `unauthenticated`, `forbidden` for tokens; `invalid_body`; `conflict`.
 */
export async function issueToken(
  store: Store,
  { name, scopes, expiresAt }: NewToken,
  { principal, now, remember }: {
    principal: Principal;
    now: number;
    remember?: Remember<ApiToken> | undefined;
  },
): Promise<{ token: ApiToken; secret: string }> {
  requireInPerson(principal);
  const { userId, rootFingerprint = null } = principal;
  requireExpiry(expiresAt, now);
  if ((await listMyTokens(store, { principal, now })).length >= MAX_TOKENS) {
    throw new DomainError("too_many_tokens");
  }
  const secret = newApiToken();
  const token: ApiToken = {
    format: FORMATS.token.current,
    id: newTokenId(now),
    userId,
    name,
    scopes: [...new Set(scopes)],
    createdAt: now,
    expiresAt,
    usedAt: null,
    rootFingerprint,
  };
  const line = auditLine("token.created", { principal, now }, {
    userId,
    detail: `${token.id} ${token.scopes.join(" ")}`,
  });
  const isStored = await createToken(store, { digest: digestOf(secret), token }, {
    remember,
    together: (operation) => addAuditLine(operation, line),
  });
  if (!isStored) throw new DomainError("conflict");
  return { token, secret };
}

function requireExpiry(expiresAt: number, now: number): void {
  const lasts = expiresAt - now;
  if (lasts >= DAY_MS - LEEWAY_MS && lasts <= MAX_DAYS * DAY_MS + LEEWAY_MS) return;
  throw invalidFields([{
    pointer: "/expires_at",
    code: "out_of_range",
    detail: `A token lasts 1 to ${MAX_DAYS} days from now.`,
  }]);
}

/**
 * Whoever the secret stands for; null: it is none, has expired or was revoked. Without the scope
 * `admin` they are no administrator by it, but a member with their own organizers and events.
 */
export async function tokenPrincipal(
  store: Store,
  secret: string,
  { now, rootFingerprint }: { now: number; rootFingerprint: string | null },
): Promise<Principal | null> {
  const stored = await readToken(store, digestOf(secret));
  if (stored === null || now >= stored.token.expiresAt) return null;
  const { token } = stored;
  const person = await principalOf(store, token, rootFingerprint);
  if (person === null) return null;
  if (now - (token.usedAt ?? 0) >= TOUCHED_MS) await written(touchToken(store, stored, now));
  const scopes = token.scopes as Scope[];
  const role = person.role === "admin" && !scopes.includes("admin") ? "member" : person.role;
  return { ...person, role, credential: { kind: "token", tokenId: token.id, scopes } };
}

/** The caller's tokens that are good, by when they were made. */
export async function listMyTokens(
  store: Store,
  { principal, now }: { principal: Principal & { userId: UserId }; now: number },
): Promise<ApiToken[]> {
  const isGood = await standing(store, principal);
  return (await listTokens(store, principal.userId)).map(({ token }) => token)
    .filter((token) => now < token.expiresAt && isGood(token));
}

/** Revokes a token of the caller's at once. @throws {DomainError} `not_found`, as above. */
export async function revokeToken(
  store: Store,
  id: TokenId,
  { principal, now }: { principal: Principal; now: number },
): Promise<void> {
  requireInPerson(principal);
  const { userId } = principal;
  const found = (await listTokens(store, userId)).find(({ token }) => token.id === id);
  if (found === undefined) {
    throw new DomainError("not_found", `The caller has no token "${id}".`);
  }
  const line = auditLine("token.revoked", { principal, now }, { userId, detail: id });
  await deleteTokens(store, [found], (operation) => addAuditLine(operation, line));
}
