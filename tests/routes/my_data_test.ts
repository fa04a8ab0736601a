/** `GET /v1/me/export` and `DELETE /v1/me`: having what is kept of oneself, and being forgotten. */
import assert from "node:assert/strict";
import { listErasures } from "../../kv/erasures.ts";
import { ADMIN, allChanges, MINUTE, type TestApp, testApp } from "../support/fixture.ts";
import { assertWritesNothing, create, json, places, problem } from "../support/http.ts";
import { type Browser, signedIn, tokenOf } from "../support/people.ts";

type Json = Record<string, unknown>;

/** What is written without an `If-Match`, which `DELETE` needs for events only. */
function erase(t: TestApp, headers: Record<string, string>, body?: unknown): Promise<Response> {
  return t.request("DELETE", "/v1/me", { headers, ...(body === undefined ? {} : { body }) });
}

async function statusOf(t: TestApp, id: string): Promise<string> {
  return (await json(await t.request("GET", `/v1/events/${id}`, { headers: ADMIN }))).status;
}

/** A minute later the job may end what it has begun. */
async function afterAMinute(t: TestApp): Promise<void> {
  t.clock.now += MINUTE;
  await t.runner.run("erase_users", { trigger: "cron" });
}

/** Somebody of the site who is signed in, with an event of their own. */
async function withEvent(t: TestApp): Promise<{ ann: Browser; id: string; organizer: string }> {
  const ann = await signedIn(t, "Ann", { email: "ann@example.org" });
  // A session is void from the very millisecond in which its person asked to be forgotten.
  t.clock.now += 1;
  const { id, organizer_id } = await create(t, ann);
  return { ann, id, organizer: organizer_id };
}

Deno.test("DELETE /v1/me ends every session and token at once, and the cookie with it", async () => {
  await using t = await testApp();
  const { ann } = await withEvent(t);
  const token = await tokenOf(t, ann, ["events:read"]);
  const other = await signedIn(t, "Ann");
  t.clock.now += 1;
  for (const headers of [ann, token, other]) {
    await json(await t.request("GET", "/v1/me", { headers }));
  }
  const response = await erase(t, ann);
  assert.match(
    response.headers.get("set-cookie")!,
    /^session=; Path=\/; Max-Age=0; HttpOnly; SameSite=Lax$/,
  );
  assert.deepEqual(await json<Json>(response, 202), {
    user_id: ann.id,
    organizers: "pass_on",
    requested_at: "2026-12-05T18:00:00.002Z",
  });
  for (const headers of [ann, token, other]) {
    await problem(await t.request("GET", "/v1/me", { headers }), 401, "unauthenticated");
  }
  await problem(await erase(t, ann), 401, "unauthenticated");
});

Deno.test("DELETE /v1/me forgets nobody otherwise than asked: not by an address, nor by a form", async () => {
  await using t = await testApp();
  const { ann } = await withEvent(t);
  await assertWritesNothing(t, async () => {
    const path = "/v1/me?organizers=cancel_events";
    const response = await t.request("DELETE", path, { headers: ann });
    assert.deepEqual(places(await problem(response, 400, "invalid_query")), [
      "organizers unknown_parameter",
    ]);
    for (const type of ["application/x-www-form-urlencoded", "text/plain"]) {
      const headers = { ...ann, "content-type": type };
      const body = '{"organizers":"cancel_events"}';
      const refused = await t.request("DELETE", "/v1/me", { headers, body });
      const { detail } = await problem(refused, 415, "unsupported_media_type");
      assert.equal(detail, `This route takes application/json, not "${type}".`);
    }
  });
});

