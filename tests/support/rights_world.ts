/**
 * A house with its people, and everybody else who may come by: what the matrix of rights asks as.
 */
import assert from "node:assert/strict";
import { encodeTime } from "ulid";
import type { EventId, OrganizerId, UserId } from "../../kv/event_record.ts";
import { setRun } from "../../kv/jobs.ts";
import { changeMember, createOrganizer, readOrganizer } from "../../kv/organizers.ts";
import type { Store } from "../../kv/store.ts";
import { readToken } from "../../kv/api_tokens.ts";
import { invite } from "../../lifecycle/invitations.ts";
import { ROOT } from "../../lifecycle/policy.ts";
import { ALL_SCOPES, type Scope } from "../../lifecycle/scopes.ts";
import { digestOf } from "../../lifecycle/secrets.ts";
import { sessionName } from "../../lifecycle/sessions.ts";
import { revokeToken } from "../../lifecycle/api_tokens.ts";
import { changeUser } from "../../lifecycle/users.ts";
import { aRun } from "../kv/job_records.ts";
import { anOrganizer } from "../kv/organizer_records.ts";
import { aLine } from "../kv/people_records.ts";
import { DAY, HOUR, NOW, storeEvent, type TestApp, testApp } from "./fixture.ts";
import { type Browser, signedIn, tokenOf } from "./people.ts";

/** Who asks, in the order of the matrix. */
export const CALLERS = [
  "nobody",
  /** An owner's session of a month ago. */
  "expired",
  /** An administrator's, with every scope but the one that is needed. */
  "wrong-scope token",
  /** An administrator's, with every scope but `admin`. */
  "powerless token",
  /** An administrator's, with every scope, until it was revoked. */
  "revoked token",
  "guest",
  /** An editor who was suspended. */
  "suspended",
  /** Of the site, not of the house. */
  "member",
  "viewer",
  "editor",
  "owner",
  /** An editor of the single events, not of the house. */
  "staff",
  "admin",
] as const;
export type Caller = typeof CALLERS[number];

/** What a caller sends, and what is theirs. */
export interface Credentials {
  headers: Record<string, string>;
  userId: UserId;
  sessionId: string;
  tokenId: string;
}

export interface RightsWorld extends TestApp {
  as: (caller: Caller, scope: Scope | null) => Promise<Credentials>;
  house: OrganizerId;
  otherHouse: OrganizerId;
  draft: EventId;
  shown: EventId;
  over: EventId;
  /** A viewer of the house beside the one who asks. */
  dora: UserId;
  /** A user who is nobody to the house. */
  emil: UserId;
  /** An open invitation of an editor: the secret, and its id. */
  invitation: { secret: string; id: string };
}

const NONE = {
  headers: {},
  userId: `usr_${"0".repeat(26)}`,
  sessionId: `ses_${"0".repeat(16)}`,
  tokenId: `tok_${"0".repeat(26)}`,
} satisfies Credentials;

/** Goes on signing in as whoever comes from there. */
export const PROVIDER = {
  id: "house",
  label: "the house",
  signIn: () =>
    Promise.resolve({
      start: () => Promise.resolve(Response.redirect("https://provider.example/authorize")),
      finish: () =>
        Promise.resolve({
          profile: {
            issuer: "https://provider.example",
            subject: "7",
            name: "Zoe",
            emailVerified: false,
          },
          returnTo: "/",
          setCookies: [],
        }),
    }),
};

