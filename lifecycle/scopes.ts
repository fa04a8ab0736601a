/** What API tokens may be used for, of what their person may do. */

export const SCOPES = {
  "events:read": "read events and organizers, the caller's own drafts and private ones included",
  "events:write": "write events: create, change, transition, delete, import",
  "organizers:write": "create and change organizers, their people and invitations",
  "admin": "an administrator's power: over users, jobs and moves, and in all that others have",
} as const;

export type Scope = keyof typeof SCOPES;

export const ALL_SCOPES = Object.keys(SCOPES) as [Scope, ...Scope[]];
