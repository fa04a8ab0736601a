/** People who are signed in, and programs with their tokens. */
import assert from "node:assert/strict";
import type { UserId } from "../../kv/event_record.ts";
import { readUser, replaceUser, type UserRole } from "../../kv/users.ts";
import { issueToken } from "../../lifecycle/api_tokens.ts";
import { personOf } from "../../lifecycle/sessions.ts";
import { signIn } from "../../lifecycle/sign_in.ts";
import type { Scope } from "../../lifecycle/scopes.ts";
import { DAY, type TestApp } from "./fixture.ts";

/** A month after `NOW`. */
export const IN_A_MONTH = "2027-01-04T18:00:00Z";

/** The headers of one of our own pages in somebody's browser, and whose browser it is. */
export type Browser = Record<string, string> & { id: UserId; cookie: string };

type Where = Pick<TestApp, "store" | "clock">;

/** Signs `name` in, as the development form does. The `id` is a header like any other to the app. */
export async function signedIn(
  { store, clock }: Where,
  name: string,
  { role = "member", email }: { role?: UserRole; email?: string } = {},
): Promise<Browser> {
  const { now } = clock;
  const profile = {
    issuer: "development",
    subject: name.toLowerCase(),
    name,
    ...(email === undefined ? {} : { email }),
    emailVerified: email !== undefined,
  };
  const { principal: { userId }, secret } = await signIn(store, profile, {
    now,
    provider: "development",
    userAgent: "A test",
    signUp: { rule: "open" },
    adminUsers: new Set(),
  });
  const read = (await readUser(store, userId))!;
  if (read.user.role !== role) {
    const next = { ...read.user, role };
    assert.equal(
      await replaceUser(store, read, next, { hasRoot: true, together() {} }),
      "replaced",
    );
  }
  return { id: userId, cookie: `session=${secret}`, "sec-fetch-site": "same-origin" };
}

/** The headers of a program with a new token of somebody's. */
export async function tokenOf(
  { store, clock }: Where,
  { id }: { id: UserId },
  scopes: Scope[],
): Promise<{ authorization: string }> {
  const { user } = (await readUser(store, id))!;
  const { now } = clock;
  const input = { name: "A program", scopes, expiresAt: now + 30 * DAY };
  const { secret } = await issueToken(store, input, { principal: personOf(user), now });
  return { authorization: `Bearer ${secret}` };
}
