/**
 * The headers that operations have in common, said in one place: which of them an operation takes
 * and answers follows from its method, its body and its statuses.
 */
import type { ApiResponse, Operation, Parameter } from "./openapi.ts";

type Headers = NonNullable<ApiResponse["headers"]>;

const taken = (name: string, description: string, required = false): Parameter => ({
  name,
  in: "header",
  required,
  description,
  schema: { type: "string" },
});

/** The tag that its people read of an event which nobody has changed since it was made. */
const FIRST_TAG = '"1.p"';

const ETAG: Headers = {
  etag: { description: "Names this version, for conditions.", schema: { type: "string" } },
};

const REPLAYED: Headers = {
  "idempotency-replayed": {
    description: "`true` when this is the answer of an earlier request with the same key.",
    schema: { type: "string" },
  },
};

const RETRY_AFTER: Headers = {
  "retry-after": {
    description: "Seconds after which the same request makes sense again, where it does.",
    schema: { type: "integer" },
  },
};

const RATE_LIMIT: Headers = {
  ratelimit: {
    description:
      "What is left, and in how many seconds it is whole again; on every answer of /v1 " +
      "where requests are limited.",
    schema: { type: "string" },
  },
};

/** The statuses of problems some of which are worth trying again. */
const RETRIED = ["409", "429", "503"];

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

/** What the answer of this status says beside its body. */
export function headersAnswered(method: string, status: string, operation: Operation): Headers {
  const { responses } = operation;
  const { content = {} } = responses[status] ?? {};
  const isEvent = content["application/json"]?.schema?.$ref?.endsWith("/Event");
  const isOk = status.startsWith("2");
  return {
    ...(isEvent || status === "304" || status === "412" || (isOk && 304 in responses) ? ETAG : {}),
    ...(isOk && isKeyed(method, operation) ? REPLAYED : {}),
    ...(RETRIED.includes(status) && "application/problem+json" in content ? RETRY_AFTER : {}),
    ...(status === "429" ? RATE_LIMIT : {}),
  };
}

/** Imports are told apart by their content, and need no key. */
function isKeyed(method: string, { requestBody }: Operation): boolean {
  const types = Object.keys(requestBody?.content ?? {});
  return ["post", "patch"].includes(method) && types.some((type) => /[/+]json$/.test(type));
}
