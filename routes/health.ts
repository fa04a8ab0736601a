/** `/healthz` for alarms, `/readyz` for load balancers and containers. */
import { createRoute, z } from "@hono/zod-openapi";
import { readIndexState } from "../kv/index_state.ts";
import { getJobRecord } from "../kv/jobs.ts";
import { readPosition } from "../kv/journal_places.ts";
import { instantText } from "../kv/event_record.ts";
import { isPaused } from "../lifecycle/jobs/runner.ts";
import { answer, apiApp, json, problems } from "./api.ts";
import type { AppDeps } from "./app_deps.ts";

const HealthSchema = z.object({
  status: z.enum(["ok", "failing"]),
  /** What is wrong, or why something that stands still is no alarm. */
  reasons: z.array(z.string()),
  version: z.string(),
  deno: z.string(),
  deployment: z.string().nullable(),
  jobs: z.record(
    z.string(),
    z.object({ last_success_at: z.string().nullable(), consecutive_failures: z.int() }),
  ),
}).meta({ id: "Health" });

const ReadySchema = z.object({ status: z.enum(["ready", "not_ready"]) }).meta({ id: "Readiness" });

const healthRoute = createRoute({
  method: "get",
  path: "/healthz",
  summary: "Whether everything that should happen by itself does",
  description: "For alarms: 503 when completion has gone silent; `reasons` say what is wrong.",
  responses: {
    200: json(HealthSchema, "All is well"),
    503: json(HealthSchema, "Raise an alarm"),
    ...problems(401),
  },
});

const readyRoute = createRoute({
  method: "get",
  path: "/readyz",
  summary: "Whether requests can be served",
  description: "For load balancers: 503 when the store does not answer.",
  responses: {
    200: json(ReadySchema, "Send requests"),
    503: json(ReadySchema, "Send none"),
    ...problems(401),
  },
});

export function health({ store, runner, clock, build }: AppDeps) {
  return apiApp()
    .openapi(healthRoute, async (c) => {
      const reasons: string[] = [];
      const jobs: z.output<typeof HealthSchema>["jobs"] = {};
      let failing = false;
      try {
        for (const job of runner.jobs) {
          const { value: record } = await getJobRecord(store, job.name);
          jobs[job.name] = {
            last_success_at: record.lastSuccessAt === null
              ? null
              : instantText(record.lastSuccessAt),
            consecutive_failures: record.consecutiveFailures,
          };
          if (isPaused(record, clock())) {
            const { reason, until } = record.pause!;
            reasons.push(`${job.name} is paused until ${instantText(until)}: ${reason}`);
          }
        }
        const state = (await readIndexState(store))?.state;
        const rebuilding = Object.keys(state?.indexes ?? {}).filter((name) =>
          !state!.whole.includes(name)
        );
        if (rebuilding.length > 0) reasons.push(`being rebuilt: ${rebuilding.join(", ")}`);
        const silence = await runner.silence();
        if (silence !== null) {
          failing = true;
          reasons.push(silence);
        }
      } catch (error) {
        c.get("log").warn("the store did not answer the health check", { error });
        failing = true;
        reasons.push("the store does not answer");
      }
      return answer(c, {
        status: failing ? "failing" as const : "ok" as const,
        reasons,
        version: build.version,
        deno: Deno.version.deno,
        deployment: build.deployment,
        jobs,
      }, failing ? 503 : 200);
    })
    .openapi(readyRoute, async (c) => {
      try {
        await readPosition(store);
        return answer(c, { status: "ready" as const }, 200);
      } catch {
        return answer(c, { status: "not_ready" as const }, 503);
      }
    });
}
