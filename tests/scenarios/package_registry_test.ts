/**
 * The program and its tools where the package registry jsr.io cannot be reached: it refuses, or it
 * takes the connection and never answers, which is worse.
 */
import assert from "node:assert/strict";
import { startServer } from "../support/server.ts";

const ROOT = new URL("../../", import.meta.url).pathname;
/** Nothing here takes as long; what hangs is ended. */
const HANGS_AFTER_MS = 120_000;

const GITHUB = {
  SIGN_IN_PROVIDER: "github",
  GITHUB_CLIENT_ID: "id",
  GITHUB_CLIENT_SECRET: "secret",
};

/** Holds on to whoever connects. */
function silentRegistry(): { url: string } & AsyncDisposable {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const held: Deno.Conn[] = [];
  const accepting = (async () => {
    for await (const connection of listener) held.push(connection);
  })();
  return {
    url: `http://127.0.0.1:${listener.addr.port}/`,
    async [Symbol.asyncDispose]() {
      listener.close();
      await accepting;
      for (const connection of held) connection.close();
    },
  };
}

function refusingRegistry(): { url: string } & AsyncDisposable {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  listener.close();
  return { url: `http://127.0.0.1:${port}/`, [Symbol.asyncDispose]: () => Promise.resolve() };
}

/** A cache that has what comes from npm, and nothing of the registry. */
async function withEmptyCache(use: (folder: string) => Promise<void>): Promise<void> {
  const info = await new Deno.Command(Deno.execPath(), { args: ["info", "--json"] }).output();
  const { npmCache } = JSON.parse(new TextDecoder().decode(info.stdout));
  const folder = await Deno.makeTempDir();
  try {
    await Deno.symlink(npmCache, `${folder}/npm`);
    await use(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function ended(args: string[], env: Record<string, string>): Promise<string> {
  const { code, signal, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args,
    env,
    cwd: ROOT,
    signal: AbortSignal.timeout(HANGS_AFTER_MS),
  }).output();
  const [out, complaints] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
  assert.deepEqual([code, signal], [0, null], `deno ${args.join(" ")}: ${out}${complaints}`);
  return out!;
}

for (
  const [what, open] of [["refuses", refusingRegistry], ["never answers", silentRegistry]] as const
) {
  Deno.test(`where the package registry ${what} everything works but the sign-in that needs it`, async (t) => {
    await using registry = open();
    await withEmptyCache(async (folder) => {
      const env = { ...GITHUB, DENO_DIR: folder, JSR_URL: registry.url, KV_PATH: ":memory:" };

      await t.step("the program starts and serves", async () => {
        for (const args of [[], ["--dev"]]) {
          await using server = await startServer({ args, env });
          const response = await fetch(`${server.url}/v1/events`);
          assert.equal(response.status, 200);
          await response.body!.cancel();
        }
      });

      await t.step("the sign-in is unavailable, within ten seconds", async () => {
        const program = "tests/support/run_kv_oauth_sign_in.ts";
        const { told, afterMs } = JSON.parse(await ended(["run", "--allow-all", program], env));
        assert.equal(told, "sign_in_unavailable");
        if (what === "refuses") assert.ok(afterMs < 9_000, "and at once when it is refused");
        else assert.ok(afterMs > 9_000, "and not before: others are only slow");
      });

      for (
        const args of [
          ["check", "main.ts"],
          ["lint", "routes"],
          ["fmt", "--check", "routes"],
          ["test", "--allow-all", "tests/kv/deadlines_test.ts"],
          ["cache", "main.ts"],
        ]
      ) await t.step(`deno ${args.join(" ")}`, async () => void await ended(args, env));
    });
  });
}
