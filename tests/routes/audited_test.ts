/** Which requests of administrators are lines of the audit log. */
import assert from "node:assert/strict";
import { listAudit } from "../../kv/audit.ts";
import { ADMIN, type TestApp, testApp } from "../support/fixture.ts";
import { signedIn } from "../support/people.ts";

const linesOf = async ({ store }: TestApp) =>
  (await listAudit(store, { before: null, limit: 50 }))
    .filter(({ action }) => action === "admin.request")
    .map(({ detail }) => detail);

Deno.test("what an administrator reads of others is a line each, the log itself included", async () => {
  await using app = await testApp();
  // Pages know browsers only.
  const ann = await signedIn(app, "Ann", { role: "admin" });
  const paths = ["/v1/users", "/v1/audit", "/v1/exports", "/me/users"];
  for (const path of paths) {
    const response = await app.request("GET", path, { headers: ann });
    await response.body?.cancel();
  }
  assert.deepEqual((await linesOf(app)).reverse(), paths.map((path) => `GET ${path}`));
});

Deno.test("what everybody reads, and what was refused, is no use of an administrator's power", async () => {
  await using app = await testApp();
  const bob = await signedIn(app, "Bob");
  const asked = [
    ["/v1/events", ADMIN],
    ["/v1/jobs", ADMIN],
    ["/v1/users/usr_00000000000000000000000000", ADMIN],
    ["/v1/users", bob],
    ["/v1/audit", bob],
  ] as const;
  for (const [path, headers] of asked) {
    const response = await app.request("GET", path, { headers });
    await response.body?.cancel();
  }
  assert.deepEqual(await linesOf(app), []);
});
