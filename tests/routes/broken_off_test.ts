/** Bodies that break off on their way: what came is judged, nothing crashes. */
import assert from "node:assert/strict";
import { ADMIN, allRecords, testApp } from "../support/fixture.ts";
import { assertWritesNothing, create, json, problem, soon, TOMORROW } from "../support/http.ts";

const JSON_BODY = { ...ADMIN, "content-type": "application/json" };
const HALF = JSON.stringify(TOMORROW).slice(0, 40);
const LINES = Array.from(
  { length: 3 },
  (_, i) => JSON.stringify({ ...TOMORROW, external_id: `${i}` }) + "\n",
).join("");

/** Sends `text` and then fails, as a connection does. */
function brokenOff(text: string): ReadableStream<Uint8Array> {
  const chunks = [text];
  return new ReadableStream({
    pull(controller) {
      const chunk = chunks.pop();
      if (chunk === undefined) controller.error(new TypeError("connection reset"));
      else controller.enqueue(new TextEncoder().encode(chunk));
    },
  });
}

Deno.test("a JSON body that breaks off is the sender's mistake", async () => {
  await using t = await testApp();
  const { id } = await create(t, ADMIN);
  await assertWritesNothing(t, async () => {
    for (const [method, path] of [["POST", "/v1/events"], ["PATCH", `/v1/events/${id}`]] as const) {
      for (const headers of [JSON_BODY, { ...JSON_BODY, "content-length": "200" }]) {
        const response = await t.request(method, path, { body: brokenOff(HALF), headers });
        await problem(response, 400, "malformed_json");
      }
    }
  });
});

Deno.test("of an import that breaks off the lines before stay, and the answer says where", async () => {
  await using t = await testApp();
  for (const [rest, line] of [[HALF, 4], ["", 4], ["\n\n", 6]] as const) {
    const body = brokenOff(LINES + rest);
    const headers = { ...ADMIN, "content-type": "application/x-ndjson" };
    const response = await t.request("POST", "/v1/imports", { body, headers });
    const report = await json<{ failed: number; failures: unknown[] }>(response);
    const detail =
      "The body broke off; the lines from here on may not have been read. Send it again.";
    assert.deepEqual(report.failures, [{ line, code: "body_broken_off", detail }]);
  }
  assert.equal((await allRecords(t.store)).length, 3);
});

Deno.test("a client that hangs up in the middle of its body leaves a server that serves", async () => {
  await using t = await testApp();
  await using server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, t.app.fetch);
  const { port } = server.addr;
  const send = async (path: string, type: string, body: string) => {
    using connection = await Deno.connect({ port });
    const head = `POST ${path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: ${type}\r\n` +
      `authorization: ${ADMIN.authorization}\r\ncontent-length: 100000\r\n\r\n`;
    await connection.write(new TextEncoder().encode(head + body));
  };
  await send("/v1/events", "application/json", HALF);
  await send("/v1/imports", "application/x-ndjson", LINES + HALF);
  await soon(async () => (await allRecords(t.store)).length === 3);
  const response = await fetch(`http://127.0.0.1:${port}/readyz`);
  assert.deepEqual(await json<unknown>(response), { status: "ready" });
});
