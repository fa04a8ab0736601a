/** What tests start from: a fresh store, a clock that stands still, the real app. */
import assert from "node:assert/strict";
import type { EventId, EventRecord } from "../../kv/event_record.ts";
import { createEvent, getEvent, type StoredEvent } from "../../kv/events.ts";
import type { Change } from "../../kv/journal.ts";
import { Store, type StoreOptions } from "../../kv/store.ts";
import { newRecord } from "../../lifecycle/create_event.ts";
import type { Job } from "../../lifecycle/jobs/job.ts";
import { JobRunner } from "../../lifecycle/jobs/runner.ts";
import { type Logger, SILENT } from "../../lifecycle/log.ts";
import { type Principal, ROOT } from "../../lifecycle/policy.ts";
import { Realtime, type RealtimeOptions } from "../../lifecycle/realtime/realtime.ts";
import { createApp } from "../../routes/app.ts";
import type { SignInOptions, StreamLimits } from "../../routes/app_deps.ts";
import { authentication, tokenCheck } from "../../routes/authentication.ts";
import { TokenBuckets } from "../../routes/token_buckets.ts";
import { type IpRange, parseIpRange } from "../../lifecycle/ip_ranges.ts";
import { freshKv } from "./fresh_kv.ts";

export const SECOND = 1_000;
export const MINUTE = 60 * SECOND;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;

/** The clock's reading unless a test sets another: 2026-12-05T18:00:00Z. */
export const NOW = Date.parse("2026-12-05T18:00:00Z");

export const ADMIN_TOKEN = "test-token-of-at-least-32-characters";
export const ADMIN = { authorization: `Bearer ${ADMIN_TOKEN}` };

/** The whole suite or its small counts: `TEST_SCALE=full` gives the first. */
export function scaled<T>(full: T, small: T): T {
  return Deno.env.get("TEST_SCALE") === "full" ? full : small;
}

/** An empty store: in memory, but see `fresh_kv.ts`. */
export async function freshStore(options: StoreOptions = {}): Promise<Store> {
  return await Store.over(await freshKv(), options);
}

export interface TestApp extends AsyncDisposable {
  store: Store;
  runner: JobRunner;
  realtime: Realtime;
  /** Set `clock.now` to move time. */
  clock: { now: number };
  /**
   * Sends a request; an object body goes as JSON. A change of an event goes with `If-Match: *`, as
   * one must be sent, unless the test sends another or says `ifMatch: null`.
   */
  request: (method: string, path: string, options?: RequestOptions) => Promise<Response>;
  app: ReturnType<typeof createApp>;
}

export interface RequestOptions {
  body?: unknown;
  headers?: Record<string, string>;
  ifMatch?: string | null;
  /** The address of the socket. */
  from?: string;
}

const CHANGES_EVENT =
  /^((PATCH|DELETE) \/v1\/events\/[^/?]+|POST \/v1\/events\/[^/?]+\/transitions)(\?|$)/;

export interface TestAppOptions {
  store?: Store;
  jobs?: readonly Job[];
  authenticate?: (request: Request) => Principal | Promise<Principal>;
  log?: Logger;
  securityContact?: string;
  requestsPerMinute?: number;
  buckets?: TokenBuckets;
  trustedProxies?: string[];
  requestDeadlineMs?: number;
  attempts?: TokenBuckets;
  publicOrigin?: string;
  /** Another than `ADMIN_TOKEN`; null: none is set. */
  adminToken?: string | null;
  /** Whether it counts as set where the last administrator leaves. */
  hasRoot?: boolean;
  signIn?: Partial<SignInOptions>;
  realtime?: Partial<RealtimeOptions>;
  streamLimits?: Partial<StreamLimits>;
  /** The time of day in place of a clock that stands still. */
  clock?: () => number;
}

/**
 * The real app on a store of its own. `authenticate` by default knows the admin's token, and nobody
 * is limited unless `requestsPerMinute` says so.
 */
