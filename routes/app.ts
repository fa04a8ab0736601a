/** The whole HTTP side: what happens to every request, and the parts it is made of. */
import type { MiddlewareHandler } from "hono";
import { DomainError } from "../kv/errors.ts";
import { GUEST } from "../lifecycle/policy.ts";
import { apiApp } from "./api.ts";
import type { AppDeps, AppEnv } from "./app_deps.ts";
import { problemResponse } from "./errors.ts";
import { events } from "./events.ts";
import { exports } from "./exports.ts";
import { health } from "./health.ts";
import { history } from "./history.ts";
import { imports } from "./imports.ts";
import { jobs } from "./jobs.ts";
import { me } from "./me.ts";
import { organizerMoves } from "./organizer_moves.ts";
import { organizers } from "./organizers.ts";
import { pages } from "./pages/pages.tsx";
import { transitions } from "./transitions.ts";

export function createApp(deps: AppDeps) {
  const app = apiApp();
  app.onError(problemResponse);
  app.notFound((c) => {
    const problem = new DomainError("not_found", `There is nothing at ${c.req.path}.`);
    return problemResponse(problem, c);
  });
  app.use(everyRequest(deps));
  app.route("/", health(deps));
  app.route("/", events(deps));
  app.route("/", transitions(deps));
  app.route("/", history(deps));
  app.route("/", organizers(deps));
  app.route("/", organizerMoves(deps));
  app.route("/", me(deps));
  app.route("/", imports(deps));
  app.route("/", exports(deps));
  app.route("/", jobs(deps));
  app.route("/", pages(deps));
  return app;
}

const REQUEST_ID = /^[\w.:-]{1,100}$/;

/** The request's id, its logger, and who sent it; one line of the log when it is answered. */
function everyRequest({ log, runner, clock, authenticate }: AppDeps): MiddlewareHandler<AppEnv> {
  // Ours are counted, not random: it is enough that no two are alike, and cheap.
  const process = crypto.randomUUID().slice(0, 8);
  let count = 0;
  return async (c, next) => {
    const began = clock();
    const given = c.req.header("x-request-id");
    const id = given !== undefined && REQUEST_ID.test(given)
      ? given
      : `req_${process}_${(++count).toString(36)}`;
    c.set("requestId", id);
    const requestLog = log.with({ request_id: id });
    c.set("log", requestLog);
    c.set("principal", GUEST);
    runner.notice();
    c.set("principal", await authenticate(c.req.raw));
    await next();
    const { status } = c.res;
    requestLog[status >= 500 ? "error" : "debug"](`${c.req.method} ${c.req.path} ${status}`, {
      took_ms: clock() - began,
    });
  };
}
