/** People who are forgotten, for the tests of that: what is kept of them, and looking for it. */
import assert from "node:assert/strict";
import { type AuditLine, listAudit } from "../../kv/audit.ts";
import { type Erasure, type ErasureChoice, listErasures } from "../../kv/erasures.ts";
import type { EventRecord, UserId } from "../../kv/event_record.ts";
import { findOutcome, keepOutcome } from "../../kv/outcomes.ts";
import type { Store } from "../../kv/store.ts";
import { issueToken } from "../../lifecycle/api_tokens.ts";
import { submitEvent } from "../../lifecycle/create_event.ts";
import { requestErasure } from "../../lifecycle/erasure.ts";
import { invite } from "../../lifecycle/invitations.ts";
import { ERASE_USERS } from "../../lifecycle/jobs/erase_users.ts";
import type { RunContext, RunReport } from "../../lifecycle/jobs/job.ts";
import type { Principal } from "../../lifecycle/policy.ts";
import { signIn } from "../../lifecycle/sign_in.ts";
import { everything } from "../kv/test_store.ts";
import { DAY, MINUTE, NOW, storeEvent } from "../support/fixture.ts";
import { addMember, aRunContext, organizerId } from "./lifecycle_fixture.ts";

export type Person = Principal & { userId: UserId };

const ISSUER = "https://id.example";
/** What may be found nowhere when she is forgotten. */
export const TRACES = [
  "Alice Liddell",
  "alice@wonder.example",
  "subject-of-alice",
  "Alice's phone",
];
/** Where Alice is an editor, and is named on an event of. */
export const HALL = organizerId(7);

function optionsOf(isAdmin: boolean, userAgent: string, identity: string) {
  return {
    now: NOW - DAY,
    provider: "oidc",
    userAgent,
    signUp: { rule: "open" },
    adminUsers: new Set(isAdmin ? [identity] : []),
  } as const;
}

/** Signs somebody in who is called so: a member, or an administrator. */
export async function person(store: Store, name: string, isAdmin = false): Promise<Person> {
  const subject = `subject-of-${name.toLowerCase()}`;
  const options = optionsOf(isAdmin, "A browser", `${ISSUER}|${subject}`);
  const profile = { issuer: ISSUER, subject, name, emailVerified: false };
  return (await signIn(store, profile, options)).principal;
}

/** Alice, signed in as from two browsers. */
export async function alice(store: Store): Promise<Person> {
  const [name, email, subject, userAgent] = TRACES as [string, string, string, string];
  const profile = { issuer: ISSUER, subject, name, email, emailVerified: true };
  await signIn(store, profile, optionsOf(false, "A browser", ""));
  return (await signIn(store, profile, optionsOf(false, userAgent, ""))).principal;
}

/** An event of the person's own organizer, which their first one makes. */
export function ownEvent(
  store: Store,
  principal: Person,
  { status = "CONFIRMED", endDate = "2026-12-07T19:00:00Z" }: {
    status?: EventRecord["status"];
    endDate?: string;
  } = {},
): Promise<EventRecord> {
  return submitEvent(store, {
    content: { title: "Tea" },
    times: { startDate: "2026-12-05T17:30:00Z", endDate },
    status,
  }, { principal, now: NOW - DAY });
}

/** All that a person can leave behind. */
export async function leaveEverywhere(
  store: Store,
  principal: Person,
): Promise<{ own: EventRecord; hall: EventRecord }> {
  const { userId } = principal;
  const own = await ownEvent(store, principal);
  const host = await person(store, "Hatter");
  await addMember(store, HALL, { userId: host.userId, role: "owner" });
  await addMember(store, HALL, { userId, role: "editor" });
  const staff = [{ userId, role: "editor" }, { userId: host.userId, role: "viewer" }] as const;
  const { record: hall } = await storeEvent(store, { organizerId: HALL, staff: [...staff] });
  const now = NOW - 1;
  const token = { name: "Alice Liddell's script", scopes: [], expiresAt: NOW + 9 * DAY };
  await issueToken(store, token, { principal, now });
  const email = TRACES[1]!;
  await invite(store, HALL, { role: "owner", email: email.toUpperCase(), principal: host, now });
  await invite(store, HALL, { role: "viewer", email: "bill@x.example", principal: host, now });
  const { organizerId } = own;
  await invite(store, organizerId, { role: "editor", email: null, principal, now });
  const found = await findOutcome(store, { userId, digest: "a key's", now });
  assert.ok("slot" in found);
  await keepOutcome(store, {
    slot: found.slot,
    outcomeOf: () => ({
      requestHash: "hash",
      status: 201,
      headers: {},
      body: new TextEncoder().encode(`{"name":"${TRACES[0]}"}`),
      expiresAt: NOW + DAY,
    }),
  });
  return { own, hall };
}

export function ask(
  store: Store,
  principal: Person,
  organizers: ErasureChoice = "pass_on",
): Promise<Erasure> {
  return requestErasure(store, organizers, { principal, now: NOW, hasRoot: false });
}

/** A run of the job a minute after `NOW`, when it can end what was asked for then. */
export function runErasures(store: Store, context: Partial<RunContext> = {}): Promise<RunReport> {
  return ERASE_USERS.run(store, aRunContext({ now: NOW + MINUTE, ...context }));
}

export async function isUnderWay(store: Store): Promise<boolean> {
  return (await listErasures(store)).length > 0;
}

/** Which of the texts stand anywhere in the store: in a key, a text, or bytes that are one. */
export async function tracesIn(store: Store, texts = TRACES): Promise<string[]> {
  const rows = await everything(store);
  const whole = rows.map(({ key, value }) => `${key.join(" ")} ${textOf(value)}`).join("\n");
  return texts.filter((text) => whole.toLowerCase().includes(text.toLowerCase()));
}

function textOf(value: unknown): string {
  if (value instanceof Uint8Array) return new TextDecoder().decode(value);
  if (typeof value !== "object" || value === null) return String(value);
  return Object.values(value).map(textOf).join(" ");
}

/** The first parts of the keys of rows that name the user. */
export async function rowsNaming(store: Store, userId: UserId): Promise<string[]> {
  const rows = await everything(store);
  const naming = rows.filter(({ key, value }) =>
    // Requests to look at an organizer wait for another job.
    key[0] !== "withholding" && (key.includes(userId) || textOf(value).includes(userId))
  );
  return [...new Set(naming.map(({ key }) => String(key[0])))].sort();
}

/** The audit log's lines about a user or by them, oldest first. */
export async function linesOf(store: Store, userId: UserId): Promise<AuditLine[]> {
  return (await listAudit(store, { userId, before: null, limit: 500 })).reverse();
}
