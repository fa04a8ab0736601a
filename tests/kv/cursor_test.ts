import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { type ListPlace, openCursor, sealCursor } from "../../kv/cursor.ts";
import { NOW } from "../support/fixture.ts";
import { testStore } from "./test_store.ts";

const PLACE: ListPlace = {
  segment: 1,
  date: NOW,
  id: "evt_01JEBVWZ00AAAAAAAAAAAAAAAA",
  position: "0a1b2c3d.00000000000000050000-1",
};
const QUERY = "GET /v1/events?tag=music";
const INVALID = { name: "DomainError", code: "invalid_cursor" };
const BASE64URL = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

Deno.test("a cursor opens to the place it was made of", async () => {
  using store = await testStore();
  for (const date of [NOW, 0, -1, 0.5, -Infinity, Infinity]) {
    for (const id of [PLACE.id, "", 'evt_"雪']) {
      const place = { ...PLACE, date, id };
      assert.deepEqual(openCursor(store, sealCursor(store, place, QUERY), QUERY), place);
    }
  }
});

Deno.test("the same place gives the same cursor, another place or query another one", async () => {
  using store = await testStore();
  using copy = await testStore({ kv: store.real });
  const cursor = sealCursor(store, PLACE, QUERY);
  assert.equal(sealCursor(store, { ...PLACE }, QUERY), cursor);
  assert.equal(sealCursor(copy, PLACE, QUERY), cursor, "in another process as well");
  const others = [
    sealCursor(store, { ...PLACE, segment: 2 }, QUERY),
    sealCursor(store, { ...PLACE, date: NOW + 1 }, QUERY),
    sealCursor(store, { ...PLACE, id: "evt_2" }, QUERY),
    sealCursor(store, { ...PLACE, position: "p" }, QUERY),
    sealCursor(store, PLACE, `${QUERY}&q=x`),
  ];
  assert.equal(new Set([cursor, ...others]).size, 6);
});

Deno.test("a cursor is accepted by another process over the same KV", async () => {
  using store = await testStore();
  using copy = await testStore({ kv: store.real });
  assert.deepEqual(openCursor(copy, sealCursor(store, PLACE, QUERY), QUERY), PLACE);
});

Deno.test("a cursor of another query or of another store is refused", async () => {
  using store = await testStore();
  using other = await testStore();
  const cursor = sealCursor(store, PLACE, QUERY);
  assert.throws(() => openCursor(store, cursor, `${QUERY} `), INVALID);
  assert.throws(() => openCursor(store, cursor, ""), INVALID);
  assert.throws(() => openCursor(other, cursor, QUERY), INVALID);
});

Deno.test("a cursor is refused when one character is changed, added or taken away", async () => {
  using store = await testStore();
  // Three lengths, because the last character of some holds bits that mean nothing.
  for (const id of ["evt_1", "evt_12", "evt_123"]) {
    const cursor = sealCursor(store, { ...PLACE, id }, QUERY);
    for (let i = 0; i < cursor.length; i++) {
      const before = cursor.slice(0, i);
      const after = cursor.slice(i + 1);
      const letters = i === cursor.length - 1 ? BASE64URL : "A-";
      for (const letter of letters) {
        if (letter === cursor[i]) continue;
        assert.throws(() => openCursor(store, before + letter + after, QUERY), INVALID);
      }
      assert.throws(() => openCursor(store, before, QUERY), INVALID, `cut to ${i}`);
      assert.throws(() => openCursor(store, before + after, QUERY), INVALID);
      assert.throws(() => openCursor(store, `${before}!${cursor.slice(i)}`, QUERY), INVALID);
    }
    for (const more of ["A", "=", "==", " ", "\n", "!"]) {
      assert.throws(() => openCursor(store, cursor + more, QUERY), INVALID);
    }
  }
});

Deno.test("what never was a cursor is refused", async () => {
  using store = await testStore();
  const texts = ["", "A", "null", "é雪", "\ud800", "A".repeat(10_000), "{}!\u0000 ".repeat(2_000)];
  for (const text of texts) assert.throws(() => openCursor(store, text, QUERY), INVALID);
});

Deno.test("a cursor shows neither the id nor the date nor the position", async () => {
  using store = await testStore();
  const cursor = sealCursor(store, PLACE, QUERY);
  assert.match(cursor, /^[A-Za-z0-9_-]+$/);
  const bytes = Buffer.from(cursor, "base64url");
  for (const shown of [cursor, bytes.toString("latin1"), bytes.toString("utf8")]) {
    for (const secret of [PLACE.id, PLACE.id.slice(4), String(NOW), PLACE.position, "music"]) {
      assert.ok(!shown.includes(secret), secret);
    }
  }
  const raw = Buffer.alloc(8);
  raw.writeDoubleBE(NOW);
  assert.ok(!bytes.includes(raw.subarray(0, 6)), "nor the date as a KV key holds it");
});

Deno.test("thousands of cursors later the same place still gives the same cursor", async () => {
  using store = await testStore();
  const cursor = sealCursor(store, PLACE, QUERY);
  for (let i = 0; i < 2_500; i++) sealCursor(store, { ...PLACE, date: i }, QUERY);
  assert.ok(store.sealedCursors.size <= 1_000, "what is kept of them is bounded");
  assert.equal(sealCursor(store, PLACE, QUERY), cursor);
});
