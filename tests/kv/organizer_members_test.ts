/** Organizers with their members, as imports restore them. */
import assert from "node:assert/strict";
import type { AuditLine } from "../../kv/audit.ts";
import type { OrganizerId, UserId } from "../../kv/event_record.ts";
import {
  createOrganizer,
  findOrganizer,
  getOrganizerRole,
  listMembers,
  listOrganizersOf,
  type MembershipChange,
  type OrganizerMember,
  type OrganizerRole,
  readOrganizer,
  replaceOrganizer,
  restoreOrganizer,
} from "../../kv/organizers.ts";
import { FORMATS } from "../../kv/formats.ts";
import { organizerByMemberPrefix, organizerKey } from "../../kv/keys.ts";
import { MAX_CHECKS_PER_COMMIT, MAX_MUTATIONS_PER_COMMIT } from "../../kv/limits.ts";
import type { Store } from "../../kv/store.ts";
import { NOW } from "../support/fixture.ts";
import { anOrganizer } from "./organizer_records.ts";
import { aLine } from "./people_records.ts";
import { everything, testStore } from "./test_store.ts";

/** By user id, as they are listed. */
function members(count: number, role: OrganizerRole = "viewer", first = 0): OrganizerMember[] {
  return Array.from({ length: count }, (_, i) => {
    const userId: UserId = `usr_${String(first + i).padStart(6, "0")}`;
    return { userId, role };
  });
}

let made = 0;

const BY_ANN = {
  by: "usr_ann",
  at: NOW,
  lineOf: ({ userId, was, role }: MembershipChange) =>
    aLine(made++, { userId, detail: `${was} ${role}` }),
} as const;

/** What the audit log tells of members, in the order in which that was told. */
async function told(store: Store): Promise<string[]> {
  const rows = (await everything(store)).filter(({ key }) => key[0] === "audit");
  return rows.map(({ value }) => value as AuditLine).map(({ userId, detail }) =>
    `${userId} ${detail}`
  );
}

const HALL = anOrganizer(1, { externalId: "hall" });

const restore = (store: Store, some: OrganizerMember[], organizer = HALL) =>
  readOrganizer(store, organizer.id).then((read) =>
    restoreOrganizer(store, read, { organizer, members: some, ...BY_ANN })
  );

/** Asserts that both directions, and what rights ask, tell of exactly these members. */
async function assertMembers(store: Store, id: OrganizerId, expected: OrganizerMember[]) {
  assert.deepEqual(await listMembers(store, id), expected);
  const rows = await Array.fromAsync(store.kv.list({ prefix: ["organizer_by_member"] }));
  const named = rows.filter(({ key }) => key[2] === id).map(({ key }) => key[1]);
  assert.deepEqual(named, expected.map(({ userId }) => userId));
}

Deno.test("restoreOrganizer() stores an organizer with exactly these members", async () => {
  using store = await testStore();
  assert.equal(await restore(store, [...members(1, "owner"), ...members(2, "editor", 1)]), true);
  assert.deepEqual((await readOrganizer(store, HALL.id))!.organizer, HALL);
  assert.equal(await findOrganizer(store, "hall"), HALL.id);
  assert.equal(await getOrganizerRole(store, HALL.id, "usr_000001"), "editor");

  const next = [...members(1, "viewer"), ...members(1, "owner", 2), ...members(1, "editor", 9)];
  assert.equal(await restore(store, next), true);
  await assertMembers(store, HALL.id, next);
  assert.deepEqual(await listOrganizersOf(store, "usr_000001"), [], "who left is no member");
  assert.equal(await restore(store, []), true);
  await assertMembers(store, HALL.id, []);
  assert.deepEqual(
    await Array.fromAsync(store.kv.list({ prefix: organizerByMemberPrefix("usr_000009") })),
    [],
  );
});

Deno.test("restoreOrganizer() writes ten thousand members, in commits that the store takes", async () => {
  using store = await testStore();
  assert.equal(await restore(store, members(10_000)), true);
  await assertMembers(store, HALL.id, members(10_000));
  assert.equal(await restore(store, members(9_000, "editor", 500)), true);
  await assertMembers(store, HALL.id, members(9_000, "editor", 500));
  for (const { sets, deletes, checks } of store.sent) {
    assert.ok(sets.length + deletes.length <= MAX_MUTATIONS_PER_COMMIT);
    assert.ok(checks.length > 0 && checks.length <= MAX_CHECKS_PER_COMMIT);
  }
});

Deno.test("restoreOrganizer() tells of each role that is given or taken, in the commit of it", async () => {
  using store = await testStore();
  await restore(store, [...members(1, "owner"), ...members(2, "editor", 1)]);
  const first = ["usr_000000 null owner", "usr_000001 null editor", "usr_000002 null editor"];
  assert.deepEqual(await told(store), first);
  await restore(store, [...members(1, "owner"), ...members(1, "editor", 1)]);
  const gone = "usr_000002 editor null";
  assert.deepEqual(await told(store), [...first, gone], "nothing of those who stay as they are");
  await restore(store, members(2, "editor"));
  assert.deepEqual(await told(store), [...first, gone, "usr_000000 owner editor"]);
  const [commit] = store.sent.filter(({ sets }) => sets.some(([name]) => name === "audit"));
  for (const wanted of ["organizer_member", "audit"]) {
    assert.equal(commit!.sets.filter(([name]) => name === wanted).length, 3, wanted);
  }
});

