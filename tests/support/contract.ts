/**
 * The contract as a measure: whether an answer is one that the document promises. Stricter than a
 * client may be: nothing comes that the document does not name.
 */
import assert from "node:assert/strict";
import { z } from "zod";
import {
  type ApiDocument,
  type ApiResponse,
  type Operation,
  resolved,
  type Schema,
} from "../../routes/openapi.ts";

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
  /** What the JSON says; undefined when there is no body, the text when it is no JSON. */
  body: unknown;
  headers: Headers;
}

/** What every answer has for browsers, or for HTTP itself; the document need not say so. */
const UNSAID =
  /^(content-(type|length)|access-control-.*|x-content-type-options|referrer-policy|cross-origin-resource-policy|cache-control|vary)$/;

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
  async assertKept(asked: Asked, response: Response): Promise<Answered> {
    const { status, headers } = response;
    const text = await response.text();
    const what = `${asked.method} ${asked.path.slice(0, 200)}: ${status} ${text.slice(0, 500)}`;
    const operation = this.operationOf(asked);
    const promised = operation === undefined
      ? undefined
      : resolved(this.document, operation.operation.responses[status] ?? {} as ApiResponse);
    if (operation === undefined) return { operation, status, headers, body: parsed(what, text) };
    assert.ok(promised?.description !== undefined, `a status that is not named: ${what}`);
    this.#assertHeaders(what, headers, promised);
    const type = headers.get("content-type");
    const content = promised.content?.[type ?? ""];
    assert.equal(content === undefined, promised.content === undefined, `of type ${type}: ${what}`);
    if (asked.method === "HEAD" || content === undefined) {
      assert.equal(text, "", what);
      if (content === undefined) assert.equal(type, null, what);
      return { operation, status, headers, body: undefined };
    }
    if (type === "application/x-ndjson") {
      for (const line of text.split("\n")) if (line !== "") parsed(what, line);
      return { operation, status, headers, body: text };
    }
    const body = parsed(what, text);
    const checked = this.#validator(content.schema!).safeParse(body);
    if (!checked.success) assert.fail(`${z.prettifyError(checked.error)}\nin ${what}`);
    return { operation, status, headers, body };
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

/** As a schema that refuses members without a description, wherever they stand. */
export function strictSchema(schema: Schema, { components }: ApiDocument): z.ZodType {
  const whole = { ...schema, $defs: components.schemas };
  const strict = JSON.stringify(whole, (_, value) => {
    const isObject = typeof value?.properties === "object" && "type" in value;
    return isObject ? { ...value, additionalProperties: false } : value;
  }).replaceAll("#/components/schemas/", "#/$defs/");
  return z.fromJSONSchema(JSON.parse(strict));
}

function parsed(what: string, text: string): unknown {
  if (text === "") return undefined;
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
