/**
 * `/openapi.json`: the contract as a document (OpenAPI 3.1), made of the routes' own contracts and
 * of what `operations.ts` says beside them. `docs/openapi.json` is its committed copy.
 */
import type { OpenAPIHono } from "@hono/zod-openapi";
import type { AppEnv } from "./app_deps.ts";
import { apiApp } from "./api.ts";
import type { ApiDocument, Operation } from "./api_document.ts";
import { HEADERS, headersAnswered, headersTaken } from "./contract_headers.ts";
import { problemResponses, withProblems } from "./contract_problems.ts";
import { apiResponse } from "./headers.ts";
import { type Caller, type OperationNotes, OPERATIONS, TAGS } from "./operations.ts";
import { scopeOf } from "./scopes.ts";

const INFO = {
  title: "Curtain",
  // The contract's own: the program's is at `/healthz`, and changes without the contract.
  version: "1",
  description: "Events whose curtain falls by itself: from the very millisecond an event's end " +
    "passes, every answer shows it as COMPLETED.\n\n" +
    "A request that cannot be served is answered with a problem (RFC 9457), whose `remedy` says " +
    "what to do. Its `code` has a page at `/problems/{code}`, which programs get as JSON. Within `/v1` things are only ever added, so clients pass over members, " +
    "codes and values that they do not know.",
  license: { name: "MIT", url: "https://opensource.org/license/mit" },
};

const BEARER = {
  type: "http",
  scheme: "bearer",
  description: "Operations that change something, and those for administrators, need a token. " +
    "Others show more with one. A token that is not valid is refused everywhere, never ignored.",
} as const;

const SESSION = {
  type: "apiKey",
  in: "cookie",
  name: "__Host-session",
  description: "Of a browser that signed in at `/auth/sign-in`; its requests that change " +
    "something must come from this site's own pages.",
} as const;

const BY_EITHER = [{ bearer: [] }, { session: [] }];

/** By whom it is called; `{}` is: also without. */
const SECURITY: Record<Caller, Record<string, string[]>[]> = {
  nobody: [],
  anyone: [{}, ...BY_EITHER],
  user: BY_EITHER,
  holder: BY_EITHER,
  person: BY_EITHER,
  admin: BY_EITHER,
};

/** What an operation's description says of who may call it. */
function callerText(method: string, notes: OperationNotes): string {
  if (notes.caller === "person") {
    return " In person only: signed in, or with `ADMIN_TOKEN`; API tokens are refused.";
  }
  const forAdmins = notes.caller === "admin" ? " For administrators." : "";
  const scope = scopeOf(method, notes);
  return scope === null ? forAdmins : `${forAdmins} API tokens need the scope \`${scope}\`.`;
}

/** The document of all routes that `app` has by now. */
export function describeApi(app: OpenAPIHono<AppEnv>): ApiDocument {
  const { openAPIRegistry: registry } = app;
  registry.registerComponent("securitySchemes", "bearer", BEARER);
  registry.registerComponent("securitySchemes", "session", SESSION);
  for (const [name, header] of Object.entries(HEADERS)) {
    registry.registerComponent("headers", name, header);
  }
  const document = app.getOpenAPI31Document({
    openapi: "3.1.0",
    info: INFO,
    servers: [{ url: "/", description: "Where this document is." }],
    tags: Object.entries(TAGS).map(([name, description]) => ({ name, description })),
  }) as unknown as ApiDocument;
  for (const [path, operations] of Object.entries(document.paths)) {
    for (const [method, operation] of Object.entries(operations)) {
      operations[method] = withNotes(operation, { method, path });
    }
  }
  document.components.responses = problemResponses(document);
  return document;
}

function withNotes(
  operation: Operation,
  { method, path }: { method: string; path: string },
): Operation {
  const name = `${method.toUpperCase()} ${path}`;
  const notes = OPERATIONS[name];
  if (notes === undefined) throw new Error(`routes/operations.ts says nothing of ${name}`);
  const { operationId, tag, caller, example } = notes;
  const { summary, description, requestBody } = operation;
  const parameters = [...operation.parameters ?? [], ...headersTaken(method, operation)];
  return {
    operationId,
    tags: [tag],
    summary,
    description: description + callerText(method.toUpperCase(), notes),
    security: SECURITY[caller],
    ...(parameters.length === 0 ? {} : { parameters }),
    ...(requestBody === undefined ? {} : { requestBody: withExample(requestBody, example) }),
    responses: withHeaders(withProblems(operation.responses, { method, path }), {
      method,
      path,
      operation,
    }),
  };
}

function withHeaders(
  responses: Operation["responses"],
  { method, path, operation }: { method: string; path: string; operation: Operation },
): Operation["responses"] {
  return Object.fromEntries(
    Object.entries(responses).map(([status, response]) => {
      if ("$ref" in response) return [status, response];
      const answered = headersAnswered({ method, path, status }, { operation, response });
      return [status, { ...response, headers: { ...response.headers, ...answered } }];
    }),
  );
}

function withExample(body: NonNullable<Operation["requestBody"]>, example: unknown) {
  if (example === undefined) return body;
  const content = Object.entries(body.content).map((
    [type, media],
  ) => [type, { ...media, example }]);
  return { ...body, content: Object.fromEntries(content) };
}

/** The app that serves the document. */
export function openapi(document: () => ApiDocument): OpenAPIHono<AppEnv> {
  const app = apiApp();
  let text: string | undefined;
  app.get("/openapi.json", (c) => {
    text ??= JSON.stringify(document());
    return apiResponse(c, text, { contentType: "application/json" });
  });
  return app;
}
