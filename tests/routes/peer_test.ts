/** Which address a request counts for: never one that its sender could choose. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { isWithin, networkText, parseIp, parseIpRange } from "../../lifecycle/ip_ranges.ts";
import { clientAddress } from "../../routes/peer.ts";

const PROXIES = ["10.0.0.0/8", "2001:db8:aaaa::/48"].map((text) => parseIpRange(text)!);
const isProxy = (ip: string) => PROXIES.some((range) => isWithin(parseIp(ip)!, range));
const network = (text: string) => networkText(parseIp(text)!);

Deno.test("clientAddress() takes the right-most address that is no trusted proxy's", () => {
  for (
    const [peer, forwardedFor, expected] of [
      ["192.0.2.1", undefined, "192.0.2.1"],
      ["192.0.2.1", "198.51.100.1", "192.0.2.1"],
      ["10.0.0.1", undefined, "10.0.0.1"],
      ["10.0.0.1", "198.51.100.1", "198.51.100.1"],
      ["10.0.0.1", "203.0.113.9, 198.51.100.1", "198.51.100.1"],
      ["10.0.0.1", "203.0.113.9,198.51.100.1 , 10.7.7.7", "198.51.100.1"],
      ["::ffff:10.0.0.1", "198.51.100.1", "198.51.100.1"],
      ["2001:db8:aaaa::1", "2001:db8:1:2:3::4", "2001:db8:1:2::/64"],
      ["10.0.0.1", "198.51.100.1:4711", "198.51.100.1"],
      ["10.0.0.1", "[2001:db8:1:2::1]:443", "2001:db8:1:2::/64"],
      ["10.0.0.1", "[2001:db8:1:2::1]", "2001:db8:1:2::/64"],
      ["10.0.0.1", "10.0.0.3, 10.0.0.2", "10.0.0.3"],
      ["10.0.0.1", "198.51.100.1, unknown", "10.0.0.1"],
      ["10.0.0.1", "198.51.100.1, unknown, 10.0.0.2", "10.0.0.2"],
      ["10.0.0.1", "", "10.0.0.1"],
      ["10.0.0.1", ",,,", "10.0.0.1"],
      ["", "198.51.100.1", ""],
    ] as const
  ) {
    assert.equal(
      clientAddress({ peer, forwardedFor }, PROXIES),
      expected,
      `${peer} ${forwardedFor}`,
    );
  }
  assert.equal(clientAddress({ peer: "10.0.0.1", forwardedFor: "192.0.2.1" }, []), "10.0.0.1");
  assert.equal(clientAddress({ peer: "::ffff:192.0.2.1" }, []), "192.0.2.1");
});

const address = fc.oneof(fc.ipV4(), fc.ipV6());
const written = fc.oneof(
  fc.string(),
  fc.array(fc.oneof(address, fc.string(), fc.constant("10.0.0.1")), { maxLength: 5 })
    .map((hops) => hops.join(", ")),
);

Deno.test("whoever is no trusted proxy cannot choose an address by X-Forwarded-For", () => {
  fc.assert(fc.property(address, written, (peer, forwardedFor) => {
    fc.pre(!isProxy(peer));
    assert.equal(clientAddress({ peer, forwardedFor }, PROXIES), network(peer));
    assert.equal(clientAddress({ peer, forwardedFor }, []), clientAddress({ peer }, []));
  }));
});

Deno.test("nor can a client of a trusted proxy, which adds the client's address on the right", () => {
  fc.assert(fc.property(address, written, (client, sent) => {
    fc.pre(!isProxy(client));
    const forwardedFor = `${sent}, ${client}`;
    assert.equal(clientAddress({ peer: "10.0.0.1", forwardedFor }, PROXIES), network(client));
    const twice = `${forwardedFor}, 10.0.0.2`;
    assert.equal(
      clientAddress({ peer: "10.0.0.1", forwardedFor: twice }, PROXIES),
      network(client),
    );
  }));
});
