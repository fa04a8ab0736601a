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
  Me: "Who the caller is, and what belongs to them.",
  Users: "Whoever signed in, and what was given to whom.",
  Transfer: "Events in and out, one JSON object a line.",
  Jobs: "What runs by itself, its runs, and running it by hand.",
  Health: "For alarms and load balancers.",
};

/**
 * Who gets an answer: `nobody` needs to be known; `anyone` is shown more when they are; `user` is
 * whoever is, `admin` one who administers; `holder` is whoever holds any valid credential, and
 * `person` somebody who is there in person: signed in, and not by a token of theirs.
 */
export type Caller = "nobody" | "anyone" | "user" | "admin" | "holder" | "person";

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

const USER = "usr_01KBQW5E80QH7Z5T9Y3M2N4P6R";

export const OPERATIONS: Record<string, OperationNotes> = {
  "GET /v1/events": operation("listEvents", "Events", "anyone"),
  "POST /v1/events": operation("createEvent", "Events", "user", {
    title: "Winter Gala",
    start_date: "2030-12-05T19:30",
    end_date: "2030-12-05T23:00",
    time_zone: "Europe/London",
    status: "CONFIRMED",
    tags: ["music"],
  }),
  "GET /v1/events/{id}": operation("getEvent", "Events", "anyone"),
  "PATCH /v1/events/{id}": operation("updateEvent", "Events", "user", {
    summary: "Now with an encore",
    end_date: "2030-12-05T23:30",
  }),
  "DELETE /v1/events/{id}": operation("deleteEvent", "Events", "user", {
    reason: "Entered twice",
  }),
  "GET /v1/events/stream": operation("watchEvents", "Changes", "anyone"),
  "GET /v1/events/socket": operation("openEventSocket", "Changes", "anyone"),
  "GET /v1/changes": operation("listChanges", "Changes", "anyone"),
  "GET /v1/events/{id}/transitions": operation("listTransitions", "Transitions", "anyone"),
  "POST /v1/events/{id}/transitions": operation("makeTransition", "Transitions", "user", {
    to: "CANCELLED",
    reason: "The singer is ill",
  }),
  "GET /v1/events/{id}/history": operation("listHistory", "Transitions", "user"),
  "GET /v1/organizers": operation("listOrganizers", "Organizers", "anyone"),
  "POST /v1/organizers": operation("createOrganizer", "Organizers", "user", {
    name: "Old Town Concerts",
    url: "https://example.org/",
  }),
  "GET /v1/organizers/{id}": operation("getOrganizer", "Organizers", "anyone"),
  "PATCH /v1/organizers/{id}": operation("updateOrganizer", "Organizers", "user", {
    name: "New Town Concerts",
  }),
  "GET /v1/organizers/{id}/events": operation("listOrganizerEvents", "Organizers", "anyone"),
  "GET /v1/organizers/{id}/members": operation("listMembers", "Organizers", "user"),
  "POST /v1/organizers/{id}/members": operation("addMember", "Organizers", "user", {
    user_id: USER,
    role: "editor",
  }),
  "PATCH /v1/organizers/{id}/members/{user_id}": operation("updateMember", "Organizers", "user", {
    role: "owner",
  }),
  "DELETE /v1/organizers/{id}/members/{user_id}": operation("removeMember", "Organizers", "user"),
  "GET /v1/organizers/{id}/invitations": operation("listInvitations", "Organizers", "user"),
  "POST /v1/organizers/{id}/invitations": operation("createInvitation", "Organizers", "user", {
    role: "editor",
  }),
  "DELETE /v1/organizers/{id}/invitations/{invitation_id}": operation(
    "revokeInvitation",
    "Organizers",
    "user",
  ),
  "GET /v1/organizers/{id}/moves": operation("listOrganizerMoves", "Organizers", "admin"),
  "POST /v1/organizers/{id}/moves": operation("moveOrganizerEvents", "Organizers", "admin", {
    to: ORGANIZER,
    reason: "Both became one",
  }),
  "GET /v1/me": operation("getMe", "Me", "holder"),
  "DELETE /v1/me": operation("eraseMe", "Me", "person", { organizers: "pass_on" }),
  "GET /v1/me/export": operation("exportMyData", "Me", "person"),
  "GET /v1/me/events": operation("listMyEvents", "Me", "user"),
  "GET /v1/me/sessions": operation("listMySessions", "Me", "person"),
  "DELETE /v1/me/sessions": operation("endMySessions", "Me", "person"),
  "DELETE /v1/me/sessions/{session_id}": operation("endMySession", "Me", "person"),
  "GET /v1/tokens": operation("listTokens", "Me", "person"),
  "POST /v1/tokens": operation("createToken", "Me", "person", {
    name: "Ticket shop",
    scopes: ["events:read", "events:write"],
    expires_at: "2027-06-30T00:00:00Z",
  }),
  "DELETE /v1/tokens/{id}": operation("revokeToken", "Me", "person"),
  "GET /v1/users": operation("listUsers", "Users", "admin"),
  "GET /v1/users/{id}": operation("getUser", "Users", "admin"),
  "PATCH /v1/users/{id}": operation("updateUser", "Users", "admin", { role: "member" }),
  "GET /v1/audit": operation("listAudit", "Users", "admin"),
  "POST /v1/imports": operation(
    "importEvents",
    "Transfer",
    "user",
    '{"external_id":"gala-2030","title":"Winter Gala","start_date":"2030-12-05"}\n',
  ),
  "GET /v1/exports": operation("exportEvents", "Transfer", "user"),
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
