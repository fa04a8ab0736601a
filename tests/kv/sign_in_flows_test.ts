import assert from "node:assert/strict";
import { takeFlow, wasFlowTaken } from "../../kv/sign_in_flows.ts";
import { testStore } from "./test_store.ts";

const LEFT = { msLeft: 60_000 };

Deno.test("takeFlow() is true once, and for each flow", async () => {
  using store = await testStore();
  assert.equal(await wasFlowTaken(store, "a"), false);
  assert.equal(await takeFlow(store, "a", LEFT), true);
  assert.equal(await takeFlow(store, "a", LEFT), false);
  assert.equal(await wasFlowTaken(store, "a"), true);
  assert.equal(await takeFlow(store, "b", LEFT), true);
});

Deno.test("of many that take a flow at once, in two processes, one has it", async () => {
  using store = await testStore();
  using copy = await testStore({ kv: store.real });
  const takes = Array.from({ length: 10 }, (_, i) => takeFlow(i % 2 ? store : copy, "a", LEFT));
  assert.equal((await Promise.all(takes)).filter((took) => took).length, 1);
});

Deno.test("who took a flow has it also when the store's answer was lost", async () => {
  using store = await testStore();
  store.faults.commit = async (send) => {
    await send();
    return { ok: false };
  };
  assert.equal(await takeFlow(store, "a", LEFT), true);
  assert.equal(await takeFlow(store, "a", LEFT), false);
});

Deno.test("a flow that nobody can be said to have taken was not", async () => {
  using store = await testStore();
  store.faults.commit = () => Promise.resolve({ ok: false });
  assert.equal(await takeFlow(store, "a", LEFT), false);
});
