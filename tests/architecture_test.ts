/** The rules that no compiler holds: which way imports point, and who may ask for what. */
import assert from "node:assert/strict";

const ROOT = new URL("../", import.meta.url);

/** What each layer may import from. */
const MAY_IMPORT: Record<string, string[]> = {
  kv: ["kv"],
  lifecycle: ["lifecycle", "kv"],
  routes: ["routes", "lifecycle", "kv"],
  tasks: ["tasks", "routes"],
  "main.ts": ["routes", "lifecycle", "kv", "deno.json"],
};

interface Source {
  /** Path from the top of the repository. */
  path: string;
  layer: string;
  text: string;
}

async function* walk(folder: string): AsyncGenerator<string> {
  for await (const entry of Deno.readDir(new URL(folder, ROOT))) {
    if (entry.isDirectory) yield* walk(`${folder}${entry.name}/`);
    else if (/\.tsx?$/.test(entry.name)) yield folder + entry.name;
  }
}

async function sources(...layers: string[]): Promise<Source[]> {
  const paths: string[] = [];
  for (const layer of layers) {
    if (layer.endsWith(".ts")) paths.push(layer);
    else paths.push(...await Array.fromAsync(walk(`${layer}/`)));
  }
  return await Promise.all(paths.map(async (path) => ({
    path,
    layer: path.split("/")[0]!,
    text: await Deno.readTextFile(new URL(path, ROOT)),
  })));
}

/** `target` is a path from the top, too; null: it comes from a package. */
function importsOf({ path, text }: Source): { specifier: string; target: string | null }[] {
  const found = text.matchAll(/(?:\bfrom|\bimport)\s*\(?\s*"([^"]+)"/g);
  return [...found].map(([, specifier]) => ({
    specifier: specifier!,
    target: specifier!.startsWith(".")
      ? new URL(specifier!, new URL(path, ROOT)).href.slice(ROOT.href.length)
      : null,
  }));
}

const PROGRAM = ["kv", "lifecycle", "routes", "tasks", "main.ts"];

Deno.test("imports point from main to routes to lifecycle to kv, and never back", async () => {
  for (const source of await sources(...PROGRAM)) {
    for (const { specifier, target } of importsOf(source)) {
      if (target === null) continue;
      assert.ok(
        MAY_IMPORT[source.layer]!.includes(target.split("/")[0]!),
        `${source.path} must not import ${specifier}`,
      );
    }
  }
});

Deno.test("no file imports, on whatever way, what imports it", async () => {
  const all = await sources(...PROGRAM);
  const imported = new Map(all.map((source) => [
    source.path,
    importsOf(source).flatMap(({ target }) => target ?? []),
  ]));
  const cleared = new Set<string>();
  const clear = (path: string, way: string[]) => {
    assert.ok(!way.includes(path), [...way, path].join(" → "));
    if (cleared.has(path)) return;
    for (const target of imported.get(path) ?? []) clear(target, [...way, path]);
    cleared.add(path);
  };
  for (const { path } of all) clear(path, []);
});

Deno.test("only main.ts and the tasks read the environment, the arguments and the wall clock", async () => {
  for (const { path, text } of await sources("kv", "lifecycle", "routes")) {
    // A browser's script in a string has only the browser's clock.
    if (path === "routes/pages/live_script.ts") continue;
    const asked = text.match(/Deno\.(env|args)\b|Date\.now\(|new Date\(\)|Temporal\.Now/);
    assert.equal(asked, null, `${path} asks for ${asked?.[0]}`);
  }
});

Deno.test("only kv/ touches Deno KV, and only events.ts and restore_event.ts there write a record", async () => {
  for (const { path, text } of await sources("lifecycle", "routes", "main.ts")) {
    const touched = text.match(
      /Deno\.openKv|\.atomic\(|\bstore\.kv\b|\bstore\.(get|list|commit)\(/,
    );
    assert.equal(touched, null, `${path} uses ${touched?.[0]}`);
  }
  for (const { path, text } of await sources("kv")) {
    if (path === "kv/events.ts" || path === "kv/restore_event.ts") continue;
    assert.ok(!/\.set\(\s*eventKey\(/.test(text), `${path} writes a record`);
  }
});

Deno.test("the client runs anywhere: from outside it takes types, and Hono's client", async () => {
  const parts = await sources("routes/client.ts", "routes/client");
  assert.ok(parts.length > 1);
  for (const { path, text } of parts) {
    assert.doesNotMatch(text, /\bDeno\.\w/, path);
    for (const [statement, specifier] of text.matchAll(/^(?:im|ex)port\b[^;]*? from "([^"]+)"/gm)) {
      const { pathname } = new URL(specifier!, new URL(path, ROOT));
      const isOwn = specifier!.startsWith("./") && /\/routes\/client(\/|\.ts)/.test(pathname);
      const isType = /^(im|ex)port type\b/.test(statement);
      assert.ok(isOwn || isType || specifier === "hono/client", `${path}: ${statement}`);
    }
  }
});

Deno.test("main.ts registers two crons at its top, with three retries each", async () => {
  const [main] = await sources("main.ts");
  const code = main!.text.replace(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, "").split("\n")
    .filter((line) => line.trim() !== "" && !/^(import\b|} from )/.test(line));
  const crons = [...main!.text.matchAll(/^Deno\.cron\(/gm)];
  assert.equal(crons.length, 2);
  assert.match(code[0]!, /^Deno\.cron\(/);
  const schedules = [...main!.text.matchAll(/backoffSchedule: \[([^\]]*)\]/g)];
  assert.deepEqual(schedules.map(([, list]) => list!.split(",").length), [3, 3]);
});

Deno.test("the top level holds what was agreed, and nothing else", async () => {
  const agreed = new Set([
    "deno.json",
    "deno.lock",
    "main.ts",
    "routes",
    "lifecycle",
    "kv",
    "tests",
    "tasks",
    "docs",
    "README.md",
    "LICENSE",
  ]);
  // What running leaves behind, as .gitignore has it.
  const ignored = new Set(["data", "coverage", "node_modules"]);
  for await (const { name } of Deno.readDir(ROOT)) {
    assert.ok(name.startsWith(".") || agreed.has(name) || ignored.has(name), `${name} at the top`);
  }
});
