/** Values that programs stumble over, for tests that send whatever comes. */
import fc from "fast-check";

export const nasty = fc.constantFrom<unknown>(
  null,
  "",
  " ",
  "\u0000",
  "\ud800",
  "__proto__",
  -0,
  1e308,
  2 ** 60,
  [],
  {},
  "2026-02-30",
  "2026-12-06",
  "2026-12-06T19:30",
  "2027-03-28T01:30",
  "2026-12-06T19:30:00+14:00",
  "9998-12-31T23:59:59.999-23:59",
  "1970-01-01T00:00:00Z",
  "Europe/London",
  "Pacific/Apia",
  "https://example.org/",
  "http://[",
  "usr_bob",
  "x".repeat(300),
);

/** Any code points, halves of pairs included. */
const unit = fc.nat(0x10ffff).map((point) => String.fromCodePoint(point));
export const anyText = fc.string({ unit, maxLength: 40 });
export const anything = fc.oneof(nasty, anyText, fc.jsonValue({ maxDepth: 3 }));
