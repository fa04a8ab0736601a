/**
 * Requests made up from the contract, each about something that is in the prepared world: as good
 * as the contract asks for, or with something wrong. They are plain data, so that one can read what
 * failed.
 */
import fc from "fast-check";
import type { Parameter, Schema } from "../../routes/api_document.ts";
import { OPERATIONS } from "../../routes/operations.ts";
import { JOB } from "../kv/job_records.ts";
import type { Contract, NamedOperation } from "./contract.ts";
import {
  type EventName,
  EVENTS,
  HOUSE,
  HOUSES,
  INVITATION,
  INVITATION_ID,
  OTHER_HOUSE,
  RUNS,
  SESSION_IDS,
  TOKEN_IDS,
  TOKENS,
} from "./contract_world.ts";
import { type Known, valuesOf } from "./schema_values.ts";

/** Put in when the request is sent: what a client knows from the answer before. */
export const CURRENT_TAG = "the-current-tag";
export const NEXT_CURSOR = "the-next-cursor";
export const POSITION = "the-position";

export interface MadeUp {
  method: string;
  path: string;
  /** As they stand in the address, escaped. */
  query: [name: string, value: string][];
  headers: Record<string, string>;
  /** Sent as JSON. */
  json?: unknown;
  /** Sent as it is, in place of that. */
  text?: string;
  /** What is amiss on our side, or used up on theirs. */
  amiss?: "unavailable" | "broken" | "limit";
}

export type Caller = keyof typeof TOKENS | "guest";

/** What a request is about, before it is put together. */
interface Draft {
  caller: Caller;
  /** What stands in the address. */
  place: Record<string, string>;
  query: Record<string, unknown>;
  /** Undefined: none. */
  body: unknown;
}

/** What parameters are about, where a schema does not say. */
const PARAMETERS: Known = {
  organizer: fc.constantFrom(...HOUSES),
  after: fc.constantFrom(...HOUSES),
  before: fc.constantFrom(...RUNS),
  user: fc.constantFrom("usr_bob", "usr_root"),
  cursor: fc.constant(NEXT_CURSOR),
  since: fc.constant(POSITION),
  last_event_id: fc.constant(POSITION),
  status: fc.constantFrom("CONFIRMED", "ONGOING,CONFIRMED", "COMPLETED", "CANCELLED"),
  sort: fc.constantFrom("end_date", "-end_date"),
};

/** The same of members of bodies. */
const MEMBERS: Known = {
  organizer_id: fc.constant(HOUSE),
  // Its limit is one of bytes.
  external_id: fc.constantFrom(null, "winter gala/2026", "x".repeat(200)),
  // Nobody twice.
  staff: fc.subarray([
    { user_id: "usr_bob", role: "viewer" },
    { user_id: "usr_0", role: "editor" },
  ]),
  expires_at: fc.constantFrom("2026-12-24T23:00:00Z", "2027-01-01T00:00:00+01:00"),
  email: fc.constantFrom(null, "ann@example.org"),
  until: fc.constantFrom("2026-12-24T23:00:00Z", "2027-01-01T00:00:00+01:00"),
};

/** Times that go together, and have not ended by the world's now. */
const TIMES = fc.constantFrom<Record<string, unknown>>(
  { start_date: "2026-12-06T19:30:00Z" },
  { start_date: "2026-12-06T19:30:00Z", end_date: null },
  { start_date: "2026-12-06T19:30:00+05:45", end_date: "2026-12-07T01:00:00.25-03:30" },
  { start_date: "2026-12-06T19:30", end_date: "2026-12-06T23:00", time_zone: "Europe/London" },
  { start_date: "2027-03-28T01:30", time_zone: "Europe/London", disambiguation: "later" },
  { start_date: "2026-12-06", end_date: "2026-12-08", all_day: true },
  { start_date: "2026-12-06", time_zone: "Pacific/Apia" },
  { start_date: "2026-12-04T19:30:00Z", end_date: "2027-01-01T00:00:00Z" },
);
/** Of an edit, which is merged: a new start alone may lie behind the stored end. */
const NEW_TIMES = TIMES.map((times) => ({ end_date: null, ...times }));
const TIME_MEMBERS = ["start_date", "end_date", "time_zone", "all_day", "disambiguation"];

