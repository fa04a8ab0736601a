/**
 * Who may do what, over HTTP: every route × everybody who may come by. A route without a row fails,
 * and so does a row without a route.
 */
import assert from "node:assert/strict";
import type { Scope } from "../../lifecycle/scopes.ts";
import { OPERATIONS } from "../../routes/operations.ts";
import { scopeOf } from "../../routes/scopes.ts";
import { ADMIN_TOKEN, testApp } from "../support/fixture.ts";
import { TOMORROW } from "../support/http.ts";
import {
  CALLERS,
  type Credentials,
  type RightsWorld,
  rightsWorld,
  RUN_ID,
} from "../support/rights_world.ts";
import { IN_A_MONTH } from "../support/people.ts";

/**
 * `r`, `w`, `o` and `a` are the scope that a token needs: to read, to write events, organizers, to
 * administer; `-` none. One route may have several rows, told apart in brackets.
 */
const MATRIX = `
                                                        nob exp wro pow rev gue sus mem vie edi own sta adm
GET /v1/events                                        r 200 200 403 200 401 200 200 200 200 200 200 200 200
GET /v1/events (drafts)                               r 401 401 403 403 401 403 401 403 403 403 403 403 200
POST /v1/events                                       w 401 401 403 201 401 403 401 201 201 201 201 201 201
POST /v1/events (of the house)                        w 401 401 403 403 401 403 401 403 403 201 201 403 201
GET /v1/events/{id}                                   r 200 200 403 200 401 200 200 200 200 200 200 200 200
GET /v1/events/{id} (draft)                           r 404 404 403 404 401 404 404 404 200 200 200 200 200
PATCH /v1/events/{id}                                 w 401 401 403 403 401 403 401 403 403 200 200 200 200
PATCH /v1/events/{id} (draft)                         w 401 401 403 404 401 404 401 404 403 200 200 200 200
PATCH /v1/events/{id} (to another house)              w 401 401 403 403 401 403 401 403 403 403 403 403 200
DELETE /v1/events/{id}                                w 401 401 403 403 401 403 401 403 403 409 409 409 204
DELETE /v1/events/{id} (draft)                        w 401 401 403 404 401 404 401 404 403 204 204 204 204
GET /v1/events/stream                                 r 200 200 403 200 401 200 200 200 200 200 200 200 200
GET /v1/events/socket                                 r 426 426 403 426 401 426 426 426 426 426 426 426 426
GET /v1/changes                                       r 200 200 403 200 401 200 200 200 200 200 200 200 200
GET /v1/events/{id}/transitions                       r 200 200 403 200 401 200 200 200 200 200 200 200 200
GET /v1/events/{id}/transitions (draft)               r 404 404 403 404 401 404 404 404 200 200 200 200 200
POST /v1/events/{id}/transitions                      w 401 401 403 403 401 403 401 403 403 201 201 201 201
POST /v1/events/{id}/transitions (archive)            w 401 401 403 403 401 403 401 403 403 409 409 409 201
GET /v1/events/{id}/history                           r 401 401 403 403 401 403 401 403 200 200 200 200 200
GET /v1/events/{id}/history (draft)                   r 404 404 403 404 401 404 404 404 200 200 200 200 200
GET /v1/organizers                                    r 200 200 403 200 401 200 200 200 200 200 200 200 200
POST /v1/organizers                                   o 401 401 403 201 401 403 401 201 201 201 201 201 201
GET /v1/organizers/{id}                               r 200 200 403 200 401 200 200 200 200 200 200 200 200
PATCH /v1/organizers/{id}                             o 401 401 403 403 401 403 401 403 403 403 200 403 200
GET /v1/organizers/{id}/events                        r 200 200 403 200 401 200 200 200 200 200 200 200 200
GET /v1/organizers/{id}/members                       r 401 401 403 403 401 403 401 403 200 200 200 403 200
POST /v1/organizers/{id}/members                      o 401 401 403 403 401 403 401 403 403 403 201 403 201
POST /v1/organizers/{id}/members (by invitation)      o 401 401 403 403 401 201 401 201 201 409 409 201 201
PATCH /v1/organizers/{id}/members/{user_id}           o 401 401 403 403 401 403 401 403 403 403 200 403 200
DELETE /v1/organizers/{id}/members/{user_id}          o 401 401 403 403 401 403 401 403 403 403 204 403 204
DELETE /v1/organizers/{id}/members/{user_id} (self)   o 401 401 403 404 401 404 401 404 204 204 409 404 404
GET /v1/organizers/{id}/invitations                   r 401 401 403 403 401 403 401 403 403 403 200 403 200
POST /v1/organizers/{id}/invitations                  o 401 401 403 403 401 403 401 403 403 403 201 403 201
DELETE /v1/organizers/{id}/invitations/{invitation_id} o 401 401 403 403 401 403 401 403 403 403 204 403 204
GET /v1/organizers/{id}/moves                         a 401 401 403 403 401 403 401 403 403 403 403 403 200
POST /v1/organizers/{id}/moves                        a 401 401 403 403 401 403 401 403 403 403 403 403 202
GET /v1/me                                            - 401 401 200 200 401 200 401 200 200 200 200 200 200
DELETE /v1/me                                         - 401 401 403 403 401 202 401 202 202 202 202 202 202
GET /v1/me/export                                     - 401 401 403 403 401 200 401 200 200 200 200 200 200
GET /v1/me/events                                     r 401 401 403 200 401 200 401 200 200 200 200 200 200
GET /v1/me/sessions                                   - 401 401 403 403 401 200 401 200 200 200 200 200 200
DELETE /v1/me/sessions                                - 401 401 403 403 401 204 401 204 204 204 204 204 204
DELETE /v1/me/sessions/{session_id}                   - 401 401 403 403 401 204 401 204 204 204 204 204 204
GET /v1/tokens                                        - 401 401 403 403 401 200 401 200 200 200 200 200 200
POST /v1/tokens                                       - 401 401 403 403 401 201 401 201 201 201 201 201 201
DELETE /v1/tokens/{id}                                - 401 401 403 403 401 204 401 204 204 204 204 204 204
GET /v1/users                                         a 401 401 403 403 401 403 401 403 403 403 403 403 200
GET /v1/users/{id}                                    a 401 401 403 403 401 403 401 403 403 403 403 403 200
PATCH /v1/users/{id}                                  a 401 401 403 403 401 403 401 403 403 403 403 403 200
GET /v1/audit                                         a 401 401 403 403 401 403 401 403 403 403 403 403 200
POST /v1/imports                                      w 401 401 403 200 401 403 401 200 200 200 200 200 200
GET /v1/exports                                       r 401 401 403 403 401 403 401 403 403 403 403 403 200
GET /v1/exports (of the house)                        r 401 401 403 403 401 403 401 403 403 200 200 403 200
GET /v1/jobs                                          a 401 401 403 403 401 403 401 403 403 403 403 403 200
PATCH /v1/jobs/{name}                                 a 401 401 403 403 401 403 401 403 403 403 403 403 200
GET /v1/jobs/{name}/runs                              a 401 401 403 403 401 403 401 403 403 403 403 403 200
POST /v1/jobs/{name}/runs                             a 401 401 403 403 401 403 401 403 403 403 403 403 200
GET /v1/jobs/{name}/runs/{run_id}                     a 401 401 403 403 401 403 401 403 403 403 403 403 200
GET /healthz                                          - 200 200 200 200 401 200 200 200 200 200 200 200 200
GET /readyz                                           - 200 200 200 200 401 200 200 200 200 200 200 200 200
GET /                                                 r 200 200 403 200 401 200 200 200 200 200 200 200 200
GET /events/{id}                                      r 200 200 403 200 401 200 200 200 200 200 200 200 200
GET /events/{id} (draft)                              r 404 404 403 404 401 404 404 404 200 200 200 200 200
GET /organizers/{id}                                  r 200 200 403 200 401 200 200 200 200 200 200 200 200
GET /me                                               r 303 303 403 403 401 200 303 200 200 200 200 200 200
POST /me                                              r 401 401 403 403 401 303 401 303 303 303 303 303 303
GET /me/erase                                         r 303 303 403 403 401 200 303 200 200 200 200 200 200
POST /me/erase                                        r 401 401 403 403 401 200 401 200 200 200 200 200 200
GET /me/users                                         r 303 303 403 403 401 403 303 403 403 403 403 403 200
POST /me/users                                        r 401 401 403 403 401 403 401 403 403 403 403 403 303
GET /organizers/{id}/people                           r 303 303 403 403 401 403 303 403 200 200 200 403 200
POST /organizers/{id}/people                          r 401 401 403 403 401 403 401 403 403 403 303 403 303
GET /invitations/{secret}                             r 200 200 403 403 401 200 200 200 200 200 200 200 200
POST /invitations/{secret}                            r 401 401 403 403 401 303 401 303 303 409 409 303 303
GET /auth/sign-in                                     r 200 200 403 200 401 200 200 200 200 200 200 200 200
POST /auth/sign-in                                    r 303 303 403 303 401 303 303 303 303 303 303 303 303
GET /auth/callback/{provider}                         r 303 303 403 303 401 303 303 303 303 303 303 303 303
POST /auth/sign-out                                   r 303 303 403 303 401 303 303 303 303 303 303 303 303
GET /openapi.json                                     r 200 200 403 200 401 200 200 200 200 200 200 200 200
GET /docs                                             r 200 200 403 200 401 200 200 200 200 200 200 200 200
GET /problems                                         r 200 200 403 200 401 200 200 200 200 200 200 200 200
GET /problems/{code}                                  r 200 200 403 200 401 200 200 200 200 200 200 200 200
GET /.well-known/security.txt                         r 200 200 403 200 401 200 200 200 200 200 200 200 200
GET /assets/curtain.css                               r 200 200 403 200 401 200 200 200 200 200 200 200 200
GET /assets/live.js                                   r 200 200 403 200 401 200 200 200 200 200 200 200 200
GET /assets/reference.css                             r 200 200 403 200 401 200 200 200 200 200 200 200 200
`;

