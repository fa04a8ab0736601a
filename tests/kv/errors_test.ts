import assert from "node:assert/strict";
import { DomainError, ERRORS, invalidFields } from "../../kv/errors.ts";

Deno.test("a domain error says its catalogue's sentence unless it is given a better one", () => {
  const plain = new DomainError("conflict");
  assert.equal(plain.message, ERRORS.conflict);
  assert.deepEqual([plain.detail, plain.extensions], [ERRORS.conflict, {}]);
  const cause = new Error("timeout");
  const told = new DomainError("outcome_unknown", "Who knows", { try: "again" }, { cause });
  assert.deepEqual(
    [told.code, told.message, told.extensions, told.cause],
    ["outcome_unknown", "Who knows", { try: "again" }, cause],
  );
});

Deno.test("an error of several fields names the first and carries all of them", () => {
  const errors = [
    { pointer: "/title", code: "required", detail: "The event needs a title." },
    { parameter: "limit", code: "too_big", detail: "At most 100." },
  ];
  const error = invalidFields(errors);
  assert.equal(error.code, "invalid_body");
  assert.equal(error.detail, "/title: The event needs a title.");
  assert.deepEqual(error.extensions, { errors });
  assert.equal(invalidFields([errors[1]!]).detail, "limit: At most 100.");
  assert.equal(invalidFields([]).detail, "the request: invalid");
});
