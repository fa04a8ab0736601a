/** A real KV Connect server, denokv, on a free port of loopback with a database of its own. */
import assert from "node:assert/strict";
import { delimiter, join } from "node:path";

/** Why a test that needs denokv is ignored, for its name. */
export const NO_DENOKV = "no denokv found, set DENOKV_PATH";

/** The one token of all servers: the runtime reads it from the environment, which tests share. */
const ACCESS_TOKEN = "test-token-of-denokv";

const STARTS_WITHIN_MS = 10_000;
const LOOK_EVERY_MS = 5;

export interface Denokv extends AsyncDisposable {
  url: string;
  /** Ends it as a power cut would; resolves when it is gone. */
  kill: () => Promise<void>;
  /** Starts it again, on the same port and file; resolves when it takes connections. */
  start: () => Promise<void>;
  /** Ends it and starts it again with nothing in it. */
  renew: () => Promise<void>;
}

/** Where denokv is: `DENOKV_PATH`, else on `PATH`, else where cargo puts it; null when nowhere. */
export function findDenokv(): string | null {
  const named = Deno.env.get("DENOKV_PATH");
  if (named !== undefined && named !== "") return named;
  const folders = (Deno.env.get("PATH") ?? "").split(delimiter);
  const home = Deno.env.get("HOME");
  if (home !== undefined) folders.push(join(home, ".cargo", "bin"));
  return folders.map((folder) => join(folder, "denokv")).find(exists) ?? null;
}

function exists(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) {
      return false;
    }
    throw error;
  }
}

/**
 * Registers a test that needs denokv. Without it the test is ignored, and its name says why; in CI
 * it fails instead, so that a missing server is never taken for a passed test.
 */
export function denokvTest(name: string, fn: () => Promise<void>): void {
  const missing = findDenokv() === null;
  const ignore = missing && !Deno.env.has("CI");
  Deno.test({
    name: ignore ? `${name} [ignored: ${NO_DENOKV}]` : name,
    ignore,
    async fn() {
      assert.ok(!missing, "CI needs denokv: cargo install denokv --locked, or set DENOKV_PATH");
      await fn();
    },
  });
}

/** Starts a server that holds nothing yet. */
export async function startDenokv(): Promise<Denokv> {
  const path = findDenokv();
  assert.ok(path !== null, NO_DENOKV);
  Deno.env.set("DENO_KV_ACCESS_TOKEN", ACCESS_TOKEN);
  const folder = await Deno.makeTempDir({ prefix: "curtain-denokv-" });
  const port = freePort();
  let child: Deno.ChildProcess | null = null;
  const start = async () => {
    child = await spawn(path, { folder, port });
  };
  const kill = async () => {
    if (child === null) return;
    child.kill("SIGKILL");
    await child.status;
    child = null;
  };
  await start();
  return {
    url: `http://127.0.0.1:${port}`,
    kill,
    start,
    renew: async () => {
      await kill();
      for (const { name } of Deno.readDirSync(folder)) await Deno.remove(join(folder, name));
      await start();
    },
    async [Symbol.asyncDispose]() {
      await kill();
      await Deno.remove(folder, { recursive: true });
    },
  };
}

async function spawn(
  path: string,
  { folder, port }: { folder: string; port: number },
): Promise<Deno.ChildProcess> {
  const child = new Deno.Command(path, {
    args: ["--sqlite-path", join(folder, "kv.sqlite3"), "serve", "--addr", `127.0.0.1:${port}`],
    env: { DENO_KV_ACCESS_TOKEN: ACCESS_TOKEN },
    stdout: "null",
    stderr: "null",
  }).spawn();
  let ended = false;
  child.status.then(() => ended = true);
  const giveUp = performance.now() + STARTS_WITHIN_MS;
  while (!await isListening(port)) {
    assert.ok(!ended, `denokv ended instead of listening on port ${port}`);
    if (performance.now() > giveUp) {
      child.kill("SIGKILL");
      assert.fail(`denokv does not listen on port ${port}`);
    }
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
  }
  return child;
}

async function isListening(port: number): Promise<boolean> {
  try {
    (await Deno.connect({ hostname: "127.0.0.1", port })).close();
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.ConnectionRefused) return false;
    throw error;
  }
}

/**
 * Not one the system gives: between a kill and the start after it, it would give the port to
 * somebody else.
 */
function freePort(): number {
  for (;;) {
    const port = 20_000 + Math.floor(Math.random() * 10_000);
    try {
      Deno.listen({ hostname: "127.0.0.1", port }).close();
      return port;
    } catch (error) {
      if (!(error instanceof Deno.errors.AddrInUse)) throw error;
    }
  }
}
