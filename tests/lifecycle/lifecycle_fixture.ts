/** What the tests of this folder share: a body on a fresh store, and people beside the admin. */
import type { OrganizerId, UserId } from "../../kv/event_record.ts";
import { organizerByMemberKey, organizerKey, organizerMemberKey } from "../../kv/keys.ts";
import { FORMATS } from "../../kv/formats.ts";
import type { OrganizerRole } from "../../kv/organizers.ts";
import type { Store } from "../../kv/store.ts";
import type { RunContext } from "../../lifecycle/jobs/job.ts";
import { SILENT } from "../../lifecycle/log.ts";
import type { Principal } from "../../lifecycle/policy.ts";
import { freshStore, NOW } from "../support/fixture.ts";

/** A test's body on a store of its own, closed afterwards. */
export function onStore(body: (store: Store) => Promise<void>): () => Promise<void> {
  return async () => {
    const store = await freshStore();
    try {
      await body(store);
    } finally {
      store.close();
    }
  };
}

/** A signed-in member, called as their id without `usr_`. */
export function aMember(userId: UserId): Principal & { userId: UserId } {
  return { userId, role: "member", name: userId.slice("usr_".length) };
}

/** What a job's run is given, by a cron at `NOW` unless a test says otherwise. */
export function aRunContext(overrides: Partial<RunContext> = {}): RunContext {
  return {
    runId: "run_1",
    trigger: "cron",
    now: NOW,
    dryRun: false,
    shouldStop: () => false,
    log: SILENT,
    ...overrides,
  };
}

/** The id of the `number`th organizer. */
export function organizerId(number: number): OrganizerId {
  return `org_${String(number).padStart(26, "0")}`;
}

/** Makes the user a member of the organizer, which is made if need be. */
export async function addMember(
  store: Store,
  id: OrganizerId,
  { userId, role }: { userId: UserId; role: OrganizerRole },
): Promise<void> {
  await store.kv.atomic()
    .set(organizerKey(id), {
      format: FORMATS.organizer.current,
      id,
      name: "The Hall",
      url: null,
      externalId: null,
      isWithheld: false,
      createdAt: NOW,
      updatedAt: NOW,
    })
    .set(organizerMemberKey(id, userId), { role })
    .set(organizerByMemberKey(userId, id), null)
    .commit();
}

/** Stores whose interruption is under way: what the others do is not interrupted in turn. */
const interrupted = new WeakSet<Store>();

/** Runs `after` each time the store has answered `method`: a moment at which others write. */
export function interrupt<M extends "get" | "getMany" | "list" | "commit">(
  store: Store,
  method: M,
  after: () => Promise<void>,
): void {
  const original = (store[method] as (...args: unknown[]) => Promise<unknown>).bind(store);
  Object.assign(store, {
    async [method](...args: unknown[]) {
      const answer = await original(...args);
      if (interrupted.has(store)) return answer;
      interrupted.add(store);
      try {
        await after();
      } finally {
        interrupted.delete(store);
      }
      return answer;
    },
  });
}
