import assert from "node:assert/strict";
import { profileOf, profileOfClaims } from "../../routes/sign_in/profile.ts";

const ISSUER = "https://id.example";

Deno.test("a profile holds what is a name and an address, and leaves out what is none", () => {
  const fields = { issuer: ISSUER, subject: 7 };
  const of = (more: object) => {
    const { issuer: _, subject, ...rest } = profileOf({ ...fields, ...more });
    assert.equal(subject, "7");
    return rest;
  };
  assert.deepEqual(of({}), { emailVerified: false });
  assert.deepEqual(of({ name: "  Ann\u0000\u202e \n Lee " }), {
    name: "Ann Lee",
    emailVerified: false,
  });
  assert.equal(of({ name: "雪".repeat(300) }).name, "雪".repeat(200));
  for (const name of ["", " \t", 7, null, ["x"], "\u200b", "\u3164", "\u2800"]) {
    assert.deepEqual(of({ name }), { emailVerified: false });
  }
  for (
    const email of [
      "",
      "x",
      "@",
      "a@",
      "a@b@c",
      "a b@c",
      "a@b\n",
      7,
      null,
      `${"x".repeat(251)}@b.c`,
    ]
  ) {
    assert.deepEqual(of({ email, emailVerified: true }), { emailVerified: false });
  }
});

Deno.test("an address is verified when that is said outright, and not when something like it is", () => {
  const verified = (emailVerified: unknown) =>
    profileOf({ issuer: ISSUER, subject: "a", email: "a@b.c", emailVerified }).emailVerified;
  assert.deepEqual([true, "true"].map(verified), [true, true]);
  for (const said of [undefined, null, false, "false", 1, "1", "yes", "TRUE", {}, []]) {
    assert.equal(verified(said), false);
  }
});

Deno.test("a provider that names nobody is a failure", () => {
  for (const subject of [undefined, null, "", true, {}, ["a"], "x".repeat(256)]) {
    assert.throws(() => profileOf({ issuer: ISSUER, subject }), {
      code: "sign_in_provider_failed",
    });
  }
});

Deno.test("of several sources each claim is the first one's, and verified only by its own word", () => {
  const email = "a@b.c";
  const of = (...sources: [object, ...object[]]) =>
    profileOfClaims(ISSUER, ...sources as [Record<string, unknown>]);
  const base = { issuer: ISSUER, subject: "a" };
  assert.deepEqual(
    of({ sub: "a", name: "A" }, { sub: "b", name: "B", email, email_verified: true }),
    {
      ...base,
      name: "A",
      email,
      emailVerified: true,
    },
  );
  assert.deepEqual(of({ sub: "a", email }, { email: "b@b.c", email_verified: true }), {
    ...base,
    email,
    emailVerified: false,
  });
  assert.equal(of({ sub: "a", preferred_username: "nick" }, { name: "Name" }).name, "Name");
  assert.equal(of({ sub: "a" }, { preferred_username: "nick" }).name, "nick");
});
