/**
 * A store with something of everything that the contract speaks of, always the same, and the app
 * over it: what requests that are made up can be about.
 */
import { encodeTime } from "ulid";
import { DomainError } from "../../kv/errors.ts";
import type { EventId, EventRecord, OrganizerId, RunId } from "../../kv/event_record.ts";
import { replaceLease, type RunRecord, setRun, updateJobRecord } from "../../kv/jobs.ts";
import { createMove } from "../../kv/organizer_moves.ts";
import { createOrganizer } from "../../kv/organizers.ts";
import { ROOT } from "../../lifecycle/policy.ts";
import { bearerAuthentication } from "../../routes/authentication.ts";
import { type Taken, TokenBuckets } from "../../routes/token_buckets.ts";
import { aRun, JOB } from "../kv/job_records.ts";
import { anOrganizer } from "../kv/organizer_records.ts";
import { aMember, organizerId } from "../lifecycle/lifecycle_fixture.ts";
import {
  ADMIN_TOKEN,
  aRecord,
  DAY,
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
  const adminOnly = bearerAuthentication(ADMIN_TOKEN);
  const t = await testApp({
    buckets,
    authenticate(request) {
      const header = request.headers.get("authorization") ?? "";
      const [, name] = /^Bearer member-(\w+)$/.exec(header) ?? [];
      return name === undefined ? adminOnly(request) : aMember(`usr_${name}`);
    },
  });
  const { store } = t;
  await createOrganizer(store, anOrganizer(1, { externalId: "house" }), "usr_alice");
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
  return Object.assign(t, {
    buckets,
    fail(how: "unavailable" | "broken") {
      const error = how === "unavailable" ? new DomainError("store_unavailable") : new Error(how);
      const failing = () => Promise.reject(error);
      Object.assign(store, { get: failing, getMany: failing, list: failing, commit: failing });
    },
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
