/**
 * The headers that operations have in common, said in one place: which of them an operation takes
 * and answers follows from its path, its method, its body and its statuses.
 */
import type { ApiResponse, Header, Operation, Parameter, Reference } from "./api_document.ts";

const always = (description: string, type: "string" | "integer" = "string") => ({
  description,
  required: true,
  schema: { type },
});

const atTimes = (description: string, type: "string" | "integer" = "string") => ({
  ...always(description, type),
  required: false,
});

/** Those of answers, by name, for the document's components. */
export const HEADERS = {
  "X-Request-Id": always("Names this request in the log: what to ask about it by."),
  "RateLimit-Policy": atTimes("How many requests may come in how many seconds, if not any number."),
  "RateLimit": atTimes("What is left, and in how many seconds it is whole again."),
  "ETag": always("Names this version, for conditions."),
  "Cache-Control": always("How long it may be kept: never up to the next start or end in it."),
  "Vary": always("Who asks decides what is shown."),
  "WWW-Authenticate": always("How to say who asks."),
  "WWW-Authenticate-Maybe": atTimes("Which scope the token lacks."),
  "Retry-After": always("Seconds after which the same request makes sense again.", "integer"),
  "Retry-After-Maybe": atTimes(
    "Seconds after which the same request makes sense again, where it does.",
    "integer",
  ),
  "Idempotency-Replayed": atTimes(
    "`true` when this is the answer of an earlier request with the same key.",
  ),
  "Preference-Applied": atTimes("`respond-async` where that was asked for."),
  "Accept-Patch": atTimes("The media types that a PATCH takes."),
  "Accept-Encoding": atTimes("`identity` when the body came compressed, which it may not."),
  "Upgrade": always("The protocol that this address speaks: `websocket`."),
} satisfies Record<string, Header>;

export type HeaderName = keyof typeof HEADERS;

/** What a page need not say of each answer, because it is always the same. */
export const ON_EVERY_ANSWER: HeaderName[] = ["X-Request-Id", "RateLimit-Policy", "RateLimit"];

const taken = (name: string, description: string, required = false): Parameter => ({
  name,
  in: "header",
  required,
  description,
  schema: { type: "string" },
});

/** The tag that its people read of an event which nobody has changed since it was made. */
const FIRST_TAG = '"1.p"';

/** What a request may say beside its address and its body. */
export function headersTaken(method: string, operation: Operation): Parameter[] {
  const { responses } = operation;
  return [
    ...(304 in responses
      ? [taken("If-None-Match", "The `ETag` that is known: answered 304 while it is the current.")]
      : []),
    ...(412 in responses
      ? [{
        ...taken(
          "If-Match",
          "The `ETag` that was read: refused when it has changed. `*` is any.",
          428 in responses,
        ),
        example: FIRST_TAG,
      }]
      : []),
    ...(isKeyed(method, operation)
      ? [taken("Idempotency-Key", "Sent again with the same key, it is done once. 24 hours.")]
      : []),
  ];
}

/** What an answer that is no problem says beside its body, referred to in the components. */
export function headersAnswered(
  { method, path, status }: { method: string; path: string; status: string },
  { operation, response }: { operation: Operation; response: ApiResponse },
): Record<string, Reference> {
  const { responses, parameters = [] } = operation;
  const isEvent = response.content?.["application/json"]?.schema?.$ref?.endsWith("/Event");
  const isOk = status.startsWith("2");
  const isConditional = 304 in responses && (isOk || status === "304");
  const takesPreference = parameters.some(({ name }) => name === "Prefer");
  const names: HeaderName[] = ["X-Request-Id"];
  if (path.startsWith("/v1/")) names.push("RateLimit-Policy", "RateLimit");
  if (isEvent || isConditional) names.push("ETag");
  if (isConditional) names.push("Cache-Control", "Vary");
  if (isOk && isKeyed(method, operation)) names.push("Idempotency-Replayed");
  if (status === "202" && takesPreference) names.push("Preference-Applied");
  return referredHeaders(names);
}

/** References to the components of these names. */
export function referredHeaders(names: HeaderName[]): Record<string, Reference> {
  return Object.fromEntries(
    names.map((name) => [name.replace("-Maybe", ""), { $ref: `#/components/headers/${name}` }]),
  );
}

/** Imports are told apart by their content, and need no key. */
function isKeyed(method: string, { requestBody }: Operation): boolean {
  const types = Object.keys(requestBody?.content ?? {});
  return ["post", "patch"].includes(method) && types.some((type) => /[/+]json$/.test(type));
}
