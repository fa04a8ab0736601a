/** Rights that come with an event or an organizer, as the audit log tells of them. */
import type { NewAuditLine } from "../kv/audit.ts";
import type { EventRecord, OrganizerId } from "../kv/event_record.ts";
import type { EventStep } from "../kv/events.ts";
import type { MembershipChange, Organizer } from "../kv/organizers.ts";
import { auditLine } from "./audit.ts";
import type { Principal } from "./policy.ts";

interface By {
  principal: Principal;
  now: number;
}

/** That somebody owns an organizer because they made it. */
export function ownerLine(organizer: Organizer, by: By): NewAuditLine {
  const { userId } = by.principal;
  const { id: organizerId } = organizer;
  return auditLine("organizer.created", by, { userId, organizerId, detail: "owner" });
}

/** That somebody became a member of an organizer, has another role there, or is none any more. */
export function memberLine(
  organizerId: OrganizerId,
  { userId, was, role }: MembershipChange,
  by: By,
): NewAuditLine {
  const action = was === null
    ? "member.added"
    : role === null
    ? "member.removed"
    : "member.role_changed";
  return auditLine(action, by, { userId, organizerId, detail: role ?? was });
}

/** Who is named on the event now, with another role, or not any more. */
export function staffLines(before: EventRecord | null, after: EventRecord, by: By): NewAuditLine[] {
  const { id, organizerId } = after;
  const earlier = new Map(before?.staff.map(({ userId, role }) => [userId, role]));
  const lines: NewAuditLine[] = [];
  for (const { userId, role } of after.staff) {
    const was = earlier.get(userId);
    earlier.delete(userId);
    if (was === role) continue;
    const action = was === undefined ? "staff.added" : "staff.role_changed";
    lines.push(auditLine(action, by, { userId, organizerId, detail: `${id} ${role}` }));
  }
  for (const userId of earlier.keys()) {
    lines.push(auditLine("staff.removed", by, { userId, organizerId, detail: id }));
  }
  return lines;
}

/** The steps of a change, with what they give and take written in the same commit. */
export function withStaffLines(before: EventRecord, steps: EventStep[], by: By): EventStep[] {
  const last = steps.at(-1);
  const audit = last === undefined ? [] : staffLines(before, last.next, by);
  return audit.length === 0 ? steps : [...steps.slice(0, -1), { ...last!, audit }];
}
