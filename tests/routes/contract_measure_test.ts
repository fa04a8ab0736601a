/** The measure of the contract itself: what is wrong with an answer does not get past it. */
import assert from "node:assert/strict";
import { describeApi } from "../../routes/openapi.ts";
import { type Asked, Contract } from "../support/contract.ts";
import { ADMIN, testApp } from "../support/fixture.ts";
import { create } from "../support/http.ts";

Deno.test("an answer with anything amiss is not one that the contract promises", async () => {
  await using t = await testApp();
  const contract = new Contract(describeApi(t.app));
  const { id } = await create(t, ADMIN);
  const event: Asked = { method: "GET", path: `/v1/events/${id}` };
  const missing: Asked = { method: "GET", path: "/v1/events/evt_x" };
  const wrong: Asked = { method: "GET", path: "/v1/events?limit=0" };
  const nowhere: Asked = { method: "PUT", path: "/v1/events" };
  const answered = async ({ method, path }: Asked) => {
    const response = await t.request(method, path);
    return { status: response.status, headers: response.headers, text: await response.text() };
  };
  const judge = async (
    asked: Asked,
    change: (answer: Awaited<ReturnType<typeof answered>>) => unknown,
  ) => {
    const answer = await answered(asked);
    change(answer);
    const { status, headers, text } = answer;
    // Not as text, which would be given a type.
    const body = new TextEncoder().encode(text);
    return await contract.assertKept(asked, new Response(body, { status, headers }));
  };
  for (const asked of [event, missing, wrong, nowhere]) await judge(asked, () => {});
  const without = (name: string) => ({ headers }: { headers: Headers }) => headers.delete(name);
  const wrongs: [Asked, Parameters<typeof judge>[1], RegExp][] = [
    [event, (answer) => answer.status = 202, /status that is not named/],
    [event, (answer) => answer.status = 418, /status that is not named/],
    [nowhere, (answer) => answer.status = 500, /status that is not named/],
    [event, ({ headers }) => headers.set("content-type", "text/html"), /of type text\/html/],
    [missing, ({ headers }) => headers.set("content-type", "application/json"), /of type/],
    [event, without("content-type"), /of type null/],
    [event, without("etag"), /without ETag/],
    [event, without("x-request-id"), /without X-Request-Id/],
    [nowhere, without("allow"), /without Allow/],
    [event, ({ headers }) => headers.set("x-secret", "1"), /x-secret that is not named/],
    [missing, ({ headers }) => headers.set("location", "/"), /location that is not named/],
    [event, (answer) => answer.text = "{", /no JSON/],
    [event, (answer) => answer.text = "null", /expected object/],
    [event, (answer) => answer.text = replaced(answer, /"title":/, '"titel":'), /titel/],
    [event, (answer) => answer.text = replaced(answer, /"city":/, '"town":1,"city":'), /town/],
    [event, (answer) => answer.text = replaced(answer, /"version":1/, '"version":1.5'), /version/],
    [event, (answer) => answer.text = replaced(answer, /"CONFIRMED"/, '"LATE"'), /status/],
    [event, (answer) => answer.text = replaced(answer, /"starts_at":"/, "$&x"), /starts_at/],
    [missing, (answer) => answer.text = replaced(answer, /"code"/, '"secret":1,"code"'), /secret/],
    [missing, (answer) => answer.text = replaced(answer, /"remedy":/, '"x":'), /remedy/],
    [wrong, (answer) => answer.text = replaced(answer, /"errors":\[.*\]/, '"errors":[]'), /named/],
  ];
  for (const [asked, change, why] of wrongs) {
    await assert.rejects(judge(asked, change), why, `${asked.method} ${asked.path} ${why}`);
  }
});

function replaced({ text }: { text: string }, pattern: RegExp, by: string): string {
  assert.match(text, pattern);
  return text.replace(pattern, by);
}
