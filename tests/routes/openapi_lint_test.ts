/** What a linter of contracts says of the committed one. */
import assert from "node:assert/strict";
import { redocly } from "../../tasks/redocly.ts";
import { linterTest } from "../support/linter.ts";

linterTest("a linter finds nothing to say about docs/openapi.json", async () => {
  const { code, text } = await redocly("lint", "docs/openapi.json");
  assert.equal(code, 0, text);
  assert.doesNotMatch(text, /You have \d+ warning/);
});
