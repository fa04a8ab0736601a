/**
 * The contract as a measure: whether an answer is one that the document promises. Stricter than a
 * client may be: nothing comes that the document does not name.
 */
import assert from "node:assert/strict";
import { z } from "zod";
import type { Problem } from "../../routes/errors.ts";
import {
  type ApiDocument,
  type ApiResponse,
  type Operation,
  resolved,
  type Schema,
} from "../../routes/api_document.ts";

export interface NamedOperation {
  /** `GET /v1/events/{id}` */
  name: string;
  method: string;
  path: string;
  operation: Operation;
}

export interface Asked {
  method: string;
  /** With its query. */
  path: string;
}

export interface Answered {
  /** Whose answer it is; undefined at an address, or of a method, that is none. */
  operation: NamedOperation | undefined;
  status: number;
  /** What the JSON says, line by line where it is in lines; undefined when there is no body. */
  body: unknown;
  headers: Headers;
}

/** What every answer has for browsers, or for HTTP itself; the document need not say so. */
const UNSAID =
  /^(content-(type|length)|access-control-.*|x-content-type-options|referrer-policy|cross-origin-resource-policy|cache-control|vary|x-accel-buffering)$/;

export class Contract {
  readonly operations: NamedOperation[];
  readonly #schemas = new Map<string, z.ZodType>();

  constructor(readonly document: ApiDocument) {
    this.operations = Object.entries(document.paths).flatMap(([path, operations]) =>
      Object.entries(operations).map(([lower, operation]) => {
        const method = lower.toUpperCase();
        return { name: `${method} ${path}`, method, path, operation };
      })
    );
  }

  /** The operation that takes this request; HEAD is asked as GET. */
  operationOf({ method, path }: Asked): NamedOperation | undefined {
    const { pathname } = new URL(path, "http://localhost");
    const wanted = method === "HEAD" ? "GET" : method;
    return this.operations.find((one) =>
      one.method === wanted && patternOf(one.path).test(pathname)
    );
  }

  /** Asserts that the answer is one of those that the document promises for the request. */
  async assertKept(asked: Asked, answer: Response): Promise<Answered> {
    const { status, headers } = answer;
    const isStream = headers.get("content-type") === "text/event-stream" && answer.body !== null;
    const text = isStream ? await beginningOf(answer) : await answer.text();
    const what = `${asked.method} ${asked.path.slice(0, 200)}: ${status} ${text.slice(0, 500)}`;
    const operation = this.operationOf(asked);
    const type = headers.get("content-type");
    const promised = operation === undefined
      ? nowhere(status)
      : operation.operation.responses[status];
    assert.ok(promised !== undefined, `a status that is not named: ${what}`);
    const response = resolved(this.document, promised);
    this.#assertHeaders(what, headers, response);
    const content = response.content?.[type ?? ""];
    assert.equal(content === undefined, response.content === undefined, `of type ${type}: ${what}`);
    if (content === undefined) assert.equal(type, null, what);
    const body = asked.method === "HEAD" || content === undefined
      ? assert.equal(text, "", what)
      : isStream
      ? text
      : type === "application/x-ndjson"
      ? text.split("\n").filter((line) => line !== "").map((line) => parsed(what, line))
      : this.#assertFits(what, parsed(what, text), content.schema!);
    return { operation, status, headers, body };
  }

  #assertFits(what: string, body: unknown, schema: Schema): unknown {
    const checked = this.#validator(schema).safeParse(body);
    if (!checked.success) assert.fail(`${z.prettifyError(checked.error)}\nin ${what}`);
    assertNamesWhatIsWrong(what, body);
    return body;
  }

  #assertHeaders(what: string, headers: Headers, promised: ApiResponse): void {
    const named = new Set<string>();
    for (const [name, part] of Object.entries(promised.headers ?? {})) {
      named.add(name.toLowerCase());
      const { required = false, schema } = resolved(this.document, part);
      const value = headers.get(name);
      assert.ok(value !== null || !required, `without ${name}: ${what}`);
      if (schema?.type === "integer") assert.match(value ?? "0", /^\d+$/, `${name}: ${what}`);
    }
    for (const [name, value] of headers) {
      assert.ok(named.has(name) || UNSAID.test(name), `with a ${name} that is not named: ${what}`);
      assert.ok(value.length < 500, `a ${name} of ${value.length} characters: ${what}`);
    }
    if (!named.has("cache-control")) {
      assert.match(headers.get("cache-control") ?? "no-store", /no-(cache|store)/, what);
    }
  }

  #validator(schema: Schema): z.ZodType {
    const text = JSON.stringify(schema);
    const known = this.#schemas.get(text) ?? strictSchema(schema, this.document);
    this.#schemas.set(text, known);
    return known;
  }
}

/** What comes first of what has no end. */
async function beginningOf({ body }: Response): Promise<string> {
  const reader = body!.getReader();
  const { value } = await reader.read();
  await reader.cancel();
  return new TextDecoder().decode(value);
}

/** As a schema that refuses members without a description, wherever they stand. */
export function strictSchema(schema: Schema, { components }: ApiDocument): z.ZodType {
  const whole = { ...schema, $defs: components.schemas };
  const strict = JSON.stringify(whole, (_, value) => {
    const isObject = typeof value?.properties === "object" && "type" in value;
    return isObject ? { ...value, additionalProperties: false } : value;
  }).replaceAll("#/components/schemas/", "#/$defs/");
  return z.fromJSONSchema(JSON.parse(strict));
}

/** Whoever sent a wrong field or parameter is told which. */
function assertNamesWhatIsWrong(what: string, body: unknown): void {
  const { code, errors = [] } = body as Partial<Problem>;
  if (!/^(invalid_body|invalid_query|malformed_json|invalid_cursor)$/.test(code ?? "")) return;
  assert.ok(errors.length > 0, `nothing is named: ${what}`);
  for (const { pointer, parameter, detail } of errors) {
    assert.ok((pointer ?? parameter) !== undefined && detail !== "", what);
  }
}

/** What is answered where there is no operation: what the address takes, or a problem. */
function nowhere(status: number): ApiResponse | undefined {
  const may = ["RateLimit", "RateLimit-Policy", "Retry-After", "WWW-Authenticate"];
  may.push("Accept-Patch", "Accept-Encoding");
  const must = ["X-Request-Id", ...status === 405 || status === 204 ? ["Allow"] : []];
  const headers = Object.fromEntries([
    ...may.map((name) => [name, {}]),
    ...must.map((name) => [name, { required: true }]),
  ]);
  if (status === 204) return { description: "", headers };
  if (![400, 401, 404, 405, 406, 415, 429].includes(status)) return undefined;
  const schema = { $ref: "#/components/schemas/Problem" };
  return { description: "", headers, content: { "application/problem+json": { schema } } };
}

function parsed(what: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    assert.fail(`no JSON: ${what}`);
  }
}

const patterns = new Map<string, RegExp>();

function patternOf(path: string): RegExp {
  const known = patterns.get(path) ?? new RegExp(`^${path.replace(/\{\w+\}/g, "[^/]+")}$`);
  patterns.set(path, known);
  return known;
}