/** Who may see what by its address. */
const EVERYBODYS: EventName[] = ["confirmed", "ongoing", "completed", "cancelled", "archived"];
EVERYBODYS.push("unlisted", "due", "openEnded", "whole");
const EDITABLE: EventName[] = ["draft", "confirmed", "ongoing", "private", "unlisted", "whole"];
const oneOf = (names: EventName[]) => fc.constantFrom(...names.map((name) => EVENTS[name]));
const ANY_EVENT = oneOf(Object.keys(EVENTS) as EventName[]);

const LATER = "2026-12-24T23:00:00Z";
const MOVES: [event: EventName, to: string, caller: Caller, more?: Record<string, unknown>][] = [
  ["draft", "CONFIRMED", "alice"],
  ["draft", "CANCELLED", "alice", { reason: "The singer is ill\nand at home" }],
  ["confirmed", "ONGOING", "admin"],
  ["private", "COMPLETED", "alice", { reason: null }],
  ["ongoing", "COMPLETED", "alice"],
  ["completed", "CONFIRMED", "alice", { end_date: LATER }],
  ["due", "CONFIRMED", "admin", { end_date: null, reason: "" }],
  ["cancelled", "CONFIRMED", "alice"],
  ["completed", "ARCHIVED", "admin"],
  ["archived", "COMPLETED", "admin"],
];

/** What makes drafts of these operations good beyond what the contract can say. */
const SENSIBLE: Record<string, (drafts: fc.Arbitrary<Draft>) => fc.Arbitrary<Draft>> = {
  // An external id finds one event, and takes no other parameter.
  listEvents: (drafts) =>
    drafts.map(({ query: { external_id, ...others }, ...draft }) => ({
      ...draft,
      query: external_id === undefined || others.cursor ? others : { external_id: "winter-gala" },
    })),
  createEvent: (drafts) => withTimes(drafts, TIMES),
  updateEvent: (drafts) =>
    fc.tuple(withTimes(drafts, fc.option(NEW_TIMES, { nil: {} })), oneOf(EDITABLE)).map((
      [draft, id],
    ) => ({
      ...draft,
      place: { id },
      // Only administrators may say whose it is.
      body: draft.caller === "admin" ? draft.body : without(draft.body, ["organizer_id"]),
    })),
  deleteEvent: (drafts) =>
    fc.tuple(drafts, ANY_EVENT).map(([draft, id]) =>
      draft.caller === "alice" ? { ...draft, place: { id: EVENTS.draft } } : {
        ...draft,
        place: { id },
        query: draft.body === undefined ? { reason: "A test" } : {},
        body: draft.body && { reason: "Entered twice" },
      }
    ),
  makeTransition: (drafts) =>
    fc.tuple(drafts, fc.constantFrom(...MOVES)).map(([draft, [event, to, caller, more]]) => ({
      ...draft,
      caller,
      place: { id: EVENTS[event] },
      body: { to, ...more },
    })),
  listHistory: (drafts) =>
    fc.tuple(drafts, ANY_EVENT).map(([draft, id]) => ({ ...draft, place: { id } })),
  updateOrganizer: (drafts) => drafts.map((draft) => ({ ...draft, place: { id: HOUSE } })),
  moveOrganizerEvents: (drafts) =>
    fc.tuple(drafts, fc.constantFrom(...HOUSES.filter((id) => id !== OTHER_HOUSE))).map((
      [draft, id],
    ) => ({ ...draft, place: { id }, body: { ...draft.body as object, to: OTHER_HOUSE } })),
  // Of organizers it is an id.
  listChanges: (drafts) =>
    drafts.map((draft) => ({
      ...draft,
      query: "after" in draft.query ? { ...draft.query, after: POSITION } : draft.query,
    })),
  exportEvents: (drafts) =>
    drafts.map((draft) =>
      draft.caller === "admin" ? draft : { ...draft, query: { ...draft.query, organizer: HOUSE } }
    ),
  // It runs by a cron of its own.
  updateJob: (drafts) =>
    drafts.map((draft) => ({
      ...draft,
      body: draft.place.name === JOB ? without(draft.body, ["interval_seconds"]) : draft.body,
    })),
  listMembers: (drafts) => inHouse(drafts),
  addMember: (drafts) =>
    fc.tuple(
      inHouse(drafts),
      fc.constantFrom<unknown>(
        { user_id: "usr_bob", role: "viewer" },
        { user_id: "usr_bob", role: "owner" },
        { invitation: INVITATION },
      ),
    ).map(([draft, body]) => ({
      ...draft,
      // Alice is an owner already.
      caller: "invitation" in (body as object) ? "admin" : draft.caller,
      body,
    })),
  updateMember: (drafts) =>
    inHouse(drafts).map((draft) => ({
      ...draft,
      place: { ...draft.place, user_id: "usr_alice" },
      body: { role: "owner" },
    })),
  removeMember: (drafts) => inHouse(drafts),
  listInvitations: (drafts) => inHouse(drafts),
  createInvitation: (drafts) => inHouse(drafts),
  revokeInvitation: (drafts) => inHouse(drafts),
  endMySession: (drafts) =>
    drafts.map((draft) => ({ ...draft, place: { session_id: SESSION_IDS[named(draft)] } })),
  revokeToken: (drafts) =>
    drafts.map((draft) => ({ ...draft, place: { id: TOKEN_IDS[named(draft)] } })),
  getUser: (drafts) => ofUser(drafts),
  updateUser: (drafts) => ofUser(drafts),
  // Nobody is forgotten for `usr_root`.
  eraseMe: (drafts) => drafts.map((draft) => ({ ...draft, caller: "alice" as const })),
  listUsers: (drafts) =>
    drafts.map((draft) => ({
      ...draft,
      query: "after" in draft.query ? { ...draft.query, after: "usr_alice" } : draft.query,
    })),
  listAudit: (drafts) =>
    drafts.map((draft) => ({
      ...draft,
      query: "before" in draft.query
        ? { ...draft.query, before: `aud_${RUNS[0]!.slice("run_".length)}` }
        : draft.query,
    })),
  getJobRun: (drafts) =>
    drafts.map((draft) => ({ ...draft, place: { ...draft.place, name: JOB } })),
};

