/** The whole HTTP side: what happens to every request, and the parts it is made of. */
import type { OpenAPIHono } from "@hono/zod-openapi";
import type { Context, ErrorHandler, MiddlewareHandler } from "hono";
import { DomainError } from "../kv/errors.ts";
import type { LogLevel } from "../lifecycle/log.ts";
import { admitted } from "./admission.ts";
import { apiApp } from "./api.ts";
import type { AppDeps, AppEnv } from "./app_deps.ts";
import { audit } from "./audit.ts";
import { audited } from "./audited.ts";
import { auth } from "./auth.tsx";
import { changes } from "./changes.ts";
import { preflightHeaders } from "./cors.ts";
import { problemResponse } from "./errors.ts";
import { events } from "./events.ts";
import { eventStream } from "./event_stream.ts";
import { eventSocket } from "./event_socket.ts";
import { exports } from "./exports.ts";
import { ACCEPT_PATCH, completeHeaders, isApiPath } from "./headers.ts";
import { health } from "./health.ts";
import { history } from "./history.ts";
import { Idempotency } from "./idempotency.ts";
import { imports } from "./imports.ts";
import { jobs } from "./jobs.ts";
import { invitations } from "./invitations.ts";
import { loggedPath } from "./logged_path.ts";
import { me } from "./me.ts";
import { members } from "./members.ts";
import { myData } from "./my_data.ts";
import { mySessions } from "./my_sessions.ts";
import { describeApi, openapi } from "./openapi.ts";
import type { ApiDocument } from "./api_document.ts";
import { organizerMoves } from "./organizer_moves.ts";
import { organizers } from "./organizers.ts";
import { contractPages } from "./pages/contract_pages.tsx";
import { preferredType, PROBLEM } from "./negotiation.ts";
import { ownPages } from "./pages/own_pages.ts";
import { pageErrors } from "./pages/page_errors.tsx";
import { pages } from "./pages/pages.tsx";
import { cameByHttps } from "./peer.ts";
import { securityTxt } from "./security_txt.ts";
import { Seats } from "./stream_callers.ts";
import { tokens } from "./tokens.ts";
import { users } from "./users.ts";
import { transitions } from "./transitions.ts";

export function createApp(deps: AppDeps): OpenAPIHono<AppEnv> {
  const app = apiApp();
  app.onError(toldAsAsked(pageErrors(deps)));
  app.notFound((c) => otherMethods(app, c));
  app.use(everyRequest(deps), audited(deps), admitted(deps));
  app.route("/", api(deps));
  app.route("/", securityTxt(deps));
  app.route("/", pages(deps));
  app.route("/", ownPages(deps));
  app.route("/", auth(deps));
  // Made when it is first asked for: a start is not the time.
  let made: ApiDocument | undefined;
  const document = () => made ??= describeApi(app);
  app.route("/", openapi(document));
  app.route("/", contractPages(deps, document));
  return app;
}

/** What goes wrong before a route is told as it is asked for; browsers ask for pages by name. */
function toldAsAsked(asPage: ErrorHandler<AppEnv>): ErrorHandler<AppEnv> {
  return (error, c) => {
    const isPage = !isApiPath(c.req.path) &&
      preferredType(c, [PROBLEM, "text/html"]) === "text/html";
    return isPage ? asPage(error, c) : problemResponse(error, c);
  };
}

/** The API by itself, in the order of the contract: its type is what a client is typed by. */
function api(deps: AppDeps) {
  const seats = new Seats(deps);
  return apiApp()
    .route("/", health(deps))
    .route("/", eventStream(deps, seats))
    .route("/", eventSocket(deps, seats))
    .route("/", events(deps))
    .route("/", transitions(deps))
    .route("/", history(deps))
    .route("/", changes(deps))
    .route("/", organizers(deps))
    .route("/", organizerMoves(deps))
    .route("/", members(deps))
    .route("/", invitations(deps))
    .route("/", me(deps))
    .route("/", mySessions(deps))
    .route("/", myData(deps))
    .route("/", tokens(deps))
    .route("/", users(deps))
    .route("/", audit(deps))
    .route("/", imports(deps))
    .route("/", exports(deps))
    .route("/", jobs(deps));
}

export type Api = ReturnType<typeof api>;

const REQUEST_ID = /^[\w.:-]{1,100}$/;

/** A year. Whatever else is served under the host's name is not ours to speak for. */
const STAY_WITH_HTTPS = { "strict-transport-security": "max-age=31536000" };

/** The request's id and its logger; what the answer's headers lack; one line of the log. */
function everyRequest(
  { log, runner, clock, store, trustedProxies = [] }: AppDeps,
): MiddlewareHandler<AppEnv> {
  const { once } = new Idempotency(store, clock);
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
    c.set("answerHeaders", cameByHttps(c, trustedProxies) ? { ...STAY_WITH_HTTPS } : {});
    const requestLog = log.with({ request_id: id });
    c.set("log", requestLog);
    c.set("once", once);
    runner.notice();
    await next();
    completeHeaders(c);
    const { status } = c.res;
    requestLog[levelOf(status, c.req.path)](`${c.req.method} ${loggedPath(c.req.path)} ${status}`, {
      took_ms: clock() - began,
    });
    if (c.req.method === "HEAD") await sayLength(c.res);
  };
}

/**
 * A refused client has a request id to ask about, so its line is there to be found; one that was
 * refused for asking too often would fill the log.
 */
function levelOf(status: number, path: string): LogLevel {
  if (status >= 500) return "error";
  return status >= 400 && status !== 429 && path.startsWith("/v1/") ? "info" : "debug";
}

/** Hono answers HEAD as GET and then drops the body; the runtime would count what is left: 0. */
async function sayLength(response: Response): Promise<void> {
  // A stream has no length that is known before its end.
  const type = response.headers.get("content-type") ?? "";
  if (/ndjson|event-stream/.test(type)) return response.body?.cancel();
  const { byteLength } = await response.arrayBuffer();
  response.headers.set("content-length", String(byteLength));
}

const METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"];

/** What no route takes: an address that is none, or one of another method. */
function otherMethods(app: OpenAPIHono<AppEnv>, c: Context<AppEnv>): Response {
  const { method, path } = c.req;
  const takes = (wanted: string) =>
    app.router.match(wanted, path)[0].some(([[, route]]) => route.method === wanted);
  const allowed = METHODS.filter((one) => takes(one === "HEAD" ? "GET" : one));
  if (allowed.length === 0) {
    const detail = `There is nothing at ${path.slice(0, 200)}.`;
    return problemResponse(new DomainError("not_found", detail), c);
  }
  const allow = [...allowed, "OPTIONS"].join(", ");
  if (method === "OPTIONS") {
    return c.body(null, 204, {
      allow,
      ...(allowed.includes("PATCH") ? { "accept-patch": ACCEPT_PATCH } : {}),
      ...(isApiPath(path) ? preflightHeaders(allowed) : {}),
    });
  }
  const detail = `${path.slice(0, 200)} takes ${allowed.join(", ")}, not ${method}.`;
  const response = problemResponse(new DomainError("method_not_allowed", detail), c);
  response.headers.set("allow", allow);
  return response;
}
