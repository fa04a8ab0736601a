/**
 * API tokens: that a program acts for a person. Kept under the SHA-256 of the secret, which is shown
 * once and stored nowhere.
 */
import type { UserId } from "./event_record.ts";
import { upgraded } from "./formats.ts";
import { tokenByUserKey, tokenByUserPrefix, tokenKey } from "./keys.ts";
import { afterRefusal } from "./lost_answers.ts";
import { addOutcome, type Remember } from "./outcomes.ts";
import { recordsByDigest } from "./records_by_digest.ts";
import type { Store } from "./store.ts";
import type { Together } from "./users.ts";

export type TokenId = `tok_${string}`;

export interface ApiToken {
  format: number;
  id: TokenId;
  userId: UserId;
  name: string;
  /** What it may be used for, of what its person may do. */
  scopes: string[];
  createdAt: number;
  expiresAt: number;
  /** Brought up to date now and then, not with every request; null: never used. */
  usedAt: number | null;
  /** Of the `ADMIN_TOKEN` that it was made with, if it is `usr_root`'s. */
  rootFingerprint: string | null;
}

export interface StoredToken {
  digest: string;
  token: ApiToken;
  versionstamp: string;
}

/** Null when there is none. */
export async function readToken(store: Store, digest: string): Promise<StoredToken | null> {
  const { value, versionstamp } = await store.get(tokenKey(digest));
  if (versionstamp === null) return null;
  return { digest, token: upgraded(value, store.schema.formats.token), versionstamp };
}

/** Stores a new token, removed once it has expired. False: the request was answered already. */
export async function createToken(
  store: Store,
  { digest, token }: { digest: string; token: ApiToken },
  { remember, together }: { remember?: Remember<ApiToken> | undefined; together: Together },
): Promise<boolean> {
  const operation = store.kv.atomic().check({ key: tokenKey(digest), versionstamp: null });
  setToken(operation, digest, token, token.createdAt);
  together(operation);
  addOutcome(operation, remember, token);
  if ((await store.commit(operation)).ok) return true;
  // Sent again by the runtime, it is refused because of itself.
  return await afterRefusal(() => readToken(store, digest)) !== null;
}

/** Says that a token was used. It may have been revoked meanwhile, which is not undone. */
export async function touchToken(
  store: Store,
  { digest, token, versionstamp }: StoredToken,
  now: number,
): Promise<void> {
  const operation = store.kv.atomic().check({ key: tokenKey(digest), versionstamp });
  setToken(operation, digest, { ...token, usedAt: now }, now);
  await store.commit(operation);
}

function setToken(
  operation: Deno.AtomicOperation,
  digest: string,
  token: ApiToken,
  now: number,
): void {
  const options = { expireIn: Math.max(token.expiresAt - now, 1) };
  operation
    .set(tokenKey(digest), token, options)
    .set(tokenByUserKey(token.userId, token.id), digest, options);
}

/** The tokens of a user by when they were made, expired ones perhaps among them. */
export function listTokens(store: Store, userId: UserId): Promise<StoredToken[]> {
  // However many: of those that are made at once nobody counts, and each must be there to be revoked.
  const records = recordsByDigest<ApiToken>(store, tokenByUserPrefix(userId), {
    keyOf: tokenKey,
    format: store.schema.formats.token,
  });
  return Array.fromAsync(records, ({ record: token, ...found }) => ({ ...found, token }));
}

/** Revokes tokens; `together` is written in the same commit. */
export async function deleteTokens(
  store: Store,
  tokens: StoredToken[],
  together?: Together,
): Promise<void> {
  const operation = store.kv.atomic();
  for (const { digest, token } of tokens) {
    operation.delete(tokenKey(digest)).delete(tokenByUserKey(token.userId, token.id));
  }
  together?.(operation);
  await store.commit(operation);
}
