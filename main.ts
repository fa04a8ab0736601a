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
import { JobRunner, JOBS } from "./lifecycle/jobs/runner.ts";
import { trimJournalJob } from "./lifecycle/jobs/trim_journal.ts";
import { createLogger, type Logger } from "./lifecycle/log.ts";
import { isLoopback } from "./lifecycle/loopback.ts";
import { kvWatchUpstream } from "./lifecycle/realtime/kv_watch.ts";
import { Realtime, type RealtimeOptions } from "./lifecycle/realtime/realtime.ts";
import { redisPublisher } from "./lifecycle/realtime/redis_publisher.ts";
import { redisUpstream } from "./lifecycle/realtime/redis_subscription.ts";
import { keepSampleEvents } from "./lifecycle/sample_events.ts";
import { createApp } from "./routes/app.ts";
import { authentication, tokenCheck } from "./routes/authentication.ts";
import { signInProviders } from "./routes/sign_in/providers.ts";
import { TokenBuckets } from "./routes/token_buckets.ts";

// Deno Deploy finds crons by evaluating this module: they stand before any await and outside any
// condition. A failed run is tried three times more.
Deno.cron(
  "complete events",
  "*/5 * * * *",
  { backoffSchedule: [5_000, 30_000, 120_000] },
  () => complete(),
);
Deno.cron("tick", "* * * * *", { backoffSchedule: [1_000, 5_000, 15_000] }, () => tick());

/** Wrong credentials from one address. */
const FAILURES_PER_MINUTE = 60;

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
  const { isDev, isFresh } = parseArguments();
  const config = parseConfig(Deno.env.toObject(), isDev ? "dev" : "start");
  const log = createLogger({
    level: config.logLevel,
    readable: Deno.stdout.isTerminal(),
    timeZone: config.timeZone,
  });
  let stop = () => Promise.resolve();
  // Before the store is opened, which may take its time, and long before anybody is told that it
  // listens: a signal may come at any moment.
  onStopSignal(log, () => stop());
  const store = await openConfigured(config, { log, isFresh });
  const isRebuilding = await adoptOurIndexes(store, log);
  const realtime = await startRealtime(store, config, {
    log,
    sweep: (job) => runner.run(job, { trigger: "traffic" }),
  });
  const runner: JobRunner = new JobRunner(store, {
    clock: Date.now,
    log,
    jobs: [...JOBS, trimJournalJob(config.journalRetentionDays), ...realtime.jobs()],
    isSoleWriter: !store.isShared,
  });
  const ownToken = isDev && config.adminToken === null ? await devToken(store) : null;
  const adminToken = config.adminToken ?? ownToken;
  const path = absolutePath(config.kvPath);
  let url = "";
  const providers = signInProviders(config, {
    store,
    clock: Date.now,
    log,
    origin: () => config.publicOrigin ?? url,
    exposeKvPath: () => {
      if (path !== undefined) Deno.env.set("DENO_KV_PATH", path);
    },
  });
  const app = createApp({
    store,
    runner,
    realtime,
    clock: Date.now,
    openEndedMs: config.openEndedMs,
    log,
    securityContact: config.securityContact,
    authenticate: authentication(store, { clock: Date.now, adminToken }),
    build: { version: manifest.version, deployment: config.deployment },
    buckets: config.requestsPerMinute === null
      ? undefined
      : new TokenBuckets({ perMinute: config.requestsPerMinute, clock: Date.now }),
    // Also where nothing else is limited: nobody types this many wrong tokens.
    attempts: new TokenBuckets({ perMinute: FAILURES_PER_MINUTE, clock: Date.now }),
    trustedProxies: config.trustedProxies,
    publicOrigin: config.publicOrigin,
    hasRoot: adminToken !== null,
    signIn: {
      providers,
      isDevelopment: providers.length === 0 && isDevelopmentMachine(config),
      isAdminToken: adminToken === null ? null : tokenCheck(adminToken),
      signUp: config.signUp,
      adminUsers: config.adminUsers,
    },
  });
  const stopSamples = isDev ? await keepSampleEvents(store, { clock: Date.now, log }) : () => {};
  const server = serve(config, app.fetch);
  stop = async () => {
    stopSamples();
    await Promise.all([realtime.stop(), runner.stop(), server.shutdown()]);
    store.close();
  };
  url = urlOf(config, server);
  log.info(`Curtain ${manifest.version} listens`, { url, deno: Deno.version.deno });
  const isOpen = providers.length === 0 && isDevelopmentMachine(config) && hasNoProxy(config);
  if (isOpen && !isDev) {
    log.warn(
      "Whoever reaches this address signs in under any name, also through a proxy that does not " +
        "say that it is one: set PUBLIC_ORIGIN where there is one",
    );
  } else if (adminToken === null && providers.length === 0 && !isOpen) {
    log.warn("Neither ADMIN_TOKEN nor a way to sign in is set: nothing can be written");
  }
  if (isDev) showTour(url, ownToken);
  const failed = (error: unknown) => log.error("the start-up run failed", { error });
  runner.runOverdue().catch(failed);
  // The tick would begin within a minute, but lists are waiting for it.
  if (isRebuilding) runner.start("reindex_events", { trigger: "startup" }).catch(failed);
  return { runner };
}