Deno.test("what a restore gives is told once, also when many restore at once or an answer was lost", async () => {
  using store = await testStore();
  const all = members(450);
  let commits = 0;
  store.faults.commit = async (send) => {
    const answer = await send();
    return commits++ % 3 === 1 ? { ok: false } : answer;
  };
  await Promise.all(Array.from({ length: 3 }, () => restore(store, all)));
  store.faults.commit = undefined;
  await assertMembers(store, HALL.id, all);
  assert.deepEqual((await told(store)).sort(), all.map(({ userId }) => `${userId} null viewer`));
});

Deno.test("whoever changes members writes the organizer: its versionstamp tells of it", async () => {
  using store = await testStore();
  await restore(store, members(2));
  const before = (await readOrganizer(store, HALL.id))!;
  await restore(store, members(3));
  const after = (await readOrganizer(store, HALL.id))!;
  assert.deepEqual(after.organizer, before.organizer);
  assert.ok(after.versionstamp > before.versionstamp);
});

Deno.test("restoreOrganizer() is false and writes nothing when the external id is taken", async () => {
  using store = await testStore();
  await createOrganizer(store, anOrganizer(2, { externalId: "hall" }), "usr_bob");
  await createOrganizer(store, anOrganizer(3), "usr_bob");
  const before = await everything(store);
  assert.equal(await restore(store, members(1)), false);
  assert.equal(await restore(store, members(1), anOrganizer(3, { externalId: "hall" })), false);
  assert.deepEqual(await everything(store), before);
});

Deno.test("restoreOrganizer() is false when the organizer changed since it was read", async () => {
  using store = await testStore();
  await restore(store, members(1, "owner"));
  const read = (await readOrganizer(store, HALL.id))!;
  assert.equal(await replaceOrganizer(store, read, { ...HALL, name: "Faster" }), true);
  const before = await everything(store);
  const organizer = { ...HALL, name: "Slower" };
  assert.equal(
    await restoreOrganizer(store, read, { organizer, members: members(3), ...BY_ANN }),
    false,
  );
  assert.deepEqual(await everything(store), before);
});

Deno.test("a change between two commits of members is not undone by the second", async () => {
  using store = await testStore();
  let commits = 0;
  store.faults.commit = async (send) => {
    if (++commits === 2) {
      store.faults.commit = undefined;
      const read = (await readOrganizer(store, HALL.id))!;
      const renamed = { ...read.organizer, name: "Renamed", updatedAt: NOW + 1 };
      assert.equal(await replaceOrganizer(store, read, renamed), true);
    }
    return await send();
  };
  assert.equal(await restore(store, members(1_000)), false);
  assert.equal((await readOrganizer(store, HALL.id))!.organizer.name, "Renamed");
});

Deno.test("nor is one that comes between a commit and whatever is read after it", async () => {
  using store = await testStore();
  let commits = 0;
  store.faults.commit = async (send) => {
    const answer = await send();
    if (++commits === 1) {
      const read = (await readOrganizer(store, HALL.id))!;
      assert.equal(await replaceOrganizer(store, read, { ...HALL, name: "Renamed" }), true);
    }
    return answer;
  };
  assert.equal(await restore(store, members(1_000)), false);
  assert.equal((await readOrganizer(store, HALL.id))!.organizer.name, "Renamed");
});

Deno.test("several restores of one organizer at once leave it whole", async () => {
  using store = await testStore();
  const all = members(1_500);
  const outcomes = await Promise.all(
    Array.from(
      { length: 4 },
      () => restoreOrganizer(store, null, { organizer: HALL, members: all, ...BY_ANN }),
    ),
  );
  assert.deepEqual(outcomes, [true, true, true, true]);
  await assertMembers(store, HALL.id, all);
});

Deno.test("restoreOrganizer() recognises its own commit whose answer was lost", async () => {
  using store = await testStore();
  let commits = 0;
  store.faults.commit = async (send) => {
    const answer = await send();
    // Sent again by the runtime, it is refused because of itself.
    return commits++ === 0 ? { ok: false } : answer;
  };
  assert.equal(await restore(store, members(700)), true);
  store.faults.commit = undefined;
  await assertMembers(store, HALL.id, members(700));
});

Deno.test("an organizer of a newer format is not replaced by a restore", async () => {
  using store = await testStore();
  await store.kv.set(organizerKey(HALL.id), { ...HALL, format: FORMATS.organizer.current + 1 });
  await assert.rejects(restore(store, members(1)), { code: "newer_format" });
});
