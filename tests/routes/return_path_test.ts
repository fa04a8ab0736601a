import assert from "node:assert/strict";
import fc from "fast-check";
import { returnPath } from "../../routes/sign_in/return_path.ts";

Deno.test("a path of this site is where people go on, percent-encoded where it must be", () => {
  for (
    const [text, path] of [
      ["/", "/"],
      ["/organizers/org_1?past=true&a=%2F#list", "/organizers/org_1?past=true&a=%2F#list"],
      ["/events/雪 é?q=ö#ü", "/events/%E9%9B%AA%20%C3%A9?q=%C3%B6#%C3%BC"],
      ["/a/../b/./c", "/b/c"],
      ["/?next=//evil.example", "/?next=//evil.example"],
      ["/?next=https://evil.example", "/?next=https://evil.example"],
      ["/a//b", "/a//b"],
      ["/https://evil.example", "/https://evil.example"],
      ["/@evil.example", "/@evil.example"],
      ["/authors", "/authors"],
      ["/v1/auth/x", "/v1/auth/x"],
      [`/${"x".repeat(1_999)}`, `/${"x".repeat(1_999)}`],
      ["/\ud800", "/%EF%BF%BD"],
    ] as const
  ) assert.equal(returnPath(text), path);
});

const EVIL = [
  undefined,
  "",
  " ",
  "x",
  "?x",
  "#x",
  "https://evil.example",
  "https://evil.example/",
  "HTTPS:evil.example",
  "https:/evil.example",
  "http:evil.example",
  "javascript:alert(1)",
  "JaVaScRiPt:alert(1)//",
  "data:text/html,x",
  "blob:https://evil.example/x",
  "//evil.example",
  "///evil.example",
  "////evil.example",
  "/\\evil.example",
  "\\\\evil.example",
  "\\/evil.example",
  "\\evil.example",
  "/x\\..\\evil",
  " //evil.example",
  " /x",
  "\t/x",
  "/\t/evil.example",
  "/\n/evil.example",
  "/\r/evil.example",
  "/\u0000/evil.example",
  "\u0001/x",
  "/x\r\nSet-Cookie: a=b",
  "/x\u007f",
  "/.//evil.example",
  "/..//evil.example",
  "/x/..//evil.example",
  "/%2e//evil.example",
  "/%2E%2e//evil.example",
  "/%2f/evil.example",
  "/%2F%2Fevil.example",
  "/%5cevil.example",
  "/%5Cevil.example",
  "/%09/evil.example",
  "/%0d%0aSet-Cookie:a=b",
  "/%00",
  "/%",
  "/%ff",
  "/.\\/evil.example",
  ".//evil.example",
  "..",
  "@evil.example",
  ":80",
  "evil.example",
  "/auth",
  "/auth/",
  "/auth/sign-out",
  "/auth/callback/oidc?code=x&state=y",
  "/AUTH/sign-out",
  "/%61uth/sign-out",
  "/auth%2fsign-out",
  "/x/../auth/sign-out",
  "/./auth?x",
  `/${"x".repeat(2_000)}`,
  `/${"雪".repeat(300)}`,
];

Deno.test("anything that might lead elsewhere leads to the front page", () => {
  for (const text of EVIL) assert.equal(returnPath(text), "/", JSON.stringify(text));
});

Deno.test("whatever is asked for, a browser stays at this site, and gets there again", () => {
  const part = fc.constantFrom(
    "/",
    "\\",
    ".",
    "..",
    "%2f",
    "%5c",
    "%2e",
    ":",
    "@",
    "//",
    "x",
    "\t",
    "evil.example",
    "?",
    "#",
    "auth",
    "http:",
    "é",
    " ",
  );
  const text = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.array(part, { maxLength: 8 }).map((parts) => `/${parts.join("")}`),
  );
  fc.assert(
    fc.property(text, (text) => {
      const path = returnPath(text);
      assert.match(path, /^\/(?![/\\])[\x21-\x7e]*$/);
      for (const site of ["https://events.example", "http://127.0.0.1:8000"]) {
        const { origin, pathname } = new URL(path, `${site}/auth/callback/oidc`);
        assert.equal(origin, site);
        assert.doesNotMatch(pathname, /^\/auth(\/|$)/i);
      }
      assert.equal(returnPath(path), path);
    }),
    { numRuns: 2_000 },
  );
});
