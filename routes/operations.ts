/**
 * What the contract says of each operation beside its route: a name for clients' code, the resource
 * it belongs to, who may call it, and a body to try it with. Names stay what they are for ever:
 * generated clients have methods of that name.
 */

/** The resources, in the order in which they are read. */
export const TAGS = {
  Events: "Discovery, one event, and writing it.",
  Transitions: "How an event goes from status to status, and what was done to it.",
  Changes: "What happens, as it happens and afterwards.",
  Organizers: "Whom events belong to.",
  Me: "What belongs to the caller.",
  Transfer: "Events in and out, one JSON object a line.",
  Jobs: "What runs by itself, its runs, and running it by hand.",
  Health: "For alarms and load balancers.",
};

/** Who gets an answer; `anyone` may be shown more with a token, `nobody` needs to be known. */
export type Caller = "nobody" | "anyone" | "token" | "admin";

export interface OperationNotes {
  operationId: string;
  tag: keyof typeof TAGS;
  caller: Caller;
  /** A body that the route takes. */
  example?: unknown;
}

const operation = (
  operationId: string,
  tag: keyof typeof TAGS,
  caller: Caller,
  example?: unknown,
): OperationNotes => ({ operationId, tag, caller, ...(example === undefined ? {} : { example }) });

const ORGANIZER = "org_01KBQW5E80QH7Z5T9Y3M2N4P6R";

export const OPERATIONS: Record<string, OperationNotes> = {
  "GET /v1/events": operation("listEvents", "Events", "anyone"),
  "POST /v1/events": operation("createEvent", "Events", "token", {
    title: "Winter Gala",
    start_date: "2030-12-05T19:30",
    end_date: "2030-12-05T23:00",
    time_zone: "Europe/London",
    status: "CONFIRMED",
    tags: ["music"],
  }),
  "GET /v1/events/{id}": operation("getEvent", "Events", "anyone"),
  "PATCH /v1/events/{id}": operation("updateEvent", "Events", "token", {
    summary: "Now with an encore",
    end_date: "2030-12-05T23:30",
  }),
  "DELETE /v1/events/{id}": operation("deleteEvent", "Events", "token", {
    reason: "Entered twice",
  }),
  "GET /v1/events/stream": operation("watchEvents", "Changes", "anyone"),
  "GET /v1/events/socket": operation("openEventSocket", "Changes", "anyone"),
  "GET /v1/changes": operation("listChanges", "Changes", "anyone"),
  "GET /v1/events/{id}/transitions": operation("listTransitions", "Transitions", "anyone"),
  "POST /v1/events/{id}/transitions": operation("makeTransition", "Transitions", "token", {
    to: "CANCELLED",
    reason: "The singer is ill",
  }),
  "GET /v1/events/{id}/history": operation("listHistory", "Transitions", "token"),
  "GET /v1/organizers": operation("listOrganizers", "Organizers", "anyone"),
  "POST /v1/organizers": operation("createOrganizer", "Organizers", "token", {
    name: "Old Town Concerts",
    url: "https://example.org/",
  }),
  "GET /v1/organizers/{id}": operation("getOrganizer", "Organizers", "anyone"),
  "PATCH /v1/organizers/{id}": operation("updateOrganizer", "Organizers", "token", {
    name: "New Town Concerts",
  }),
  "GET /v1/organizers/{id}/events": operation("listOrganizerEvents", "Organizers", "anyone"),
  "GET /v1/organizers/{id}/moves": operation("listOrganizerMoves", "Organizers", "admin"),
  "POST /v1/organizers/{id}/moves": operation("moveOrganizerEvents", "Organizers", "admin", {
    to: ORGANIZER,
    reason: "Both became one",
  }),
  "GET /v1/me/events": operation("listMyEvents", "Me", "token"),
  "POST /v1/imports": operation(
    "importEvents",
    "Transfer",
    "token",
    '{"external_id":"gala-2030","title":"Winter Gala","start_date":"2030-12-05"}\n',
  ),
  "GET /v1/exports": operation("exportEvents", "Transfer", "token"),
  "GET /v1/jobs": operation("listJobs", "Jobs", "admin"),
  "PATCH /v1/jobs/{name}": operation("updateJob", "Jobs", "admin", {
    paused: { reason: "Moving house", until: "2030-12-05T19:30:00Z" },
  }),
  "GET /v1/jobs/{name}/runs": operation("listJobRuns", "Jobs", "admin"),
  "POST /v1/jobs/{name}/runs": operation("runJob", "Jobs", "admin"),
  "GET /v1/jobs/{name}/runs/{run_id}": operation("getJobRun", "Jobs", "admin"),
  "GET /healthz": operation("getHealth", "Health", "nobody"),
  "GET /readyz": operation("getReadiness", "Health", "nobody"),
};