/** Where nobody else can reach it, nor anybody has said how people sign in. */
function isDevelopmentMachine({ host, isDeployed }: Config): boolean {
  return !isDeployed && isLoopback(host);
}

/** As far as is configured. */
function hasNoProxy({ publicOrigin, trustedProxies }: Config): boolean {
  const isOurs = publicOrigin === null || isLoopback(new URL(publicOrigin).hostname);
  return isOurs && trustedProxies.length === 0;
}

function parseArguments(): { isDev: boolean; isFresh: boolean } {
  const unknown = Deno.args.find((arg) => arg !== "--dev" && arg !== "--fresh");
  if (unknown !== undefined) throw new ConfigError(`There is no argument "${unknown}".`);
  const isDev = Deno.args.includes("--dev");
  const isFresh = Deno.args.includes("--fresh");
  if (isFresh && !isDev) {
    throw new ConfigError("--fresh goes with --dev only: it deletes the store and makes samples.");
  }
  // Only ever the samples' own database: nothing else can be made again.
  const path = Deno.env.get("KV_PATH");
  if (isFresh && path) {
    throw new ConfigError(`KV_PATH must be unset for --fresh, which would delete "${path}".`);
  }
  return { isDev, isFresh };
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

async function openConfigured(
  { kvPath }: Config,
  { log, isFresh }: { log: Logger; isFresh: boolean },
): Promise<Store> {
  const path = absolutePath(kvPath);
  if (isFresh && path !== undefined) {
    for (const suffix of ["", "-shm", "-wal"]) await Deno.remove(path + suffix).catch(() => {});
  }
  log.info("the store", { kv: path ?? "the attached database" });
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
async function adoptOurIndexes(store: Store, log: Logger): Promise<boolean> {
  if (!await adoptIndexes(store)) return false;
  log.info("this version indexes events otherwise than the one before: rebuilding");
  if (store.isShared) await new Promise((resolve) => setTimeout(resolve, ADOPTION_QUIET_MS));
  return true;
}

/** With Redis where it is configured, else by the store itself where others write it, too. */
async function startRealtime(
  store: Store,
  { redis, openEndedMs }: Config,
  { log, sweep }: Pick<RealtimeOptions, "log" | "sweep">,
): Promise<Realtime> {
  const channel = redis === null
    ? undefined
    : { name: redis.channel, publish: await redisPublisher(redis) };
  const upstream = redis !== null
    ? redisUpstream(store, { ...redis, log })
    : store.isShared
    ? kvWatchUpstream(store, log)
    : undefined;
  const realtime = new Realtime(store, {
    clock: Date.now,
    openEndedMs,
    log,
    sweep,
    upstream,
    channel,
  });
  await realtime.prepare();
  if (redis !== null) log.info("changes go through Redis", { channel: redis.channel });
  return realtime;
}

/** The samples' database has the same token at every start, so that a restart ends no tour. */
async function devToken({ cursorKey }: Store): Promise<string> {
  const hash = await crypto.subtle.digest("SHA-256", new Uint8Array(cursorKey));
  return new Uint8Array(hash).toHex().slice(0, 32);
}

/** A file's path is made absolute, to be said aloud: the runtime's default moves with the folder. */
function absolutePath(path: string | undefined): string | undefined {
  const isFile = path !== undefined && path !== ":memory:" && !isRemote(path);
  return isFile && !path.startsWith("/") ? `${Deno.cwd()}/${path}` : path;
}

function serve({ host, port }: Config, handler: Deno.ServeHandler): Deno.HttpServer {
  try {
    return Deno.serve({ hostname: host, port, onListen: () => {} }, handler);
  } catch (error) {
    if (error instanceof Deno.errors.AddrInUse) {
      throw new ConfigError(`PORT must be a free port: ${authority(host, port)} is in use.`);
    }
    const { message } = error as Error;
    throw new ConfigError(
      `HOST and PORT must be where to listen, not ${authority(host, port)}: ${message}.`,
    );
  }
}

/** Where to go: an address that means "all" is no place, loopback is one of them. */
function urlOf({ host }: Config, server: Deno.HttpServer): string {
  const { port } = server.addr as Deno.NetAddr;
  const place = host === "0.0.0.0" ? "127.0.0.1" : host === "::" ? "::1" : host;
  return `http://${authority(place, port)}`;
}

function authority(host: string, port: number): string {
  return `${host.includes(":") ? `[${host}]` : host}:${port}`;
}

/** What there is to see in development; a token that somebody set is not ours to show. */
function showTour(url: string, ownToken: string | null): void {
  console.log(`
  Watch the curtain fall:  ${url}/
  The same as JSON:        curl '${url}/v1/events?sort=end_date&limit=5'
  Sign in:                 ${url}/auth/sign-in
  Act as the admin:        ${
    ownToken === null ? "with the ADMIN_TOKEN that is set" : `export ADMIN_TOKEN=${ownToken}`
  }
                           curl -H "Authorization: Bearer $ADMIN_TOKEN" ${url}/v1/jobs
`);
}
