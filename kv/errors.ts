/**
 * The one catalogue of what a caller may be told: a code and the sentence that explains it.
 *
 * It stands in the lowest layer so that every layer can throw from it; `routes/errors.ts` alone
 * knows which HTTP status belongs to which code.
 */

export const ERRORS = {
  invalid_body: "The body names something that cannot be stored as it is.",
  invalid_query: "A parameter of the address is not one that this route takes.",
  malformed_json: "The body is not valid JSON.",
  not_acceptable: "The Accept header leaves out all media types that this route answers in.",
  unsupported_media_type: "The body's media type is not one that this route takes.",
  payload_too_large: "The body is larger than this route takes.",
  invalid_header: "A header does not say what it must.",
  invalid_cursor:
    "The cursor is not one that this list gave for this query; start again without it.",
  unsupported_query: "No index serves this combination of parameters.",
  unauthenticated: "This needs a valid token.",
  rate_limited: "More requests came than one client may send in a minute.",
  forbidden: "The caller may not do this.",
  not_found: "There is nothing here, or nothing that the caller may see.",
  method_not_allowed: "This address does not take that method.",
  illegal_transition: "The event cannot go from its status to that one.",
  event_archived: "An archived event cannot be changed.",
  reopen_required: "The event is over; moving its end into the future takes a transition.",
  external_id_taken: "Another event of this organizer has this external id.",
  move_under_way: "The events of one of these organizers are being moved elsewhere.",
  event_too_large: "The event is larger than can be stored.",
  newer_format: "The record was written by a newer version of this program.",
  version_conflict: "The event has other versions here than the ones that were sent.",
  precondition_failed: "The event has changed since it was read.",
  request_in_flight: "A request with this Idempotency-Key is still being answered; wait for it.",
  idempotency_key_reused: "This Idempotency-Key was used for another request; take a new one.",
  conflict: "Others were changing the same thing at the same time; try again.",
  job_not_found: "There is no job of this name.",
  position_gone: "Changes cannot be told from this position on; start with a whole export.",
  index_incomplete: "An index that this needs is still being built; try again in a minute.",
  store_unavailable: "The store did not answer in time; nothing was changed.",
  outcome_unknown: "The store did not confirm the change in time; it may still be applied.",
  deadline_exceeded: "The request took too long; a change that it asked for may still be made.",
  internal: "Something went wrong on our side.",
} as const;

export type ErrorCode = keyof typeof ERRORS;

/** One thing wrong with a request, at a JSON pointer into the body or at a query parameter. */
export interface FieldProblem {
  pointer?: string;
  parameter?: string;
  code: string;
  detail: string;
  [extension: string]: unknown;
}

/** An ending the caller is told of. Anything else that is thrown is a bug. */
export class DomainError extends Error {
  override name = "DomainError";

  constructor(
    readonly code: ErrorCode,
    /** Names the action, quotes the values, gives the state. */
    readonly detail: string = ERRORS[code],
    /** More members of the answer, such as `errors` or `allowed`. */
    readonly extensions: Record<string, unknown> = {},
    options?: ErrorOptions,
  ) {
    super(detail, options);
  }
}

/** A body whose fields are wrong. */
export function invalidFields(errors: FieldProblem[]): DomainError {
  const first = errors[0];
  const where = first?.pointer || first?.parameter || "the request";
  return new DomainError("invalid_body", `${where}: ${first?.detail ?? "invalid"}`, { errors });
}
