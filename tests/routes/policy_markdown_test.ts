import assert from "node:assert/strict";
import { EVENT_RULES, ORGANIZER_RULES } from "../../lifecycle/policy_table.ts";
import { policyMarkdown, withPolicy } from "../../routes/policy_markdown.ts";

const README = await Deno.readTextFile(new URL("../../README.md", import.meta.url));

Deno.test("the README shows the table of rights as it is; else: deno task policy", () => {
  assert.equal(withPolicy(README), README);
});

Deno.test("the table of rights has a line for each rule, beside its two heads", () => {
  const lines = policyMarkdown().split("\n").filter((line) => line !== "");
  assert.equal(lines.length, EVENT_RULES.length + ORGANIZER_RULES.length + 4);
  const deletion = lines.find((line) => line.includes("| delete it  "))!;
  assert.deepEqual(deletion.split("|").map((cell) => cell.trim()), [
    "",
    "delete it",
    "editors",
    "any",
    "DRAFT",
    "",
  ]);
});

Deno.test("withPolicy() writes between its marks only, and nowhere without them", () => {
  const begin = README.indexOf("<!-- policy: ");
  const end = README.indexOf("<!-- /policy -->");
  assert.ok(begin > 0 && end > begin);
  const mark = README.slice(begin, README.indexOf("\n", begin));
  const old = `before\n\n${mark}\nsomething old\n<!-- /policy -->\n\nafter\n`;
  assert.equal(
    withPolicy(old),
    `before\n\n${mark}\n\n${policyMarkdown()}\n\n<!-- /policy -->\n\nafter\n`,
  );
  for (const none of ["", mark, `<!-- /policy -->\n${mark}`]) {
    assert.throws(() => withPolicy(none), /no place/);
  }
});
