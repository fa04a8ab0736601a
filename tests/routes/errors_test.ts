/** Problem details: one catalogue, one place that knows the status, nothing told by accident. */
import assert from "node:assert/strict";
import { Hono } from "hono";
import { DomainError, type ErrorCode, ERRORS, invalidFields } from "../../kv/errors.ts";
import { createLogger } from "../../lifecycle/log.ts";
import type { AppEnv } from "../../routes/app_deps.ts";
import { type Problem, problemResponse, statusOf } from "../../routes/errors.ts";
import { ADMIN, storeEvent, testApp } from "../support/fixture.ts";
import { json, problem } from "../support/http.ts";

/** What a route that throws `error` answers, and what it leaves in the log. */
async function thrown(error: unknown): Promise<{ response: Response; logged: string[] }> {
  const logged: string[] = [];
  const write = (line: string) => logged.push(line);
  const log = createLogger({ level: "debug", readable: false, timeZone: "UTC", write });
  const app = new Hono<AppEnv>();
  app.onError(problemResponse);
  app.use(async (c, next) => {
    c.set("log", log);
    c.set("requestId", "req_1");
    await next();
  });
  app.get("/", () => {
    throw error;
  });
  return { response: await app.request("/"), logged };
}

const STATUSES: Record<ErrorCode, number> = {
  invalid_body: 422,
  invalid_query: 400,
  malformed_json: 400,
  not_acceptable: 406,
  unsupported_media_type: 415,
  payload_too_large: 413,
  invalid_header: 400,
  invalid_cursor: 400,
  unsupported_query: 400,
  unauthenticated: 401,
  rate_limited: 429,
  too_many_streams: 429,
  overloaded: 503,
  upgrade_required: 426,
  forbidden: 403,
  insufficient_scope: 403,
  cross_site: 403,
  user_suspended: 403,
  insecure_origin: 403,
  last_admin: 409,
  last_owner: 409,
  root_user: 409,
  already_member: 409,
  invitation_gone: 410,
  invitation_not_yours: 403,
  too_many_tokens: 409,
  too_many_invitations: 409,
  not_found: 404,
  method_not_allowed: 405,
  illegal_transition: 409,
  event_archived: 409,
  reopen_required: 409,
  external_id_taken: 409,
  move_under_way: 409,
  event_too_large: 422,
  newer_format: 409,
  version_conflict: 409,
  precondition_failed: 412,
  precondition_required: 428,
  request_in_flight: 409,
  idempotency_key_reused: 422,
  conflict: 409,
  job_not_found: 404,
  position_gone: 410,
  sign_in_failed: 400,
  sign_in_provider_failed: 502,
  sign_in_unavailable: 503,
  index_incomplete: 503,
  store_unavailable: 503,
  outcome_unknown: 503,
  deadline_exceeded: 503,
  internal: 500,
};

for (const [code, status] of Object.entries(STATUSES) as [ErrorCode, number][]) {
  Deno.test(`${code} is a ${status}, and nobody may keep the answer`, async () => {
    const error = new DomainError(code, "What happened.", { extra: 1 });
    const { response, logged } = await thrown(error);
    assert.equal(response.headers.get("cache-control"), "no-store");
    const told = await problem(response, status, code);
    assert.deepEqual([told.title, told.detail, told.request_id, told.extra], [
      ERRORS[code],
      "What happened.",
      "req_1",
      1,
    ]);
    assert.equal(statusOf(error), status);
    assert.deepEqual(logged, [], "an expected ending is no fault");
  });
}

Deno.test("a bug is logged whole and answered with a constant", async () => {
  for (const bug of [new Error("password=hunter2"), new TypeError("x")]) {
    const { response, logged } = await thrown(bug);
    const { detail, ...told } = await problem(response, 500, "internal");
    assert.deepEqual([detail, told.title], [ERRORS.internal, ERRORS.internal]);
    assert.ok(!JSON.stringify(told).includes("hunter2"));
    assert.equal(logged.length, 1);
    assert.match(logged[0]!, new RegExp(`${bug.message}.*errors_test`));
  }
});

Deno.test("what is worth trying again says when", async () => {
  for (
    const code of ["store_unavailable", "outcome_unknown", "deadline_exceeded", "conflict"] as const
  ) {
    const { response } = await thrown(new DomainError(code));
    assert.match(response.headers.get("retry-after") ?? "", /^[1-9]$/, code);
  }
  const { response } = await thrown(new DomainError("forbidden"));
  assert.equal(response.headers.get("retry-after"), null);
});

Deno.test("the members of RFC 9457 stay what they are, whatever an error brings along", async () => {
  const { response } = await thrown(new DomainError("reopen_required", "…", { status: "DRAFT" }));
  const told: Problem = await problem(response, 409, "reopen_required");
  assert.equal(told.current_status, "DRAFT");
  const fields = [{ pointer: "/title", code: "too_big", detail: "Too long." }];
  const { response: invalid } = await thrown(invalidFields(fields));
  assert.deepEqual((await problem(invalid, 422, "invalid_body")).errors, fields);
});

Deno.test("credentials that are not valid are refused everywhere, never taken for none", async () => {
  await using t = await testApp();
  const { record: { id } } = await storeEvent(t.store);
  const token = ADMIN.authorization.slice("Bearer ".length);
  for (
    const authorization of [
      "Bearer wrong-token-of-at-least-32-characters",
      `Bearer ${token}x`,
      `Bearer ${token.slice(0, -1)}`,
      `Bearer ${token.toUpperCase()}`,
      `Bearer ${token} ${token}`,
      "Bearer ",
      "Bearer",
      token,
      `Basic ${btoa(`root:${token}`)}`,
      "",
    ]
  ) {
    for (const path of ["/v1/events", `/v1/events/${id}`, "/v1/jobs", "/healthz", "/nowhere"]) {
      const response = await t.request("GET", path, { headers: { authorization } });
      // Programs tell a token that ended from one that is missing (RFC 6750 section 3).
      const error = /^bearer/i.test(authorization) ? ', error="invalid_token"' : "";
      assert.equal(response.headers.get("www-authenticate"), `Bearer realm="curtain"${error}`);
      await problem(response, 401, "unauthenticated");
    }
  }
  for (const authorization of [`bearer ${token}`, `BEARER   ${token}  `]) {
    await json<unknown>(await t.request("GET", "/v1/jobs", { headers: { authorization } }));
  }
});

Deno.test("what is not there is a problem that says where nobody is", async () => {
  await using t = await testApp();
  for (const path of ["/nowhere", "/v1", "/v1/event", "/v1/events/", "/v1/events/x/y"]) {
    const { detail } = await problem(await t.request("GET", path), 404, "not_found");
    assert.ok(detail.includes(path), detail);
  }
});

Deno.test("every answer carries a request id: the caller's, if it is one, else ours", async () => {
  await using t = await testApp();
  const ask = async (id?: string) => {
    const headers: Record<string, string> = id === undefined ? {} : { "x-request-id": id };
    const response = await t.request("GET", "/nowhere", { headers });
    const { request_id } = await problem(response, 404, "not_found");
    assert.equal(response.headers.get("x-request-id"), request_id);
    return request_id;
  };
  assert.equal(await ask("abc-123"), "abc-123");
  assert.notEqual(await ask(), await ask());
  for (const wrong of ["a b", "x".repeat(300), '"><script>']) {
    assert.notEqual(await ask(wrong), wrong);
  }
});
