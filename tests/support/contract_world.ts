/**
 * A store with something of everything that the contract speaks of, always the same, and the app
 * over it: what requests that are made up can be about.
 */
import assert from "node:assert/strict";
import { encodeTime } from "ulid";
import { DomainError } from "../../kv/errors.ts";
import type { EventId, EventRecord, OrganizerId, RunId } from "../../kv/event_record.ts";
import { replaceLease, type RunRecord, setRun, updateJobRecord } from "../../kv/jobs.ts";
import { createToken } from "../../kv/api_tokens.ts";
import { createInvitation, type InvitationId } from "../../kv/invitations.ts";
import { createMove } from "../../kv/organizer_moves.ts";
import { changeMember, createOrganizer, readOrganizer } from "../../kv/organizers.ts";
import { createSession } from "../../kv/sessions.ts";
import type { Store } from "../../kv/store.ts";
import { createUser } from "../../kv/users.ts";
import { ROOT } from "../../lifecycle/policy.ts";
import { digestOf } from "../../lifecycle/secrets.ts";
import { newSession, sessionName } from "../../lifecycle/sessions.ts";
import { authentication } from "../../routes/authentication.ts";
import { type Taken, TokenBuckets } from "../../routes/token_buckets.ts";
import { aRun, JOB } from "../kv/job_records.ts";
import { aLine, aToken, aUser } from "../kv/people_records.ts";
import { anOrganizer } from "../kv/organizer_records.ts";
import { aMember, organizerId } from "../lifecycle/lifecycle_fixture.ts";
import {
  ADMIN_TOKEN,
  aRecord,
  DAY,
  freshStore,
  HOUR,
  MINUTE,
  NOW,
  storeAll,
  type TestApp,
  testApp,
} from "./fixture.ts";

const eventId = (number: number): EventId => `evt_${String(number).padStart(26, "0")}`;

/** Alice owns the first house and all events; the second is Carol's, who has one draft. */
export const HOUSE = organizerId(1);
export const OTHER_HOUSE = organizerId(2);
/** Its events are being moved to the other house. */
export const OLD_HOUSE = organizerId(3);

export const HOUSES: OrganizerId[] = [HOUSE, OTHER_HOUSE, OLD_HOUSE];

const OVER = { startDate: NOW - 2 * DAY, endDate: NOW - DAY };

/** Of each status one, and what else lists and rights tell apart. */
const RECORDS = {
  draft: { status: "DRAFT" },
  confirmed: { status: "CONFIRMED", startDate: NOW + HOUR, endDate: NOW + DAY },
  ongoing: { status: "ONGOING" },
  completed: { status: "COMPLETED", ...OVER, completedAt: OVER.endDate },
  cancelled: { status: "CANCELLED", startDate: NOW + HOUR, endDate: NOW + DAY },
  archived: { status: "ARCHIVED", ...OVER, archivedFrom: "COMPLETED", completedAt: OVER.endDate },
  private: { status: "CONFIRMED", visibility: "PRIVATE", startDate: NOW + HOUR },
  unlisted: { status: "CONFIRMED", visibility: "UNLISTED", startDate: NOW + HOUR },
  /** Over by the clock, and no job has recorded it. */
  due: { status: "CONFIRMED", ...OVER },
  openEnded: { status: "CONFIRMED", endDate: null },
  whole: {
    status: "CONFIRMED",
    externalId: "winter-gala",
    startDate: NOW + HOUR,
    endDate: NOW + DAY,
    url: "https://example.org/gala",
    location: {
      name: "Royal Hall",
      address: null,
      city: "London",
      country: "United Kingdom",
      latitude: 51.5,
      longitude: -0.1,
    },
    metadata: { ticket_system: "7" },
    staff: [{ userId: "usr_bob", role: "viewer" }],
  },
} satisfies Record<string, Partial<EventRecord>>;

export type EventName = keyof typeof RECORDS;

export const EVENTS = Object.fromEntries(
  Object.keys(RECORDS).map((name, i) => [name, eventId(i + 1)]),
) as Record<EventName, EventId>;

/** Of Carol's house. */
export const OTHERS_DRAFT = eventId(50);

const runId = (number: number): RunId =>
  `run_${encodeTime(NOW - number * MINUTE)}${"0".repeat(16)}`;
export const RUNS = [runId(1), runId(2), runId(3)];

/** What the admin, members and guests send; `member-alice` is `usr_alice`. */
export const TOKENS = { admin: ADMIN_TOKEN, alice: "member-alice", bob: "member-bob" };

/** A limit that is far away, or used up for everybody. */
class Buckets extends TokenBuckets {
  areSpent = false;

  override take(client: string, cost: 0 | 1): Taken {
    const taken = super.take(client, cost);
    if (!this.areSpent) return taken;
    return { ...taken, allowed: cost === 0, remaining: 0, nextInSeconds: 1 };
  }
}

export interface World extends TestApp {
  buckets: Buckets;
  /** From here on the store fails, as it does when it does not answer, or by a bug. */
  fail: (how: "unavailable" | "broken") => void;
}

