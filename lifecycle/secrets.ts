/** Secrets that are given away once and kept by their SHA-256 only. */
import { createHash, randomBytes } from "node:crypto";

/** Of a session or an invitation: 256 random bits, as they fit a cookie and a path. */
export const SECRET = /^[\w-]{43}$/;

export function newSecret(): string {
  return randomBytes(32).toString("base64url");
}

/** What a secret is kept under. */
export function digestOf(secret: string): string {
  return createHash("sha256").update(secret).digest("base64url");
}

const TOKEN_PREFIX = "curtain_";
const TOKEN = /^curtain_([0-9a-f]{64})([0-9a-f]{6})$/;

/** A new API token: a prefix that finds leaked ones, 256 random bits, and a checksum of both. */
export function newApiToken(): string {
  const random = randomBytes(32).toString("hex");
  return TOKEN_PREFIX + random + checksum(random);
}

/** Whether the text can be a token at all: one that was mistyped is told apart without a look-up. */
export function isApiToken(text: string): boolean {
  const [, random, sum] = TOKEN.exec(text) ?? [];
  return random !== undefined && sum === checksum(random);
}

function checksum(random: string): string {
  return createHash("sha256").update(TOKEN_PREFIX + random).digest("hex").slice(0, 6);
}
