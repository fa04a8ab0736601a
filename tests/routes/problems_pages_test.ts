/** What the `type` of a problem leads to: a page for people, and the same for programs. */
import assert from "node:assert/strict";
import { type ErrorCode, ERRORS, REMEDIES } from "../../kv/errors.ts";
import { ADMIN, testApp } from "../support/fixture.ts";
import { json, problem } from "../support/http.ts";

const CODES = Object.keys(ERRORS) as ErrorCode[];

/** A page, its markup taken off. */
async function wordsOf(response: Response): Promise<string> {
  assert.equal(response.headers.get("content-type"), "text/html; charset=UTF-8");
  return (await response.text()).replace(/<[^>]*>/g, "").replaceAll("&#39;", "'")
    .replaceAll("&quot;", '"');
}

Deno.test("every code has a page with its sentence, its status and what to do", async () => {
  await using t = await testApp();
  for (const code of CODES) {
    const response = await t.request("GET", `/problems/${code}`);
    assert.equal(response.status, 200, code);
    const words = await wordsOf(response);
    assert.match(REMEDIES[code], /^[A-Z].{20,}\.$/, code);
    for (const part of [code, ERRORS[code], REMEDIES[code].replaceAll("`", "")]) {
      assert.ok(words.includes(part), `${code}: ${part}`);
    }
  }
});

Deno.test("a page says whether the same request makes sense again", async () => {
  await using t = await testApp();
  const again = await wordsOf(await t.request("GET", "/problems/store_unavailable"));
  assert.match(again, /Retry-After says when, as a rule in 5 seconds/);
  const never = await wordsOf(await t.request("GET", "/problems/forbidden"));
  assert.match(never, /gets the same answer until something changes/);
  assert.doesNotMatch(never, /Retry-After/);
});

Deno.test("the index leads to every code", async () => {
  await using t = await testApp();
  const response = await t.request("GET", "/problems");
  const text = await response.text();
  const links = [...text.matchAll(/href="\/problems\/(\w+)"/g)].map(([, code]) => code);
  assert.deepEqual(links, CODES);
});

Deno.test("a code that is none is a 404 page", async () => {
  await using t = await testApp();
  for (const code of ["no_such", "constructor", "__proto__", "%3Cscript%3E"]) {
    const response = await t.request("GET", `/problems/${code}`);
    assert.equal(response.status, 404, code);
    assert.match(await wordsOf(response), /There is nothing here/);
  }
});

Deno.test("the type of a problem leads to its page", async () => {
  await using t = await testApp();
  const refused = await t.request("GET", "/v1/events?limit=0", { headers: ADMIN });
  const { type } = await problem(refused, 400, "invalid_query");
  assert.equal((await t.request("GET", type)).status, 200);
});

Deno.test("a program that takes JSON is told the same, and what it may keep apart", async () => {
  await using t = await testApp();
  const told = {
    type: "/problems/conflict",
    code: "conflict",
    title: ERRORS.conflict,
    status: 409,
    remedy: REMEDIES.conflict,
    retry_after: 1,
  };
  for (
    const [accept, type] of [
      ["application/json", "application/json"],
      ["application/problem+json", "application/problem+json"],
      ["application/problem+json, application/json;q=0.9", "application/problem+json"],
      ["text/html;q=0.5, application/json", "application/json"],
      ["application/*", "application/json"],
      ["text/html;q=0, */*;q=0.1", "application/json"],
    ] as const
  ) {
    const response = await t.request("GET", "/problems/conflict", { headers: { accept } });
    assert.equal(response.status, 200);
    assert.equal(response.headers.get("content-type"), type, accept);
    assert.equal(response.headers.get("vary"), "accept");
    assert.equal(response.headers.get("access-control-allow-origin"), "*");
    assert.deepEqual(await response.json(), told);
  }
  const headers = { accept: "application/json" };
  const forbidden = await t.request("GET", "/problems/forbidden", { headers });
  assert.equal((await json<{ retry_after: number | null }>(forbidden)).retry_after, null);
  const { items } = await json<{ items: { code: string }[] }>(
    await t.request("GET", "/problems", { headers }),
  );
  assert.deepEqual(items.map(({ code }) => code), CODES);
  await problem(await t.request("GET", "/problems/no_such", { headers }), 404, "not_found");
});

Deno.test("who takes anything, or pages first, gets the page", async () => {
  await using t = await testApp();
  for (
    const accept of [
      undefined,
      "*/*",
      "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
      "text/html, application/json",
      "image/png",
      "application/json;q=0, */*",
    ]
  ) {
    for (const path of ["/problems", "/problems/conflict", "/problems/no_such"]) {
      const headers: Record<string, string> = accept === undefined ? {} : { accept };
      const response = await t.request("GET", path, { headers });
      assert.equal(response.headers.get("content-type"), "text/html; charset=UTF-8", accept);
      assert.equal(response.headers.get("vary"), "accept");
      await response.body?.cancel();
    }
  }
});
