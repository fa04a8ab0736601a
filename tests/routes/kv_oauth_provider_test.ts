/** How the sign-in is loaded that needs a package registry, and what comes of it without one. */
import assert from "node:assert/strict";
import { Deadlines } from "../../kv/deadlines.ts";
import { kvOAuthLoader, type LoadOptions } from "../../routes/sign_in/kv_oauth_provider.ts";

const UNAVAILABLE = { name: "DomainError", code: "sign_in_unavailable" };

let modules = 0;

/** A module of its own for each test: an import is remembered. */
function moduleOf(code: string): URL {
  return new URL(`data:text/javascript,${encodeURIComponent(`${code} // ${modules++}`)}`);
}

function loading(options: Partial<LoadOptions>) {
  const deadlines = new Deadlines();
  const exposed: string[] = [];
  const exposeKvPath = () => void exposed.push("DENO_KV_PATH");
  return {
    load: kvOAuthLoader({ store: { deadlines }, exposeKvPath, ...options }),
    exposed,
    [Symbol.dispose]: () => deadlines.stop(),
  };
}

Deno.test("the sign-in is loaded once, when it is wanted, with the store's path set before", async () => {
  const module = moduleOf("export const kvOAuthSignIn = 7;");
  using t = loading({ module });
  assert.deepEqual(t.exposed, []);
  const [first, second] = await Promise.all([t.load(), t.load()]);
  assert.equal(first.kvOAuthSignIn, 7);
  assert.equal(first, second);
  assert.deepEqual(t.exposed, ["DENO_KV_PATH"]);
});

Deno.test("a sign-in whose packages cannot be had is unavailable, each time, and says so in the log", async () => {
  const lines: unknown[] = [];
  const log = { error: (...line: unknown[]) => lines.push(line) } as unknown as LoadOptions["log"];
  for (const code of ["import 'jsr-of-nobody';", "throw new Error('no KV');", "{"]) {
    using t = loading({ module: moduleOf(code), log: log! });
    await assert.rejects(t.load(), UNAVAILABLE);
    await assert.rejects(t.load(), UNAVAILABLE);
    assert.equal(t.exposed.length, 1);
  }
  assert.equal(lines.length, 3);
});

Deno.test("packages that do not come in time make the sign-in unavailable at once from then on", async () => {
  const gate = Promise.withResolvers<void>();
  Object.assign(globalThis, { gate });
  const module = moduleOf("await globalThis.gate.promise; export const kvOAuthSignIn = 7;");
  using t = loading({ module, deadlineMs: 1 });
  await assert.rejects(t.load(), UNAVAILABLE);
  const again = t.load();
  assert.equal(again, t.load(), "nobody waits a second time");
  await assert.rejects(again, UNAVAILABLE);
  gate.resolve();
  await import(module.href);
  assert.equal((await t.load()).kvOAuthSignIn, 7, "when they come after all, they are used");
});
