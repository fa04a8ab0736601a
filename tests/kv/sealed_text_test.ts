import assert from "node:assert/strict";
import { open, seal } from "../../kv/sealed_text.ts";
import { testStore } from "./test_store.ts";

Deno.test("a sealed text opens for its purpose, in every process over the store", async () => {
  using store = await testStore();
  using copy = await testStore({ kv: store.real });
  for (const text of ["", "a", "雪 é \u0000", "x".repeat(5_000)]) {
    const sealed = seal(store, text, "greeting");
    assert.match(sealed, /^[\w-]+$/);
    assert.equal(open(copy, sealed, "greeting"), text);
    assert.equal(seal(copy, text, "greeting"), sealed, "and is sealed the same there");
  }
});

Deno.test("a sealed text opens for no other purpose and in no other store", async () => {
  using store = await testStore();
  using other = await testStore();
  const sealed = seal(store, "text", "greeting");
  assert.notEqual(seal(store, "text", "farewell"), sealed);
  for (const purpose of ["farewell", "", "greeting "]) {
    assert.equal(open(store, sealed, purpose), null);
  }
  assert.equal(open(other, sealed, "greeting"), null);
});

Deno.test("a text that was changed, cut or made up does not open", async () => {
  using store = await testStore();
  const sealed = seal(store, "some text", "greeting");
  for (let i = 0; i < sealed.length; i++) {
    const other = sealed[i] === "A" ? "B" : "A";
    assert.equal(open(store, sealed.slice(0, i) + other + sealed.slice(i + 1), "greeting"), null);
    assert.equal(open(store, sealed.slice(0, i), "greeting"), null);
  }
  for (const more of ["A", "=", " ", "\n"]) {
    assert.equal(open(store, sealed + more, "greeting"), null);
  }
  for (const text of ["", "null", "A".repeat(60), "雪"]) {
    assert.equal(open(store, text, "greeting"), null);
  }
});
