/** How every part of the API is made: one kind of app, one answer to what does not validate. */
import { OpenAPIHono, z } from "@hono/zod-openapi";
import type { Context, MiddlewareHandler, TypedResponse } from "hono";
import { bodyLimit } from "hono/body-limit";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import { DomainError } from "../kv/errors.ts";
import { type Principal, requireSignedIn } from "../lifecycle/policy.ts";
import type { AppEnv } from "./app_deps.ts";
import { commonHeaders } from "./headers.ts";
import { refuseInvalid } from "./validation.ts";

export function apiApp(): OpenAPIHono<AppEnv> {
  return new OpenAPIHono<AppEnv>({ defaultHook: refuseInvalid });
}

/**
 * A JSON answer. In place of `c.json()`, whose copies of the headers cost a short answer a tenth of
 * its speed; typed alike, so the compiler still holds handlers to their contract.
 */
export function answer<T, Status extends ContentfulStatusCode>(
  c: Context<AppEnv>,
  body: T,
  status: Status,
  headers: Record<string, string> = {},
): TypedResponse<T, Status, "json"> {
  return new Response(JSON.stringify(body), {
    status,
    headers: { ...commonHeaders(c, "application/json"), ...headers },
  }) as Response & TypedResponse<T, Status, "json">;
}

/** A problem answer, for the contract. */
export const ProblemSchema = z.looseObject({
  type: z.string(),
  title: z.string(),
  status: z.int(),
  detail: z.string(),
  code: z.string(),
  request_id: z.string(),
}).meta({ id: "Problem" });

/** The contract's entries for problem answers. */
export function problems<const Status extends number>(...statuses: Status[]) {
  return Object.fromEntries(statuses.map((status) => [status, {
    description: "A problem (RFC 9457)",
    content: { "application/problem+json": { schema: ProblemSchema } },
  }])) as Record<Status, {
    description: string;
    content: { "application/problem+json": { schema: typeof ProblemSchema } };
  }>;
}

/** The contract's entry for a JSON answer. */
export function json<Schema extends z.ZodType>(schema: Schema, description: string) {
  return { description, content: { "application/json": { schema } } };
}

/** The contract's entry for a JSON body. */
export function jsonBody<Schema extends z.ZodType>(schema: Schema) {
  return { required: true, content: { "application/json": { schema } } };
}

const JSON_TYPE = /^application\/(json|merge-patch\+json)\s*(;|$)/i;
const MAX_JSON_BYTES = 256 * 1024;

const refuseLarge = bodyLimit({
  maxSize: MAX_JSON_BYTES,
  onError: () => {
    throw new DomainError(
      "payload_too_large",
      `The body is larger than ${MAX_JSON_BYTES / 1024} KiB.`,
    );
  },
});

/** Reads the body up to the limit; one that breaks off on its way is no bug of ours. */
const readWhole: MiddlewareHandler<AppEnv> = async (c, next) => {
  try {
    await refuseLarge(c, () => Promise.resolve());
  } catch (error) {
    if (error instanceof DomainError) throw error;
    throw new DomainError("malformed_json", "The body broke off before its end.");
  }
  await next();
};

/** Stands before a route that writes what a JSON body says: who sends it, its type and its size. */
export const writesJson: MiddlewareHandler<AppEnv>[] = [
  async (c, next) => {
    const principal: Principal = c.get("principal");
    requireSignedIn(principal);
    const type = c.req.header("content-type") ?? "";
    if (!JSON_TYPE.test(type)) {
      throw new DomainError(
        "unsupported_media_type",
        `This route takes application/json, not "${type.slice(0, 100)}".`,
      );
    }
    await next();
  },
  readWhole,
];
