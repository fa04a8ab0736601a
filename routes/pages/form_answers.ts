/** What a form says, and where its page goes on. */
import type { Context } from "hono";
import { DomainError } from "../../kv/errors.ts";
import type { UserId } from "../../kv/event_record.ts";
import { USER_ID } from "../../lifecycle/ids.ts";
import { type Principal, requireInPerson } from "../../lifecycle/policy.ts";
import type { AppEnv } from "../app_deps.ts";
import { readForm } from "../form_body.ts";
import { donePath, type DoneWord } from "./done.tsx";

/**
 * A form of somebody who is there in person, and who they are now that it is read.
 * @throws {DomainError} `unauthenticated`, `forbidden`, and as `readForm`.
 */
export async function personsForm(
  c: Context<AppEnv>,
): Promise<{ form: URLSearchParams; principal: Principal & { userId: UserId } }> {
  // Before anything is read: strangers cannot make us hold what they send.
  requireInPerson(c.get("principal"));
  const form = await readForm(c);
  const principal = c.get("principal");
  requireInPerson(principal);
  return { form, principal };
}

/** The page is asked for by GET, and says what was done. */
export function goOn(c: Context<AppEnv>, path: string, done?: DoneWord): Response {
  return c.redirect(done === undefined ? path : donePath(path, done), 303);
}

/** One of `words`, as a form of ours sends it; undefined for anything else. */
export function wordOf<Word extends string>(
  text: string | null,
  words: readonly Word[],
): Word | undefined {
  return words.find((word) => word === text);
}

/** A user's id, as a form of ours sends it; undefined for what cannot be one. */
export function userIdOf(text: string | null | undefined): UserId | undefined {
  return text && USER_ID.test(text) ? text as UserId : undefined;
}

/** @throws {DomainError} `not_found` for a form that is none of this page's. */
export function unknownForm(): DomainError {
  return new DomainError("not_found", "This page has no such form.");
}
