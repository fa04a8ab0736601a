/** Lines of the audit log: who did what, and with what they showed for it. */
import { decodeTime } from "ulid";
import type { AuditAction, AuditLine, AuditPlace } from "../kv/audit.ts";
import type { OrganizerId, UserId } from "../kv/event_record.ts";
import { newAuditId } from "./ids.ts";
import type { Principal } from "./policy.ts";

export interface Audited {
  userId?: UserId | null;
  organizerId?: OrganizerId | null;
  detail?: string | null;
}

/** The line that `principal` did this at `now`. */
export function auditLine(
  action: AuditAction,
  { principal, now }: { principal: Principal; now: number },
  { userId = null, organizerId = null, detail = null }: Audited = {},
): Omit<AuditLine, "format"> {
  const { userId: by } = principal;
  return {
    id: newAuditId(now),
    at: now,
    action,
    by,
    via: viaOf(principal),
    userId,
    organizerId,
    detail,
  };
}

/** The same of something that the program does, or that somebody does before they are known. */
export function programLine(
  action: AuditAction,
  { now, by = null, via = null }: { now: number; by?: UserId | null; via?: string | null },
  { userId = null, organizerId = null, detail = null }: Audited = {},
): Omit<AuditLine, "format"> {
  return { id: newAuditId(now), at: now, action, by, via, userId, organizerId, detail };
}

function viaOf({ credential }: Principal): string | null {
  if (credential === undefined) return null;
  return credential.kind === "session" ? "session" : credential.tokenId;
}

/** Where a line with this id stands. */
export function auditPlaceOf(id: string): AuditPlace {
  return { at: decodeTime(id.slice("aud_".length)), id };
}
