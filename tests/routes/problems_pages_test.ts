/** The pages that the `type` of a problem leads to. */
import assert from "node:assert/strict";
import { type ErrorCode, ERRORS, REMEDIES } from "../../kv/errors.ts";
import { ADMIN, testApp } from "../support/fixture.ts";
import { problem } from "../support/http.ts";

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
