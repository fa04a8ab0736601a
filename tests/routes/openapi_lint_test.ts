/**
 * What a linter of contracts says of the committed one. It comes by `npm:` when it is asked for,
 * and only in CI, because it is 15 MB that nothing else here needs.
 */
import assert from "node:assert/strict";

const LINTER = "npm:@redocly/cli@2.77.0";
const inCi = Deno.env.has("CI");
const name = "a linter finds nothing to say about docs/openapi.json";

Deno.test({
  name: inCi ? name : `${name} [ignored: only in CI, it is fetched]`,
  ignore: !inCi,
  async fn(t) {
    const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "--allow-all", "--no-lock", "--no-config", LINTER, "lint", "docs/openapi.json"],
      cwd: new URL("../../", import.meta.url),
      env: { NO_COLOR: "1", REDOCLY_TELEMETRY: "off", REDOCLY_SUPPRESS_UPDATE_NOTICE: "true" },
    }).output();
    const said = new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
    if (code !== 0 && /error sending request|Failed to fetch|npm registry/i.test(said)) {
      await t.step({ name: "[ignored: npm cannot be reached]", ignore: true, fn() {} });
      return;
    }
    assert.equal(code, 0, said);
    assert.doesNotMatch(said, /You have \d+ warning/);
  },
});
