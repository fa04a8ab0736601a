/** What browsers let the scripts of other sites do. */
import assert from "node:assert/strict";
import { ADMIN, testApp } from "../support/fixture.ts";

const ORIGIN = { origin: "https://tickets.example" };
const EVENT = "/v1/events/evt_00000000000000000000000000";
const READABLE = ["ETag", "Link", "Location", "Retry-After", "RateLimit", "RateLimit-Policy"];
READABLE.push("Journal-Position", "Export-Events", "Idempotency-Replayed", "X-Request-Id");
const WRITABLE = ["Authorization", "Content-Type", "If-Match", "If-None-Match", "Idempotency-Key"];
WRITABLE.push("Prefer", "X-Request-Id", "Last-Event-ID");

const listed = (response: Response, name: string) => response.headers.get(name)?.split(", ");

/** Open to all, the same for all, and never with what a browser sends of its own accord. */
function assertOpen(response: Response, what: string): void {
  assert.equal(response.headers.get("access-control-allow-origin"), "*", what);
  assert.deepEqual(listed(response, "access-control-expose-headers"), READABLE, what);
  assert.equal(response.headers.get("access-control-allow-credentials"), null, what);
  assert.ok(!/origin/i.test(response.headers.get("vary") ?? ""), what);
}

Deno.test("every answer of the API may be read by any site, with or without an Origin", async () => {
  await using t = await testApp();
  for (
    const [method, path, headers, status] of [
      ["GET", "/v1/events", ORIGIN, 200],
      ["GET", "/v1/events", {}, 200],
      ["GET", "/v1/events", { origin: "null" }, 200],
      ["GET", "/v1/exports", { ...ADMIN, ...ORIGIN }, 200],
      ["GET", "/healthz", ORIGIN, 200],
      ["GET", "/readyz", ORIGIN, 200],
      ["GET", EVENT, ORIGIN, 404],
      ["POST", "/v1/events", ORIGIN, 401],
      ["PUT", "/v1/events", ORIGIN, 405],
      ["POST", "/v1/events", { ...ADMIN, ...ORIGIN }, 415],
      ["OPTIONS", "/v1/events", ORIGIN, 204],
    ] as const
  ) {
    const response = await t.request(method, path, { headers });
    assert.equal(response.status, status, `${method} ${path}`);
    assertOpen(response, `${method} ${path}`);
    await response.body?.cancel();
  }
});

Deno.test("a preflight is told the methods of the address and the headers that may be sent", async () => {
  await using t = await testApp();
  for (
    const [path, methods] of [
      ["/v1/events", "GET, HEAD, POST"],
      [EVENT, "GET, HEAD, PATCH, DELETE"],
      [`${EVENT}/transitions`, "GET, HEAD, POST"],
      [`${EVENT}/history`, "GET, HEAD"],
      ["/v1/organizers", "GET, HEAD, POST"],
      ["/v1/organizers/org_x", "GET, HEAD, PATCH"],
      ["/v1/organizers/org_x/events", "GET, HEAD"],
      ["/v1/organizers/org_x/moves", "GET, HEAD, POST"],
      ["/v1/me/events", "GET, HEAD"],
      ["/v1/imports", "POST"],
      ["/v1/exports", "GET, HEAD"],
      ["/v1/jobs", "GET, HEAD"],
      ["/v1/jobs/complete_events", "PATCH"],
      ["/v1/jobs/complete_events/runs", "GET, HEAD, POST"],
      ["/v1/jobs/complete_events/runs/run_x", "GET, HEAD"],
      ["/healthz", "GET, HEAD"],
      ["/readyz", "GET, HEAD"],
    ] as const
  ) {
    const headers = {
      ...ORIGIN,
      "access-control-request-method": methods.split(", ").at(-1)!,
      "access-control-request-headers": "authorization,content-type",
    };
    const response = await t.request("OPTIONS", path, { headers });
    assert.deepEqual([response.status, await response.text()], [204, ""], path);
    assert.equal(response.headers.get("access-control-allow-methods"), methods, path);
    assert.equal(response.headers.get("allow"), `${methods}, OPTIONS`);
    assert.deepEqual(listed(response, "access-control-allow-headers"), WRITABLE);
    assert.equal(response.headers.get("access-control-max-age"), "7200");
    assertOpen(response, path);
  }
});

Deno.test("the pages are nobody else's to read", async () => {
  await using t = await testApp();
  for (const method of ["GET", "OPTIONS"]) {
    for (const path of ["/", "/assets/live.js", "/events/evt_x", "/organizers/org_x"]) {
      const response = await t.request(method, path, { headers: ORIGIN });
      for (const [name] of response.headers) assert.ok(!name.startsWith("access-control"), name);
      assert.equal(response.headers.get("cross-origin-resource-policy"), "same-origin");
      await response.body?.cancel();
    }
  }
});
