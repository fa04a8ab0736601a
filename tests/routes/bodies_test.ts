/** What every route with a body does before it looks into it: who sends it, and how much of it. */
import assert from "node:assert/strict";
import { ADMIN, storeEvent, testApp } from "../support/fixture.ts";
import { problem } from "../support/http.ts";

/** Routes that are sure to be among them. */
const WITH_BODY = [
  "POST /v1/events",
  "PATCH /v1/events/{id}",
  "DELETE /v1/events/{id}",
  "POST /v1/events/{id}/transitions",
  "POST /v1/organizers",
  "PATCH /v1/organizers/{id}",
  "PATCH /v1/jobs/{name}",
  "POST /v1/jobs/{name}/runs",
];

/** The routes of the app's contract with a body, but for imports, which stream it. */
function routesWithBody({ app }: Awaited<ReturnType<typeof testApp>>) {
  return app.openAPIRegistry.definitions.flatMap((definition) => {
    if (definition.type !== "route") return [];
    const { method, path, request } = definition.route;
    const isLookedAt = request?.body !== undefined && path !== "/v1/imports";
    return isLookedAt ? [{ method, path }] : [];
  });
}

const withIds = (path: string) =>
  path.replace("{id}", "evt_00000000000000000000000000").replace("{name}", "complete_events");

/** A body that never ends; `read` tells how many bytes of it were asked for. */
function endless() {
  const chunk = new TextEncoder().encode("x".repeat(16 * 1024));
  const state = { read: 0 };
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      state.read += chunk.length;
      controller.enqueue(chunk);
    },
  }, { highWaterMark: 0 });
  return { body, state };
}

Deno.test("every route with a body is looked at here", async () => {
  await using t = await testApp();
  const found = routesWithBody(t).map(({ method, path }) => `${method.toUpperCase()} ${path}`);
  for (const route of WITH_BODY) assert.ok(found.includes(route), route);
});

Deno.test("a route with a body refuses a guest before it reads any of it", async () => {
  await using t = await testApp();
  for (const { method, path } of routesWithBody(t)) {
    for (const type of ["application/json", "text/plain", undefined]) {
      const { body, state } = endless();
      const headers: Record<string, string> = type === undefined ? {} : { "content-type": type };
      const response = await t.request(method.toUpperCase(), withIds(path), { body, headers });
      await problem(response, 401, "unauthenticated");
      assert.equal(state.read, 0, `${method} ${path} as ${type}`);
    }
  }
});

Deno.test("a route with a body reads 256 KiB of it and no more", async () => {
  await using t = await testApp();
  for (const { method, path } of routesWithBody(t)) {
    const { body, state } = endless();
    const headers = { ...ADMIN, "content-type": "application/json" };
    const response = await t.request(method.toUpperCase(), withIds(path), { body, headers });
    await problem(response, 413, "payload_too_large");
    assert.ok(state.read <= 512 * 1024, `${method} ${path} read ${state.read} bytes`);
  }
});

Deno.test("DELETE takes its reason from a body, an empty one being none", async () => {
  await using t = await testApp();
  const del = async (body: string | undefined, type: string | null) => {
    const { record: { id } } = await storeEvent(t.store);
    const stream = body === undefined ? undefined : new Response(body).body;
    const headers = type === null ? ADMIN : { ...ADMIN, "content-type": type };
    return await t.request("DELETE", `/v1/events/${id}`, { body: stream, headers });
  };
  const json = "application/json";
  assert.equal((await del(`{"reason": "A test"}`, json)).status, 204);
  for (
    const [body, type] of [[undefined, null], [undefined, json], ["", null], ["", json]] as const
  ) {
    const told = await problem(await del(body, type), 422, "invalid_body");
    assert.equal(told.errors![0]!.parameter, "reason");
  }
  await problem(await del(`{"reason": "A test"}`, null), 415, "unsupported_media_type");
  await problem(await del("reason=test", "text/plain"), 415, "unsupported_media_type");
  await problem(await del("{", json), 400, "malformed_json");
});
