/** The command-line tasks, as people run them against a server. */
import assert from "node:assert/strict";
import { REMEDIES } from "../../kv/errors.ts";
import { bodyOf, createClient, items } from "../../routes/client.ts";
import { ADMIN_TOKEN } from "../support/fixture.ts";
import { generatedLines } from "../support/generated_events.ts";
import { type Server, startServer } from "../support/server.ts";

interface Ended {
  code: number;
  stdout: string;
  stderr: string;
}

const PERMISSIONS: Record<string, string[]> = {
  import: ["--allow-read"],
  export: ["--allow-read", "--allow-write"],
  reindex: [],
};

/** Runs a task with the permissions that `deno.json` gives it. */
async function run(
  task: "import" | "export" | "reindex",
  args: string[],
  { token = ADMIN_TOKEN }: { token?: string } = {},
): Promise<Ended> {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "--no-prompt",
      "--allow-net",
      "--allow-env=ADMIN_TOKEN",
      ...PERMISSIONS[task]!,
      new URL(`../../tasks/${task}.ts`, import.meta.url).pathname,
      ...args,
    ],
    env: { ADMIN_TOKEN: token, NO_COLOR: "1" },
    stdin: "null",
  }).output();
  const decoder = new TextDecoder();
  return { code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
}

/** Not in memory, as others: what lies below `/dev` is for programs that may do everything. */
async function withFolder(use: (path: (name: string) => string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await use((name) => `${folder}/${name}`);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

const serve = () => startServer({ env: { KV_PATH: ":memory:", ADMIN_TOKEN } });

/**
 * From here on the clock changes nothing: it begins what is open-ended, at the next full minute, and
 * ends what the years bring to its end.
 */
async function pauseClock({ url }: Server): Promise<void> {
  const { jobs } = createClient(url, { token: ADMIN_TOKEN }).v1;
  const json = { paused: { reason: "A test", until: "2100-01-01T00:00:00Z" } };
  for (const name of ["complete_events", "start_events"]) {
    await bodyOf(jobs[":name"].$patch({ param: { name }, json }));
  }
}

const at = ({ url }: Server) => ["--url", url];

const USAGE = {
  import: "Usage: deno task import FILE [--url URL] [--token TOKEN] [--dry-run]",
  export:
    "Usage: deno task export FILE [--since POSITION] [--organizer ID] [--url URL] [--token TOKEN]",
  reindex: "Usage: deno task reindex [--url URL] [--token TOKEN] [--dry-run]",
} as const;

Deno.test("what was moved in by one task comes out by the other as the same bytes", async () => {
  await using server = await serve();
  await pauseClock(server);
  await withFolder(async (path) => {
    const file = [...generatedLines(200)].join("");
    await Deno.writeTextFile(path("in"), file);
    const said = (counts: string) => ({
      code: 0,
      stdout: `${counts}, 0 deleted, 0 failed\n`,
      stderr: "",
    });
    const dry = await run("import", [path("in"), "--dry-run", ...at(server)]);
    assert.deepEqual(dry, said("Would be: 207 created, 0 updated, 0 unchanged"));
    assert.deepEqual(
      await run("import", [path("in"), ...at(server)]),
      said("207 created, 0 updated, 0 unchanged"),
    );
    assert.deepEqual(
      await run("import", [...at(server), path("in")]),
      said("0 created, 0 updated, 207 unchanged"),
    );

    await Deno.writeTextFile(path("out"), "what was there before");
    const { code, stdout, stderr } = await run("export", [path("out"), ...at(server)]);
    assert.deepEqual([code, stderr], [0, ""]);
    assert.equal(await Deno.readTextFile(path("out")), file);
    const [lines, , next] = stdout.split("\n");
    assert.equal(lines, `207 lines in "${path("out")}".`);
    const since = /--since (\S+)$/.exec(next!)![1]!;
    const after = await run("export", [path("next"), "--since", since, ...at(server)]);
    assert.match(after.stdout, /^0 lines in /);
    assert.equal(await Deno.readTextFile(path("next")), "");
    const organizer = JSON.parse(file.slice(0, file.indexOf("\n"))).id;
    const ours = await run("export", [path("ours"), "--organizer", organizer, ...at(server)]);
    assert.match(ours.stdout, /^30 lines in /);
    const names = (await Array.fromAsync(Deno.readDir(path("")))).map(({ name }) => name).sort();
    assert.deepEqual(names, ["in", "next", "ours", "out"], "and no unfinished file");

    const looked = {
      code: 0,
      stdout: "200 events looked through, 0 repairs made, 0 failed\n",
      stderr: "",
    };
    assert.deepEqual(await run("reindex", at(server)), looked);
    const planned = await run("reindex", ["--dry-run", ...at(server)]);
    assert.deepEqual(planned, { ...looked, stdout: looked.stdout.replace("made", "to make") });
  });
});

Deno.test("lines that fail are told on standard error, with what to do, and by the exit code", async () => {
  await using server = await serve();
  await withFolder(async (path) => {
    const good = JSON.stringify({ external_id: "a", title: "A", start_date: "2027-01-01" });
    await Deno.writeTextFile(path("in"), `${good}\nnot JSON\n`);
    assert.deepEqual(await run("import", [path("in"), ...at(server)]), {
      code: 1,
      stdout: "1 created, 0 updated, 0 unchanged, 0 deleted, 1 failed\n",
      stderr: "line 2: malformed_json: The line is not valid JSON.\n" +
        `malformed_json: ${REMEDIES.malformed_json}\n`,
    });
  });
});

Deno.test("a task that is called otherwise says how it is used", async () => {
  const calls: [task: keyof typeof USAGE, args: string[]][] = [
    ["import", []],
    ["import", ["a", "b"]],
    ["import", ["a", "--dry"]],
    ["import", ["a", "--url", "nowhere"]],
    ["import", ["a", "--url"]],
    ["export", []],
    ["export", ["a", "--dry-run"]],
    ["reindex", ["a"]],
    ["reindex", ["--since", "x"]],
  ];
  await Promise.all(calls.map(async ([task, args]) => {
    const call = [task, ...args].join(" ");
    const { code, stdout, stderr } = await run(task, args);
    assert.deepEqual([code, stdout], [1, ""], call);
    assert.ok(stderr.endsWith(`${USAGE[task]}\n`), `${call}: ${stderr}`);
    assert.ok(!stderr.includes("    at "), `${call} shows no stack`);
  }));
});

Deno.test("the tasks say that they need a token, a file, a server", async () => {
  await withFolder(async (path) => {
    await Deno.writeTextFile(path("in"), "");
    const files = { import: [path("in")], export: [path("out")], reindex: [] };
    // Nothing listens at port 1.
    const nowhere = ["--url", "http://127.0.0.1:1"];
    await Promise.all((["import", "export", "reindex"] as const).map(async (task) => {
      const tokenless = await run(task, [...files[task], ...nowhere], { token: "" });
      assert.deepEqual(tokenless, {
        code: 1,
        stdout: "",
        stderr: `Give --token, or set ADMIN_TOKEN.\n${USAGE[task]}\n`,
      });
      const { code, stdout, stderr } = await run(task, [...files[task], ...nowhere]);
      assert.deepEqual([code, stdout], [1, ""]);
      assert.match(
        stderr,
        /^The server at http:\/\/127\.0\.0\.1:1 could not be reached: [^\n]+\n$/,
      );
    }));
    for (
      const [name, sentence] of [["none", /cannot be read: /], ["", /is not a file\.\n$/]] as const
    ) {
      const { code, stdout, stderr } = await run("import", [path(name), ...nowhere]);
      assert.deepEqual([code, stdout], [1, ""]);
      assert.match(stderr, sentence);
    }
    await assert.rejects(Deno.stat(path("out")), "nothing was written");
  });
});

Deno.test("a problem that the server answers is told, with what to do about it", async () => {
  await using server = await serve();
  await withFolder(async (path) => {
    // More than the server reads of what it refuses.
    await Deno.writeTextFile(path("in"), [...generatedLines(5_000)].join(""));
    const files = { import: [path("in")], export: [path("out")], reindex: [] };
    const wrong = "wrong-token-of-at-least-32-characters";
    await Promise.all((["import", "export", "reindex"] as const).map(async (task) => {
      const ended = await run(task, [...files[task], ...at(server)], { token: wrong });
      assert.deepEqual(ended, {
        code: 1,
        stdout: "",
        stderr:
          "401 This needs somebody who is signed in, or a valid token.\nThe Authorization header holds no valid token.\n" +
          `${REMEDIES.unauthenticated}\n`,
      });
    }));
    const { code, stderr } = await run("export", [path("out"), "--since", "x", ...at(server)]);
    assert.equal(code, 1);
    assert.match(stderr, /^400 .*\nsince: This must be a position/);
    await assert.rejects(Deno.stat(path("out")));
  });
});

Deno.test("a run whose answer is lost is watched to its end, and not made twice", async () => {
  await using server = await serve();
  await using proxy = losingFirst(server);
  const { code, stdout, stderr } = await run("reindex", ["--url", proxy.url]);
  assert.deepEqual([code, stderr], [0, ""]);
  assert.equal(stdout, "0 events looked through, 0 repairs made, 0 failed\n");
  const { v1 } = createClient(server.url, { token: ADMIN_TOKEN });
  const list = v1.jobs[":name"].runs.$get;
  const runs = await Array.fromAsync(items(list, { param: { name: "reindex_events" } }));
  assert.deepEqual(runs.map(({ trigger, status }) => [trigger, status]), [["manual", "succeeded"]]);
});

Deno.test("an export that breaks off, or has nowhere to go, leaves nothing behind", async () => {
  await withFolder(async (path) => {
    await using server = breakingOff();
    const url = ["--url", server.url];
    await Deno.writeTextFile(path("kept"), "the export of yesterday");
    await Deno.mkdir(path("folder"));
    await Promise.all(["out", "kept", "none/out", "folder"].map(async (name) => {
      const { code, stdout, stderr } = await run("export", [path(name), ...url]);
      assert.deepEqual([code, stdout], [1, ""]);
      assert.ok(stderr.startsWith(`The export could not be written to "${path(name)}": `), stderr);
    }));
    assert.equal(await Deno.readTextFile(path("kept")), "the export of yesterday");
    const names = (await Array.fromAsync(Deno.readDir(path("")))).map(({ name }) => name).sort();
    assert.deepEqual(names, ["folder", "kept"]);
  });
});

/** A server that hangs up in the middle of its answer. */
function breakingOff(): AsyncDisposable & { url: string } {
  const listener = Deno.listen({ port: 0, hostname: "127.0.0.1" });
  const answer = "HTTP/1.1 200 OK\r\njournal-position: x\r\ntransfer-encoding: chunked\r\n\r\n" +
    "3\r\n{}\n\r\n";
  const serving = (async () => {
    for await (const connection of listener) {
      await connection.read(new Uint8Array(4_096));
      await connection.write(new TextEncoder().encode(answer));
      connection.close();
    }
  })();
  return {
    url: `http://127.0.0.1:${listener.addr.port}`,
    async [Symbol.asyncDispose]() {
      listener.close();
      await serving;
    },
  };
}

/** A proxy that loses the first answer: as soon as it comes, it hangs up. */
function losingFirst(target: Server): AsyncDisposable & { url: string } {
  const hostname = "127.0.0.1";
  const listener = Deno.listen({ port: 0, hostname });
  const passing: Promise<unknown>[] = [];
  const serving = (async () => {
    for await (const connection of listener) {
      const upstream = await Deno.connect({ hostname, port: Number(new URL(target.url).port) });
      passing.push(connection.readable.pipeTo(upstream.writable).catch(() => {}));
      if (passing.length === 1) {
        await upstream.read(new Uint8Array(1));
        connection.close();
        upstream.close();
      } else passing.push(upstream.readable.pipeTo(connection.writable).catch(() => {}));
    }
  })();
  return {
    url: `http://${hostname}:${listener.addr.port}`,
    async [Symbol.asyncDispose]() {
      listener.close();
      await serving;
      await Promise.all(passing);
    },
  };
}