Deno.test("DELETE /v1/me sets the job to work, which ends a minute later", async () => {
  await using t = await testApp();
  const { ann, id, organizer } = await withEvent(t);
  await json(await erase(t, ann, {}), 202);
  await t.runner.idle();
  const members = await t.request("GET", `/v1/organizers/${organizer}/members`, {
    headers: ADMIN,
  });
  const { items } = await json<{ items: Json[] }>(members);
  assert.deepEqual(items.map(({ user_id, role }) => [user_id, role]), [["usr_root", "owner"]]);
  const named = await json<Json>(await t.request("GET", `/v1/organizers/${organizer}`));
  assert.equal(named.name, "Former organizer");
  assert.equal(await statusOf(t, id), "CONFIRMED");
  assert.equal((await listErasures(t.store)).length, 1);
  await afterAMinute(t);
  assert.deepEqual(await listErasures(t.store), []);
  const path = `/v1/users/${ann.id}`;
  await problem(await t.request("GET", path, { headers: ADMIN }), 404, "not_found");
  const lines = await json<{ items: Json[] }>(
    await t.request("GET", `/v1/audit?user=${ann.id}&limit=100`, { headers: ADMIN }),
  );
  const actions = lines.items.map(({ action }) => action);
  for (const action of ["user.erasure_requested", "user.erased"]) {
    assert.equal(actions.filter((one) => one === action).length, 1, action);
  }
});

Deno.test("DELETE /v1/me with cancel_events cancels them, and tells whoever follows them", async () => {
  await using t = await testApp();
  const { ann, id } = await withEvent(t);
  const body = await json<Json>(await erase(t, ann, { organizers: "cancel_events" }), 202);
  assert.equal(body.organizers, "cancel_events");
  await t.runner.idle();
  assert.equal(await statusOf(t, id), "CANCELLED");
  const change = (await allChanges(t.store)).at(-1)!;
  assert.deepEqual([change.by, change.event.id, change.event.status], [ann.id, id, "CANCELLED"]);
  await afterAMinute(t);
  assert.deepEqual(await listErasures(t.store), []);
});

Deno.test("whoever was forgotten signs in as somebody new, who has nothing", async () => {
  await using t = await testApp();
  const { ann } = await withEvent(t);
  await json(await erase(t, ann), 202);
  const again = await signedIn(t, "Ann");
  assert.notEqual(again.id, ann.id);
  const me = await json<Json>(await t.request("GET", "/v1/me", { headers: again }));
  assert.deepEqual([me.name, me.organizers], ["Ann", []]);
  await afterAMinute(t);
  await json(await t.request("GET", "/v1/me", { headers: again }));
});

Deno.test("DELETE /v1/me is for people in person, and usr_root is nobody", async () => {
  await using t = await testApp();
  const { ann } = await withEvent(t);
  const token = await tokenOf(t, ann, ["events:read", "events:write", "admin"]);
  t.clock.now += 1;
  await problem(await erase(t, {}), 401, "unauthenticated");
  await problem(await erase(t, token), 403, "forbidden");
  await problem(await erase(t, ADMIN), 409, "root_user");
  await problem(await erase(t, { ...ann, "sec-fetch-site": "cross-site" }), 403, "cross_site");
  assert.deepEqual(await listErasures(t.store), []);
});

Deno.test("DELETE /v1/me keeps the last who can administer", async () => {
  await using t = await testApp({ hasRoot: false });
  const ann = await signedIn(t, "Ann", { role: "admin" });
  t.clock.now += 1;
  await problem(await erase(t, ann), 409, "last_admin");
  const bob = await signedIn(t, "Bob", { role: "admin" });
  t.clock.now += 1;
  await json(await erase(t, ann), 202);
  await problem(await erase(t, bob), 409, "last_admin");
});

Deno.test("DELETE /v1/me refuses a body that says something else, and forgets nobody", async () => {
  await using t = await testApp();
  const { ann } = await withEvent(t);
  await assertWritesNothing(t, async () => {
    const said = async (body: unknown) =>
      places(await problem(await erase(t, ann, body), 422, "invalid_body"));
    assert.deepEqual(await said({ organizers: "sell" }), ["/organizers invalid_value"]);
    assert.deepEqual(await said({ organizer: "pass_on" }), ["/organizer unknown_field"]);
    assert.deepEqual(await said([]), [" invalid_type"]);
    const json = { ...ann, "content-type": "application/json" };
    await problem(await erase(t, json, "{"), 400, "malformed_json");
    const text = { ...ann, "content-type": "text/plain" };
    await problem(await erase(t, text, "cancel_events"), 415, "unsupported_media_type");
    await problem(await erase(t, json, " ".repeat(256 * 1024 + 1)), 413, "payload_too_large");
  });
  assert.deepEqual(await listErasures(t.store), []);
  await json(await t.request("GET", "/v1/me", { headers: ann }));
});

