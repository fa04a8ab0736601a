import assert from "node:assert/strict";
import fc from "fast-check";
import { isWithin, networkText, parseIp, parseIpRange } from "../../lifecycle/ip_ranges.ts";

const network = (text: string) => networkText(parseIp(text)!);

Deno.test("parseIp() reads both families in every spelling", () => {
  for (
    const [text, same] of [
      ["192.0.2.1", "::ffff:192.0.2.1"],
      ["192.0.2.1", "::FFFF:c000:201"],
      ["::1", "0:0:0:0:0:0:0:1"],
      ["2001:db8::", "2001:0DB8:0:0:0:0:0:0"],
      ["1::8", "1:0:0:0:0:0:0:8"],
      ["64:ff9b::192.0.2.33", "64:ff9b::c000:221"],
    ] as const
  ) assert.deepEqual(parseIp(text), parseIp(same), text);
});

Deno.test("parseIp() refuses what is no address", () => {
  for (
    const text of [
      ...[
        "",
        " ",
        "localhost",
        "unknown",
        "1.2.3",
        "1.2.3.4.5",
        "1.2.3.256",
        "1.2.3.4:80",
        "-1.2.3.4",
      ],
      ...[":", ":::", "1::2::3", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "::12345", "::g", "[::1]"],
      ...["1:2:3:4:5:6:7::8", "::1.2.3", "1.2.3.4::", "fe80::1%eth0", "0x1.2.3.4", "1.2.3.4/8"],
    ]
  ) assert.equal(parseIp(text), null, text);
});

Deno.test("parseIp() reads what the URL parser reads, and as the same", () => {
  fc.assert(fc.property(fc.oneof(fc.ipV4(), fc.ipV6()), (text) => {
    const { hostname } = new URL(`http://${text.includes(":") ? `[${text}]` : text}/`);
    assert.notEqual(parseIp(text), null);
    assert.deepEqual(parseIp(text), parseIp(hostname.replace(/^\[|\]$/g, "")));
  }));
});

Deno.test("isWithin() compares the leading bits, as numbers do", () => {
  const number = (text: string) =>
    parseIp(text)!.reduce((sum, group) => sum << 16n | BigInt(group), 0n);
  const lengths = fc.integer({ min: 0, max: 128 });
  fc.assert(fc.property(fc.ipV6(), fc.ipV6(), lengths, fc.boolean(), (a, b, length, near) => {
    const other = near ? a : b;
    const rest = BigInt(128 - length);
    const within = number(a) >> rest === number(other) >> rest;
    assert.equal(isWithin(parseIp(a)!, parseIpRange(`${other}/${length}`)!), within);
  }));
});

Deno.test("parseIpRange() takes an address by itself, and a length of its own family", () => {
  const holds = (range: string, ip: string) => isWithin(parseIp(ip)!, parseIpRange(range)!);
  for (
    const [range, inside, outside] of [
      ["10.0.0.0/8", "10.255.255.255", "11.0.0.0"],
      ["10.0.0.0/8", "::ffff:10.1.2.3", "::10.1.2.3"],
      ["192.0.2.128/25", "192.0.2.128", "192.0.2.127"],
      ["192.0.2.7", "192.0.2.7", "192.0.2.6"],
      ["0.0.0.0/0", "255.255.255.255", "::1"],
      ["2001:db8::/33", "2001:db8:7fff::1", "2001:db8:8000::1"],
      ["::1", "::1", "::2"],
    ] as const
  ) {
    assert.ok(holds(range, inside), `${inside} is in ${range}`);
    assert.ok(!holds(range, outside), `${outside} is not in ${range}`);
  }
  for (const text of ["10.0.0.0/33", "::/129", "10.0.0.0/", "10.0.0.0/8/8", "/8", "::1/-1", "a"]) {
    assert.equal(parseIpRange(text), null, text);
  }
});

Deno.test("networkText() is an IPv4 address, or the /64 that one customer has", () => {
  assert.equal(network("::ffff:192.0.2.1"), "192.0.2.1");
  assert.equal(network("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::/64");
  assert.equal(network("2001:db8:1:2::"), network("2001:db8:1:2:ffff::"));
  assert.notEqual(network("2001:db8:1:2::"), network("2001:db8:1:3::"));
});
