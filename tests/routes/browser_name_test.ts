import assert from "node:assert/strict";
import { browserName } from "../../routes/pages/browser_name.ts";

Deno.test("browserName() tells the browser and the system, or what it was told", () => {
  const told: [string | null, string][] = [
    ["Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox on Linux"],
    [
      "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) " +
      "Chrome/140.0.0.0 Safari/537.36 Edg/140.0.0.0",
      "Edge on Windows",
    ],
    [
      "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605.1.15 " +
      "(KHTML, like Gecko) Version/19.0 Mobile/15E148 Safari/604.1",
      "Safari on iOS",
    ],
    [
      "Mozilla/5.0 (Linux; Android 15) AppleWebKit/537.36 (KHTML, like Gecko) " +
      "Chrome/140.0.0.0 Mobile Safari/537.36",
      "Chrome on Android",
    ],
    ["curl/8.10.1", "curl/8.10.1"],
    ["x".repeat(200), "x".repeat(60)],
    [" ", "An unknown browser"],
    [null, "An unknown browser"],
  ];
  for (const [userAgent, name] of told) assert.equal(browserName(userAgent), name);
});