export async function testApp(options: TestAppOptions = {}): Promise<TestApp> {
  const store = options.store ?? await freshStore();
  const clock = { now: NOW };
  const read = options.clock ?? (() => clock.now);
  const runner = new JobRunner(store, { log: SILENT, ...options, clock: read });
  const { requestsPerMinute: perMinute, requestDeadlineMs, adminToken = ADMIN_TOKEN } = options;
  const realtime = new Realtime(store, {
    clock: read,
    openEndedMs: DAY,
    log: SILENT,
    sweep: (job) => runner.run(job, { trigger: "traffic" }),
    ...options.realtime,
  });
  const app = createApp({
    store,
    runner,
    realtime,
    clock: read,
    openEndedMs: DAY,
    log: options.log ?? SILENT,
    securityContact: options.securityContact ?? null,
    authenticate: options.authenticate ??
      authentication(store, { clock: read, adminToken }),
    build: { version: "0.0.0-test", deployment: null },
    buckets: perMinute === undefined
      ? options.buckets
      : new TokenBuckets({ perMinute, clock: read }),
    attempts: options.attempts,
    hasRoot: options.hasRoot ?? adminToken !== null,
    publicOrigin: options.publicOrigin ?? null,
    signIn: {
      providers: [],
      isDevelopment: false,
      isAdminToken: adminToken === null ? null : tokenCheck(adminToken),
      signUp: { rule: "invited" },
      adminUsers: new Set(),
      ...options.signIn,
    },
    trustedProxies: options.trustedProxies?.map((text): IpRange => parseIpRange(text)!) ?? [],
    ...(requestDeadlineMs === undefined ? {} : { requestDeadlineMs }),
    ...(options.streamLimits === undefined ? {} : { streamLimits: options.streamLimits }),
  });
  return {
    store,
    runner,
    realtime,
    clock,
    app,
    async request(method, path, { body, headers = {}, ifMatch = "*", from = "192.0.2.1" } = {}) {
      const isText = typeof body === "string" || body instanceof ReadableStream;
      const isConditional = ifMatch !== null && CHANGES_EVENT.test(`${method} ${path}`);
      return await app.request(path, {
        method,
        headers: {
          ...(body === undefined || isText ? {} : { "content-type": "application/json" }),
          ...(isConditional ? { "if-match": ifMatch } : {}),
          ...headers,
        },
        ...(body === undefined ? {} : { body: isText ? body as BodyInit : JSON.stringify(body) }),
      }, { remoteAddr: { transport: "tcp", hostname: from, port: 50_000 } });
    },
    async [Symbol.asyncDispose]() {
      await Promise.all([realtime.stop(), runner.stop()]);
      store.close();
    },
  };
}

/** A record that was never stored: CONFIRMED, PUBLIC, from an hour ago to an hour from `NOW`. */
export function aRecord(overrides: Partial<EventRecord> = {}): EventRecord {
  const base = newRecord({
    content: { title: "Winter Gala", tags: ["music"] },
    times: { startDate: "2026-12-05T17:00:00Z", endDate: "2026-12-05T19:00:00Z" },
    status: "CONFIRMED",
  }, { organizerId: "org_00000000000000000000000000", now: NOW - DAY });
  return { ...base, ...overrides };
}

/** Stores `aRecord(overrides)` and answers it as it was read back. */
export function storeEvent(
  store: Store,
  overrides: Partial<EventRecord> = {},
): Promise<StoredEvent> {
  return storeRecord(store, aRecord(overrides));
}

async function storeRecord(store: Store, record: EventRecord): Promise<StoredEvent> {
  const result = await createEvent(store, record, ROOT.userId);
  assert.equal(result.outcome, "committed");
  return (await getEvent(store, record.id))!;
}

/** Stores `count` of them, answered as they were read back. */
export function storeEvents(
  store: Store,
  count: number,
  overrides: Partial<EventRecord> = {},
): Promise<StoredEvent[]> {
  return storeAll(store, Array.from({ length: count }, () => aRecord(overrides)));
}

/** Stores records, many at a time: singly it takes long where a network lies between. */
export async function storeAll(store: Store, records: EventRecord[]): Promise<StoredEvent[]> {
  const stored: StoredEvent[] = [];
  while (stored.length < records.length) {
    const slice = records.slice(stored.length, stored.length + 50);
    stored.push(...await Promise.all(slice.map((record) => storeRecord(store, record))));
  }
  return stored;
}

/** Everything of a range is read in few calls. */
const MANY = { batchSize: 500 };

/** Every record in the store. */
export async function allRecords(store: Store): Promise<EventRecord[]> {
  const entries = await Array.fromAsync(store.kv.list<EventRecord>({ prefix: ["event"] }, MANY));
  return entries.map((entry) => entry.value);
}

/** Keys of what is no index of events. */
const NO_INDEX =
  /^(user.*|admins|session.*|token.*|invitation.*|audit.*|withholding|erasure|sign_in.*|event|event_history|event_restore|idempotency|organizer.*|journal.*|store|job.*|index_state)$/;

/** Asserts that the indexes, all there are, are exactly those rebuilt from the records. */
export async function assertIndexesRebuild(store: Store): Promise<void> {
  const expected = new Map<string, unknown>();
  for (const record of await allRecords(store)) {
    for (const { key, value } of store.schema.indexEntries(record)) {
      expected.set(key.join("|"), value);
    }
  }
  const actual = new Map<string, unknown>();
  for await (const { key, value } of store.kv.list({ prefix: [] }, MANY)) {
    if (!NO_INDEX.test(key[0] as string)) actual.set(key.join("|"), value);
  }
  assert.deepEqual([...actual.keys()].sort(), [...expected.keys()].sort());
  for (const [key, value] of actual) assert.deepEqual(value, expected.get(key), key);
}

/** Every change in the journal, oldest first. */
export async function allChanges(store: Store) {
  const entries = await Array.fromAsync(
    store.kv.list<{ changes: Change[] }>({ prefix: ["journal"] }, MANY),
  );
  return entries.flatMap((entry) => entry.value.changes);
}

/** Completions in the journal, counted by event. */
export async function completionsByEvent(store: Store): Promise<Map<EventId, number>> {
  const counts = new Map<EventId, number>();
  for (const { type, event } of await allChanges(store)) {
    if (type !== "transitioned" || event.status !== "COMPLETED") continue;
    counts.set(event.id, (counts.get(event.id) ?? 0) + 1);
  }
  return counts;
}
