import assert from "node:assert/strict";
import { serialize } from "node:v8";
import fc from "fast-check";
import { sizeBound } from "../../kv/limits.ts";
import { cardOf } from "../../kv/event_record.ts";
import { aRecord, scaled } from "../support/fixture.ts";

const text = fc.oneof(
  fc.string(),
  fc.string({ unit: "binary" }),
  fc.string({ unit: fc.constantFrom("é", "ÿ", "x") }),
  fc.string({ unit: fc.constantFrom("雪", "x", "😀"), maxLength: 200 }),
);
const scalar = fc.oneof(
  text,
  fc.integer(),
  fc.double(),
  fc.maxSafeInteger(),
  fc.boolean(),
  fc.constant(null),
);
/** Whatever may stand inside what is stored: trees of objects, arrays, texts and numbers. */
const trees = fc.object({ key: text, values: [scalar], maxDepth: 3, maxKeys: 10 });

Deno.test("sizeBound() of a value is never less than what V8 makes of it", () => {
  fc.assert(
    fc.property(trees, (value) => {
      const bytes = serialize(value).length;
      assert.ok(sizeBound(value) >= bytes, `${sizeBound(value)} < ${bytes}`);
    }),
    { numRuns: scaled(5_000, 300) },
  );
});

Deno.test("sizeBound() of a large event exceeds what V8 makes of it by less than 300 bytes", () => {
  for (const letter of ["x", "雪"]) {
    const record = aRecord({ description: letter.repeat(10_000), summary: letter.repeat(500) });
    for (const value of [record, cardOf(record)]) {
      assert.ok(sizeBound(value) - serialize(value).length < 300);
    }
  }
});

Deno.test("sizeBound() counts Latin text by the byte and other text by two", () => {
  const longer = (letter: string) => sizeBound(letter.repeat(101)) - sizeBound(letter.repeat(100));
  assert.equal(longer("x"), 1);
  assert.equal(longer("\u00ff"), 1);
  assert.equal(longer("\u0100"), 2);
  assert.equal(sizeBound("x".repeat(99) + "雪") - sizeBound("x".repeat(100)), 100);
});
