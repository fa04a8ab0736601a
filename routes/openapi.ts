/**
 * `/openapi.json`: the contract as a document (OpenAPI 3.1), made of the routes' own contracts and
 * of what `operations.ts` says beside them. `docs/openapi.json` is its committed copy.
 */
import type { OpenAPIHono } from "@hono/zod-openapi";
import type { AppEnv } from "./app_deps.ts";
import { apiApp } from "./api.ts";
import { headersAnswered, headersTaken } from "./contract_headers.ts";
import { commonHeaders } from "./headers.ts";
import { type Caller, OPERATIONS, TAGS } from "./operations.ts";

/** The part of JSON Schema that the contract uses. */
export interface Schema {
  $ref?: string;
  type?: string | string[];
  format?: string;
  description?: string;
  enum?: unknown[];
  const?: unknown;
  default?: unknown;
  example?: unknown;
  minimum?: number;
  maximum?: number;
  minLength?: number;
  maxLength?: number;
  maxItems?: number;
  items?: Schema;
  properties?: Record<string, Schema>;
  required?: string[];
  additionalProperties?: boolean | Schema;
  anyOf?: Schema[];
  oneOf?: Schema[];
  allOf?: Schema[];
}

export interface Parameter {
  name: string;
  in: "path" | "query" | "header";
  required?: boolean;
  description?: string;
  schema?: Schema;
  example?: string;
}

export type Content = Record<string, { schema?: Schema; example?: unknown }>;

export interface ApiResponse {
  description: string;
  headers?: Record<string, { description?: string; schema?: Schema }>;
  content?: Content;
}

export interface Operation {
  operationId: string;
  tags: string[];
  summary: string;
  description: string;
  security: Record<string, string[]>[];
  parameters?: Parameter[];
  requestBody?: { required?: boolean; content: Content };
  responses: Record<string, ApiResponse>;
}

export interface ApiDocument {
  openapi: string;
  info: { title: string; version: string; description: string };
  tags: { name: string; description: string }[];
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, Schema> };
}

const INFO = {
  title: "Curtain",
  // The contract's own: the program's is at `/healthz`, and changes without the contract.
  version: "1",
  description: "Events whose curtain falls by itself: from the very millisecond an event's end " +
    "passes, every answer shows it as COMPLETED.\n\n" +
    "A request that cannot be served is answered with a problem (RFC 9457); its `code` has a page " +
    "at `/problems/{code}`. Within `/v1` things are only ever added, so clients pass over members, " +
    "codes and values that they do not know.",
  license: { name: "MIT", url: "https://opensource.org/license/mit" },
};

const BEARER = {
  type: "http",
  scheme: "bearer",
  description: "Operations that change something, and those for administrators, need a token. " +
    "Others show more with one. A token that is not valid is refused everywhere, never ignored.",
} as const;

/** By whom it is called; `{}` is: also without. */
const SECURITY: Record<Caller, Record<string, string[]>[]> = {
  nobody: [],
  anyone: [{}, { bearer: [] }],
  token: [{ bearer: [] }],
  admin: [{ bearer: [] }],
};

/** What a problem of this status means, whichever its code. */
const PROBLEMS: Record<string, string> = {
  400: "The request cannot be understood: its JSON, a parameter or the cursor.",
  401: "The token is missing or not valid.",
  403: "The caller may not do this.",
  404: "There is nothing here, or nothing that the caller may see.",
  406: "`Accept` leaves out all media types that are answered here.",
  409: "What is stored does not allow it; `code` says why.",
  410: "Changes cannot be told from this position on.",
  412: "What is stored is no longer what `If-Match` names.",
  413: "The body is too large.",
  415: "The body's media type is none that is taken here.",
  422: "The body cannot be stored as it is; `errors` names the fields.",
  428: "This needs `If-Match`, with the `ETag` that was read.",
  429: "Too many requests: try again after `Retry-After` seconds.",
  500: "Something went wrong on our side.",
  503: "Not just now: try again after `Retry-After` seconds.",
};

/** The document of all routes that `app` has by now. */
export function describeApi(app: OpenAPIHono<AppEnv>): ApiDocument {
  app.openAPIRegistry.registerComponent("securitySchemes", "bearer", BEARER);
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
    description: caller === "admin" ? `${description} For administrators.` : description,
    security: SECURITY[caller],
    ...(parameters.length === 0 ? {} : { parameters }),
    ...(requestBody === undefined ? {} : { requestBody: withExample(requestBody, example) }),
    responses: withHeaders(withProblems(operation.responses), { method, operation }),
  };
}

function withHeaders(
  responses: Operation["responses"],
  { method, operation }: { method: string; operation: Operation },
): Operation["responses"] {
  return Object.fromEntries(
    Object.entries(responses).map(([status, response]) => {
      const headers = { ...response.headers, ...headersAnswered(method, status, operation) };
      return [status, Object.keys(headers).length === 0 ? response : { ...response, headers }];
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

/** What each problem means; and that any operation may meet a fault of ours. */
function withProblems(responses: Operation["responses"]): Operation["responses"] {
  const fault: ApiResponse = {
    description: "",
    content: { "application/problem+json": { schema: { $ref: "#/components/schemas/Problem" } } },
  };
  const all = Object.entries({ ...responses, 500: fault });
  return Object.fromEntries(all.map(([status, response]) => {
    if (response.content?.["application/problem+json"] === undefined) return [status, response];
    return [status, { ...response, description: PROBLEMS[status] ?? response.description }];
  }));
}

/** The app that serves the document. */
export function openapi(document: () => ApiDocument): OpenAPIHono<AppEnv> {
  const app = apiApp();
  let text: string | undefined;
  app.get("/openapi.json", (c) => {
    text ??= JSON.stringify(document());
    return c.body(text, 200, commonHeaders(c, "application/json"));
  });
  return app;
}