Deno.test("GET /v1/me/export is a file of what is kept, without secrets", async () => {
  await using t = await testApp();
  const { ann, id, organizer } = await withEvent(t);
  await create(t, await signedIn(t, "Bob"), { title: "Of somebody else" });
  const token = await tokenOf(t, ann, ["events:read"]);
  const { url } = await json<{ url: string }>(
    await t.request("POST", `/v1/organizers/${organizer}/invitations`, {
      body: { role: "viewer", email: "bob@example.org" },
      headers: ann,
    }),
    201,
  );
  const response = await t.request("GET", "/v1/me/export", { headers: ann });
  assert.equal(
    response.headers.get("content-disposition"),
    'attachment; filename="curtain-personal-data.json"',
  );
  assert.equal(response.headers.get("cache-control"), "no-store");
  const text = await response.clone().text();
  const secrets = [ann.cookie.split("=")[1]!, token.authorization.split(" ")[1]!];
  secrets.push(url.slice(url.lastIndexOf("/") + 1));
  for (const secret of secrets) assert.ok(!text.includes(secret));
  assert.doesNotMatch(text, /digest|version/);
  const data = await json<Record<string, Json[]> & { user: Json }>(response);
  const { user, sessions, tokens, organizers, invitations, events, audit } = data;
  assert.deepEqual([data.user_id, data.exported_at], [ann.id, "2026-12-05T18:00:00.001Z"]);
  assert.deepEqual([user.name, user.email, user.identity], [
    "Ann",
    "ann@example.org",
    "development|ann",
  ]);
  assert.deepEqual(sessions!.map(({ current, user_agent }) => [current, user_agent]), [
    [true, "A test"],
  ]);
  assert.deepEqual(tokens!.map(({ name }) => name), ["A program"]);
  assert.deepEqual(organizers, [{ id: organizer, name: "Ann", role: "owner" }]);
  const [{ id: invitation, ...invited } = {}, ...others] = invitations!;
  assert.match(String(invitation), /^inv_/);
  assert.deepEqual([invited, others], [{
    role: "viewer",
    email: "bob@example.org",
    invited_by: ann.id,
    created_at: "2026-12-05T18:00:00.001Z",
    expires_at: "2026-12-12T18:00:00.001Z",
    organizer_id: organizer,
  }, []]);
  assert.deepEqual(events, [{
    id,
    organizer_id: organizer,
    title: "Winter Gala",
    status: "CONFIRMED",
    start_date: "2026-12-06T19:30:00+00:00",
    end_date: "2026-12-06T23:00:00+00:00",
  }]);
  const actions = audit!.map(({ action }) => action);
  for (const action of ["user.exported", "user.created", "session.created", "token.created"]) {
    assert.ok(actions.includes(action), action);
  }
});

Deno.test("GET /v1/me/export is answered six times a minute to one person", async () => {
  await using t = await testApp();
  const [ann, bob] = [await signedIn(t, "Ann"), await signedIn(t, "Bob")];
  const ask = (headers: Record<string, string>) => t.request("GET", "/v1/me/export", { headers });
  for (let i = 0; i < 6; i++) await json(await ask(ann));
  const refused = await ask(ann);
  assert.equal(refused.headers.get("retry-after"), "10");
  await problem(refused, 429, "rate_limited");
  await json(await ask(bob));
  t.clock.now += MINUTE / 6;
  await json(await ask(ann));
});

Deno.test("GET /v1/me/export is for people in person", async () => {
  await using t = await testApp();
  const { ann } = await withEvent(t);
  const token = await tokenOf(t, ann, ["events:read", "admin"]);
  const get = (headers: Record<string, string>) => t.request("GET", "/v1/me/export", { headers });
  await problem(await get({}), 401, "unauthenticated");
  await problem(await get(token), 403, "forbidden");
  const data = await json<Json>(await get(ADMIN));
  assert.deepEqual([data.user_id, data.user, data.tokens], ["usr_root", null, []]);
});
