/** A page of another site uses the API in a real browser, which asks before it lets it. */
import assert from "node:assert/strict";
import { browserTest, openPage } from "../support/browser.ts";
import { ADMIN, testApp } from "../support/fixture.ts";
import { TOMORROW } from "../support/http.ts";

interface Ask {
  url: string;
  method: string;
  headers?: Record<string, string>;
  body?: string;
  credentials?: RequestCredentials;
}

/** Runs in the browser. */
async function ask({ url, ...options }: Ask) {
  try {
    const response = await fetch(url, options);
    return {
      status: response.status,
      headers: Object.fromEntries(response.headers),
      body: await response.text(),
    };
  } catch (error) {
    return { status: 0, headers: {}, body: String(error) };
  }
}

const listening = { hostname: "127.0.0.1", port: 0, onListen() {} };

browserTest(
  "a script of another site writes, reads headers and sees its limit",
  async (browser) => {
    await using t = await testApp({ requestsPerMinute: 5 });
    await using api = Deno.serve(listening, t.app.fetch);
    await using site = Deno.serve(
      listening,
      () =>
        new Response("<!doctype html><link rel=icon href=data:,>", {
          headers: { "content-type": "text/html", "cross-origin-embedder-policy": "require-corp" },
        }),
    );
    const { page } = await openPage(browser);
    await page.goto(`http://127.0.0.1:${site.addr.port}/`);
    const url = `http://127.0.0.1:${api.addr.port}/v1/events`;
    const headers = { ...ADMIN, "content-type": "application/json", "x-request-id": "from-afar" };

    const created = await page.evaluate(ask, {
      url,
      method: "POST",
      headers: { ...headers, "idempotency-key": "1", prefer: "x" },
      body: JSON.stringify(TOMORROW),
    });
    assert.equal(created.status, 201, created.body);
    assert.equal(created.headers["x-request-id"], "from-afar");
    assert.equal(created.headers["ratelimit"], '"default";r=4;t=12');
    const one = `http://127.0.0.1:${api.addr.port}${created.headers["location"]}`;
    for (
      const [method, body, status] of [
        ["PATCH", '{"title":"Anew"}', 200],
        ["DELETE", '{"reason":"It was a test."}', 204],
      ] as const
    ) {
      const response = await page.evaluate(ask, {
        url: one,
        method,
        body,
        headers: { ...headers, "if-match": "*" },
      });
      assert.equal(response.status, status, response.body);
    }
    // Another address each time, because the browser keeps answers.
    const list = (i: number) => page.evaluate(ask, { url: `${url}?limit=${i}`, method: "GET" });
    for (let i = 1; i <= 5; i++) assert.equal((await list(i)).status, 200);
    const refused = await list(6);
    assert.deepEqual([refused.status, refused.headers["retry-after"]], [429, "12"]);

    const options: Ask = { url, method: "GET", credentials: "include" };
    const withCookies = await page.evaluate(ask, options);
    assert.equal(withCookies.status, 0, "no answer is for a page that sends cookies along");
  },
);
