/** Tests that need the linter of contracts: it is fetched for them, and so only in CI. */
import { redocly } from "../../tasks/redocly.ts";

const inCi = Deno.env.has("CI");

export function linterTest(name: string, body: () => Promise<void>): void {
  Deno.test({
    name: inCi ? name : `${name} [ignored: only in CI, it is fetched]`,
    ignore: !inCi,
    async fn(t) {
      const { isThere } = await redocly("--version");
      if (isThere) return await body();
      await t.step({ name: "[ignored: npm cannot be reached]", ignore: true, fn() {} });
    },
  });
}
