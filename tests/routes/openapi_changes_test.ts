/** What `deno task openapi` writes, and what it refuses: clients rely on what was there. */
import assert from "node:assert/strict";
import type { ApiDocument, Operation } from "../../routes/api_document.ts";
import { describeApi } from "../../routes/openapi.ts";
import { writeContract } from "../../tasks/contract_file.ts";
import { TaskError } from "../../tasks/server.ts";
import { testApp } from "../support/fixture.ts";
import { linterTest } from "../support/linter.ts";

const textOf = (document: ApiDocument) => JSON.stringify(document, null, 2) + "\n";

/** The document with something changed. */
async function changed(change: (document: ApiDocument) => unknown): Promise<string> {
  await using t = await testApp();
  const document: ApiDocument = JSON.parse(textOf(describeApi(t.app)));
  change(document);
  return textOf(document);
}

/** A file with the contract as it is, and what is in it after `write`. */
async function after(write: (path: string) => Promise<void>): Promise<string> {
  const path = await Deno.makeTempFile({ suffix: ".json" });
  try {
    await Deno.writeTextFile(path, await changed(() => {}));
    await write(path);
    return await Deno.readTextFile(path);
  } finally {
    await Deno.remove(path);
  }
}

const list = ({ paths }: ApiDocument): Operation => paths["/v1/events"]!.get!;
const schema = ({ components }: ApiDocument, name: string) => components.schemas[name]!;
const member = (document: ApiDocument, name: string, field: string) =>
  schema(document, name).properties![field]!;
const parameter = (document: ApiDocument, name: string) =>
  list(document).parameters!.find((one) => one.name === name)!;

const BREAKING: [what: string, change: (document: ApiDocument) => unknown][] = [
  ["an operation is gone", ({ paths }) => delete paths["/v1/me/events"]],
  ["a name of an operation changed", (document) => list(document).operationId = "findEvents"],
  ["a parameter is gone", (document) => list(document).parameters!.shift()],
  ["a parameter became required", (document) => parameter(document, "tag").required = true],
  ["a limit narrowed", (document) => parameter(document, "limit").schema!.maximum = 50],
  ["a value of a parameter is gone", (document) => parameter(document, "sort").schema!.enum!.pop()],
  ["a status is gone", (document) => delete list(document).responses[304]],
  [
    "a member of an answer is gone",
    (document) => delete schema(document, "EventCard").properties!.summary,
  ],
  [
    "a member of an answer may be missing",
    (document) => schema(document, "EventCard").required!.pop(),
  ],
  [
    "a member of an answer may be null",
    (document) => member(document, "EventCard", "title").type = ["string", "null"],
  ],
  [
    "a member of a problem is gone",
    (document) => delete schema(document, "Problem").properties!.remedy,
  ],
  [
    "a header is gone",
    ({ components }) => delete components.responses.Conflict!.headers!["Retry-After"],
  ],
  [
    "a member of a body became required",
    (document) => schema(document, "EventInput").required!.push("summary"),
  ],
  [
    "a member of a body is gone",
    (document) => delete schema(document, "EventInput").properties!.summary,
  ],
  ["a type changed", (document) => member(document, "EventInput", "online").type = "string"],
  [
    "a value of a body is gone",
    (document) => member(document, "EventInput", "visibility").enum!.pop(),
  ],
  ["a text got shorter", (document) => member(document, "EventInput", "title").maxLength = 100],
  ["a token is needed", (document) => list(document).security = [{ bearer: [] }]],
];

linterTest(
  "deno task openapi refuses to write what would break clients, and says what",
  async () => {
    const before = await changed(() => {});
    for (const [what, change] of BREAKING) {
      const text = await changed(change);
      const left = await after(async (path) => {
        await assert.rejects(writeContract(path, text, { isBreaking: false }), (error) => {
          assert.ok(error instanceof TaskError, what);
          assert.match(error.message, /✖ major .*\n[^]*--breaking writes it all the same/, what);
          return true;
        }, what);
      });
      assert.equal(left, before, what);
    }
  },
);

linterTest("deno task openapi writes what is only added", async () => {
  const text = await changed((document) => {
    const added = { ...list(document), operationId: "listOther" };
    document.paths["/v1/other"] = { get: added };
    list(document).parameters!.push({ name: "new", in: "query", schema: { type: "string" } });
    list(document).responses[418] = { $ref: "#/components/responses/Conflict" };
    list(document).description = "Otherwise said.";
    schema(document, "EventCard").properties!.added = { type: "string" };
    schema(document, "EventInput").properties!.added = { type: "string" };
    member(document, "EventCard", "status").enum!.push("POSTPONED");
    member(document, "EventInput", "visibility").enum!.push("SECRET");
    member(document, "EventInput", "title").maxLength = 300;
    document.components.responses.Conflict!.headers!["X-Added"] = { schema: { type: "string" } };
  });
  const left = await after((path) => writeContract(path, text, { isBreaking: false }));
  assert.equal(left, text);
});

Deno.test("deno task openapi --breaking writes whatever there is, and asks nobody", async () => {
  const text = await changed(({ paths }) => delete paths["/v1/me/events"]);
  assert.equal(await after((path) => writeContract(path, text, { isBreaking: true })), text);
});

Deno.test("deno task openapi writes where there was nothing, and leaves what is the same", async () => {
  const text = await changed(() => {});
  const anew = await after(async (path) => {
    await Deno.remove(path);
    await writeContract(path, text, { isBreaking: false });
  });
  assert.equal(anew, text);
  const then = new Date("2026-01-01");
  await after(async (path) => {
    await Deno.utime(path, then, then);
    await writeContract(path, text, { isBreaking: false });
    assert.deepEqual((await Deno.stat(path)).mtime, then);
  });
});
