import assert from "node:assert/strict";
import { isLoopback, isSafeTransport } from "../../lifecycle/loopback.ts";

Deno.test("isLoopback() knows the machine's own names and addresses, and nobody else's", () => {
  const own = ["localhost", "LOCALHOST", "a.localhost", "127.0.0.1", "127.255.0.9", "::1", "[::1]"];
  for (const host of [...own, "0:0:0:0:0:0:0:1", "::ffff:127.0.0.1"]) {
    assert.equal(isLoopback(host), true, host);
  }
  const others = ["", "0.0.0.0", "::", "10.0.0.1", "128.0.0.1", "127.0.0.1.example", "[::2]"];
  for (const host of [...others, "localhost.example", "mylocalhost", "127.1", "evil.localhost."]) {
    assert.equal(isLoopback(host), false, host);
  }
});

Deno.test("isSafeTransport() takes https, and http that leaves no machine", () => {
  for (
    const url of ["https://x.example", "http://localhost:1", "http://[::1]/a", "http://127.1/"]
  ) {
    assert.equal(isSafeTransport(new URL(url)), true, url);
  }
  for (
    const url of ["http://x.example", "ftp://localhost", "javascript:alert(1)", "ws://localhost"]
  ) {
    assert.equal(isSafeTransport(new URL(url)), false, url);
  }
});
