/** Methods that an address does not take, those it answers by itself, and what the log says. */
import assert from "node:assert/strict";
import { createLogger } from "../../lifecycle/log.ts";
import { ADMIN, storeEvent, testApp } from "../support/fixture.ts";
import { create, problem } from "../support/http.ts";

const EVENT = "/v1/events/evt_00000000000000000000000000";

Deno.test("an address that takes other methods is a 405 that names them", async () => {
  await using t = await testApp();
  for (
    const [method, path, allow] of [
      ["PUT", "/v1/events", "GET, HEAD, POST, OPTIONS"],
      ["DELETE", "/v1/events", "GET, HEAD, POST, OPTIONS"],
      ["POST", EVENT, "GET, HEAD, PATCH, DELETE, OPTIONS"],
      ["GET", "/v1/imports", "POST, OPTIONS"],
      ["HEAD", "/v1/imports", "POST, OPTIONS"],
      ["PUT", "/v1/jobs/complete_events/runs", "GET, HEAD, POST, OPTIONS"],
      ["POST", "/healthz", "GET, HEAD, OPTIONS"],
      ["POST", "/", "GET, HEAD, OPTIONS"],
      ["DELETE", "/events/evt_x", "GET, HEAD, OPTIONS"],
      ["PATCH", "/assets/live.js", "GET, HEAD, OPTIONS"],
      ["MKCOL", "/v1/events", "GET, HEAD, POST, OPTIONS"],
    ] as const
  ) {
    const response = await t.request(method, path);
    assert.equal(response.headers.get("allow"), allow, `${method} ${path}`);
    if (method === "HEAD") assert.equal(response.status, 405);
    else assert.match((await problem(response, 405, "method_not_allowed")).detail, /takes .*, not/);
  }
});

Deno.test("OPTIONS says what an address takes", async () => {
  await using t = await testApp();
  for (
    const [path, allow] of [
      ["/v1/events", "GET, HEAD, POST, OPTIONS"],
      [EVENT, "GET, HEAD, PATCH, DELETE, OPTIONS"],
      ["/readyz", "GET, HEAD, OPTIONS"],
      ["/organizers/org_x", "GET, HEAD, OPTIONS"],
    ] as const
  ) {
    const response = await t.request("OPTIONS", path);
    assert.deepEqual([response.status, response.headers.get("allow")], [204, allow]);
    assert.equal(await response.text(), "");
  }
});

Deno.test("an address that is none is a 404 to every method", async () => {
  await using t = await testApp();
  for (const method of ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]) {
    for (const path of ["/nowhere", "/v1", "/v1/events/", "/v1/events/x/y"]) {
      const response = await t.request(method, path);
      assert.equal(response.headers.get("allow"), null);
      await problem(response, 404, "not_found");
    }
  }
});

Deno.test("HEAD is answered as GET, with the length that GET would have", async () => {
  await using t = await testApp();
  const { id } = await create(t, ADMIN);
  for (const path of ["/v1/events", `/v1/events/${id}`, `/events/${id}`, "/", EVENT]) {
    const got = await t.request("GET", path);
    const head = await t.request("HEAD", path);
    assert.deepEqual([head.status, await head.text()], [got.status, ""]);
    assert.equal(head.headers.get("content-type"), got.headers.get("content-type"));
    const { byteLength } = await got.arrayBuffer();
    assert.ok(byteLength > 0);
    // The request's id is ours, of the same length each time.
    assert.equal(head.headers.get("content-length"), String(byteLength));
  }
});

Deno.test("a refused request leaves a line by its id at level info, any other at debug", async () => {
  const lines: { level: string; message: string; request_id: string }[] = [];
  const write = (line: string) => lines.push(JSON.parse(line));
  const log = createLogger({ level: "debug", readable: false, timeZone: "UTC", write });
  await using t = await testApp({ log });
  const { record: { id } } = await storeEvent(t.store);
  const ask = async (method: string, path: string, headers: Record<string, string> = {}) => {
    lines.length = 0;
    const response = await t.request(method, path, { headers });
    await response.body?.cancel();
    const line = lines.find(({ message }) => message.startsWith(`${method} ${path} `))!;
    if (path.startsWith("/v1")) {
      assert.equal(line.request_id, response.headers.get("x-request-id"));
    }
    return `${line.level} ${line.message.split(" ").at(-1)}`;
  };
  assert.equal(await ask("POST", "/v1/events"), "info 401");
  assert.equal(await ask("POST", "/v1/events", ADMIN), "info 415");
  assert.equal(await ask("PATCH", "/v1/events"), "info 405");
  assert.equal(await ask("GET", EVENT), "info 404");
  assert.equal(await ask("GET", "/v1/events", { authorization: "Bearer x" }), "info 401");
  assert.equal(await ask("GET", `/v1/events/${id}`), "debug 200");
  assert.equal(await ask("GET", "/events/x"), "debug 404");
  assert.equal(await ask("GET", "/favicon.ico"), "debug 404");
  t.store.get = () => Promise.reject(new Error("broken"));
  assert.equal(await ask("GET", `/v1/events/${id}`), "error 500");
});
