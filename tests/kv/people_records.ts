/** Records of people, and of what they have. */
import type { ApiToken } from "../../kv/api_tokens.ts";
import type { AuditLine } from "../../kv/audit.ts";
import type { UserId } from "../../kv/event_record.ts";
import type { Invitation } from "../../kv/invitations.ts";
import type { Session } from "../../kv/sessions.ts";
import type { User } from "../../kv/users.ts";
import { DAY, HOUR, NOW } from "../support/fixture.ts";

/** A member who signed in an hour ago, called as their id without `usr_`. */
export function aUser(id: UserId, overrides: Partial<User> = {}): User {
  const name = id.slice("usr_".length);
  return {
    format: 1,
    id,
    name,
    email: `${name}@example.org`,
    emailVerified: true,
    role: "member",
    identity: { issuer: "https://provider.example", subject: name },
    createdAt: NOW - DAY,
    updatedAt: NOW - DAY,
    signedInAt: NOW - HOUR,
    suspendedAt: null,
    credentialsEndedAt: 0,
    erasedAt: null,
    ...overrides,
  };
}

/** A token that lasts another day. */
export function aToken(overrides: Partial<ApiToken> & Pick<ApiToken, "id" | "userId">): ApiToken {
  return {
    format: 2,
    name: "A program",
    scopes: ["events:read", "events:write"],
    createdAt: NOW - HOUR,
    expiresAt: NOW + DAY,
    usedAt: null,
    rootFingerprint: null,
    ...overrides,
  };
}

/** A session that began an hour ago. */
export function aSession(userId: UserId, overrides: Partial<Session> = {}): Session {
  return {
    format: 2,
    userId,
    provider: "development",
    userAgent: "A browser",
    createdAt: NOW - HOUR,
    seenAt: NOW - HOUR,
    expiresAt: NOW + 30 * DAY,
    rootFingerprint: null,
    ...overrides,
  };
}

/** For a colleague of Alice's, until tomorrow. */
export function anInvitation(number: number, overrides: Partial<Invitation> = {}): Invitation {
  return {
    format: 1,
    id: `inv_${number}`,
    organizerId: "org_1",
    role: "editor",
    email: null,
    invitedBy: "usr_alice",
    createdAt: NOW,
    expiresAt: NOW + DAY,
    ...overrides,
  };
}

/** A line that Alice did something at `NOW`. */
export function aLine(number: number, overrides: Partial<AuditLine> = {}): AuditLine {
  return {
    format: 1,
    id: `aud_${String(number).padStart(26, "0")}`,
    at: NOW,
    action: "token.created",
    by: "usr_alice",
    via: "session",
    userId: null,
    organizerId: null,
    detail: null,
    ...overrides,
  };
}
