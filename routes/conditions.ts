/** Conditional requests: `If-Match` and `If-None-Match` (RFC 9110 section 13). */
import type { Context } from "hono";
import { DomainError } from "../kv/errors.ts";
import type { TagCondition } from "../lifecycle/event_tag.ts";
import type { AppEnv } from "./app_deps.ts";

const TAG = /(W\/)?"[\x21\x23-\x7e\x80-\xff]*"/y;
const MAX_TAGS = 50;

/**
 * What `If-Match` demands of the event. Weak tags are left out: they match no version for certain.
 *
 * Asked before the event is looked up, so that the answer without it is the same for events that
 * are there, hidden or none.
 * @throws {DomainError} `precondition_required` when it is not sent (RFC 6585 section 3);
 * `invalid_header`.
 */
export function requireIfMatch(c: Context<AppEnv>): TagCondition {
  const header = c.req.header("if-match");
  if (header === undefined) {
    throw new DomainError(
      "precondition_required",
      "Send If-Match with the ETag of the event as it was read: the change is then made only " +
        'while nobody else has changed it. "*" changes whatever is there.',
    );
  }
  const tags = tagsOf(header);
  if (tags === null) {
    throw new DomainError(
      "invalid_header",
      'If-Match must be "*" or entity tags in double quotes, as ETag gave them.',
    );
  }
  return tags === "*" ? tags : tags.filter((tag) => !tag.startsWith("W/"));
}

/** Whether the client has this version already. What makes no sense is passed over, not refused. */
export function isKnown(c: Context<AppEnv>, etag: string): boolean {
  const header = c.req.header("if-none-match");
  if (header === undefined) return false;
  const tags = tagsOf(header);
  if (tags === null || tags === "*") return tags === "*";
  return tags.some((tag) => opaque(tag) === opaque(etag));
}

const opaque = (tag: string) => tag.replace(/^W\//, "");

/** Null when the text is neither `*` nor a list of entity tags. */
function tagsOf(header: string): TagCondition | null {
  if (header.trim() === "*") return "*";
  const tags: string[] = [];
  let at = 0;
  for (;;) {
    while (/[\s,]/.test(header[at] ?? "")) at++;
    if (at === header.length) return tags.length === 0 ? null : tags;
    TAG.lastIndex = at;
    const [tag] = TAG.exec(header) ?? [];
    if (tag === undefined || tags.length === MAX_TAGS) return null;
    tags.push(tag);
    at += tag.length;
  }
}
