/**
 * Sealed texts: what others keep for us, and can neither read nor change nor make up.
 *
 * AES-GCM with the store's key, so that every process over the store opens what another sealed. The
 * purpose is associated data: what was sealed for one opens for no other. The nonce is derived from
 * content and purpose, so the same text is always sealed the same; a nonce meets only its own text.
 */
import { createCipheriv, createDecipheriv, createHmac } from "node:crypto";
import { Buffer } from "node:buffer";
import type { Store } from "./store.ts";

const CIPHER = "aes-256-gcm";
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** The sealed text, in the characters of base64url; the same `purpose` opens it again. */
export function seal({ cursorKey }: Store, plain: string, purpose: string): string {
  const nonce = createHmac("sha256", cursorKey).update(purpose).update("\u0000").update(plain)
    .digest().subarray(0, NONCE_BYTES);
  const cipher = createCipheriv(CIPHER, cursorKey, nonce);
  cipher.setAAD(Buffer.from(purpose));
  const sealed = Buffer.concat([nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
  return sealed.toString("base64url");
}

/** Null: forged, cut, for another purpose, or of another store. */
export function open({ cursorKey }: Store, text: string, purpose: string): string | null {
  const sealed = Buffer.from(text, "base64url");
  // Checked first, because a decipher that is given too short a tag is never freed.
  if (sealed.length < NONCE_BYTES + TAG_BYTES) return null;
  // Decoding passes over bits and characters that mean nothing: they would be other texts.
  if (sealed.toString("base64url") !== text) return null;
  const decipher = createDecipheriv(CIPHER, cursorKey, sealed.subarray(0, NONCE_BYTES));
  decipher.setAAD(Buffer.from(purpose));
  decipher.setAuthTag(sealed.subarray(-TAG_BYTES));
  try {
    const plain = decipher.update(sealed.subarray(NONCE_BYTES, -TAG_BYTES));
    return Buffer.concat([plain, decipher.final()]).toString();
  } catch {
    return null;
  }
}
