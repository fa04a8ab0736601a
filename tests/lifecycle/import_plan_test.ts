import assert from "node:assert/strict";
import { ImportPlan } from "../../lifecycle/import_plan.ts";
import { aRecord, storeEvent } from "../support/fixture.ts";
import { onStore } from "./lifecycle_fixture.ts";

Deno.test(
  "a plan answers what is stored until it knows better",
  onStore(async (store) => {
    const { record } = await storeEvent(store, { externalId: "a" });
    const { id, organizerId } = record;
    const plan = new ImportPlan(store);
    assert.deepEqual(await plan.get(id), record);
    assert.equal(await plan.find("a", organizerId), id);
    assert.equal(await plan.get(aRecord().id), null);
    assert.equal(await plan.find("b", organizerId), null);
    const renamed = { ...record, externalId: "b" };
    assert.ok(plan.replace(record, renamed));
    assert.equal(await plan.get(id), renamed);
    assert.equal(await plan.find("b", organizerId), id);
    assert.equal(await plan.find("a", organizerId), null, "given up");
  }),
);

Deno.test(
  "a plan takes each id and each external id once",
  onStore(async (store) => {
    const plan = new ImportPlan(store);
    const record = aRecord({ externalId: "a" });
    assert.ok(plan.create(record));
    assert.ok(!plan.create({ ...record, externalId: "b" }), "the id is taken");
    assert.ok(!plan.create(aRecord({ externalId: "a" })), "the external id is taken");
    assert.ok(plan.create(aRecord({ externalId: null })));
    await Promise.resolve();
  }),
);

Deno.test(
  "a plan refuses a change of what another line changed meanwhile",
  onStore(async (store) => {
    const { record } = await storeEvent(store);
    const plan = new ImportPlan(store);
    const read = (await plan.get(record.id))!;
    const first = { ...read, title: "first" };
    assert.ok(plan.replace(read, first));
    assert.ok(!plan.replace(read, { ...read, title: "second" }));
    assert.equal((await plan.get(record.id))!.title, "first");
    assert.ok(plan.replace(first, { ...first, title: "third" }));
  }),
);