interface Row {
  /** With what stands in brackets. */
  name: string;
  method: string;
  path: string;
  scope: Scope | null;
  statuses: number[];
}

const SCOPES: Record<string, Scope | null> = {
  r: "events:read",
  w: "events:write",
  o: "organizers:write",
  a: "admin",
  "-": null,
};

const ROWS: Row[] = MATRIX.trim().split("\n").slice(1).map((line) => {
  const [, name, method, path, scope, statuses] =
    /^((\S+) (\S+)(?: \(.+\))?) +([rwoa-])((?: \d{3})+)$/.exec(line) ?? assert.fail(line);
  return {
    name: name!,
    method: method!,
    path: path!,
    scope: SCOPES[scope!]!,
    statuses: statuses!.trim().split(" ").map(Number),
  };
});

interface Ask {
  path?: string;
  body?: unknown;
  headers?: Record<string, string>;
}

const RUNS = "/v1/jobs/complete_events/runs";
const FORM = { "content-type": "application/x-www-form-urlencoded" };
const OURS = { ...FORM, "sec-fetch-site": "same-origin" };

/** What is asked where the row's own path is not all of it. */
const ASKS: Record<string, (world: RightsWorld, by: Credentials) => Ask> = {
  "GET /v1/events (drafts)": () => ({ path: "/v1/events?status=DRAFT" }),
  "POST /v1/events": () => ({ body: TOMORROW }),
  "POST /v1/events (of the house)": ({ house }) => ({ body: { ...TOMORROW, organizer_id: house } }),
  "PATCH /v1/events/{id}": () => ({ body: { title: "Anew" } }),
  "PATCH /v1/events/{id} (draft)": () => ({ body: { title: "Anew" } }),
  "PATCH /v1/events/{id} (to another house)": ({ otherHouse }) => ({
    body: { organizer_id: otherHouse },
  }),
  "DELETE /v1/events/{id}": ({ shown }) => ({ path: `/v1/events/${shown}?reason=Entered%20twice` }),
  "POST /v1/events/{id}/transitions": () => ({ body: { to: "CANCELLED" } }),
  "POST /v1/events/{id}/transitions (archive)": ({ over }) => ({
    path: `/v1/events/${over}/transitions`,
    body: { to: "ARCHIVED" },
  }),
  "POST /v1/organizers": () => ({ body: { name: "Another house" } }),
  "PATCH /v1/organizers/{id}": () => ({ body: { name: "Another name" } }),
  "POST /v1/organizers/{id}/members": ({ emil }) => ({ body: { user_id: emil, role: "viewer" } }),
  "POST /v1/organizers/{id}/members (by invitation)": ({ invitation: { secret } }) => ({
    body: { invitation: secret },
  }),
  "PATCH /v1/organizers/{id}/members/{user_id}": () => ({ body: { role: "editor" } }),
  "DELETE /v1/organizers/{id}/members/{user_id} (self)": ({ house }, { userId }) => ({
    path: `/v1/organizers/${house}/members/${userId}`,
  }),
  "POST /v1/organizers/{id}/invitations": () => ({ body: { role: "viewer" } }),
  "POST /v1/organizers/{id}/moves": ({ otherHouse }) => ({ body: { to: otherHouse } }),
  "POST /v1/tokens": () => ({
    body: { name: "Another", scopes: ["events:read"], expires_at: IN_A_MONTH },
  }),
  "DELETE /v1/tokens/{id}": (_, { tokenId }) => ({ path: `/v1/tokens/${tokenId}` }),
  "GET /v1/users/{id}": ({ dora }) => ({ path: `/v1/users/${dora}` }),
  "PATCH /v1/users/{id}": ({ dora }) => ({ path: `/v1/users/${dora}`, body: { role: "guest" } }),
  "POST /v1/imports": () => ({
    body: `${JSON.stringify({ ...TOMORROW, external_id: "gala" })}\n`,
    headers: { "content-type": "application/x-ndjson" },
  }),
  "GET /v1/exports (of the house)": ({ house }) => ({ path: `/v1/exports?organizer=${house}` }),
  "PATCH /v1/jobs/{name}": () => ({
    path: "/v1/jobs/complete_events",
    body: { paused: { reason: "A test", until: IN_A_MONTH } },
  }),
  "GET /v1/jobs/{name}/runs": () => ({ path: RUNS }),
  "POST /v1/jobs/{name}/runs": () => ({ path: RUNS }),
  "GET /v1/jobs/{name}/runs/{run_id}": () => ({ path: `${RUNS}/${RUN_ID}` }),
  "POST /me": () => ({ body: "action=end_others", headers: OURS }),
  "POST /me/erase": () => ({ body: "organizers=pass_on&sure=yes", headers: OURS }),
  "POST /me/users": ({ dora }) => ({ body: `action=role&role=guest&user=${dora}`, headers: OURS }),
  "POST /organizers/{id}/people": ({ dora }) => ({
    body: `action=role&role=editor&user=${dora}`,
    headers: OURS,
  }),
  "POST /invitations/{secret}": () => ({ headers: OURS }),
  "POST /auth/sign-in": () => ({
    body: `method=admin_token&token=${ADMIN_TOKEN}`,
    headers: OURS,
  }),
  "GET /auth/callback/{provider}": () => ({ path: "/auth/callback/house" }),
  "POST /auth/sign-out": () => ({ headers: OURS }),
  "GET /problems/{code}": () => ({ path: "/problems/forbidden" }),
};

