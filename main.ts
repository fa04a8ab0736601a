/**
 * Curtain: an edge API for events that complete themselves.
 *
 * This file alone reads the environment and the arguments, registers the crons, opens the store,
 * wires the layers and serves. Read on in `routes/app.ts`, `lifecycle/jobs/runner.ts`, `kv/events.ts`.
 */
import manifest from "./deno.json" with { type: "json" };
import { adoptIndexes } from "./kv/index_state.ts";
import { isRemote, openStore, type Store } from "./kv/store.ts";
import { type Config, ConfigError, parseConfig } from "./lifecycle/config.ts";
import { JobRunner } from "./lifecycle/jobs/runner.ts";
import { createLogger, type Logger } from "./lifecycle/log.ts";
import { keepSampleEvents } from "./lifecycle/sample_events.ts";
import { createApp } from "./routes/app.ts";
import { bearerAuthentication } from "./routes/authentication.ts";

// Deno Deploy finds crons by evaluating this module: they stand before any await and outside any
// condition. A failed run is tried three times more.
Deno.cron(
  "complete events",
  "*/5 * * * *",
  { backoffSchedule: [5_000, 30_000, 120_000] },
  () => complete(),
);
Deno.cron("tick", "* * * * *", { backoffSchedule: [1_000, 5_000, 15_000] }, () => tick());

/** Deno Deploy kills five seconds after its signal. */
const SHUTDOWN_MS = 4_500;

/** After this long nobody is in the middle of a list that began before an adoption of indexes. */
const ADOPTION_QUIET_MS = 5_000;

const program = start().catch((error) => {
  console.error(error instanceof ConfigError ? error.message : error);
  Deno.exit(1);
});

async function complete(): Promise<void> {
  await (await program).runner.runByCron("complete_events");
}

async function tick(): Promise<void> {
  await (await program).runner.tick();
}

async function start(): Promise<{ runner: JobRunner }> {
  const unknown = Deno.args.find((arg) => arg !== "--dev" && arg !== "--fresh");
  if (unknown !== undefined) throw new ConfigError(`There is no argument "${unknown}".`);
  const isDev = Deno.args.includes("--dev");
  const config = parseConfig(Deno.env.toObject(), isDev ? "dev" : "start");
  const log = createLogger({
    level: config.logLevel,
    readable: Deno.stdout.isTerminal(),
    timeZone: config.timeZone,
  });
  const store = await openConfigured(config, log);
  await adoptOurIndexes(store, log);
  const runner = new JobRunner(store, { clock: Date.now, log, isSoleWriter: !store.isShared });
  const adminToken = config.adminToken ?? (isDev ? await devToken(store) : null);
  const app = createApp({
    store,
    runner,
    clock: Date.now,
    openEndedMs: config.openEndedMs,
    log,
    authenticate: bearerAuthentication(adminToken),
    build: { version: manifest.version, deployment: config.deployment },
  });
  const stopSamples = isDev ? await keepSampleEvents(store, { clock: Date.now, log }) : () => {};
  const server = serve(config, app.fetch);
  // Before anybody is told that it listens: a signal may follow at once.
  onStopSignal(log, async () => {
    stopSamples();
    await Promise.all([runner.stop(), server.shutdown()]);
    store.close();
  });
  announce(config, { log, server, adminToken, isDev });
  runner.runOverdue().catch((error) => log.error("the start-up run failed", { error }));
  return { runner };
}

/** On SIGINT or SIGTERM `stop` has some seconds; the process then exits with 0. */
function onStopSignal(log: Logger, stop: () => Promise<void>): void {
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    Deno.addSignalListener(signal, async () => {
      log.info(`${signal}: stopping`);
      Deno.unrefTimer(setTimeout(() => Deno.exit(0), SHUTDOWN_MS));
      await stop();
      Deno.exit(0);
    });
  }
}

async function openConfigured(config: Config, log: Logger): Promise<Store> {
  const path = await preparedPath(config, log);
  try {
    return await openStore(path, {
      onRetry: (error, attempt) => log.warn("the store does not answer yet", { attempt, error }),
    });
  } catch (error) {
    if (path === undefined) throw error;
    const { message } = error as Error;
    throw new ConfigError(`KV_PATH must be a store that can be opened, not "${path}": ${message}.`);
  }
}

/** What another version of the program would index otherwise is rebuilt by a job of its own. */
async function adoptOurIndexes(store: Store, log: Logger): Promise<void> {
  if (!await adoptIndexes(store)) return;
  log.info("this version indexes events otherwise than the one before: rebuilding");
  if (store.isShared) await new Promise((resolve) => setTimeout(resolve, ADOPTION_QUIET_MS));
}

/** The samples' database has the same token at every start, so that a restart ends no tour. */
async function devToken({ cursorKey }: Store): Promise<string> {
  const hash = await crypto.subtle.digest("SHA-256", new Uint8Array(cursorKey));
  return new Uint8Array(hash).toHex().slice(0, 32);
}

/** The store's path, absolute and said aloud: the runtime's own default moves with the folder. */
async function preparedPath({ kvPath }: Config, log: Logger): Promise<string | undefined> {
  if (kvPath === undefined || kvPath === ":memory:" || isRemote(kvPath)) {
    log.info("the store", { kv: kvPath ?? "the attached database" });
    return kvPath;
  }
  const path = kvPath.startsWith("/") ? kvPath : `${Deno.cwd()}/${kvPath}`;
  // Only ever the samples' database: nothing else can be made again.
  if (Deno.args.includes("--dev") && Deno.args.includes("--fresh")) {
    for (const suffix of ["", "-shm", "-wal"]) await Deno.remove(path + suffix).catch(() => {});
  }
  log.info("the store", { kv: path });
  return path;
}

function serve({ host, port }: Config, handler: Deno.ServeHandler): Deno.HttpServer {
  try {
    return Deno.serve({ hostname: host, port, onListen: () => {} }, handler);
  } catch (error) {
    if (error instanceof Deno.errors.AddrInUse) {
      throw new ConfigError(`PORT must be a free port: ${host}:${port} is in use.`);
    }
    const { message } = error as Error;
    throw new ConfigError(
      `HOST and PORT must be where to listen, not ${host}:${port}: ${message}.`,
    );
  }
}

function announce(
  { host }: Config,
  { log, server, adminToken, isDev }: {
    log: Logger;
    server: Deno.HttpServer;
    adminToken: string | null;
    isDev: boolean;
  },
): void {
  const { port } = server.addr as Deno.NetAddr;
  const url = `http://${host === "0.0.0.0" ? "127.0.0.1" : host}:${port}`;
  log.info(`Curtain ${manifest.version} listens`, { url, deno: Deno.version.deno });
  if (adminToken === null) log.warn("ADMIN_TOKEN is not set: nothing can be written");
  if (!isDev) return;
  console.log(`
  Watch the curtain fall:  ${url}/
  The same as JSON:        curl '${url}/v1/events?sort=end_date&limit=5'
  Act as the admin:        export ADMIN_TOKEN=${adminToken}
                           curl -H "Authorization: Bearer $ADMIN_TOKEN" ${url}/v1/jobs
`);
}
