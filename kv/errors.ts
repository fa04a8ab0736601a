/**
 * The one catalogue of what a caller may be told: a code, the sentence that explains it, and what
 * to do about it.
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
  unauthenticated: "This needs somebody who is signed in, or a valid token.",
  rate_limited: "More requests came than one client may send in a minute.",
  too_many_streams: "The caller has as many streams open as one may.",
  overloaded: "As many are watching as this process takes.",
  upgrade_required: "This address is that of a WebSocket.",
  forbidden: "The caller may not do this.",
  insufficient_scope: "The token is not made for this.",
  cross_site: "A page of another site cannot ask for this in somebody's name.",
  user_suspended: "This person has been suspended by an administrator.",
  insecure_origin: "People sign in over https only, or on the machine itself.",
  last_admin: "Nobody would be left who can administer.",
  last_owner: "The organizer would be left without an owner.",
  root_user: "The user of ADMIN_TOKEN is nobody's to change.",
  already_member: "The person is a member of the organizer already.",
  invitation_gone: "The invitation was used or revoked, has ended, or never was.",
  invitation_not_yours: "The invitation is for somebody else.",
  too_many_tokens: "The caller has as many tokens as one may.",
  too_many_invitations: "The organizer has as many open invitations as it may.",
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
  precondition_required: "This change must say which version of the event it is made from.",
  request_in_flight: "A request with this Idempotency-Key is still being answered; wait for it.",
  idempotency_key_reused: "This Idempotency-Key was used for another request; take a new one.",
  conflict: "Others were changing the same thing at the same time; try again.",
  job_not_found: "There is no job of this name.",
  position_gone: "Changes cannot be told from this position on; start anew.",
  sign_in_failed: "The sign-in was not completed; nobody is signed in by it.",
  sign_in_provider_failed: "The sign-in provider did not answer as it must.",
  sign_in_unavailable: "The sign-in could not be loaded; restart the program when it can be.",
  index_incomplete: "An index that this needs is still being built; try again in a minute.",
  store_unavailable: "The store did not answer in time; nothing was changed.",
  outcome_unknown: "The store did not confirm the change in time; it may still be applied.",
  deadline_exceeded: "The request took too long; a change that it asked for may still be made.",
  internal: "Something went wrong on our side.",
} as const;

export type ErrorCode = keyof typeof ERRORS;

/** What helps, a sentence a code; names are set in backticks. Answers and their pages say it. */
export const REMEDIES: Record<ErrorCode, string> = {
  invalid_body:
    "Correct the fields that `errors` names, each by its JSON pointer, and send it again.",
  invalid_query:
    "Correct the parameters that `errors` names; unknown ones are refused, so look at the spelling.",
  malformed_json: "Send one whole JSON value in UTF-8, as a JSON library writes it.",
  not_acceptable: "Let `Accept` take one of the media types that `detail` names.",
  unsupported_media_type: "Set `Content-Type` to the type that `detail` names.",
  payload_too_large:
    "Send less at once; many events go through `POST /v1/imports`, one a line, of any number.",
  invalid_header: "Correct the header that `detail` names, or leave it out.",
  invalid_cursor:
    "Start again without `cursor`, then hand on each `next_cursor` as it came, with the same filters.",
  unsupported_query:
    "Leave out the parameter that `detail` names, and choose among what is answered yourself.",
  unauthenticated:
    "Send `Authorization: Bearer` with a valid token, or no such header where none is needed; in a browser sign in at `/auth/sign-in`.",
  rate_limited: "Wait for `Retry-After` seconds; `RateLimit` says in each answer what is left.",
  too_many_streams: "Close streams that are not needed; one takes any number of events.",
  overloaded: "Try again after `Retry-After` seconds, or read `/v1/changes` now and then.",
  upgrade_required: "Open it with a WebSocket, or read `GET /v1/events/stream` in its place.",
  forbidden: "Use the token of somebody who may: one of the event's people, or an administrator.",
  insufficient_scope:
    "Make a token with the scope that `detail` names, in `/me` or by `POST /v1/tokens`.",
  cross_site: "Do it on this site's own pages, or send a token in place of the cookie.",
  user_suspended: "Ask an administrator; everything is kept and can be given back.",
  insecure_origin: "Use the https address, or tell the operator to set `PUBLIC_ORIGIN`.",
  last_admin: "Make somebody else an administrator first, then send it again.",
  last_owner: "Make somebody else an owner first, then send it again.",
  root_user: "Set another `ADMIN_TOKEN`, or none, where the program is configured.",
  already_member: "Change the role of the member in place of inviting them.",
  invitation_gone: "Ask an owner of the organizer for another invitation.",
  invitation_not_yours: "Sign in as the person whom it was sent to, or ask for one of your own.",
  too_many_tokens: "Revoke tokens that are no longer used.",
  too_many_invitations:
    "Revoke open invitations that nobody waits for, or try again when some are used or have ended.",
  not_found:
    "Look at the address and the id; drafts and private events are found with a token of their people.",
  method_not_allowed: "Use one of the methods that the answer's `Allow` header lists.",
  illegal_transition: "Choose one of the statuses in `allowed`; they follow from `current_status`.",
  event_archived: "Ask an administrator to bring it back by a transition, then change it.",
  reopen_required:
    'Post `{"to": "CONFIRMED", "end_date": …}` to its `/transitions` in place of the edit.',
  external_id_taken:
    "Change the event that has it, which `GET /v1/events?external_id=…` finds, or choose another id.",
  move_under_way:
    "Wait until the move is done, as `GET /v1/organizers/{id}/moves` shows, then send it again.",
  event_too_large: "Shorten the member that `errors` names, which is the largest.",
  newer_format: "Bring the newer version of the program back; until then it can only be read.",
  version_conflict:
    "Compare both versions, and write by a PATCH here what should stay; an import decides nothing.",
  precondition_failed:
    "Read the event again, look at what differs, and send the change with its new `ETag`.",
  precondition_required:
    "Read the event, and send its `ETag` as `If-Match`; `If-Match: *` changes whatever is there.",
  request_in_flight:
    "Send it again with the same key after `Retry-After` seconds: it is then answered as the first.",
  idempotency_key_reused:
    "Take a new key for each new request, and keep it only while you repeat that one.",
  conflict: "Send the same request again after `Retry-After` seconds.",
  job_not_found: "Choose one of the names that `GET /v1/jobs` lists.",
  position_gone:
    "Read everything anew, by lists or an export, and go on from the position of that answer.",
  sign_in_failed:
    "Start again at `/auth/sign-in`, and finish in the same browser within ten minutes.",
  sign_in_provider_failed:
    "Start again at `/auth/sign-in` in a minute; if it stays, tell the operator, whose log says more.",
  sign_in_unavailable:
    "Restart the program where the package registry `jsr.io` can be reached, or set `OIDC_ISSUER`.",
  index_incomplete:
    "Send it again after `Retry-After` seconds; `/healthz` says what is still being built.",
  store_unavailable: "Send the same request again after `Retry-After` seconds.",
  outcome_unknown:
    "With an `Idempotency-Key` send it again after `Retry-After` seconds; without, read first what is stored.",
  deadline_exceeded:
    "Ask for less at once; send a change again with its `Idempotency-Key`, or read first what is stored.",
  internal: "Try once more; if it stays, tell the operator the `request_id`, which is in the log.",
};

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

/** Whether the store did not answer in time: nothing that is wrong with what was to be done. */
export function isStoreFailure(error: unknown): boolean {
  return error instanceof DomainError &&
    (error.code === "store_unavailable" || error.code === "outcome_unknown");
}
