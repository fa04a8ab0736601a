/** What people are told of roles. */
import type { OrganizerRole } from "../../kv/organizers.ts";
import type { UserRole } from "../../kv/users.ts";

/** Of an organizer's people, the least first. */
export const ORGANIZER_ROLE_WORDS: Record<OrganizerRole, { name: string; may: string }> = {
  viewer: { name: "Viewer", may: "sees all events, drafts and private ones included" },
  editor: { name: "Editor", may: "creates and changes events, and sees all" },
  owner: { name: "Owner", may: "decides who these people are, and does all the rest" },
};

export const USER_ROLE_WORDS: Record<UserRole, string> = {
  guest: "Guest",
  member: "Member",
  admin: "Administrator",
};

export const ORGANIZER_ROLE_OPTIONS = Object.entries(ORGANIZER_ROLE_WORDS)
  .map(([role, { name }]) => [role, name] as const);

export const USER_ROLE_OPTIONS = Object.entries(USER_ROLE_WORDS);