const inHouse = (drafts: fc.Arbitrary<Draft>): fc.Arbitrary<Draft> =>
  drafts.map((draft) => ({ ...draft, place: { ...draft.place, id: HOUSE } }));

const ofUser = (drafts: fc.Arbitrary<Draft>): fc.Arbitrary<Draft> =>
  drafts.map((draft) => ({ ...draft, place: { id: "usr_bob" } }));

const named = ({ caller }: Draft) => caller === "alice" ? "alice" : "admin";

function without(body: unknown, names: string[]): unknown {
  return Object.fromEntries(
    Object.entries(body as object).filter(([name]) => !names.includes(name)),
  );
}

function withTimes(
  drafts: fc.Arbitrary<Draft>,
  times: fc.Arbitrary<Record<string, unknown>>,
): fc.Arbitrary<Draft> {
  return fc.tuple(drafts, times).map(([draft, times]) => ({
    ...draft,
    body: { ...without(draft.body, TIME_MEMBERS) as object, ...times },
  }));
}

/** Requests that are answered as the caller hopes. */
export function goodRequests(contract: Contract, one: NamedOperation): fc.Arbitrary<MadeUp> {
  const { parameters = [], operationId, requestBody } = one.operation;
  const drafts = fc.record({
    caller: callersOf(one),
    place: placesOf(one),
    query: queriesOf(contract, parameters),
    body: bodiesOf(contract, one),
  });
  const [type] = Object.keys(requestBody?.content ?? {});
  const headers = headersOf(one, parameters);
  return fc.tuple(SENSIBLE[operationId]?.(drafts) ?? drafts, headers).map(
    ([{ caller, place, query, body }, headers]) => ({
      method: one.method,
      path: one.path.replace(/\{(\w+)\}/g, (_, name) => place[name]!),
      query: Object.entries(query).map((
        [name, value],
      ) => [name, encodeURIComponent(String(value))]),
      headers: {
        ...caller === "guest" ? {} : { authorization: `Bearer ${TOKENS[caller]}` },
        ...body === undefined ? {} : { "content-type": type! },
        ...headers,
      },
      ...typeof body === "string" ? { text: body } : { json: body },
    }),
  );
}

