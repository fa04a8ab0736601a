/** What a form of ours says. */
import type { Context } from "hono";
import { DomainError } from "../kv/errors.ts";
import type { AppEnv } from "./app_deps.ts";
import { readBounded } from "./request_body.ts";

const FORM_TYPE = /^application\/x-www-form-urlencoded\s*(;|$)/i;
const MAX_FORM_BYTES = 16 * 1024;

/**
 * Who sent it is asked again when it took its time: take the principal after it.
 * @throws {DomainError} `unsupported_media_type`, `payload_too_large`, `unauthenticated`.
 */
export async function readForm(c: Context<AppEnv>): Promise<URLSearchParams> {
  const type = c.req.header("content-type") ?? "";
  if (!FORM_TYPE.test(type)) {
    throw new DomainError(
      "unsupported_media_type",
      `This address takes application/x-www-form-urlencoded, not "${type.slice(0, 100)}".`,
    );
  }
  const bytes = await readBounded(c.req.raw, MAX_FORM_BYTES);
  await c.get("askAgain")?.();
  return new URLSearchParams(new TextDecoder().decode(bytes));
}
