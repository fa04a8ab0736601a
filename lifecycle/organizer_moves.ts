/** Asking for all events of one organizer to be moved to another; `move_events` carries it out. */
import { DomainError, invalidFields } from "../kv/errors.ts";
import type { OrganizerId } from "../kv/event_record.ts";
import { FORMATS } from "../kv/formats.ts";
import { createMove, getMove, type OrganizerMove } from "../kv/organizer_moves.ts";
import { getOrganizer } from "../kv/organizers.ts";
import type { Store } from "../kv/store.ts";
import { notFound, type Principal, requireAdmin } from "./policy.ts";

const ATTEMPTS = 5;

/**
 * Stores the request as the caller, and answers it as it is stored: asked for again it is the
 * first one still.
 * @throws {DomainError} `unauthenticated`, `forbidden`, `not_found`, `invalid_body`,
 * `move_under_way`, `conflict`.
 */
export async function requestMove(
  store: Store,
  from: OrganizerId,
  { to, reason, principal, now }: {
    to: OrganizerId;
    reason: string | null;
    principal: Principal;
    now: number;
  },
): Promise<OrganizerMove> {
  requireAdmin(principal);
  if (await getOrganizer(store, from) === null) throw notFound(from);
  await requireTarget(store, from, to);
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const away = await getMove(store, from);
    if (away !== null && away.move.to === to) return away.move;
    const onward = away ?? await getMove(store, to);
    if (onward !== null) {
      throw new DomainError(
        "move_under_way",
        `Cannot move the events of organizer "${from}" to "${to}": those of ` +
          `"${onward.from}" are being moved to "${onward.move.to}".`,
        { from: onward.from, to: onward.move.to },
      );
    }
    const move: OrganizerMove = {
      format: FORMATS.organizer_move.current,
      to,
      by: principal.userId,
      at: now,
      reason,
    };
    if (await createMove(store, from, move)) return move;
  }
  throw new DomainError("conflict");
}

async function requireTarget(store: Store, from: OrganizerId, to: OrganizerId): Promise<void> {
  if (to !== from && await getOrganizer(store, to) !== null) return;
  throw invalidFields([
    to === from
      ? { pointer: "/to", code: "same_organizer", detail: "The events are this organizer's." }
      : { pointer: "/to", code: "not_found", detail: `There is no organizer "${to}".` },
  ]);
}
