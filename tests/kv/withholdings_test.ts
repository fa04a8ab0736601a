/** Requests to look at organizers: added to other commits, deleted only as they were read. */
import assert from "node:assert/strict";
import type { OrganizerId } from "../../kv/event_record.ts";
import {
  addWithholding,
  checkWithholding,
  deleteWithholding,
  getWithholding,
  listWithholdings,
} from "../../kv/withholdings.ts";
import type { Store } from "../../kv/store.ts";
import { NOW } from "../support/fixture.ts";
import { testStore } from "./test_store.ts";

const org = (number: number): OrganizerId => `org_${String(number).padStart(26, "0")}`;

async function ask(store: Store, number: number, at = NOW): Promise<void> {
  const operation = store.kv.atomic();
  addWithholding(operation, org(number), { by: "usr_ann", at });
  assert.ok((await operation.commit()).ok);
}

Deno.test("addWithholding() leaves one request an organizer, the latest", async () => {
  using store = await testStore();
  for (const [number, at] of [[2, NOW], [1, NOW], [2, NOW + 1]] as const) {
    await ask(store, number, at);
  }
  const waiting = await listWithholdings(store);
  assert.deepEqual(waiting.map(({ organizerId }) => organizerId), [org(1), org(2)]);
  assert.deepEqual(waiting[1]!.withholding, { format: 1, by: "usr_ann", at: NOW + 1 });
  assert.deepEqual(await getWithholding(store, org(2)), waiting[1]);
  assert.equal(await getWithholding(store, org(3)), null);
});

Deno.test("deleteWithholding() leaves a request alone that was made anew, also the very same", async () => {
  using store = await testStore();
  await ask(store, 1);
  const read = (await getWithholding(store, org(1)))!;
  await ask(store, 1);
  assert.equal(await deleteWithholding(store, read), false);
  const again = (await getWithholding(store, org(1)))!;
  const operation = store.kv.atomic();
  checkWithholding(operation, read);
  assert.equal((await operation.commit()).ok, false);
  assert.equal(await deleteWithholding(store, again), true);
  assert.deepEqual(await listWithholdings(store), []);
  assert.equal(await deleteWithholding(store, again), false);
});
