/** The contract as a document: whole, without loose ends, and the one that is committed. */
import assert from "node:assert/strict";
import { describeApi, type Operation } from "../../routes/openapi.ts";
import { OPERATIONS } from "../../routes/operations.ts";
import { ADMIN, type RequestOptions, type TestApp, testApp } from "../support/fixture.ts";
import { create, json } from "../support/http.ts";

const COMMITTED = new URL("../../docs/openapi.json", import.meta.url);

/** Pages, their assets and what describes the API itself: no part of the contract. */
const NO_OPERATION =
  /^\/($|events\/|organizers\/|assets\/|docs$|problems|openapi\.json$|\.well-known\/)/;

interface Named {
  method: string;
  path: string;
  name: string;
  operation: Operation;
}

function operationsOf(t: TestApp): Named[] {
  return Object.entries(describeApi(t.app).paths).flatMap(([path, operations]) =>
    Object.entries(operations).map(([lower, operation]) => {
      const method = lower.toUpperCase();
      return { method, path, name: `${method} ${path}`, operation };
    })
  );
}

Deno.test("/openapi.json is the document, and may be kept if it is asked for anew", async () => {
  await using t = await testApp();
  const response = await t.request("GET", "/openapi.json");
  assert.equal(response.headers.get("cache-control"), "no-cache");
  const document = await json<Record<string, unknown>>(response);
  assert.deepEqual(document, JSON.parse(JSON.stringify(describeApi(t.app))));
  assert.equal(document.openapi, "3.1.0");
  assert.deepEqual(document.servers, [{ url: "/", description: "Where this document is." }]);
  const { license, version } = document.info as Record<string, unknown>;
  assert.deepEqual([license, version], [
    { name: "MIT", url: "https://opensource.org/license/mit" },
    "1",
  ]);
});

Deno.test("docs/openapi.json is what the program serves", async () => {
  await using t = await testApp();
  const written = JSON.stringify(describeApi(t.app), null, 2) + "\n";
  assert.ok(
    await Deno.readTextFile(COMMITTED) === written,
    "The contract has changed: run `deno task openapi`, and see in the diff of docs/openapi.json " +
      "that nothing clients rely on is gone.",
  );
});

Deno.test("every route is in the document, and every operation there is a route", async () => {
  await using t = await testApp();
  const routes = t.app.routes
    .filter(({ method, path }) => method !== "ALL" && !NO_OPERATION.test(path))
    .map(({ method, path }) => `${method} ${path.replace(/:(\w+)/g, "{$1}")}`);
  const described = operationsOf(t).map(({ name }) => name);
  assert.deepEqual(described.toSorted(), [...new Set(routes)].sort());
  assert.deepEqual(described.toSorted(), Object.keys(OPERATIONS).sort());
});

Deno.test("every operation has a name of its own, a tag and words", async () => {
  await using t = await testApp();
  const operations = operationsOf(t);
  const ids = operations.map(({ operation }) => operation.operationId);
  assert.equal(new Set(ids).size, ids.length);
  const tags = describeApi(t.app).tags.map((tag) => tag.name);
  for (const { name, operation } of operations) {
    assert.match(operation.operationId, /^[a-z]+([A-Z][a-z]+)*$/);
    assert.ok(operation.tags.every((tag) => tags.includes(tag)), name);
    assert.ok(operation.summary && !operation.summary.endsWith("."), name);
    assert.ok(operation.description?.endsWith("."), `${name}: ${operation.description}`);
    for (const parameter of operation.parameters ?? []) {
      assert.ok(parameter.description, `${name} ${parameter.name}`);
    }
    for (const status of Object.keys(operation.responses)) {
      assert.notEqual(operation.responses[status]!.description, "A problem (RFC 9457)", status);
    }
  }
});

Deno.test("every reference leads somewhere, and every schema is referred to", async () => {
  await using t = await testApp();
  const document = describeApi(t.app);
  const text = JSON.stringify(document);
  const referred = [...text.matchAll(/"\$ref":"([^"]+)"/g)].map(([, $ref]) => $ref!);
  const there = Object.keys(document.components.schemas).map((name) =>
    `#/components/schemas/${name}`
  );
  assert.deepEqual([...new Set(referred)].sort(), there.sort());
});

Deno.test("every operation names the problems that what it takes can lead to", async () => {
  await using t = await testApp();
  for (const { name, path, operation } of operationsOf(t)) {
    const { parameters = [], requestBody, responses } = operation;
    const takesJson = Object.keys(requestBody?.content ?? {}).some((type) => type.endsWith("json"));
    const expected = [
      401,
      500,
      503,
      ...(parameters.some((parameter) => parameter.in === "query") ? [400] : []),
      ...(parameters.some((parameter) => parameter.in === "path") ? [404] : []),
      ...(requestBody === undefined ? [] : [415]),
      ...(takesJson && !path.endsWith("/imports") ? [400, 413, 422] : []),
      ...(OPERATIONS[name]!.caller === "admin" ? [403] : []),
    ];
    for (const status of expected) assert.ok(responses[status], `${name} may answer ${status}`);
  }
});

