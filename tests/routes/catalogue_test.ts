/**
 * Every code of the catalogue, provoked over HTTP: the answer has the status that the contract
 * names there, and says what to do. A code without a way to provoke it does not compile.
 */
import assert from "node:assert/strict";
import { DomainError, type ErrorCode, REMEDIES } from "../../kv/errors.ts";
import type { OrganizerId } from "../../kv/event_record.ts";
import { adoptIndexes } from "../../kv/index_state.ts";
import { eventKey } from "../../kv/keys.ts";
import { createMove } from "../../kv/organizer_moves.ts";
import { Store } from "../../kv/store.ts";
import { invite, MAX_OPEN_INVITATIONS } from "../../lifecycle/invitations.ts";
import { SILENT } from "../../lifecycle/log.ts";
import { ROOT } from "../../lifecycle/policy.ts";
import { type Problem, problemType } from "../../routes/errors.ts";
import { describeApi } from "../../routes/openapi.ts";
import { signInProviders } from "../../routes/sign_in/providers.ts";
import { type TestStore, testStore } from "../kv/test_store.ts";
import { Contract } from "../support/contract.ts";
import {
  ADMIN,
  DAY,
  freshStore,
  NOW,
  type RequestOptions,
  storeEvent,
  type TestApp,
  testApp,
} from "../support/fixture.ts";
import { freshKv } from "../support/fresh_kv.ts";
import { as, byName, create, json, TOMORROW } from "../support/http.ts";
import { IN_A_MONTH, signedIn, tokenOf } from "../support/people.ts";
import { NEXT_FORMAT, NEXT_GENERATION } from "../support/versions.ts";

/** Asks as the admin unless the headers say otherwise. */
type Ask = (method: string, path: string, options?: RequestOptions) => Promise<Response>;

interface Provocation {
  /** Whether a page tells it, so that the contract names no answer. */
  isPage?: true;
  /** What the app is made with. */
  app?: () => Parameters<typeof testApp>[0] | Promise<Parameters<typeof testApp>[0]>;
  /** The last answer is the one that tells the code. */
  provoke: (ask: Ask, t: TestApp) => Promise<Response>;
}

const LIST = "/v1/events";
const NOBODYS = `${LIST}/evt_00000000000000000000000000`;
const NEVER = new Promise<never>(() => {});
const KEY = { ...ADMIN, "idempotency-key": "k" };

const FORM = {
  "content-type": "application/x-www-form-urlencoded",
  "sec-fetch-site": "same-origin",
  accept: "application/problem+json",
};
const UNAVAILABLE = {
  id: "github",
  label: "GitHub",
  signIn: () => Promise.reject(new DomainError("sign_in_unavailable")),
};

/** An organizer of the administrator's, and the secret of an invitation to it. */
async function invited(ask: Ask, more: { email?: string } = {}) {
  const { id } = await json<{ id: string }>(
    await ask("POST", "/v1/organizers", { body: { name: "House" } }),
    201,
  );
  const { url } = await json<{ url: string }>(
    await ask("POST", `/v1/organizers/${id}/invitations`, { body: { role: "editor", ...more } }),
    201,
  );
  return { id, invitation: url.slice(url.lastIndexOf("/") + 1) };
}

const patch = (ask: Ask, { id }: { id: string }, body: object, headers = {}) =>
  ask("PATCH", `${LIST}/${id}`, { body, headers: { ...ADMIN, ...headers } });

/** Signing in with an OpenID provider that is not there. */
function withoutProvider(path: string): Provocation {
  return {
    isPage: true,
    async app() {
      const store = await freshStore();
      const oidc = { issuer: "http://127.0.0.1:1", clientId: "curtain", clientSecret: null };
      const deps = { store, clock: () => NOW, log: SILENT, exposeKvPath: () => {} };
      const origin = () => "http://localhost";
      const providers = signInProviders({ signIn: { oidc, preset: null } }, { ...deps, origin });
      return { store, signIn: { providers } };
    },
    provoke: (ask) => ask("GET", path, { headers: FORM }),
  };
}

