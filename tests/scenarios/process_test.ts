/** The program as a process: how it starts, and how it ends. */
import assert from "node:assert/strict";
import { listRuns } from "../../kv/jobs.ts";
import { readPosition } from "../../kv/journal_places.ts";
import { openStore, type Store } from "../../kv/store.ts";
import { bodyOf, createClient } from "../../routes/client.ts";
import { seed } from "../bench/sizes.ts";
import {
  ADMIN,
  ADMIN_TOKEN,
  allRecords,
  assertIndexesRebuild,
  completionsByEvent,
  MINUTE,
} from "../support/fixture.ts";
import { problemOf } from "../support/client.ts";
import { LATER, soon } from "../support/http.ts";
import { type Server, spawnServer, startServer, sweepBegun } from "../support/server.ts";
import { withFolder } from "../support/temp_folder.ts";

const withPath = (use: (path: string) => Promise<void>) =>
  withFolder((folder) => use(`${folder}/events.sqlite3`));

async function reopened(path: string, look: (store: Store) => Promise<void>): Promise<void> {
  const store = await openStore(path);
  try {
    await look(store);
  } finally {
    store.close();
  }
}

/**
 * Sends the signal, and asserts that the program ends well, and soon: in the five seconds that Deno
 * Deploy gives it, or so many starts of it where a start takes a busy machine seconds.
 */
async function assertEndsWell(server: Server, signal: Deno.Signal): Promise<void> {
  const began = performance.now();
  server.kill(signal);
  const { code, signal: killedBy } = await server.status;
  assert.deepEqual([code, killedBy], [0, null], server.lines.join("\n"));
  const tookMs = performance.now() - began;
  assert.ok(tookMs < Math.max(5_000, 20 * server.firstLineMs), `it took ${tookMs} ms`);
}

const storeDue = (path: string, count: number) =>
  seed(path, { size: "minimal", count, firstEnd: Date.now() - 2 * count * MINUTE });

Deno.test("a setting that cannot be stops the start with a sentence", async () => {
  await Promise.all(([
    ["PORT", "http", 'PORT must be a port number, 0 to 65535, not "http".'],
    ["PORT", "70000", 'PORT must be a port number, 0 to 65535, not "70000".'],
    ["KV_PATH", "redis://x", "KV_PATH must be a file, :memory:, or an http(s)://"],
    ["ADMIN_TOKEN", "short", "ADMIN_TOKEN must be at least 32 visible ASCII characters"],
    ["OPEN_ENDED_HOURS", "0", "OPEN_ENDED_HOURS must be a whole number of hours, 1 to 8760"],
    ["LOG_LEVEL", "loud", "LOG_LEVEL must be one of debug, info, warn, error"],
    ["RATE_LIMIT", "many", "RATE_LIMIT must be a number of requests a minute"],
    ["TRUSTED_PROXIES", "proxy", "TRUSTED_PROXIES must be IP addresses and ranges"],
    ["TIME_ZONE", "Mars/Olympus", "TIME_ZONE must be an IANA time zone"],
  ] as const).map(async ([name, value, sentence]) => {
    await using server = spawnServer({ env: { KV_PATH: ":memory:", [name]: value } });
    const { code } = await server.status;
    const said = await server.line(new RegExp(name));
    assert.equal(code, 1);
    assert.ok(said.startsWith(sentence), said);
    assert.equal(server.lines.length, 1, "and nothing else");
    if (name === "ADMIN_TOKEN") assert.ok(!said.includes(value), "secrets are not told");
  }));
});

Deno.test("a port in use is said to be so", async () => {
  using taken = Deno.listen({ port: 0, hostname: "127.0.0.1" });
  const PORT = String(taken.addr.port);
  await using server = spawnServer({ env: { KV_PATH: ":memory:", PORT } });
  const { code } = await server.status;
  const said = await server.line(/PORT must be/);
  assert.equal(said, `PORT must be a free port: 127.0.0.1:${PORT} is in use.`);
  assert.equal(code, 1);
});

const NOTHING_WRITTEN = /Neither ADMIN_TOKEN nor a way to sign in is set: nothing can be written/;
const ANY_NAME = /Whoever reaches this address signs in under any name/;