/** A path of the contract with the world's own ids in it. */
function filled({ name, path }: Row, world: RightsWorld, by: Credentials): string {
  const id = /^\/(v1\/)?organizers/.test(path)
    ? world.house
    : name.endsWith("(draft)")
    ? world.draft
    : world.shown;
  return path
    .replace("{id}", id)
    .replace("{user_id}", world.dora)
    .replace("{invitation_id}", world.invitation.id)
    .replace("{secret}", world.invitation.secret)
    .replace("{session_id}", by.sessionId);
}

async function statusOf(world: RightsWorld, row: Row, by: Credentials): Promise<number> {
  return (await answerOf(world, row, by)).status;
}

/** The answer without its body. */
async function answerOf(world: RightsWorld, row: Row, by: Credentials): Promise<Response> {
  const { path = filled(row, world, by), body, headers = {} } = ASKS[row.name]?.(world, by) ?? {};
  assert.doesNotMatch(path, /[{}]/, `${row.name} names no ids`);
  const response = await world.request(row.method, path, {
    body,
    headers: { ...headers, ...by.headers },
  });
  await response.body?.cancel();
  return response;
}

for (const row of ROWS) {
  Deno.test(`${row.name} answers everybody as they may`, async () => {
    assert.equal(row.statuses.length, CALLERS.length);
    const isSafe = row.method === "GET" && !row.path.startsWith("/auth/");
    let world: RightsWorld | null = null;
    try {
      const statuses: number[] = [];
      for (const caller of CALLERS) {
        // What changes something is asked of a world in which nobody has asked before.
        if (!isSafe) await world?.[Symbol.asyncDispose]();
        if (!isSafe || world === null) world = await rightsWorld();
        statuses.push(await statusOf(world, row, await world.as(caller, row.scope)));
      }
      const told = (some: number[]) => CALLERS.map((caller, i) => `${caller} ${some[i]}`);
      assert.deepEqual(told(statuses), told(row.statuses));
    } finally {
      await world?.[Symbol.asyncDispose]();
    }
  });
}

