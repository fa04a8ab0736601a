/** The reference page: it shows the whole contract, and how each operation is called. */
import assert from "node:assert/strict";
import { describeApi } from "../../routes/openapi.ts";
import { curlText } from "../../routes/pages/curl_text.ts";
import { browserTest, openPage } from "../support/browser.ts";
import { testApp } from "../support/fixture.ts";
import { assertFits, SCREENS, turnTo } from "../support/screens.ts";

Deno.test("the reference shows every operation, parameter, status and schema", async () => {
  await using t = await testApp();
  const response = await t.request("GET", "/docs");
  assert.equal(response.status, 200);
  assert.match(response.headers.get("content-security-policy")!, /^default-src 'none'; /);
  const text = await response.text();
  const { paths, components } = describeApi(t.app);
  for (const [path, operations] of Object.entries(paths)) {
    for (const [method, operation] of Object.entries(operations)) {
      const { operationId, parameters = [], responses } = operation;
      const [, part] = text.split(`id="${operationId}"`);
      const article = part!.slice(0, part!.indexOf("</article>"));
      assert.ok(article.includes(`>${method.toUpperCase()}</b> <code>${path}</code>`), operationId);
      for (const { name } of parameters) assert.ok(article.includes(`<code>${name}</code>`), name);
      for (const status of Object.keys(responses)) {
        assert.ok(article.includes(`<code>${status}</code>`), `${operationId} ${status}`);
      }
    }
  }
  for (const name of Object.keys(components.schemas)) {
    assert.ok(text.includes(`id="schema-${name}"`), name);
  }
});

Deno.test("the reference shows the address by which it was asked for", async () => {
  await using t = await testApp();
  const text = await (await t.app.request("https://events.example/docs")).text();
  assert.ok(text.includes(">curl &quot;https://events.example/v1/events&quot;<"));
});

Deno.test("every link of the reference to a place on it leads there, and no id is there twice", async () => {
  await using t = await testApp();
  const text = await (await t.request("GET", "/docs")).text();
  const ids = [...text.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id!);
  assert.equal(new Set(ids).size, ids.length);
  for (const [, id] of text.matchAll(/ href="#([^"]+)"/g)) assert.ok(ids.includes(id!), id);
});

Deno.test("a curl asks for the page's own host, with the token and the body that are needed", async () => {
  await using t = await testApp();
  const { paths } = describeApi(t.app);
  const curl = (method: string, path: string) => {
    const operation = paths[path]![method]!;
    return curlText({ origin: "https://events.example", method, path, operation });
  };
  assert.equal(curl("get", "/v1/events"), 'curl "https://events.example/v1/events"');
  assert.equal(
    curl("delete", "/v1/events/{id}"),
    'curl -X DELETE "https://events.example/v1/events/$ID" \\\n' +
      '  -H "Authorization: Bearer $TOKEN" \\\n' +
      `  -H 'If-Match: "1.p"' \\\n` +
      '  -H "Content-Type: application/json" \\\n' +
      `  -d '{"reason":"Entered twice"}'`,
  );
  assert.match(curl("post", "/v1/imports"), /^curl "[^"]+" [^]*ndjson" \\\n {2}--data-binary @ev/);
  assert.match(curl("post", "/v1/jobs/{name}/runs"), /^curl -X POST "[^"]+\/\$NAME\/runs" /);
  const { post } = paths["/v1/organizers"]!;
  const content = { "application/json": { example: { name: "Rock 'n' Roll" } } };
  const told = curlText({
    origin: "",
    method: "post",
    path: "/x",
    operation: { ...post!, requestBody: { content } },
  });
  assert.ok(told.endsWith(`-d '{"name":"Rock '\\''n'\\'' Roll"}'`), told);
});

browserTest(
  "the reference and the problems break no policy and fit every screen",
  async (browser) => {
    await using t = await testApp();
    const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, t.app.fetch);
    const url = `http://127.0.0.1:${server.addr.port}`;
    const { page, complaints } = await openPage(browser);
    for (const screen of SCREENS) {
      await turnTo(page, screen);
      for (const path of ["/problems", "/problems/outcome_unknown", "/docs"]) {
        await page.goto(url + path);
        await assertFits(page, path);
      }
      await page.getByRole("link", { name: "The API" }).last().focus();
      await page.locator(".curl").first().click();
      assert.match(await page.evaluate<string>("String(getSelection())"), /^curl "http/);
      assert.deepEqual(complaints, [], JSON.stringify(screen));
    }
    await server.shutdown();
  },
);
