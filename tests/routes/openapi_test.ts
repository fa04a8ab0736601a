/** The contract as a document: whole, without loose ends, and the one that is committed. */
import assert from "node:assert/strict";
import { resolved } from "../../routes/api_document.ts";
import { describeApi } from "../../routes/openapi.ts";
import { OPERATIONS } from "../../routes/operations.ts";
import { Contract } from "../support/contract.ts";
import { ADMIN, type TestApp, testApp } from "../support/fixture.ts";
import { ROOT } from "../../lifecycle/policy.ts";
import { signedIn } from "../support/people.ts";
import { create, json } from "../support/http.ts";

const COMMITTED = new URL("../../docs/openapi.json", import.meta.url);

/** Pages, their assets and what describes the API itself: no part of the contract. */
const NO_OPERATION =
  /^\/($|auth\/|me($|\/)|invitations\/|events\/|organizers\/|assets\/|docs$|problems|openapi\.json$|\.well-known\/)/;

const contractOf = (t: TestApp) => new Contract(describeApi(t.app));

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
  const described = contractOf(t).operations.map(({ name }) => name);
  assert.deepEqual(described.toSorted(), [...new Set(routes)].sort());
  assert.deepEqual(described.toSorted(), Object.keys(OPERATIONS).sort());
});

Deno.test("every operation has a name of its own, a tag and words", async () => {
  await using t = await testApp();
  const { document, operations } = contractOf(t);
  const ids = operations.map(({ operation }) => operation.operationId);
  assert.equal(new Set(ids).size, ids.length);
  const tags = document.tags.map((tag) => tag.name);
  for (const { name, operation } of operations) {
    assert.match(operation.operationId, /^[a-z]+([A-Z][a-z]+)*$/);
    assert.ok(operation.tags.every((tag) => tags.includes(tag)), name);
    assert.ok(operation.summary && !operation.summary.endsWith("."), name);
    assert.ok(operation.description?.endsWith("."), `${name}: ${operation.description}`);
    for (const parameter of operation.parameters ?? []) {
      assert.ok(parameter.description, `${name} ${parameter.name}`);
    }
    for (const response of Object.values(operation.responses)) {
      const { description } = resolved(document, response);
      assert.ok(description && description !== "A problem (RFC 9457)", name);
    }
  }
});

Deno.test("every reference leads somewhere, and every component is referred to", async () => {
  await using t = await testApp();
  const document = describeApi(t.app);
  const text = JSON.stringify(document);
  const referred = [...text.matchAll(/"\$ref":"([^"]+)"/g)].map(([, $ref]) => $ref!);
  const { schemas, headers, responses } = document.components;
  const there = Object.entries({ schemas, headers, responses }).flatMap(([kind, components]) =>
    Object.keys(components).map((name) => `#/components/${kind}/${name}`)
  );
  assert.deepEqual([...new Set(referred)].sort(), there.sort());
});

Deno.test("a schema with a name is never null: whoever refers to it says so", async () => {
  await using t = await testApp();
  for (const [name, schema] of Object.entries(describeApi(t.app).components.schemas)) {
    assert.equal(schema.type, "object", name);
  }
});

Deno.test("only the routes of /v1 may find that nothing they answer is taken", async () => {
  await using t = await testApp();
  for (const { path, operation } of contractOf(t).operations) {
    assert.equal("406" in operation.responses, path.startsWith("/v1/"), path);
  }
});

Deno.test("every operation names the problems that what it takes can lead to", async () => {
  await using t = await testApp();
  for (const { name, path, operation } of contractOf(t).operations) {
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

Deno.test("every example is a body that its route takes", async () => {
  await using described = await testApp();
  const contract = contractOf(described);
  for (const { name, method, path, operation } of contract.operations) {
    await using t = await testApp();
    const [type, media] = Object.entries(operation.requestBody?.content ?? {})[0] ?? [];
    if (media?.example === undefined) continue;
    const { id, organizer_id } = await create(t, ADMIN);
    const ann = await signedIn(t, "Ann");
    const address = path.replace("/events/{id}", `/events/${id}`)
      .replace("/organizers/{id}", `/organizers/${organizer_id}`)
      .replace("/users/{id}", `/users/${ann.id}`)
      .replace("{user_id}", ROOT.userId)
      .replace("{name}", "complete_events");
    const needed = (operation.parameters ?? []).filter((one) => one.in === "header" && one.required)
      .map(({ name, example }) => [name.toLowerCase(), example!]);
    // Who is nobody's to erase.
    const isForRoot = operation.operationId !== "eraseMe";
    const headers = {
      ...(isForRoot ? ADMIN : ann),
      "content-type": type!,
      "idempotency-key": "k",
      ...Object.fromEntries(needed),
    };
    const ask = () => t.request(method, address, { headers, body: media.example });
    const { status, body } = await contract.assertKept({ method, path: address }, await ask());
    await contract.assertKept({ method, path: address }, await ask());
    const text = JSON.stringify(body);
    // There is none as in the example; all else about it is right.
    if (["moveOrganizerEvents", "addMember"].includes(operation.operationId)) {
      assert.match(text, /There is no (organizer|user)/);
    } else assert.ok(status < 300, `${name}: ${text}`);
    if (operation.operationId === "importEvents") assert.match(text, /"failed":0,/);
  }
});