Deno.test("every operation of the contract and every other route has a row, and every row a route", async () => {
  await using t = await testApp();
  const routes = t.app.routes.filter(({ method }) => method !== "ALL")
    .map(({ method, path }) => `${method} ${path.replace(/:(\w+)/g, "{$1}")}`);
  const rows = ROWS.map(({ method, path }) => `${method} ${path}`);
  const sorted = (some: string[]) => [...new Set(some)].sort();
  assert.deepEqual(sorted(rows), sorted([...routes, ...Object.keys(OPERATIONS)]));
  const names = ROWS.map(({ name }) => name);
  assert.equal(new Set(names).size, names.length, "a row is there twice");
  for (const name of Object.keys(ASKS)) assert.ok(names.includes(name), `${name} asks in vain`);
});

Deno.test("the pages of people are not for programs, whatever their token's scopes are", async () => {
  await using world = await rightsWorld();
  const { headers } = await world.as("wrong-scope token", null);
  for (const row of ROWS.filter(({ path }) => /^\/(me|invitations)|people$/.test(path))) {
    const asked = { ...await world.as("nobody", null), headers: { ...headers, ...OURS } };
    assert.equal(await statusOf(world, row, asked), 403, row.name);
  }
});

Deno.test("no cache that others use may have what somebody who is signed in is answered", async () => {
  await using world = await rightsWorld();
  // The same for everybody, and of nobody.
  const isAnybodys = /^\/(openapi\.json|\.well-known\/|assets\/)/;
  for (const row of ROWS.filter(({ method, path }) => method === "GET" && !isAnybodys.test(path))) {
    for (const caller of ["member", "admin"] as const) {
      const { headers } = await answerOf(world, row, await world.as(caller, row.scope));
      const kept = headers.get("cache-control") ?? "";
      assert.match(kept, /\b(private|no-store)\b/, `${row.name} is told ${caller} with "${kept}"`);
    }
  }
});

Deno.test("a token needs the scope that the matrix names", () => {
  for (const { name, method, path, scope } of ROWS) {
    const notes = OPERATIONS[`${method} ${path}`];
    // What only a person does refuses tokens whatever their scopes are.
    if (notes === undefined || notes.caller === "person") continue;
    assert.equal(scopeOf(method, notes), scope, name);
  }
});
