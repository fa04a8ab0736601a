/**
 * Writes that were applied and whose answer never came. The runtime sends them again, the server
 * refuses them because of themselves, and the caller is told that they are done.
 */
import assert from "node:assert/strict";
import type { EventId, HistoryEntry } from "../../kv/event_record.ts";
import { getEvent, replaceEvent } from "../../kv/events.ts";
import { getJobRecord, getLease } from "../../kv/jobs.ts";
import { openStore } from "../../kv/store.ts";
import { COMPLETE_EVENTS } from "../../lifecycle/jobs/complete_events.ts";
import { edit } from "../kv/event_steps.ts";
import { aRunner } from "../lifecycle/fake_jobs.ts";
import { cuttingProxy } from "../support/cutting_proxy.ts";
import { denokvTest, startDenokv } from "../support/denokv.ts";
import {
  allChanges,
  allRecords,
  assertIndexesRebuild,
  completionsByEvent,
  NOW,
  storeEvents,
  type TestApp,
  testApp,
} from "../support/fixture.ts";
import { as, byName, create, json } from "../support/http.ts";

/** Does `act` while the first answer to each write is cut off. */
type Cut = <T>(act: () => Promise<T>) => Promise<T>;

/** A test of the app before a denokv whose answers can be cut off. */
function cutTest(name: string, body: (t: TestApp, cut: Cut) => Promise<void>): void {
  denokvTest(name, async () => {
    await using server = await startDenokv();
    await using proxy = cuttingProxy(server.url);
    await using t = await testApp({
      store: await openStore(proxy.url),
      authenticate: byName,
    });
    await body(t, async (act) => {
      const before = proxy.cuts;
      proxy.isCutting = true;
      const result = await act();
      proxy.isCutting = false;
      assert.ok(proxy.cuts > before, "no answer was cut off");
      return result;
    });
    await assertIndexesRebuild(t.store);
  });
}

async function journaled({ store }: TestApp) {
  return (await allChanges(store)).map(({ type, version }) => `${type} ${version}`);
}

cutTest(
  "an event and its first organizer whose answer was cut off are created, once",
  async (t, cut) => {
    const event = await cut(() => create(t, as("ann"), { external_id: "gala" }));
    assert.equal(event.version, 1);
    assert.deepEqual((await allRecords(t.store)).map(({ id }) => id), [event.id]);
    assert.deepEqual(await journaled(t), ["created 1"]);
    const { items } = await json<{ items: { id: string }[] }>(
      await t.request("GET", "/v1/organizers"),
    );
    assert.deepEqual(items.map(({ id }) => id), [event.organizer_id]);
  },
);

cutTest("an edit whose answer was cut off is made, once", async (t, cut) => {
  const { id } = await create(t, as("ann"));
  const headers = as("ann");
  const edited = await cut(async () =>
    json(await t.request("PATCH", `/v1/events/${id}`, { body: { title: "Ball" }, headers }))
  );
  assert.deepEqual([edited.version, edited.title], [2, "Ball"]);
  // A conflict that is decided again would look like this as well, so once more without that.
  const read = (await getEvent(t.store, id as EventId))!;
  const step = edit(read.record, { title: "Winter Ball" });
  const { outcome } = await cut(() => replaceEvent(t.store, read, [step]));
  assert.equal(outcome, "committed");
  assert.deepEqual(await journaled(t), ["created 1", "updated 2", "updated 3"]);
});

cutTest("a transition whose answer was cut off is made, once", async (t, cut) => {
  const { id } = await create(t, as("ann"));
  const request = { body: { to: "CANCELLED", reason: "Snow" }, headers: as("ann") };
  const made = await cut(async () =>
    json<HistoryEntry>(await t.request("POST", `/v1/events/${id}/transitions`, request), 201)
  );
  assert.deepEqual([made.version, made.reason], [2, "Snow"]);
  assert.deepEqual(await journaled(t), ["created 1", "transitioned 2"]);
});

cutTest("a deletion whose answer was cut off is made, once", async (t, cut) => {
  const { id } = await create(t, as("ann"), { status: "DRAFT" });
  const response = await cut(() => t.request("DELETE", `/v1/events/${id}`, { headers: as("ann") }));
  assert.equal(response.status, 204);
  assert.deepEqual(await allRecords(t.store), []);
  assert.deepEqual(await journaled(t), ["created 1", "deleted 2"]);
});

cutTest("an organizer whose answer was cut off is made and renamed, once", async (t, cut) => {
  const headers = as("ann");
  const body = { name: "The Hall", external_id: "hall" };
  interface Hall {
    id: string;
    name: string;
  }
  const made = await cut(async () =>
    json<Hall>(await t.request("POST", "/v1/organizers", { body, headers }), 201)
  );
  const path = `/v1/organizers/${made.id}`;
  const renamed = await cut(async () =>
    json<Hall>(await t.request("PATCH", path, { body: { name: "The Barn" }, headers }))
  );
  assert.deepEqual(renamed, { ...made, name: "The Barn" });
  const { items } = await json<{ items: Hall[] }>(await t.request("GET", "/v1/organizers"));
  assert.deepEqual(items.map(({ name }) => name), ["The Barn"]);
});

cutTest(
  "a sweep all of whose answers were cut off completes each event once and ends its run",
  async (t, cut) => {
    const due = await storeEvents(t.store, 25, { endDate: NOW - 1 });
    const { runner, lines } = aRunner(t.store, COMPLETE_EVENTS);
    const run = await cut(() => runner.run(COMPLETE_EVENTS.name, { trigger: "manual" }));
    const { status, examined, changed, conflicts, failed } = run;
    assert.deepEqual([status, examined, changed, conflicts, failed], ["succeeded", 25, 25, 0, 0]);
    assert.deepEqual(lines.map(({ message }) => message), ["run succeeded"], "and no lost lease");
    const completions = await completionsByEvent(t.store);
    assert.deepEqual([...completions.values()], due.map(() => 1));
    const { lastRun } = (await getJobRecord(t.store, COMPLETE_EVENTS.name)).value;
    assert.deepEqual([lastRun!.id, lastRun!.changed], [run.id, 25]);
    const lease = (await getLease(t.store, COMPLETE_EVENTS.name)).value!;
    assert.equal(lease.expiresAt, 0, "the lease is released");
  },
);