const CATALOGUE: Record<ErrorCode, Provocation> = {
  invalid_body: { provoke: (ask) => ask("POST", LIST, { body: { ...TOMORROW, title: 7 } }) },
  invalid_query: { provoke: (ask) => ask("GET", `${LIST}?limit=0`) },
  malformed_json: {
    provoke: (ask) => {
      const headers = { ...ADMIN, "content-type": "application/json" };
      return ask("POST", LIST, { body: "{", headers });
    },
  },
  not_acceptable: { provoke: (ask) => ask("GET", LIST, { headers: { accept: "text/html" } }) },
  unsupported_media_type: { provoke: (ask) => ask("POST", LIST, { body: "title=Gala" }) },
  payload_too_large: {
    provoke: (ask) => ask("POST", LIST, { body: { ...TOMORROW, summary: "x".repeat(300_000) } }),
  },
  invalid_header: {
    provoke: (ask) => {
      const headers = { ...ADMIN, "idempotency-key": "a b" };
      return ask("POST", LIST, { body: TOMORROW, headers });
    },
  },
  invalid_cursor: { provoke: (ask) => ask("GET", `${LIST}?cursor=x`) },
  unsupported_query: { provoke: (ask) => ask("GET", `${LIST}?status=COMPLETED&sort=start_date`) },
  unauthenticated: { provoke: (ask) => ask("POST", LIST, { body: TOMORROW, headers: {} }) },
  rate_limited: {
    app: () => ({ requestsPerMinute: 1 }),
    async provoke(ask) {
      await json<unknown>(await ask("GET", LIST));
      return await ask("GET", LIST);
    },
  },
  too_many_streams: {
    app: () => ({ streamLimits: { perCaller: 0 } }),
    provoke: (ask) => ask("GET", `${LIST}/stream`),
  },
  overloaded: {
    app: () => ({ streamLimits: { all: 0 } }),
    provoke: (ask) => ask("GET", `${LIST}/stream`),
  },
  upgrade_required: { provoke: (ask) => ask("GET", `${LIST}/socket`) },
  forbidden: {
    app: () => ({ authenticate: byName }),
    provoke: (ask) => ask("GET", "/v1/jobs", { headers: as("alice") }),
  },
  insufficient_scope: {
    async provoke(ask, t) {
      const headers = await tokenOf(t, await signedIn(t, "Ann"), ["events:write"]);
      return await ask("GET", LIST, { headers });
    },
  },
  cross_site: {
    async provoke(ask, t) {
      const headers = { ...await signedIn(t, "Ann"), "sec-fetch-site": "cross-site" };
      return await ask("POST", LIST, { body: TOMORROW, headers });
    },
  },
  user_suspended: {
    isPage: true,
    app: () => ({ signIn: { isDevelopment: true } }),
    async provoke(ask, t) {
      const { id } = await signedIn(t, "Ann");
      await json(await ask("PATCH", `/v1/users/${id}`, { body: { suspended: true } }));
      return await ask("POST", "/auth/sign-in", {
        body: "method=development&name=Ann",
        headers: FORM,
      });
    },
  },
  insecure_origin: {
    isPage: true,
    app: () => ({ publicOrigin: "http://events.example" }),
    provoke: (ask) => ask("POST", "/auth/sign-in", { body: "method=admin_token", headers: FORM }),
  },
  last_admin: {
    app: () => ({ hasRoot: false }),
    async provoke(ask, t) {
      const { id, ...headers } = await signedIn(t, "Ann", { role: "admin" });
      return await ask("PATCH", `/v1/users/${id}`, { body: { role: "member" }, headers });
    },
  },
  last_owner: {
    async provoke(ask) {
      const { id } = await json<{ id: string }>(
        await ask("POST", "/v1/organizers", { body: { name: "House" } }),
        201,
      );
      return await ask("DELETE", `/v1/organizers/${id}/members/usr_root`);
    },
  },
  root_user: {
    provoke: (ask) => ask("PATCH", "/v1/users/usr_root", { body: { suspended: true } }),
  },
  already_member: {
    async provoke(ask) {
      const { id, invitation } = await invited(ask);
      return await ask("POST", `/v1/organizers/${id}/members`, { body: { invitation } });
    },
  },
  invitation_gone: {
    async provoke(ask, t) {
      const { id, invitation } = await invited(ask);
      const path = `/v1/organizers/${id}/members`;
      const ann = await signedIn(t, "Ann");
      await json(await ask("POST", path, { body: { invitation }, headers: ann }), 201);
      const bob = await signedIn(t, "Bob");
      return await ask("POST", path, { body: { invitation }, headers: bob });
    },
  },
  invitation_not_yours: {
    async provoke(ask, t) {
      const { id, invitation } = await invited(ask, { email: "ann@example.org" });
      const bob = await signedIn(t, "Bob");
      return await ask("POST", `/v1/organizers/${id}/members`, {
        body: { invitation },
        headers: bob,
      });
    },
  },
  too_many_tokens: {
    async provoke(ask, t) {
      const ann = await signedIn(t, "Ann");
      for (let i = 0; i < 100; i++) await tokenOf(t, ann, ["events:read"]);
      const body = { name: "One more", scopes: ["events:read"], expires_at: IN_A_MONTH };
      return await ask("POST", "/v1/tokens", { body, headers: ann });
    },
  },
  too_many_invitations: {
    async provoke(ask, t) {
      const { organizer_id: id } = await create(t, ADMIN);
      for (let i = 0; i < MAX_OPEN_INVITATIONS; i++) {
        await invite(t.store, id as OrganizerId, {
          role: "viewer",
          email: null,
          principal: ROOT,
          now: NOW,
        });
      }
      const body = { role: "viewer" };
      return await ask("POST", `/v1/organizers/${id}/invitations`, { body, headers: ADMIN });
    },
  },
  not_found: { provoke: (ask) => ask("GET", NOBODYS) },
  method_not_allowed: { provoke: (ask) => ask("PUT", LIST) },
  illegal_transition: {
    async provoke(ask, t) {
      const { id } = await create(t, ADMIN, { status: "DRAFT" });
      return await ask("POST", `${LIST}/${id}/transitions`, { body: { to: "COMPLETED" } });
    },
  },
  event_archived: {
    async provoke(ask, t) {
      const { record } = await storeEvent(t.store, { status: "ARCHIVED" });
      return await patch(ask, record, { title: "Anew" });
    },
  },
  reopen_required: {
    async provoke(ask, t) {
      const event = await create(t, ADMIN);
      t.clock.now += 2 * DAY;
      return await patch(ask, event, { end_date: "2026-12-24T23:00:00Z" });
    },
  },
  external_id_taken: {
    async provoke(ask, t) {
      const body = { ...TOMORROW, external_id: "gala" };
      await create(t, ADMIN, body);
      return await ask("POST", LIST, { body });
    },
  },
  move_under_way: {
    async provoke(ask, t) {
      const { organizer_id: from } = await create(t, ADMIN);
      const body = { name: "House" };
      const { id: to } = await json(await ask("POST", "/v1/organizers", { body }), 201);
      const move = { format: 1, to: to as OrganizerId, by: ROOT.userId, at: NOW, reason: null };
      assert.ok(await createMove(t.store, from as OrganizerId, move));
      return await ask("POST", `/v1/organizers/${to}/moves`, { body: { to: from } });
    },
  },
  event_too_large: {
    provoke(ask) {
      const description = "雪".repeat(20_000);
      const pairs = Array.from({ length: 50 }, (_, i) => [`key ${i}`, "雪".repeat(500)]);
      const metadata = Object.fromEntries(pairs);
      return ask("POST", LIST, { body: { ...TOMORROW, description, metadata } });
    },
  },
  newer_format: {
    async provoke(ask, t) {
      const { current: format } = NEXT_FORMAT.formats.event;
      const { record } = await storeEvent(t.store);
      await t.store.kv.set(eventKey(record.id), { ...record, format });
      return await patch(ask, record, { title: "Anew" });
    },
  },
  // Told of a line.
  version_conflict: {
    async provoke(ask, t) {
      const { id } = await create(t, ADMIN);
      const exported = await ask("GET", "/v1/exports");
      const lines = (await exported.text()).replace(/"at":"2026/g, '"at":"2025');
      const headers = { ...ADMIN, "content-type": "application/x-ndjson" };
      const event = lines.split("\n").find((line) => line.includes(id))!;
      return await ask("POST", "/v1/imports", { body: event, headers });
    },
  },
  precondition_failed: {
    async provoke(ask, t) {
      return await patch(ask, await create(t, ADMIN), { title: "Anew" }, { "if-match": '"7.p"' });
    },
  },
  precondition_required: {
    provoke: (ask) => ask("PATCH", NOBODYS, { body: { title: "Anew" }, ifMatch: null }),
  },
  request_in_flight: {
    async provoke(ask, t) {
      const { get } = t.store;
      const entered = Promise.withResolvers<void>();
      const gate = Promise.withResolvers<void>();
      t.store.get = async (...args) => {
        entered.resolve();
        await gate.promise;
        return await get.apply(t.store, args) as never;
      };
      const first = ask("POST", LIST, { body: TOMORROW, headers: KEY });
      await entered.promise;
      const second = await ask("POST", LIST, { body: TOMORROW, headers: KEY });
      gate.resolve();
      await json(await first, 201);
      return second;
    },
  },
  idempotency_key_reused: {
    async provoke(ask) {
      await json(await ask("POST", LIST, { body: TOMORROW, headers: KEY }), 201);
      return await ask("POST", LIST, { body: { ...TOMORROW, title: "Other" }, headers: KEY });
    },
  },
  conflict: {
    async provoke(ask, t) {
      const event = await create(t, ADMIN);
      t.store.commit = () => Promise.resolve({ ok: false });
      return await patch(ask, event, { title: "Anew" });
    },
  },
  job_not_found: { provoke: (ask) => ask("POST", "/v1/jobs/sweep_floor/runs") },
  position_gone: {
    provoke: (ask) => ask("GET", "/v1/exports?since=0.00000000000000000000-0"),
  },
  sign_in_failed: withoutProvider("/auth/callback/oidc?state=x&code=x"),
  sign_in_provider_failed: withoutProvider("/auth/sign-in?provider=oidc"),
  sign_in_unavailable: {
    isPage: true,
    app: () => ({ signIn: { providers: [UNAVAILABLE] } }),
    provoke: (ask) => ask("GET", "/auth/sign-in?provider=github", { headers: FORM }),
  },
  index_incomplete: {
    async app() {
      const kv = await freshKv();
      using before = await testStore({ kv });
      await storeEvent(before);
      const store = await Store.over(kv, { schema: NEXT_GENERATION });
      await adoptIndexes(store);
      return { store };
    },
    provoke: (ask) => ask("GET", `${LIST}?tag=music`),
  },
  store_unavailable: {
    app: async () => ({ store: await testStore({ readDeadlineMs: 1 }) }),
    provoke(ask, t) {
      (t.store as TestStore).faults.silent = true;
      return ask("GET", NOBODYS);
    },
  },
  outcome_unknown: {
    app: async () => ({ store: await testStore({ commitDeadlineMs: 1 }) }),
    provoke(ask, t) {
      (t.store as TestStore).faults.commit = () => NEVER;
      return ask("POST", LIST, { body: TOMORROW });
    },
  },
  deadline_exceeded: {
    app: () => ({ requestDeadlineMs: 1 }),
    provoke(ask, t) {
      t.store.get = () => NEVER;
      return ask("GET", NOBODYS);
    },
  },
  internal: {
    provoke(ask, t) {
      t.store.get = () => Promise.reject(new Error("a bug"));
      return ask("GET", NOBODYS);
    },
  },
};

for (
  const [code, { app, provoke, isPage }] of Object.entries(CATALOGUE) as [ErrorCode, Provocation][]
) {
  Deno.test(`${code} is answered as the contract says, with what to do`, async () => {
    await using t = await testApp(await app?.());
    const contract = new Contract(describeApi(t.app));
    let asked = { method: "", path: "" };
    const ask: Ask = (method, path, options = {}) => {
      asked = { method, path };
      return t.request(method, path, { headers: ADMIN, ...options });
    };
    const response = await provoke(ask, t);
    const { status, headers, body } = isPage === true
      ? { status: response.status, headers: response.headers, body: await response.json() }
      : await contract.assertKept(asked, response);
    if (status === 200) {
      const { failures, remedies } = body as ImportReport;
      assert.deepEqual([failures[0]?.code, remedies], [code, { [code]: REMEDIES[code] }]);
      return;
    }
    const known = problemType(code);
    const told = body as Problem;
    assert.deepEqual([told.code, told.status, status], [code, known.status, known.status]);
    assert.deepEqual([told.type, told.title, told.remedy], [known.type, known.title, known.remedy]);
    assert.match(told.remedy, /^[A-Z].{20,}\.$/);
    assert.equal(headers.has("retry-after"), known.retry_after !== null);
  });
}

/** What an import answers. */
interface ImportReport {
  failures: { code: string }[];
  remedies: Record<string, string>;
}
