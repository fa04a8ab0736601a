/** A real KV Connect server, denokv, on a free port of loopback with a database of its own. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { findProgram, freePort, startListening, testThatNeeds } from "./programs.ts";
import { tempFolder } from "./temp_folder.ts";

/** Why a test that needs denokv is ignored, for its name. */
export const NO_DENOKV = "no denokv found, set DENOKV_PATH";

/** The one token of all servers: the runtime reads it from the environment, which tests share. */
const ACCESS_TOKEN = "test-token-of-denokv";

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
  const home = Deno.env.get("HOME");
  const folders = home === undefined ? [] : [join(home, ".cargo", "bin")];
  return findProgram("denokv", { variable: "DENOKV_PATH", folders });
}

/** Registers a test that needs denokv; see `testThatNeeds`. */
export function denokvTest(name: string, fn: () => Promise<void>): void {
  testThatNeeds({
    isMissing: findDenokv() === null,
    reason: NO_DENOKV,
    remedy: "CI needs denokv: cargo install denokv --locked, or set DENOKV_PATH",
  }, { name, fn });
}

/** Starts a server that holds nothing yet. */
export async function startDenokv(): Promise<Denokv> {
  const path = findDenokv();
  assert.ok(path !== null, NO_DENOKV);
  Deno.env.set("DENO_KV_ACCESS_TOKEN", ACCESS_TOKEN);
  const folder = await tempFolder();
  const port = freePort();
  let child: Deno.ChildProcess | null = null;
  const start = async () => {
    child = await startListening(path, {
      port,
      args: ["--sqlite-path", join(folder, "kv.sqlite3"), "serve", "--addr", `127.0.0.1:${port}`],
      env: { DENO_KV_ACCESS_TOKEN: ACCESS_TOKEN },
    });
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