function callersOf({ name }: NamedOperation): fc.Arbitrary<Caller> {
  const { caller } = OPERATIONS[name]!;
  if (caller === "admin") return fc.constant("admin");
  if (caller === "user" || caller === "holder" || caller === "person") {
    return fc.constantFrom("admin", "alice");
  }
  return fc.constantFrom("guest", "admin", "alice");
}

function placesOf({ path }: NamedOperation): fc.Arbitrary<Record<string, string>> {
  return fc.record({
    id: path.startsWith("/v1/events/") ? oneOf(EVERYBODYS) : fc.constantFrom(...HOUSES),
    // One is running for ever.
    name: fc.constantFrom(JOB, "start_events", "move_events"),
    run_id: fc.constantFrom(...RUNS),
    user_id: fc.constant("usr_dora"),
    invitation_id: fc.constant(INVITATION_ID),
  });
}

function queriesOf(
  { document }: Contract,
  parameters: Parameter[],
): fc.Arbitrary<Record<string, unknown>> {
  const named = parameters.filter((parameter) => parameter.in === "query");
  const values = named.map(({ name, schema = {} }) => [
    name,
    PARAMETERS[name] ?? valuesOf(schema, { document }),
  ]);
  const requiredKeys = named.filter(({ required }) => required).map(({ name }) => name);
  return fc.record(Object.fromEntries(values), { requiredKeys });
}

function bodiesOf({ document }: Contract, { operation }: NamedOperation): fc.Arbitrary<unknown> {
  const { requestBody } = operation;
  const [[type, { schema = {} }] = ["", {}]] = Object.entries(requestBody?.content ?? {});
  if (type === "") return fc.constant(undefined);
  const body = type === "application/x-ndjson"
    ? linesOf(document.components.schemas.EventInput!, { document })
    : valuesOf(schema, { document, known: MEMBERS });
  return requestBody!.required ? body : fc.option(body, { nil: undefined });
}

function linesOf(schema: Schema, options: { document: Contract["document"] }) {
  const known = { ...MEMBERS, external_id: fc.constantFrom("a", "b", "winter-gala") };
  const line = fc.tuple(valuesOf(schema, { ...options, known }), TIMES).map(([event, times]) => ({
    ...without(event, TIME_MEMBERS) as object,
    ...times,
  }));
  const other = fc.constantFrom(
    { type: "organizer", external_id: "hall", name: "Hall" },
    { external_id: "b", deleted: true, reason: "Entered twice" },
    { title: 7 },
  );
  return fc.array(fc.oneof({ arbitrary: line, weight: 3 }, { arbitrary: other, weight: 1 }), {
    maxLength: 4,
  }).map((lines) => lines.map((line) => JSON.stringify(line) + "\n").join(""));
}

function headersOf(
  { operation }: NamedOperation,
  parameters: Parameter[],
): fc.Arbitrary<Record<string, string>> {
  const takes = (wanted: string) => parameters.some(({ name }) => name === wanted);
  const served = operation.responses[200];
  const types = served !== undefined && "content" in served
    ? Object.keys(served.content ?? {})
    : [];
  const [type = "application/json"] = types;
  return fc.record({
    ...takes("If-Match") ? { "if-match": fc.constant(CURRENT_TAG) } : {},
    accept: fc.constantFrom("*/*", type, `text/html, ${type};q=0.1`),
    "x-request-id": fc.constant("trace-1"),
    ...takes("If-None-Match")
      ? {
        "if-none-match": fc.constantFrom(
          CURRENT_TAG,
          '"other"',
          'W/"other"',
          `"other", ${CURRENT_TAG}`,
        ),
      }
      : {},
    ...takes("Idempotency-Key") ? { "idempotency-key": fc.constant("k") } : {},
    ...takes("Prefer") ? { prefer: fc.constant("respond-async, wait=10") } : {},
  }, { requiredKeys: takes("If-Match") ? ["if-match"] : [] });
}
