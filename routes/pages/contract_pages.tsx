/** The pages for those who write clients: the reference, and what each error code means. */
import { Hono } from "hono";
import { DomainError } from "../../kv/errors.ts";
import type { AppDeps, AppEnv } from "../app_deps.ts";
import type { ApiDocument } from "../openapi.ts";
import { cameByHttps } from "../peer.ts";
import { DocsPage } from "./docs_page.tsx";
import { sendAsset, sendPage } from "./layout.tsx";
import { pageErrors } from "./page_errors.tsx";
import { ERROR_CODES, ProblemPage, ProblemsPage } from "./problem_page.tsx";
import { REFERENCE_STYLESHEET } from "./reference_stylesheet.ts";

export function contractPages(deps: AppDeps, document: () => ApiDocument): Hono<AppEnv> {
  const { clock, trustedProxies = [] } = deps;
  const app = new Hono<AppEnv>();

  app.get("/docs", (c) => {
    const { protocol, host } = new URL(c.req.url);
    const origin = `${cameByHttps(c, trustedProxies) ? "https:" : protocol}//${host}`;
    return sendPage(c, <DocsPage document={document()} origin={origin} now={clock()} />);
  });

  app.get("/problems", (c) => sendPage(c, <ProblemsPage now={clock()} />));

  app.get("/problems/:code", (c) => {
    const code = ERROR_CODES.find((known) => known === c.req.param("code"));
    if (code === undefined) throw new DomainError("not_found");
    return sendPage(c, <ProblemPage code={code} now={clock()} />);
  });

  app.get("/assets/reference.css", (c) => sendAsset(c, REFERENCE_STYLESHEET, "text/css"));

  app.onError(pageErrors(deps));

  return app;
}