/** What clients act upon. */
const HEADERS = ["etag", "location", "retry-after", "idempotency-replayed", "journal-position"];

/** That the operation names the answer's status, its media type and its headers. */
function assertNamed(asked: string, response: Response, operation: Operation): void {
  const { status, headers } = response;
  const named = operation.responses[status];
  assert.ok(named !== undefined, `${asked}: ${status}`);
  const type = headers.get("content-type");
  assert.equal(
    Object.keys(named.content ?? {}).includes(type!),
    type !== null,
    `${asked}: ${type}`,
  );
  for (const header of HEADERS.filter((header) => headers.has(header))) {
    assert.ok(named.headers?.[header], `${asked}: ${status} with ${header}`);
  }
}

/** A request that is like no other: its headers, what follows the path, and its body. */
const VARIANTS: (RequestOptions & { query?: string })[] = [
  {},
  { headers: ADMIN },
  { headers: { authorization: "Bearer wrong" } },
  { headers: { ...ADMIN, accept: "text/html" } },
  { headers: { ...ADMIN, "content-encoding": "gzip" }, body: {} },
  { headers: { ...ADMIN, "if-none-match": "*" } },
  { headers: { ...ADMIN, "if-match": '"0"' } },
  { headers: { ...ADMIN, "if-match": "nonsense" } },
  { headers: ADMIN, ifMatch: null },
  { headers: { ...ADMIN, "idempotency-key": "a b" }, body: {} },
  { headers: ADMIN, query: "?no_such=1" },
  { headers: ADMIN, query: "?limit=0&limit=1" },
  { headers: ADMIN, body: {} },
  { headers: ADMIN, body: { no_such: 1 } },
  { headers: { ...ADMIN, "content-type": "application/json" }, body: '{"title":' },
  { headers: { ...ADMIN, "content-type": "text/plain" }, body: "text" },
  { headers: { ...ADMIN, "content-type": "application/json" }, body: " ".repeat(300_000) },
];

Deno.test("no answer has a status, a media type or a header that its operation does not name", async () => {
  await using t = await testApp();
  for (const { name, method, path, operation } of operationsOf(t)) {
    // Anew for each, since one of them deletes it.
    const { id, organizer_id } = await create(t, ADMIN);
    const places: Record<string, string[]> = {
      "/v1/events/{id}": [id, "evt_00000000000000000000000000", "..%2f"],
      "/v1/organizers/{id}": [organizer_id, "org_00000000000000000000000000", "%00"],
      "/v1/jobs/{name}": ["complete_events", "no_such"],
    };
    const [resource] = /^\/v1\/\w+\/\{\w+\}/.exec(path) ?? [""];
    for (const place of places[resource] ?? [""]) {
      const address = path.replace(/\{(id|name)\}/, place).replace("{run_id}", "run_x");
      for (const { query = "", ...options } of VARIANTS) {
        if (method === "GET" && options.body !== undefined) continue;
        const response = await t.request(method, address + query, options);
        await response.body?.cancel();
        assert.ok(response.status < 500, `${name} ${address}${query}: ${response.status}`);
        assertNamed(`${name} ${address}${query}`, response, operation);
      }
    }
  }
});

Deno.test("every example is a body that its route takes", async () => {
  await using described = await testApp();
  for (const { name, method, path, operation } of operationsOf(described)) {
    await using t = await testApp();
    const [type, media] = Object.entries(operation.requestBody?.content ?? {})[0] ?? [];
    if (media?.example === undefined) continue;
    const { id, organizer_id } = await create(t, ADMIN);
    const address = path.replace("/events/{id}", `/events/${id}`)
      .replace("/organizers/{id}", `/organizers/${organizer_id}`)
      .replace("{name}", "complete_events");
    const needed = (operation.parameters ?? []).filter((one) => one.in === "header" && one.required)
      .map(({ name, example }) => [name.toLowerCase(), example!]);
    const headers = {
      ...ADMIN,
      "content-type": type!,
      "idempotency-key": "k",
      ...Object.fromEntries(needed),
    };
    const ask = () => t.request(method, address, { headers, body: media.example });
    const response = await ask();
    assertNamed(name, response, operation);
    assertNamed(`${name} again`, await ask(), operation);
    const text = await response.text();
    // There is no organizer as in the example; all else about it is right.
    if (operation.operationId === "moveOrganizerEvents") {
      assert.match(text, /There is no organizer/);
    } else assert.ok(response.ok, `${name}: ${text}`);
    if (operation.operationId === "importEvents") assert.equal(JSON.parse(text).failed, 0, text);
  }
});
