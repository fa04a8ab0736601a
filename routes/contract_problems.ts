/** The problem answers of the contract: one for each status, whichever its code. */
import { type HeaderName, referredHeaders } from "./contract_headers.ts";
import type { ApiDocument, ApiResponse, Reference } from "./api_document.ts";

interface ProblemNotes {
  /** In the document's components. */
  name: string;
  description: string;
  headers?: HeaderName[];
}

/** What a problem of this status means. */
const PROBLEMS: Record<string, ProblemNotes> = {
  400: {
    name: "BadRequest",
    description: "The request cannot be understood: its JSON, a parameter, a header or the cursor.",
  },
  401: {
    name: "Unauthorized",
    description: "The token is missing or not valid.",
    headers: ["WWW-Authenticate"],
  },
  403: {
    name: "Forbidden",
    description: "The caller, or their token, may not do this.",
    headers: ["WWW-Authenticate-Maybe"],
  },
  404: {
    name: "NotFound",
    description: "There is nothing here, or nothing that the caller may see.",
  },
  406: {
    name: "NotAcceptable",
    description: "`Accept` leaves out all media types that are answered here.",
  },
  409: {
    name: "Conflict",
    description: "What is stored does not allow it; `code` says why.",
    headers: ["Retry-After-Maybe"],
  },
  410: { name: "Gone", description: "Changes cannot be told from this position on." },
  412: {
    name: "PreconditionFailed",
    description: "What is stored is no longer what `If-Match` names.",
    headers: ["ETag"],
  },
  413: { name: "ContentTooLarge", description: "The body is too large." },
  415: {
    name: "UnsupportedMediaType",
    description: "The body's media type is none that is taken here.",
    headers: ["Accept-Patch", "Accept-Encoding"],
  },
  422: {
    name: "UnprocessableContent",
    description: "The body cannot be stored as it is; `errors` names the fields.",
  },
  426: {
    name: "UpgradeRequired",
    description: "The address is that of a WebSocket.",
    headers: ["Upgrade"],
  },
  428: {
    name: "PreconditionRequired",
    description: "This needs `If-Match`, with the `ETag` that was read.",
  },
  429: {
    name: "TooManyRequests",
    description: "Too many requests: try again after `Retry-After` seconds.",
    headers: ["Retry-After"],
  },
  500: { name: "InternalServerError", description: "Something went wrong on our side." },
  503: {
    name: "ServiceUnavailable",
    description: "Not just now: try again after `Retry-After` seconds.",
    headers: ["Retry-After"],
  },
};

/**
 * What stands before every route, or behind it: a `Host` that is none, a fault. Health routes answer
 * whatever is asked for; but whoever guesses tokens is limited there, too.
 */
const ANYWHERE = ["400", "429", "500"];
// A token may be made for something else, wherever tokens are taken.
const IN_THE_API = ["403", "406", ...ANYWHERE];
// A compressed body is refused also where none is taken.
const WHERE_WRITTEN = ["415", ...IN_THE_API];

/** The responses with a reference to its component in place of each problem. */
export function withProblems(
  responses: Record<string, ApiResponse | Reference>,
  { method, path }: { method: string; path: string },
): Record<string, ApiResponse | Reference> {
  const told = Object.keys(responses).filter((status) => isProblem(responses[status]!));
  const inTheApi = method === "get" ? IN_THE_API : WHERE_WRITTEN;
  const statuses = [...told, ...(path.startsWith("/v1/") ? inTheApi : ANYWHERE)];
  return {
    ...responses,
    ...Object.fromEntries(
      statuses.map((status) => [status, { $ref: REFERENCE + PROBLEMS[status]!.name }]),
    ),
  };
}

const REFERENCE = "#/components/responses/";

function isProblem(response: ApiResponse | Reference): boolean {
  return "content" in response && response.content?.["application/problem+json"] !== undefined;
}

/** The components of those that the document refers to. */
export function problemResponses({ paths }: Pick<ApiDocument, "paths">) {
  const used = Object.values(paths).flatMap((operations) => Object.values(operations))
    .flatMap(({ responses }) => Object.values(responses))
    .flatMap((response) => "$ref" in response ? [response.$ref] : []);
  return Object.fromEntries(
    Object.values(PROBLEMS).filter(({ name }) => used.includes(REFERENCE + name)).map(
      ({ name, description, headers = [] }): [string, ApiResponse] => [name, {
        description,
        headers: referredHeaders(["X-Request-Id", "RateLimit-Policy", "RateLimit", ...headers]),
        content: {
          "application/problem+json": { schema: { $ref: "#/components/schemas/Problem" } },
        },
      }],
    ),
  );
}
