/** Servers of others that tests start: where one is, what a test does without it, when it listens. */
import assert from "node:assert/strict";
import { delimiter, join } from "node:path";
import { PATIENCE_MS } from "./http.ts";

const LOOK_EVERY_MS = 5;

/** Where a program is: `variable`, else on `PATH`, else in one of `folders`; null when nowhere. */
export function findProgram(
  name: string,
  { variable, folders = [] }: { variable: string; folders?: string[] },
): string | null {
  const named = Deno.env.get(variable);
  if (named !== undefined && named !== "") return named;
  const path = (Deno.env.get("PATH") ?? "").split(delimiter);
  return [...path, ...folders].map((folder) => join(folder, name)).find(exists) ?? null;
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

export interface Need {
  isMissing: boolean;
  /** Why the test is ignored, for its name. */
  reason: string;
  /** What CI lacks, and how it gets it. */
  remedy: string;
}

/**
 * Registers a test that needs a program. Without it the test is ignored, and its name says why; in
 * CI it fails instead, so that a missing program is never taken for a passed test.
 */
export function testThatNeeds({ isMissing, reason, remedy }: Need, { name, fn }: {
  name: string;
  fn: (t: Deno.TestContext) => Promise<void>;
}): void {
  const ignore = isMissing && !Deno.env.has("CI");
  Deno.test({
    name: ignore ? `${name} [ignored: ${reason}]` : name,
    ignore,
    async fn(t) {
      assert.ok(!isMissing, remedy);
      await fn(t);
    },
  });
}

/** Starts a program and resolves when it takes connections on `port` of loopback. */
export async function startListening(
  path: string,
  { port, ...options }: { port: number; args: string[]; env?: Record<string, string> },
): Promise<Deno.ChildProcess> {
  const child = new Deno.Command(path, { ...options, stdout: "null", stderr: "null" }).spawn();
  let ended = false;
  child.status.then(() => ended = true);
  const giveUp = performance.now() + PATIENCE_MS;
  while (!await isListening(port)) {
    assert.ok(!ended, `${path} ended instead of listening on port ${port}`);
    if (performance.now() > giveUp) {
      child.kill("SIGKILL");
      assert.fail(`${path} does not listen on port ${port}`);
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
 * Not one the system gives: between an end and the start after it, it would give the port to
 * somebody else. Out of many, because others choose at the same time.
 */
export function freePort(): number {
  for (;;) {
    const port = 10_000 + Math.floor(Math.random() * 22_000);
    try {
      Deno.listen({ hostname: "127.0.0.1", port }).close();
      return port;
    } catch (error) {
      if (!(error instanceof Deno.errors.AddrInUse)) throw error;
    }
  }
}
