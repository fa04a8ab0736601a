/**
 * The pages for those who write clients: the reference, and what each error code means. Programs
 * that follow the `type` of a problem get the same as JSON.
 */
import { type Context, Hono } from "hono";
import { DomainError } from "../../kv/errors.ts";
import { answer } from "../api.ts";
import type { AppDeps, AppEnv } from "../app_deps.ts";
import { ERROR_CODES, problemResponse, problemType } from "../errors.ts";
import { preferredType, PROBLEM } from "../negotiation.ts";
import type { ApiDocument } from "../api_document.ts";
import { cameByHttps } from "../peer.ts";
import { DocsPage } from "./docs_page.tsx";
import { sendAsset, sendPage } from "./layout.tsx";
import { pageErrors } from "./page_errors.tsx";
import { ProblemPage, ProblemsPage } from "./problem_page.tsx";
import { REFERENCE_STYLESHEET } from "./reference_stylesheet.ts";

const PAGE = "text/html";

export function contractPages(deps: AppDeps, document: () => ApiDocument): Hono<AppEnv> {
  const { clock, trustedProxies = [] } = deps;
  const app = new Hono<AppEnv>();

  app.get("/docs", (c) => {
    const { protocol, host } = new URL(c.req.url);
    const origin = `${cameByHttps(c, trustedProxies) ? "https:" : protocol}//${host}`;
    return sendPage(c, <DocsPage document={document()} origin={origin} now={clock()} />);
  });

  app.get("/problems", (c) => {
    const type = typeFor(c);
    if (type === PAGE) return sendPage(c, <ProblemsPage now={clock()} />);
    return asData(c, { items: ERROR_CODES.map(problemType) }, type);
  });

  app.get("/problems/:code", (c) => {
    const type = typeFor(c);
    const code = ERROR_CODES.find((known) => known === c.req.param("code"));
    if (type !== PAGE) {
      if (code !== undefined) return asData(c, problemType(code), type);
      const response = problemResponse(new DomainError("not_found", "There is no such code."), c);
      response.headers.set("vary", "accept");
      return response;
    }
    if (code === undefined) throw new DomainError("not_found");
    return sendPage(c, <ProblemPage code={code} now={clock()} />);
  });

  app.get("/assets/reference.css", (c) => sendAsset(c, REFERENCE_STYLESHEET, "text/css"));

  app.onError(pageErrors(deps));

  return app;
}

/** Whether it is to be a page or data: browsers and whoever does not say get the page. */
function typeFor(c: Context<AppEnv>) {
  c.header("vary", "accept");
  return preferredType(c, [PAGE, "application/json", PROBLEM]);
}

function asData(c: Context<AppEnv>, data: unknown, type: string) {
  return answer(c, data, 200, { "content-type": type, vary: "accept" });
}