export async function rightsWorld(
  { heartbeatMs }: { heartbeatMs?: number } = {},
): Promise<RightsWorld> {
  const t = await testApp({
    ...(heartbeatMs === undefined ? {} : { realtime: { heartbeatMs } }),
    signIn: { providers: [PROVIDER] },
    securityContact: "mailto:security@example.org",
  });
  const { store, clock } = t;
  const house = await storeHouse(store, 1);
  const otherHouse = await storeHouse(store, 2);
  clock.now = NOW - 31 * DAY;
  const { cookie: expired } = await signedIn(t, "owner");
  clock.now = NOW;
  const browsers: Record<string, Browser> = {};
  for (
    const name of ["member", "viewer", "editor", "owner", "staff", "suspended", "dora", "emil"]
  ) {
    browsers[name] = await signedIn(t, name);
  }
  browsers.guest = await signedIn(t, "guest", { role: "guest" });
  browsers.admin = await signedIn(t, "admin", { role: "admin" });
  const { dora, emil, admin, suspended, staff } = browsers as Record<string, Browser>;
  for (const name of ["viewer", "editor", "owner"] as const) {
    await join(store, house, { userId: browsers[name]!.id, role: name });
  }
  await join(store, house, { userId: dora!.id, role: "viewer" });
  await join(store, house, { userId: suspended!.id, role: "editor" });
  await leave(store, house, ROOT.userId);
  const asRoot = { principal: ROOT, now: NOW, hasRoot: true };
  await changeUser(store, suspended!.id, { isSuspended: true }, asRoot);
  const event = {
    organizerId: house,
    staff: [{ userId: staff!.id, role: "editor" as const }],
    startDate: NOW + HOUR,
    endDate: NOW + DAY,
  };
  const { record: { id: draft } } = await storeEvent(store, { ...event, status: "DRAFT" });
  const { record: { id: shown } } = await storeEvent(store, event);
  const { record: { id: over } } = await storeEvent(store, {
    ...event,
    status: "COMPLETED",
    startDate: NOW - 2 * DAY,
    endDate: NOW - DAY,
    completedAt: NOW - DAY,
  });
  const { invitation, secret } = await invite(store, house, {
    role: "editor",
    email: null,
    ...asRoot,
  });
  await setRun(store, aRun(0, { id: RUN_ID }));

  async function as(caller: Caller, scope: Scope | null): Promise<Credentials> {
    if (caller === "nobody") return NONE;
    if (caller === "expired") {
      return { ...NONE, headers: { cookie: expired, "sec-fetch-site": "same-origin" } };
    }
    if (caller === "wrong-scope token" || caller === "powerless token") {
      const lacking = caller === "powerless token" ? "admin" : scope;
      const scopes = ALL_SCOPES.filter((one) => one !== lacking);
      return { ...NONE, userId: admin!.id, headers: await tokenOf(t, admin!, scopes) };
    }
    if (caller === "revoked token") {
      const headers = await tokenOf(t, admin!, [...ALL_SCOPES]);
      const secret = headers.authorization.slice("Bearer ".length);
      const { token } = (await readToken(store, digestOf(secret)))!;
      const principal = { userId: admin!.id, role: "admin" as const, name: null };
      await revokeToken(store, token.id, { principal, now: NOW });
      return { ...NONE, headers };
    }
    const { id: userId, ...headers } = browsers[caller]!;
    const { authorization } = await tokenOf(t, { id: userId }, ["events:read"]);
    const { token } = (await readToken(store, digestOf(authorization.slice("Bearer ".length))))!;
    const sessionId = sessionName(digestOf(headers.cookie!.slice("session=".length)));
    return { headers, userId, sessionId, tokenId: token.id };
  }

  return Object.assign(t, {
    as,
    house,
    otherHouse,
    draft,
    shown,
    over,
    dora: dora!.id,
    emil: emil!.id,
    invitation: { secret, id: invitation.id },
  });
}

export const RUN_ID = `run_${encodeTime(NOW)}${"0".repeat(16)}` as const;

async function storeHouse(store: Store, number: number): Promise<OrganizerId> {
  const organizer = anOrganizer(number);
  assert.ok(await createOrganizer(store, organizer, ROOT.userId));
  return organizer.id;
}

async function join(
  store: Store,
  house: OrganizerId,
  member: { userId: UserId; role: "viewer" | "editor" | "owner" },
): Promise<void> {
  const read = (await readOrganizer(store, house))!;
  assert.ok(await changeMember(store, read, { ...member, line: aLine(0) }));
}

async function leave(store: Store, house: OrganizerId, userId: UserId): Promise<void> {
  const read = (await readOrganizer(store, house))!;
  assert.ok(await changeMember(store, read, { userId, role: null, line: aLine(0) }));
}