Deno.test("the start says where the store is, where to go, and that nothing can be written", async () => {
  await withPath(async (path) => {
    await using server = await startServer({
      env: { KV_PATH: path, ADMIN_TOKEN: "", PUBLIC_ORIGIN: "https://events.example" },
    });
    assert.equal(JSON.parse(await server.line(/the store/)).kv, path);
    await server.line(NOTHING_WRITTEN);
    assert.ok(!server.lines.some((line) => ANY_NAME.test(line)));
    const client = createClient(server.url);
    assert.deepEqual(await bodyOf(client.readyz.$get()), { status: "ready" });
    const refused = await problemOf(client.v1.events.$post({ json: LATER }));
    assert.equal(refused.code, "unauthenticated");
    await assertEndsWell(server, "SIGINT");
  });
});

Deno.test("the start says that on loopback anybody signs in, unless that is what is wanted", async () => {
  await withPath(async (path) => {
    await using server = await startServer({ env: { KV_PATH: path, ADMIN_TOKEN: "" } });
    assert.equal(JSON.parse(await server.line(ANY_NAME)).level, "warn");
    assert.ok(!server.lines.some((line) => NOTHING_WRITTEN.test(line)));
    await assertEndsWell(server, "SIGINT");
  });
});

/** Some containers have none. */
function hasIpv6(): boolean {
  try {
    Deno.listen({ port: 0, hostname: "::1" }).close();
    return true;
  } catch {
    return false;
  }
}

for (
  const [host, shown] of [
    ["::1", "http://[::1]:"],
    ["::", "http://[::1]:"],
    ["0.0.0.0", "http://127.0.0.1:"],
  ] as const
) {
  const ignore = host.includes(":") && !hasIpv6();
  Deno.test(`HOST=${host} is told as an address that can be opened`, { ignore }, async () => {
    await using server = await startServer({ env: { KV_PATH: ":memory:", HOST: host } });
    assert.ok(server.url.startsWith(shown), server.url);
    assert.deepEqual(await bodyOf(createClient(server.url).readyz.$get()), { status: "ready" });
  });
}

Deno.test("dev shows the token it made, and none that was set", async () => {
  for (const token of ["", ADMIN_TOKEN]) {
    const env = { KV_PATH: ":memory:", ADMIN_TOKEN: token };
    await using server = await startServer({ args: ["--dev"], env });
    const shown = await server.line(/Act as the admin/);
    if (token === "") assert.match(shown, /export ADMIN_TOKEN=[0-9a-f]{32}$/);
    else assert.match(shown, /with the ADMIN_TOKEN that is set$/);
    assert.ok(!server.lines.some((line) => line.includes(ADMIN_TOKEN)));
  }
});

Deno.test("--fresh deletes the samples' database and no other", async () => {
  await withPath(async (path) => {
    await Deno.writeTextFile(path, "precious");
    for (
      const [args, sentence] of [
        [["--dev", "--fresh"], `KV_PATH must be unset for --fresh, which would delete "${path}".`],
        [["--fresh"], "--fresh goes with --dev only: it deletes the store and makes samples."],
      ] as const
    ) {
      await using server = spawnServer({ args: [...args], env: { KV_PATH: path } });
      await server.line(/fresh/);
      assert.equal((await server.status).code, 1);
      assert.deepEqual(server.lines, [sentence]);
      assert.equal(await Deno.readTextFile(path), "precious");
    }
  });
});

Deno.test("SIGTERM while the store does not answer yet ends the program", async () => {
  // Nobody listens at port 1.
  const env = { KV_PATH: "http://127.0.0.1:1", DENO_KV_ACCESS_TOKEN: "x" };
  await using server = spawnServer({ env });
  await server.line(/the store does not answer yet/);
  await assertEndsWell(server, "SIGTERM");
});

