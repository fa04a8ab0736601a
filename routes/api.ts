/** How every part of the API is made: one kind of app, one answer to what does not validate. */
import { OpenAPIHono, z } from "@hono/zod-openapi";
import type { Context, MiddlewareHandler, Next, TypedResponse } from "hono";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import { DomainError } from "../kv/errors.ts";
import { EVENT_STATUSES } from "../kv/event_record.ts";
import { type Principal, requireSignedIn } from "../lifecycle/policy.ts";
import type { AppEnv } from "./app_deps.ts";
import { isKnown } from "./conditions.ts";
import { apiResponse } from "./headers.ts";
import { readBounded } from "./request_body.ts";
import { SIGN_IN_FAILURES } from "./sign_in/failures.ts";
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
  const init = { contentType: "application/json", status, headers };
  const response = apiResponse(c, JSON.stringify(body), init);
  return response as Response & TypedResponse<T, Status, "json">;
}

/** The same, unless the client has it already: then 304, with the headers that caches need. */
export function answerUnlessKnown<T>(
  c: Context<AppEnv>,
  body: T,
  headers: Record<string, string> & { etag: string },
): TypedResponse<T, 200, "json"> | TypedResponse<Record<string, never>, 304, string> {
  if (!isKnown(c, headers.etag)) return answer(c, body, 200, headers);
  const response = apiResponse(c, null, { status: 304, headers });
  return response as Response & TypedResponse<Record<string, never>, 304, string>;
}

/** The contract's entry for that. */
export const NOT_MODIFIED = { 304: { description: "The client has it already" } };

/** A problem answer, for the contract: what every one has, and what some say more. */
export const ProblemSchema = z.looseObject({
  type: z.string().meta({ description: "The address of the page about it, /problems/{code}." }),
  title: z.string().meta({ description: "What the code means; always the same." }),
  status: z.int().meta({ description: "The HTTP status." }),
  detail: z.string().meta({ description: "What happened this time, for people." }),
  code: z.string().meta({ description: "What happened, for programs; codes may be added." }),
  remedy: z.string().meta({ description: "What to do about it; always the same for a code." }),
  request_id: z.string().meta({ description: "The answer's `X-Request-Id`, to ask about." }),
  errors: z.array(
    z.looseObject({
      pointer: z.string().optional().meta({ description: "A JSON pointer into the body." }),
      parameter: z.string().optional().meta({ description: "A parameter of the address." }),
      code: z.string(),
      detail: z.string(),
      candidates: z.array(z.string()).optional().meta({
        description: "The instants that a local time may mean.",
      }),
    }),
  ).optional().meta({ description: "What is wrong, one by one." }),
  parameter: z.string().optional().meta({ description: "The parameter that it is about." }),
  current_status: z.enum(EVENT_STATUSES).optional().meta({ description: "The event's status." }),
  allowed: z.array(z.enum(EVENT_STATUSES)).optional().meta({
    description: "The statuses that the caller may ask for instead.",
  }),
  transition: z.looseObject({ to: z.enum(EVENT_STATUSES) }).optional().meta({
    description: "The transition to ask for in place of this.",
  }),
  reason: z.enum(["malformed", "other_store", "ahead", "too_old", ...SIGN_IN_FAILURES]).optional()
    .meta({
      description: "Why a position is none to go on from; why nobody is signed in.",
    }),
  current_etag: z.string().optional().meta({ description: "The event's `ETag` now." }),
  differences: z.array(
    z.looseObject({
      field: z.string(),
      current: z.string().nullable().meta({ description: "What it is now, shortened." }),
    }),
  ).optional().meta({ description: "What of the body is otherwise by now." }),
  event_id: z.string().optional().meta({ description: "The event that stands in the way." }),
  organizer_id: z.string().optional().meta({ description: "The organizer that does." }),
  from: z.string().optional().meta({ description: "The organizer whose events are being moved." }),
  to: z.string().optional().meta({ description: "The organizer to which they are." }),
  scope: z.string().optional().meta({ description: "The scope that the token lacks." }),
  index: z.string().optional().meta({ description: "The index that is still being built." }),
}).meta({ id: "Problem", description: "What went wrong (RFC 9457)." });

/** The contract's entries for problems; those that any route may give are in `contract_problems.ts`. */
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

/** The same where the answer is also said to be elsewhere. */
export function located<Schema extends z.ZodType>(
  schema: Schema,
  description: string,
  where: string,
) {
  const headers = z.object({ Location: z.string().meta({ description: where }) });
  return { ...json(schema, description), headers };
}

/** The contract's entry for a JSON body. */
export function jsonBody<Schema extends z.ZodType>(schema: Schema) {
  return { required: true, content: { "application/json": { schema } } };
}

const JSON_TYPE = /^application\/(json|merge-patch\+json)\s*(;|$)/i;
const MAX_JSON_BYTES = 256 * 1024;

/** Stands before a route that writes what a JSON body says: who sends it, its type and its size. */
export const writesJson: MiddlewareHandler<AppEnv>[] = [
  signedIn,
  ofJson,
  bounded({ emptyIsNone: false }),
  once,
];

/** The same where the body may be absent. */
export const mayTakeJson: MiddlewareHandler<AppEnv>[] = [
  signedIn,
  bounded({ emptyIsNone: true }),
  once,
];

function once(c: Context<AppEnv>, next: Next): Promise<Response | void> {
  return c.get("once")(c, next);
}

/** Before anything is read: strangers cannot make us hold what they send. */
async function signedIn(c: Context<AppEnv>, next: Next): Promise<void> {
  const principal: Principal = c.get("principal");
  requireSignedIn(principal);
  await next();
}

async function ofJson(c: Context<AppEnv>, next: Next): Promise<void> {
  requireJson(c);
  await next();
}

function requireJson(c: Context<AppEnv>): void {
  const type = c.req.header("content-type") ?? "";
  if (!JSON_TYPE.test(type)) {
    throw new DomainError(
      "unsupported_media_type",
      `This route takes application/json, not "${type.slice(0, 100)}".`,
    );
  }
}

/**
 * Reads the body, up to the limit, and puts what was read in its place: the validator would decode
 * bytes that are no UTF-8 as something else. With `emptyIsNone` a type that comes without a body,
 * as some clients send it out of habit, says nothing.
 */
function bounded({ emptyIsNone }: { emptyIsNone: boolean }): MiddlewareHandler<AppEnv> {
  return async (c, next) => {
    const { raw } = c.req;
    const text = raw.body === null ? "" : textOf(await readBounded(raw, MAX_JSON_BYTES));
    await c.get("askAgain")?.();
    const headers = new Headers(raw.headers);
    const isNone = emptyIsNone && text === "";
    if (!isNone) requireJson(c);
    if (isNone) headers.delete("content-type");
    // Not made from `raw`, whose signal would be followed: the runtime complains of that.
    c.req.raw = new Request(raw.url, { method: raw.method, headers, body: isNone ? null : text });
    await next();
  };
}

function textOf(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw new DomainError("malformed_json", "The body is not UTF-8, as JSON must be.");
  }
}
