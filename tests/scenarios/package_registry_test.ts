/**
 * The program and its tools where the package registry jsr.io cannot be reached: it refuses, or it
 * takes the connection and never answers, which is worse.
 */
import assert from "node:assert/strict";
import { PATIENCE_MS } from "../support/http.ts";
import { startServer } from "../support/server.ts";
import { tempFolder } from "../support/temp_folder.ts";

const ROOT = new URL("../../", import.meta.url).pathname;

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
async function emptyCache(): Promise<string> {
  const info = await new Deno.Command(Deno.execPath(), { args: ["info", "--json"] }).output();
  const { npmCache } = JSON.parse(new TextDecoder().decode(info.stdout));
  const folder = await tempFolder();
  await Deno.symlink(npmCache, `${folder}/npm`);
  return folder;
}

// One for all: nothing of the registry gets into it, and types are checked once.
const CACHE = await emptyCache();
Deno.test.afterAll(() => Deno.remove(CACHE, { recursive: true }));

async function ended(args: string[], env: Record<string, string>): Promise<string> {
  const { code, signal, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args,
    env,
    cwd: ROOT,
    signal: AbortSignal.timeout(PATIENCE_MS),
  }).output();
  const [out, complaints] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
  assert.deepEqual([code, signal], [0, null], `deno ${args.join(" ")}: ${out}${complaints}`);
  return out!;
}

for (
  const [what, open] of [["never answers", silentRegistry], ["refuses", refusingRegistry]] as const
) {
  Deno.test(`where the package registry ${what} everything works but the sign-in that needs it`, async (t) => {
    await using registry = open();
    const env = { ...GITHUB, DENO_DIR: CACHE, JSR_URL: registry.url, KV_PATH: ":memory:" };
    // It waits more than it works, and the others go on beside it.
    const program = "tests/support/run_kv_oauth_sign_in.ts";
    const signIn = ended(["run", "--allow-all", program], env);
    signIn.catch(() => {});

    await t.step("the program starts and serves", async () => {
      for (const args of [[], ["--dev"]]) {
        await using server = await startServer({ args, env });
        const response = await fetch(`${server.url}/v1/events`);
        assert.equal(response.status, 200);
        await response.body!.cancel();
      }
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

    await t.step("the sign-in is unavailable, within ten seconds", async () => {
      const { told, afterMs } = JSON.parse(await signIn);
      assert.equal(told, "sign_in_unavailable");
      if (what === "never answers") {
        assert.ok(afterMs > 9_000, "and not before: others are only slow");
      } else assert.ok(afterMs < 9_000, "and at once when it is refused");
    });
  });
}