export async function contractWorld(): Promise<World> {
  const buckets = new Buckets({ perMinute: 100_000, clock: () => NOW });
  const store = await freshStore();
  const adminOnly = authentication(store, { clock: () => NOW, adminToken: ADMIN_TOKEN });
  const t = await testApp({
    store,
    buckets,
    authenticate(request) {
      const header = request.headers.get("authorization") ?? "";
      const [, name] = /^Bearer member-(\w+)$/.exec(header) ?? [];
      return name === undefined ? adminOnly(request) : aMember(`usr_${name}`);
    },
  });
  await createOrganizer(store, anOrganizer(1, { externalId: "house" }), "usr_alice");
  // One of her people, to be removed.
  const house = (await readOrganizer(store, HOUSE))!;
  assert.ok(
    await changeMember(store, house, { userId: "usr_dora", role: "viewer", line: aLine(0) }),
  );
  await createOrganizer(store, anOrganizer(2, { url: "https://example.org/" }), "usr_carol");
  await createOrganizer(store, anOrganizer(3), "usr_carol");
  await storeAll(store, [
    ...Object.entries(RECORDS).map(([name, record]) =>
      aRecord({ ...record, id: EVENTS[name as EventName], organizerId: HOUSE })
    ),
    aRecord({ id: OTHERS_DRAFT, organizerId: OTHER_HOUSE, status: "DRAFT" }),
  ]);
  const move = { format: 1, to: OTHER_HOUSE, by: ROOT.userId, at: NOW, reason: null };
  await createMove(store, OLD_HOUSE, move);
  await storeRuns(t);
  await storePeople(store);
  return Object.assign(t, {
    buckets,
    fail(how: "unavailable" | "broken") {
      const error = how === "unavailable" ? new DomainError("store_unavailable") : new Error(how);
      const failing = () => Promise.reject(error);
      Object.assign(store, { get: failing, getMany: failing, list: failing, commit: failing });
    },
  });
}

export const INVITATION = "i".repeat(43);
export const INVITATION_ID: InvitationId = `inv_${"0".repeat(26)}`;
export const TOKEN_IDS = {
  admin: `tok_${"0".repeat(26)}`,
  alice: `tok_${"0".repeat(25)}1`,
} as const;
export const SESSION_IDS = {
  admin: sessionName("a".repeat(43)),
  alice: sessionName("b".repeat(43)),
};

/** Who signed in, with what they have; and an invitation to Alice's house. */
async function storePeople(store: Store): Promise<void> {
  const users = [aUser("usr_alice"), aUser("usr_bob", { role: "guest" })];
  for (const user of users) assert.ok(await createUser(store, user, () => {}));
  const owners = [["admin", ROOT.userId, "a"], ["alice", "usr_alice", "b"]] as const;
  for (const [name, userId, letter] of owners) {
    const session = newSession(userId, {
      provider: "development",
      userAgent: "A browser",
      now: NOW - HOUR,
      lastsMs: 30 * DAY,
    });
    await createSession(store, { digest: letter.repeat(43), session, keptMs: DAY }, () => {});
    const token = aToken({ id: TOKEN_IDS[name], userId });
    await createToken(store, { digest: letter.repeat(43), token }, { together() {} });
  }
  const invitation = {
    format: 1,
    id: INVITATION_ID,
    organizerId: HOUSE,
    role: "editor" as const,
    email: null,
    invitedBy: ROOT.userId,
    createdAt: NOW - HOUR,
    expiresAt: NOW + DAY,
  };
  await createInvitation(store, { digest: digestOf(INVITATION), invitation }, {
    together() {},
  });
}

/** Jobs that are paused, so that nothing happens by itself, and runs of one of them. */
async function storeRuns({ store, runner }: TestApp): Promise<void> {
  const lastRun: Partial<RunRecord> = {
    status: "failed",
    failed: 1,
    failures: [{ eventId: EVENTS.due, error: "too large" }],
    error: "interrupted",
  };
  const planned = [{ id: EVENTS.due, from: "CONFIRMED", to: "COMPLETED" }];
  const more = [lastRun, { dryRun: true, planned }, {
    finishedAt: null,
    status: "running" as const,
  }];
  const runs = RUNS.map((id, i) =>
    aRun(0, { id, startedAt: NOW - (i + 1) * MINUTE, lateByMs: 1_500, ...more[i] })
  );
  for (const run of runs) await setRun(store, run);
  for (const { name } of runner.jobs) {
    await updateJobRecord(store, name, (record) => ({
      ...record,
      pause: { reason: "A test", until: NOW + 1_000 * DAY },
      lastRun: name === JOB ? runs[0]! : null,
      lastSuccessAt: NOW,
    }));
  }
  await replaceLease(store, "reindex_events", null, {
    format: 1,
    runId: RUNS[0]!,
    trigger: "cron",
    startedAt: NOW,
    expiresAt: NOW + HOUR,
    fence: 1,
  });
}
