import assert from "node:assert/strict";
import {
  isEventId,
  isRunId,
  newEventId,
  newRunId,
  ORGANIZER_ID,
  ownOrganizerId,
  runStartedAt,
  USER_ID,
} from "../../lifecycle/ids.ts";
import { NOW } from "../support/fixture.ts";

Deno.test("new ids say what they are, and sort by when they were made", () => {
  const ids = Array.from({ length: 1_000 }, (_, i) => newEventId(NOW + Math.floor(i / 100)));
  assert.ok(ids.every(isEventId));
  assert.equal(new Set(ids).size, 1_000);
  assert.deepEqual(ids.toSorted(), ids);
  assert.ok(isRunId(newRunId(NOW)));
});

Deno.test("an id of another kind, cut, lengthened or in lower case is none", () => {
  const id = newEventId(NOW);
  const run = newRunId(NOW);
  for (const wrong of [run, id.slice(0, -1), `${id}0`, id.toLowerCase(), ` ${id}`, `${id}\n`, ""]) {
    assert.ok(!isEventId(wrong), wrong);
  }
  assert.ok(!isEventId("evt_80000000000000000000000000"), "beyond 48 bits of time");
  assert.ok(!isRunId(id));
});

Deno.test("runStartedAt() reads when a run was started from its id", () => {
  const later = NOW + 12_345;
  assert.equal(runStartedAt(newRunId(later)), later);
});

Deno.test("ownOrganizerId() is always the same for one user and another for another", async () => {
  const id = await ownOrganizerId("usr_ann");
  assert.match(id, ORGANIZER_ID);
  assert.equal(await ownOrganizerId("usr_ann"), id);
  const ids = await Promise.all(
    Array.from({ length: 1_000 }, (_, i) => ownOrganizerId(`usr_${i}`)),
  );
  assert.equal(new Set(ids).size, 1_000);
  for (const each of ids) assert.match(each, ORGANIZER_ID);
});

Deno.test("USER_ID takes letters and digits after usr_, up to 40", () => {
  assert.match("usr_root", USER_ID);
  assert.match(`usr_${"a".repeat(40)}`, USER_ID);
  for (const wrong of ["usr_", `usr_${"a".repeat(41)}`, "usr_a-b", "ann", "usr_a\n"]) {
    assert.doesNotMatch(wrong, USER_ID);
  }
});
