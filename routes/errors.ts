/**
 * Problem details (RFC 9457): the only place that knows which HTTP status a domain error has.
 */
import type { Context } from "hono";
import { HTTPException } from "hono/http-exception";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import { DomainError, type ErrorCode, ERRORS, type FieldProblem, REMEDIES } from "../kv/errors.ts";
import type { AppEnv } from "./app_deps.ts";
import { ACCEPT_PATCH, apiResponse } from "./headers.ts";

const STATUS: Record<ErrorCode, ContentfulStatusCode> = {
  invalid_body: 422,
  invalid_query: 400,
  malformed_json: 400,
  not_acceptable: 406,
  unsupported_media_type: 415,
  payload_too_large: 413,
  invalid_header: 400,
  invalid_cursor: 400,
  unsupported_query: 400,
  unauthenticated: 401,
  rate_limited: 429,
  too_many_streams: 429,
  overloaded: 503,
  upgrade_required: 426,
  forbidden: 403,
  insufficient_scope: 403,
  cross_site: 403,
  user_suspended: 403,
  insecure_origin: 403,
  last_admin: 409,
  last_owner: 409,
  root_user: 409,
  already_member: 409,
  invitation_gone: 410,
  invitation_not_yours: 403,
  too_many_tokens: 409,
  too_many_invitations: 409,
  not_found: 404,
  method_not_allowed: 405,
  illegal_transition: 409,
  event_archived: 409,
  reopen_required: 409,
  external_id_taken: 409,
  move_under_way: 409,
  event_too_large: 422,
  newer_format: 409,
  version_conflict: 409,
  precondition_failed: 412,
  precondition_required: 428,
  request_in_flight: 409,
  idempotency_key_reused: 422,
  conflict: 409,
  job_not_found: 404,
  position_gone: 410,
  sign_in_failed: 400,
  sign_in_provider_failed: 502,
  sign_in_unavailable: 503,
  index_incomplete: 503,
  store_unavailable: 503,
  outcome_unknown: 503,
  deadline_exceeded: 503,
  internal: 500,
};

/** Seconds after which trying again makes sense. */
const RETRY_AFTER: Partial<Record<ErrorCode, number>> = {
  too_many_streams: 30,
  overloaded: 30,
  index_incomplete: 30,
  store_unavailable: 5,
  outcome_unknown: 5,
  deadline_exceeded: 5,
  conflict: 1,
  request_in_flight: 1,
};

export interface Problem {
  type: string;
  title: string;
  status: number;
  detail: string;
  code: ErrorCode;
  /** What to do about it. */
  remedy: string;
  request_id: string;
  errors?: FieldProblem[];
  [extension: string]: unknown;
}

/** Answers a thrown error; whatever is not a domain error is logged whole and told as a constant. */
export function problemResponse(error: unknown, c: Context<AppEnv>): Response {
  const known = domainErrorOf(error);
  if (known === null) c.get("log")?.error("request failed", { error });
  const { code, detail, extensions } = known ?? new DomainError("internal");
  const { status: currentStatus, ...more } = extensions;
  const status = STATUS[code];
  const problem: Problem = {
    type: `/problems/${code}`,
    title: ERRORS[code],
    status,
    detail,
    code,
    remedy: REMEDIES[code],
    request_id: c.get("requestId"),
    ...fieldProblems(code, detail, more),
    ...more,
    // `status` is the HTTP status (RFC 9457), so the event's goes by another name.
    ...(currentStatus === undefined ? {} : { current_status: currentStatus }),
  };
  const headers: Record<string, string> = { "cache-control": "no-store" };
  const { current_etag: etag } = extensions;
  if (typeof etag === "string") headers.etag = etag;
  const retryAfter = RETRY_AFTER[code];
  if (retryAfter !== undefined) headers["retry-after"] = String(retryAfter);
  if (status === 426) headers.upgrade = "websocket";
  if (status === 401) headers["www-authenticate"] = challengeOf(c);
  if (code === "insufficient_scope") {
    headers["www-authenticate"] = `Bearer error="${code}", scope="${extensions.scope}"`;
  }
  if (status === 415 && c.req.method === "PATCH") headers["accept-patch"] = ACCEPT_PATCH;
  const init = { contentType: "application/problem+json", status, headers };
  return apiResponse(c, JSON.stringify(problem), init);
}

/** Programs tell a token that has ended from one that is missing (RFC 6750 section 3). */
function challengeOf(c: Context<AppEnv>): string {
  const isToken = /^bearer\b/i.test(c.req.header("authorization") ?? "");
  return `Bearer realm="curtain"${isToken ? ', error="invalid_token"' : ""}`;
}

/** The HTTP status of an error, for pages that tell it in HTML. */
export function statusOf(error: unknown): ContentfulStatusCode {
  return STATUS[domainErrorOf(error)?.code ?? "internal"];
}

export const ERROR_CODES = Object.keys(ERRORS) as ErrorCode[];

/** What there is to know of a code, whatever happened: for its page, and for programs. */
export function problemType(code: ErrorCode) {
  return {
    type: `/problems/${code}`,
    code,
    title: ERRORS[code],
    status: STATUS[code],
    remedy: REMEDIES[code],
    /**
     * Seconds after which the same request makes sense again, as a rule; null when it never does by
     * itself. The limit itself knows when the next one may come.
     */
    retry_after: code === "rate_limited" ? 1 : RETRY_AFTER[code] ?? null,
  };
}

/** Which field a problem is about that has no list of its own; the pointer "" is the whole body. */
function fieldProblems(
  code: ErrorCode,
  detail: string,
  { parameter }: Record<string, unknown>,
): { errors?: FieldProblem[] } {
  if (typeof parameter === "string") return { errors: [{ parameter, code, detail }] };
  if (code === "invalid_cursor") return { errors: [{ parameter: "cursor", code, detail }] };
  if (code === "malformed_json" || code === "payload_too_large") {
    return { errors: [{ pointer: "", code, detail }] };
  }
  return {};
}

function domainErrorOf(error: unknown): DomainError | null {
  if (error instanceof DomainError) return error;
  if (!(error instanceof HTTPException)) return null;
  // Hono's own: it reads the media type and the JSON body before a handler can.
  if (error.status === 400) {
    return new DomainError("malformed_json", "The body is not valid JSON: it cannot be parsed.");
  }
  return error.status === 415 ? new DomainError("unsupported_media_type") : null;
}