Deno.test("a chunked body leaves no complaint of the runtime in the log", async () => {
  await using server = await startServer({ env: { KV_PATH: ":memory:", ADMIN_TOKEN } });
  using connection = await Deno.connect({ port: Number(new URL(server.url).port) });
  const head = "POST /v1/events HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n" +
    `authorization: ${ADMIN.authorization}\r\ncontent-type: application/json\r\n` +
    "transfer-encoding: chunked\r\n\r\n";
  const body = JSON.stringify(LATER);
  const chunks = `${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`;
  await connection.write(new TextEncoder().encode(head + chunks));
  assert.match(await new Response(connection.readable).text(), /^HTTP\/1.1 201 /);
  await assertEndsWell(server, "SIGTERM");
  assert.ok(!server.lines.some((line) => line.includes("request.signal")), server.lines.join("\n"));
});

Deno.test("a cold start with a due event completes it", async () => {
  await withPath(async (path) => {
    await storeDue(path, 50);
    {
      await using server = await startServer({ env: { KV_PATH: path } });
      const { trigger, changed } = JSON.parse(await server.line(/run succeeded/));
      assert.deepEqual([trigger, changed], ["startup", 50]);
      await assertEndsWell(server, "SIGTERM");
    }
    await reopened(path, async (store) => {
      for (const { status } of await allRecords(store)) assert.equal(status, "COMPLETED");
    });
    // Started again at once, it has nothing to make up for.
    await using server = await startServer({ env: { KV_PATH: path, LOG_LEVEL: "debug" } });
    await bodyOf(createClient(server.url).readyz.$get());
    await assertEndsWell(server, "SIGTERM");
    assert.ok(!server.lines.some((line) => line.includes('"trigger":"startup"')));
  });
});

/** Stops a sweep of so many events; false when it ended by itself before it was told to. */
async function isStoppedMidway(count: number): Promise<boolean> {
  let isMidway = false;
  await withPath(async (path) => {
    await storeDue(path, count);
    let before = "";
    await reopened(path, async (store) => {
      before = await readPosition(store);
    });
    {
      await using server = await startServer({ env: { KV_PATH: path } });
      await sweepBegun(server, before);
      await assertEndsWell(server, "SIGTERM");
      isMidway = !server.lines.some((line) => line.includes("run succeeded"));
      if (!isMidway) return;
      await server.line(/run partial/);
    }
    await reopened(path, async (store) => {
      const [run] = await listRuns(store, "complete_events", { limit: 1 });
      const completed = (await completionsByEvent(store)).size;
      assert.deepEqual([run!.status, run!.moreLeft, run!.changed], ["partial", true, completed]);
      assert.ok(completed < count, `${completed} of ${count}`);
      const due = (await allRecords(store)).filter(({ status }) => status === "CONFIRMED");
      assert.equal(due.length, count - completed);
      await assertIndexesRebuild(store);
    });
  });
  return isMidway;
}

Deno.test("SIGTERM in the middle of a run ends it at its next batch, and the rest is still due", async () => {
  // On a busy machine the signal may come late, and needs more to come in the middle of.
  let count = 1_000;
  while (!await isStoppedMidway(count)) count *= 2;
});

Deno.test("SIGTERM in the middle of an import that never ends keeps what was read", async () => {
  await withPath(async (path) => {
    const encoder = new TextEncoder();
    let sent = 0;
    let report: { created: number; failures: { line: number }[] } | undefined;
    const endless = new ReadableStream({
      async pull(controller) {
        const line = JSON.stringify({ ...LATER, external_id: `${sent}` });
        controller.enqueue(encoder.encode(line + "\n"));
        // As fast as it is taken, but in the background.
        if (++sent % 16 === 0) await new Promise((resolve) => setTimeout(resolve));
      },
    });
    {
      await using server = await startServer({ env: { KV_PATH: path, ADMIN_TOKEN } });
      const { v1 } = createClient(server.url, { token: ADMIN_TOKEN });
      const header = { "Content-Type": "application/x-ndjson" };
      const importing = v1.imports.$post({ header }, { init: { body: endless } });
      await soon(async () => (await bodyOf(v1.events.$get())).items.length > 0);
      await assertEndsWell(server, "SIGTERM");
      // The answer still came, and is true.
      report = await bodyOf(importing);
    }
    await reopened(path, async (store) => {
      assert.equal((await allRecords(store)).length, report!.created);
      await assertIndexesRebuild(store);
    });
    assert.equal(report!.failures[0]!.line, report!.created + 1);
  });
});
