/** What clients take, and what may be sent: 406 and 415. */
import assert from "node:assert/strict";
import { ADMIN, testApp } from "../support/fixture.ts";
import { assertWritesNothing, create, json, problem, TOMORROW } from "../support/http.ts";

const LINES = { ...ADMIN, "content-type": "application/x-ndjson" };

Deno.test("an Accept that includes JSON, or says nothing of use, is served", async () => {
  await using t = await testApp();
  for (
    const accept of [
      "",
      "*/*",
      "application/json",
      "Application/JSON; charset=utf-8",
      "application/*",
      "application/problem+json",
      "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
      "application/json, text/plain, */*",
      "text/html, application/json;q=0.001",
      "*/*;q=0, application/json",
      "application/*;q=0.0, application/json;q=0.5",
      `${"text/plain, ".repeat(850)}application/json`,
    ]
  ) await json<unknown>(await t.request("GET", "/v1/events", { headers: { accept } }));
});

Deno.test("an Accept that leaves out what a route answers in is a 406, before anything is done", async () => {
  await using t = await testApp();
  await assertWritesNothing(t, async () => {
    for (
      const accept of [
        "text/html",
        "text/*",
        "application/xml",
        "application/x-ndjson",
        "application/jsonp",
        "application/*;q=0, */*",
        "application/json;q=0, application/problem+json;q=0, */*",
        "*/*;q=0",
        "application/json; q=0.000, text/html",
        "json",
        "text/plain, ".repeat(850),
      ]
    ) {
      for (const [method, body] of [["GET"], ["POST", TOMORROW]] as const) {
        const headers = { ...ADMIN, accept };
        const response = await t.request(method, "/v1/events", { body, headers });
        const { detail } = await problem(response, 406, "not_acceptable");
        assert.match(detail, /^This route answers in application\/json or application\/problem/);
        assert.ok(detail.length < 250, "no more than is needed of what was sent");
      }
    }
  });
});

Deno.test("an export is for those who take lines", async () => {
  await using t = await testApp();
  const ask = (accept: string) =>
    t.request("GET", "/v1/exports", { headers: { ...ADMIN, accept } });
  for (const accept of ["application/x-ndjson", "*/*", "application/*"]) {
    const response = await ask(accept);
    assert.equal(response.headers.get("content-type"), "application/x-ndjson");
    await response.body?.cancel();
  }
  for (const accept of ["application/json", "application/x-ndjson;q=0, text/*"]) {
    await problem(await ask(accept), 406, "not_acceptable");
  }
});

Deno.test("health, pages and OPTIONS ask nobody what they take", async () => {
  await using t = await testApp();
  const headers = { accept: "image/png" };
  for (const path of ["/healthz", "/readyz", "/"]) {
    const response = await t.request("GET", path, { headers });
    assert.equal(response.status, 200);
    await response.body?.cancel();
  }
  assert.equal((await t.request("OPTIONS", "/v1/events", { headers })).status, 204);
});

Deno.test("a PATCH of a wrong type is told the right ones, and OPTIONS tells them before", async () => {
  await using t = await testApp();
  const { id, organizer_id } = await create(t, ADMIN);
  const types = "application/merge-patch+json, application/json";
  const paths = [`/v1/events/${id}`, `/v1/organizers/${organizer_id}`, "/v1/jobs/complete_events"];
  for (const path of paths) {
    const headers = { ...ADMIN, "content-type": "application/json-patch+json" };
    const refused = await t.request("PATCH", path, { body: "[]", headers });
    assert.equal(refused.headers.get("accept-patch"), types);
    await problem(refused, 415, "unsupported_media_type");
    assert.equal((await t.request("OPTIONS", path)).headers.get("accept-patch"), types);
    const other = await t.request("PATCH", path, { body: {} });
    assert.equal(other.headers.get("accept-patch"), null);
    await problem(other, 401, "unauthenticated");
  }
  const post = await t.request("POST", "/v1/events", { body: "[]", headers: ADMIN });
  assert.equal(post.headers.get("accept-patch"), null);
  await problem(post, 415, "unsupported_media_type");
  assert.equal((await t.request("OPTIONS", "/v1/events")).headers.get("accept-patch"), null);
});

Deno.test("a compressed body is a 415 that says so, on every route that takes one", async () => {
  await using t = await testApp();
  const { id } = await create(t, ADMIN);
  const packed = new Blob([JSON.stringify(TOMORROW)]).stream()
    .pipeThrough(new CompressionStream("gzip"));
  const bytes = await new Response(packed).bytes();
  const asJson = { ...ADMIN, "content-type": "application/json" };
  await assertWritesNothing(t, async () => {
    for (
      const [method, path, headers] of [
        ["POST", "/v1/events", asJson],
        ["PATCH", `/v1/events/${id}`, asJson],
        ["DELETE", `/v1/events/${id}`, asJson],
        ["POST", `/v1/events/${id}/transitions`, asJson],
        ["POST", "/v1/imports", LINES],
        ["POST", "/v1/jobs/complete_events/runs", asJson],
      ] as const
    ) {
      for (const coding of ["gzip", "br", "identity, gzip", "x".repeat(10_000)]) {
        const body = new Response(bytes).body;
        const response = await t.request(method, path, {
          body,
          headers: { ...headers, "content-encoding": coding },
        });
        assert.equal(response.headers.get("accept-encoding"), "identity");
        const { detail } = await problem(response, 415, "unsupported_media_type");
        assert.match(detail, /^A body may not be compressed/);
        assert.ok(detail.length < 250);
      }
    }
  });
});

Deno.test("a body that says it is as it is, is taken", async () => {
  await using t = await testApp();
  for (const coding of ["identity", "Identity", ""]) {
    await create(t, { ...ADMIN, "content-encoding": coding });
  }
});
