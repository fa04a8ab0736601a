/** Names a version of an asset by its content, so that a new deployment's pages never use an old one. */
import { createHash } from "node:crypto";

/** Ten characters of the text's SHA-256. */
export function versionOf(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 10);
}
