/** What the client throws when a request was not served. */
import type { ErrorCode, FieldProblem } from "../../kv/errors.ts";
import type { Problem } from "../errors.ts";
import { retryAfterMs } from "./retries.ts";

/**
 * `code` says what happened, for programs: one of the catalogue, or one that was added to it since.
 * It is `unknown` where something answered that is not the program, such as a proxy before it.
 */
export type ProblemCode = ErrorCode | "unknown" | (string & Record<never, never>);

/**
 * The answer to a request that was not served (RFC 9457).
 *
 * @example
 * ```ts
 * if (error instanceof ProblemError && error.code === "precondition_failed") askAgain();
 * ```
 */
export class ProblemError extends Error {
  override readonly name = "ProblemError";
  /** The HTTP status. */
  readonly status: number;
  readonly code: ProblemCode;
  /** What happened this time, for people. */
  readonly detail: string;
  /** What to do about it, for people; null where the program did not answer. */
  readonly remedy: string | null;
  /** Which members of the body or parameters are wrong, one by one; empty when it is none of them. */
  readonly errors: FieldProblem[];
  /** What to ask the operator about; null where the program did not answer. */
  readonly requestId: string | null;
  /** The tag of the event as it is now, when it has changed since it was read; else null. */
  readonly currentEtag: string | null;
  /** Milliseconds after which the same request makes sense again; null when nothing was said. */
  readonly retryAfterMs: number | null;
  /** All members of the answer, such as `allowed` or `differences`. */
  readonly problem: Readonly<Record<string, unknown>>;

  constructor(response: { status: number; headers: Headers }, problem: Partial<Problem>) {
    const { status, headers } = response;
    const { code = "unknown", detail = "" } = problem;
    super(`${status} ${code}: ${detail}`);
    this.status = status;
    this.code = code;
    this.detail = detail;
    this.remedy = problem.remedy ?? null;
    this.errors = problem.errors ?? [];
    this.requestId = problem.request_id ?? null;
    this.currentEtag = typeof problem.current_etag === "string" ? problem.current_etag : null;
    this.retryAfterMs = retryAfterMs(headers);
    this.problem = problem;
  }
}

const MAX_TEXT = 500;

/** The error of an answer that is none of the contract's; reads its body. */
export async function problemErrorOf(response: Response): Promise<ProblemError> {
  const text = await response.text();
  if (response.headers.get("content-type")?.startsWith("application/problem+json")) {
    try {
      return new ProblemError(response, JSON.parse(text));
    } catch {
      // Broken off, or no problem at all: told as the text that it is.
    }
  }
  return new ProblemError(response, { detail: text.slice(0, MAX_TEXT) });
}
