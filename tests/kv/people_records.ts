/** Records of people, and of what they have. */
import type { ApiToken } from "../../kv/api_tokens.ts";
import type { UserId } from "../../kv/event_record.ts";
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
    format: 1,
    name: "A program",
    scopes: ["events:read", "events:write"],
    createdAt: NOW - HOUR,
    expiresAt: NOW + DAY,
    usedAt: null,
    ...overrides,
  };
}
