/**
 * A server to be measured: `http_server.ts PATH ours|bare`. Prints its address.
 *
 * `bare` is a Hono handler that makes the same KV calls, the position included, and answers what it
 * read: no validation, no rights, no view, no middleware.
 */
import { Hono } from "hono";
import { openStore, type Store } from "../../kv/store.ts";
import { JobRunner } from "../../lifecycle/jobs/runner.ts";
import { SILENT } from "../../lifecycle/log.ts";
import { Realtime } from "../../lifecycle/realtime/realtime.ts";
import { createApp } from "../../routes/app.ts";
import { authentication } from "../../routes/authentication.ts";
import { TokenBuckets } from "../../routes/token_buckets.ts";

const OPEN_ENDED_MS = 24 * 3_600_000;

/** The default page: position, open-ended, dated; twenty and one more. */
function bareApp({ kv, epoch }: Store): Hono {
  const app = new Hono();
  const range = async (kind: string, from: number) => {
    const prefix = ["live_events_by_start_date", kind];
    const selector = { start: [...prefix, from], end: [...prefix, true] };
    return await Array.fromAsync(kv.list(selector, { limit: 21, batchSize: 21 }));
  };
  app.get("/v1/events", async (c) => {
    const head = await kv.get<number>(["journal_head"]);
    const openEnded = await range("open_ended", Date.now() - OPEN_ENDED_MS);
    const dated = await range("dated", -Infinity);
    const items = [...openEnded, ...dated].slice(0, 20).map((entry) => entry.value);
    const position = `${epoch}.${head.versionstamp}-${head.value}`;
    return c.json({ items, next_cursor: null, position });
  });
  app.get("/v1/events/:id", async (c) => {
    return c.json((await kv.get(["event", c.req.param("id")])).value);
  });
  return app;
}

function ourApp(store: Store) {
  const runner = new JobRunner(store, { clock: Date.now, log: SILENT });
  return createApp({
    store,
    runner,
    realtime: new Realtime(store, {
      clock: Date.now,
      openEndedMs: OPEN_ENDED_MS,
      log: SILENT,
      sweep: (job) => runner.run(job, { trigger: "traffic" }),
    }),
    clock: Date.now,
    openEndedMs: OPEN_ENDED_MS,
    log: SILENT,
    authenticate: authentication(store, { clock: Date.now, adminToken: null }),
    build: { version: "0", deployment: null },
    // Charged for, as in production, and never reached.
    buckets: new TokenBuckets({ perMinute: 1e9, clock: Date.now }),
  });
}

const [path, mode] = Deno.args;
const store = await openStore(path);
const app = mode === "ours" ? ourApp(store) : bareApp(store);
Deno.serve({
  hostname: "127.0.0.1",
  port: 0,
  onListen: ({ port }) => console.log(`http://127.0.0.1:${port}`),
}, app.fetch);
